"""The device that trains, what it can do, and how to name it beside a result."""

import platform
from importlib.metadata import version

import torch


def pick_device() -> torch.device:
    """Return CUDA if there is one, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return the number format to train in: bfloat16 where the hardware computes in it.

    It has 16 bits, the range of float32 and fewer digits, which is enough for
    convolutions. Processors without it would imitate it slowly.
    """
    has = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        can = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.9
        has = can.get("avx512_bf16") or can.get("amx_bf16")
    return torch.bfloat16 if has else torch.float32


def device_name(device: torch.device) -> str:
    """Return what to call the device in a table, with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    n = torch.get_num_threads()
    return f"CPU, {n} thread{'s' * (n > 1)}"


def environment() -> dict[str, str]:
    """Return the versions and the hardware that a result depends on."""
    packages = ("torch", "torchvision", "scikit-image", "numpy", "scikit-learn")
    device = pick_device()
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device_name(device),
        "training in": str(fast_dtype(device)).removeprefix("torch."),
    }


def environment_line() -> str:
    """Return versions and hardware as one line for the top of a chapter."""
    line = "Python {python} · torch {torch} · numpy {numpy} · {device}"
    return line.format(**environment())
