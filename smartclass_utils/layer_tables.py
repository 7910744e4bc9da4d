"""Tables of what a network is made of, read off the network itself."""

import pandas as pd
import torch
from torch import Tensor, nn

from smartclass_utils.config import IMAGE_SIZE
from smartclass_utils.models import TITLES, count_parameters


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
