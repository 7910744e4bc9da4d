"""Training on a GPU: the report's networks and others of ours, in both formats."""

import torch
from torch.utils.data import DataLoader

from benchmarks.bench_training import seconds_of
from benchmarks.made_up import noise_of
from smartclass_utils.beyond import ResidualCNN
from smartclass_utils.config import CLASSES
from smartclass_utils.efficientnet import EfficientNetLite0
from smartclass_utils.hardware import device_name
from smartclass_utils.models import REPORT_NETWORKS, ReportCNN

IMAGES, SIZE, BATCH = 31_708, 48, 256  # the original report's grand total
EPOCHS = 2


def run() -> dict:
    """Measure and return seconds; nothing where there is no GPU."""
    if not torch.cuda.is_available():
        print("gpu: this machine has no CUDA GPU; what is stored stays.")
        return {}
    device = torch.device("cuda")
    networks = {n: ReportCNN(len(CLASSES), **a) for n, a in REPORT_NETWORKS.items()}
    networks["Our own"] = ResidualCNN(len(CLASSES))
    networks["EfficientNet-Lite0"] = EfficientNetLite0(len(CLASSES))
    loader = DataLoader(noise_of(IMAGES, SIZE), BATCH, shuffle=True)
    found = {"images": IMAGES, "GPU": device_name(device)}
    for name, model in networks.items():
        model = model.to(device, memory_format=torch.channels_last)
        for dtype in (torch.float32, torch.bfloat16):
            taken = seconds_of(model, loader, dtype, EPOCHS)
            found[f"{name}, {EPOCHS} epochs, {dtype}, s"] = round(taken, 2)
    return found
