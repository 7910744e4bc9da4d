"""Training on a GPU: the report's networks and others of ours, in both formats."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.made_up import clean_data_of
from smartclass_utils.config import CLASSES
from smartclass_utils.dataset import tensors
from smartclass_utils.hardware import device_name
from smartclass_utils.models import REPORT_NETWORKS, ReportCNN, ResidualCNN
from smartclass_utils.training import train
from smartclass_utils.transfer import EfficientNetLite0

IMAGES, SIZE, BATCH = 31_708, 48, 256  # the original report's grand total
EPOCHS = 2


def seconds(model: nn.Module, device: torch.device, dtype: torch.dtype) -> float:
    """Train a network for two epochs; return the seconds."""
    data = TensorDataset(*tensors(clean_data_of(IMAGES, SIZE), "train"))
    few = TensorDataset(*(part[:BATCH] for part in data.tensors))
    loaders = {"train": DataLoader(data, BATCH, shuffle=True), "val": DataLoader(few)}
    model = model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    start = time.perf_counter()
    options = {"dtype": dtype, "log": lambda line: None}
    train(model, loaders, optimizer, nn.CrossEntropyLoss(), EPOCHS, **options)
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def run() -> dict:
    """Measure and return seconds; a sentence where there is no GPU."""
    if not torch.cuda.is_available():
        return {"not run": "this machine has no CUDA GPU"}
    device = torch.device("cuda")
    networks = {n: ReportCNN(len(CLASSES), **a) for n, a in REPORT_NETWORKS.items()}
    networks["Our own"] = ResidualCNN(len(CLASSES))
    networks["EfficientNet-Lite0"] = EfficientNetLite0(len(CLASSES))
    found = {"images": IMAGES, "GPU": device_name(device)}
    for name, model in networks.items():
        for dtype in (torch.float32, torch.bfloat16):
            taken = seconds(model, device, dtype)
            found[f"{name}, {EPOCHS} epochs, {dtype}, s"] = round(taken, 2)
    return found
