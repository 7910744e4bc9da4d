"""EfficientNet-Lite0, the network of chapter 5's transfer learning."""

from torch import Tensor, nn

from smartclass_utils.config import IMAGE_SIZE

BLOCKS = (  # output channels, kernel, stride of the first, widening, number
    *((16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3)),
    *((112, 5, 1, 6, 3), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1)),
)


def convolution(width: int, out: int, kernel=1, stride=1, groups=1) -> list[nn.Module]:
    """Return a convolution, padded for even sides as in TensorFlow, and its end."""
    low, high = (kernel - stride) // 2, (kernel - stride + 1) // 2
    return [
        nn.ZeroPad2d((low, high, low, high)) if kernel > 1 else nn.Identity(),
        nn.Conv2d(width, out, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=1e-3, momentum=0.01),
        nn.ReLU6(),
    ]


class InvertedBlock(nn.Module):
    """Widen, convolve each channel by itself, narrow (Sandler et al. 2018)."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, widen: int):
        super().__init__()
        inner = widen * width
        first = convolution(width, inner) if widen > 1 else []
        each = convolution(inner, inner, kernel, stride, groups=inner)
        narrow = convolution(inner, out)[:-1]  # nothing cuts off what is below 0
        self.body = nn.Sequential(*first, *each, *narrow)
        self.adds = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to (N, out, H / stride, W / stride)."""
        return x + self.body(x) if self.adds else self.body(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0: the network of Tan and Le (2019) without its slow parts.

    Args:
        n_classes: number of classes, K.
        dropout: probability of dropping a value before the connected layer.
        image_size: height and width of the images, in pixels, best a multiple of 32.
        in_channels: 1 for grey images, 3 for colour.
        frozen: train the connected layer alone.
    """

    def __init__(
        self,
        n_classes: int,
        dropout: float = 0.2,
        image_size: int = IMAGE_SIZE,
        in_channels: int = 1,
        frozen: bool = False,
    ):
        super().__init__()
        layers, width = convolution(in_channels, 32, 3, 2), 32
        for out, kernel, stride, widen, number in BLOCKS:
            for i in range(number):
                step = stride if i == 0 else 1
                layers.append(InvertedBlock(width, out, kernel, step, widen))
                width = out
        self.features = nn.Sequential(*layers, *convolution(width, 1280))
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # (N, 1280, 1, 1), the mean over all places
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(1280, n_classes),
        )
        self.frozen = frozen
        self.features.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """Set train or eval mode; frozen layers stay in eval mode."""
        super().train(mode)
        self.features.train(mode and not self.frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) values 0…255 to (N, K) logits."""
        return self.classifier(self.features(images.float() / 127.5 - 1))
