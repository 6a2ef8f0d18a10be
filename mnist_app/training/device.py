"""The device to train on, its random numbers, and its fastest precision."""

from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import torch


def best_device() -> torch.device:
    """Return CUDA if available, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def computes_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 numbers in hardware, faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """Return a context that uses bfloat16 where it is safe, if the device is faster with it."""
    if not computes_bfloat16(device):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def random_source(device: torch.device) -> ModuleType:
    """Return the torch module that manages the random state of a device."""
    return {"cuda": torch.cuda, "mps": torch.mps}.get(device.type, torch)
