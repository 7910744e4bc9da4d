"""The report's three convolutional networks and their tables of layers."""

import pandas as pd
import torch
from torch import Tensor, nn

from smartclass_utils.config import IMAGE_SIZE, IMAGE_SIZES, SmartClassError

MAX_WEIGHTS = 100_000_000  # of a network; the report's have less than a million
MAX_BLOCKS = 32

NORMALISATIONS = {
    # (x / 255 - mean) / std maps 0…255 to -1…1
    "half": (0.5, 0.5),
    # ImageNet's statistics, averaged over red, green and blue for grey images:
    # https://docs.pytorch.org/vision/stable/models.html
    "imagenet": (0.449, 0.226),
}


class Standardise(nn.Module):
    """Turn grey values 0…255 of any type into standardised float32.

    It is the first layer of every network, so that a stored model carries its own
    normalisation and nobody can forget it.
    """

    def __init__(self, mean: float, std: float):
        super().__init__()
        self.register_buffer("mean", torch.tensor(255.0 * mean))
        self.register_buffer("std", torch.tensor(255.0 * std))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values to (N, 1, H, W) float32."""
        return (images.float() - self.mean) / self.std


def conv_block(
    in_channels: int, out_channels: int, kernel_size: int
) -> list[nn.Module]:
    """Return one block: convolution, batch normalisation, pooling, LeakyReLU.

    The report pools after LeakyReLU. LeakyReLU is increasing, so that the largest of
    four activations is the activation of the largest: both orders give the same
    output, and this one computes LeakyReLU on a quarter of the values.

    The padding is ``kernel_size // 2``: with 3, height and width stay; with 4, they
    grow by one, which pooling rounds away where they were even. So both kernels give
    48 → 24 → 12 → 6.
    The convolution has no bias because batch normalisation would subtract it again.
    """
    return [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=kernel_size // 2,
            bias=False,
        ),  # (N, out, H, W), one larger with kernel 4
        nn.BatchNorm2d(out_channels),
        nn.MaxPool2d(2),  # (N, out, H/2, W/2)
        nn.LeakyReLU(0.01),
    ]


class ReportCNN(nn.Module):
    """Convolution blocks, then two fully connected layers with dropout.

    Args:
        n_classes: number of classes, K.
        kernel_size: height and width of every convolution kernel, in pixels.
        channels: output channels of each convolution block.
        hidden: width of the first fully connected layer.
        dropout: probability of dropping a value before each connected layer.
        image_size: height and width of the images, in pixels.
        normalisation: ``"half"`` or ``"imagenet"``.
    """

    def __init__(
        self,
        n_classes: int,
        kernel_size: int = 3,
        channels: tuple[int, ...] = (32, 64, 128),
        hidden: int = 128,
        dropout: float = 0.5,
        image_size: int = IMAGE_SIZE,
        normalisation: str = "half",
    ):
        super().__init__()
        self.standardise = Standardise(*NORMALISATIONS[normalisation])
        blocks, size, width = [], image_size, 1
        for out_channels in channels:
            blocks += conv_block(width, out_channels, kernel_size)
            grown = size + 1 - kernel_size % 2  # see conv_block on padding
            width, size = out_channels, grown // 2
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(width * size * size, hidden),
            nn.LeakyReLU(0.01),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) grey values 0…255 to (N, K) logits."""
        x = self.standardise(images)  # (N, 1, H, W)
        x = self.features(x)  # (N, C, H/8, W/8), H/16 with four blocks
        return self.classifier(x)  # (N, K)


ARCHITECTURES = {"ReportCNN": ReportCNN}

# What distinguishes the report's three models, and nothing else.
MODELS = {
    "main": ("ReportCNN", {"kernel_size": 3, "channels": (32, 64, 128)}),
    "variant1": ("ReportCNN", {"kernel_size": 4, "channels": (32, 64, 128)}),
    "variant2": ("ReportCNN", {"kernel_size": 3, "channels": (32, 64, 128, 128)}),
}
REPORT_MODELS = ("main", "variant1", "variant2")
TITLES = {"main": "Main CNN", "variant1": "Variant 1", "variant2": "Variant 2"}


def build(
    name: str,
    n_classes: int,
    image_size: int = IMAGE_SIZE,
    normalisation: str = "half",
) -> nn.Module:
    """Return a fresh network by its name in :data:`MODELS`.

    The network carries ``spec``, the architecture's name and arguments, from which
    :func:`from_spec` builds it again.

    Raises:
        SmartClassError: if the name or the normalisation is not known.
    """
    if name not in MODELS:
        raise SmartClassError(f"No model '{name}'; choose from {', '.join(MODELS)}.")
    if normalisation not in NORMALISATIONS:
        raise SmartClassError(
            f"No normalisation '{normalisation}'; choose from "
            f"{', '.join(NORMALISATIONS)}."
        )
    architecture, arguments = MODELS[name]
    arguments = {
        **arguments,
        "n_classes": n_classes,
        "image_size": image_size,
        "normalisation": normalisation,
    }
    return from_spec({"architecture": architecture, "arguments": arguments})


