"""The machine's peak speed, and the operations needed to train a network."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

SIDE = 2048  # of the matrices
BATCH, CHANNELS, IMAGE = 128, 128, 14  # of the 3x3 convolution


def ceilings(rounds: int) -> dict[str, float]:
    """Measure GFLOP/s (medians) of large products and convolutions, in float32 and bfloat16."""
    results = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.rand(2, SIDE, SIDE).to(kind)
        matmul = _seconds(lambda a=a, b=b: a @ b, rounds)
        results[f"matmul, {_name(kind)}"] = 2 * SIDE**3 / matmul / 1e9
        x = torch.rand(BATCH, CHANNELS, IMAGE, IMAGE).to(kind, memory_format=torch.channels_last)
        w = torch.rand(CHANNELS, CHANNELS, 3, 3).to(kind, memory_format=torch.channels_last)
        conv = _seconds(lambda x=x, w=w: functional.conv2d(x, w, padding=1), rounds)
        work = 2 * BATCH * IMAGE**2 * CHANNELS**2 * 9
        results[f"convolution, {_name(kind)}"] = work / conv / 1e9
    return results


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


@torch.inference_mode()
def _seconds(work: Callable[[], Tensor], rounds: int) -> float:
    times = []
    for _ in range(rounds + 2):  # the first two warm up
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def flops_per_image(model: nn.Module, batch_size: int) -> float:
    """Count the floating-point operations of one training step, forward and backward, per image."""
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(batch_size, 1, 28, 28)).sum().backward()
    return counter.get_total_flops() / batch_size
