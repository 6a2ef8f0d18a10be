"""Checks of the hardware for training: the CPU and, if there is one, the GPU."""

import os
from typing import TYPE_CHECKING

from mnist_app.cli.doctor.check import Check, first_line

if TYPE_CHECKING:
    import torch


def check_processor() -> Check:
    """Report how torch uses the CPU: instruction set, threads, bfloat16."""
    import torch

    from mnist_app.training.device import computes_bfloat16

    threads, cores = torch.get_num_threads(), os.cpu_count()
    kind = torch.backends.cpu.get_cpu_capability()
    has = "with" if computes_bfloat16(torch.device("cpu")) else "without"
    return Check("CPU", "ok", f"{kind}, {threads} threads on {cores} cores, {has} bfloat16")


def check_gpu(device: "torch.device | None" = None) -> Check:
    """Check that a device computes correctly; by default the one that training uses."""
    import torch

    from mnist_app.training.device import best_device

    device = device or best_device()
    if device.type == "cpu":
        return Check("GPU", "ok", "none: training uses the CPU")
    try:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
        ones = torch.ones(8, 8, device=device)
        if (ones @ ones).sum().item() != 8**3:
            raise RuntimeError("its results are wrong")
    except (RuntimeError, AssertionError) as error:
        remedy = "update its driver, or set CUDA_VISIBLE_DEVICES=-1 to train on the CPU"
        return Check("GPU", "fail", f"does not work ({first_line(error)})", remedy)
    return Check("GPU", "ok", name)
