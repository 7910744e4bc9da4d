"""The device that trains, what it can do, and how to name it beside a result."""

import platform
from importlib.metadata import version

import torch


def pick_device() -> torch.device:
    """Return CUDA if there is one, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Return what to call the device in a table, with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU, {torch.get_num_threads()} threads"


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Return the versions and the hardware that a result depends on."""
    packages = ("torch", "torchvision", "scikit-image", "numpy", "scikit-learn")
    device = device or pick_device()
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device_name(device),
        "training in": "bfloat16" if computes_in_bfloat16(device) else "float32",
    }


def environment_line() -> str:
    """Return versions and hardware as one line for the top of a chapter."""
    found = environment()
    versions = " · ".join(f"{name} {found[name]}" for name in ("torch", "numpy"))
    return f"Python {found['python']} · {versions} · {found['device']}"


def seed_everything(seed: int) -> None:
    """Seed torch, and ask cuDNN for repeatable algorithms."""
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the state of torch's random numbers on the CPU and on the device."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Go on with the random numbers where :func:`random_state` was taken."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    if device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


def computes_in_bfloat16(device: torch.device) -> bool:
    """Return whether the device has bfloat16 arithmetic of its own.

    A number of 16 bits with the range of float32 and fewer digits, enough for
    convolutions. Processors without it would imitate it slowly.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        can = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.9
        return bool(can.get("avx512_bf16") or can.get("amx_bf16"))
    return False


def mixed_precision(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Return a context that convolves in bfloat16 where the device has it."""
    use = wanted and computes_in_bfloat16(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=use)