def from_spec(spec: dict) -> nn.Module:
    """Build the network that ``spec`` describes, with fresh weights.

    Args:
        spec: ``{"architecture": name, "arguments": {…}}`` as a model's card holds it.

    Raises:
        SmartClassError: if there is no such network, or one too large for any machine.
    """
    if spec["architecture"] not in ARCHITECTURES:
        raise SmartClassError(
            f"No architecture '{spec['architecture']}'; known: "
            f"{', '.join(ARCHITECTURES)}."
        )
    check_arguments(spec["architecture"], spec["arguments"])
    model = ARCHITECTURES[spec["architecture"]](**spec["arguments"])
    model.spec = spec
    return model.to(memory_format=torch.channels_last)


def check_arguments(architecture: str, arguments: dict) -> None:
    """Build a network without memory for its weights, to see whether it can be.

    A card may come from anywhere. On torch's "meta" device a network has shapes but no
    weights, and takes no random numbers.
    """
    lists = [value for value in arguments.values() if isinstance(value, list | tuple)]
    try:
        if any(len(values) > MAX_BLOCKS for values in lists):
            raise ValueError("too many blocks")
        if arguments.get("image_size", IMAGE_SIZE) not in IMAGE_SIZES:
            raise ValueError("image size out of range")
        with torch.device("meta"):
            n_weights = count_parameters(ARCHITECTURES[architecture](**arguments))
        if not 0 < n_weights <= MAX_WEIGHTS:
            raise ValueError(f"{n_weights:,} weights")
    except Exception as error:  # torch and Python raise almost anything here
        raise SmartClassError(
            f"no {architecture} can be built with {str(arguments)[:200]}, so run "
            "chapter 03 again."
        ) from error


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def layer_table(model: nn.Module, image_size: int = IMAGE_SIZE) -> pd.DataFrame:
    """Return one row a layer: name, output shape without N, trainable weights.

    The shapes are read off a forward pass of one black image, not worked out by hand.
    """
    rows, hooks = [], []

    def note(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        shape = " × ".join(str(side) for side in output.shape[1:])
        rows.append((type(layer).__name__, shape, count_parameters(layer)))

    for layer in model.modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(note))
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        model(torch.zeros(1, 1, image_size, image_size, dtype=torch.uint8))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return pd.DataFrame(rows, columns=["layer", "output shape", "parameters"])


def layers_side_by_side(
    models: dict[str, nn.Module], image_size: int = IMAGE_SIZE
) -> pd.DataFrame:
    """Return the layers of several networks beside each other, one row a layer.

    Args:
        models: name → a :class:`ReportCNN`.
        image_size: height and width of the images, in pixels.

    Returns:
        For each network its output shapes and weights; a dash where it lacks the layer.
    """
    tables = {}
    for name, model in models.items():
        table = layer_table(model, image_size)
        conv = (table["layer"] == "Conv2d").cumsum()
        head = (table["layer"] == "Flatten").cumsum() > 0
        part = ("block " + conv.astype(str)).where(~head, "classifier")
        part = part.where(conv > 0, "input")
        order = table.groupby([part, "layer"]).cumcount()
        rows = pd.MultiIndex.from_arrays([part, table["layer"], order])
        shown = table["parameters"].map("{:,}".format)
        columns = {"output shape": table["output shape"], "weights": shown}
        tables[TITLES.get(name, name)] = pd.DataFrame(columns).set_index(rows)
    longest = max(tables.values(), key=len)
    beside = pd.concat(tables, axis=1).reindex(longest.index).fillna("–")
    return beside.droplevel(2).rename_axis([None, None])


def comparison_table(
    models: dict[str, nn.Module], image_size: int = IMAGE_SIZE
) -> pd.DataFrame:
    """Return one row a network: blocks, kernel, last feature map and weights.

    Args:
        models: name → a :class:`ReportCNN`.
        image_size: height and width of the images, in pixels.
    """
    rows = []
    for name, model in models.items():
        layers = layer_table(model, image_size)
        convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        rows.append(
            {
                "network": TITLES.get(name, name),
                "blocks": len(convolutions),
                "kernel": " × ".join(map(str, convolutions[0].kernel_size)),
                "last feature map": layers.loc[
                    layers.layer == "MaxPool2d", "output shape"
                ].iloc[-1],
                "in convolutions": sum(map(count_parameters, convolutions)),
                "in connected layers": count_parameters(model.classifier),
                "parameters": count_parameters(model),
            }
        )
    return pd.DataFrame(rows)
