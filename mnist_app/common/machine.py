"""The machine on which something was measured."""

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch


def machine_facts() -> dict[str, Any]:
    """Return the processor, the device, the number of cores, the versions, and today's date."""
    return {
        "cpu": _processor(),
        "device": "CUDA" if torch.cuda.is_available() else "CPU",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_machines(measured_on: Iterable[dict[str, Any]]) -> str:
    """Describe the machines used for measuring, each once; the text has no full stop at its end."""
    dates: dict[str, list[str]] = {}
    for facts in measured_on:
        name = (
            f"{facts['cpu']}, {facts['cores']} cores, {facts['device']}; "
            f"Python {facts['python']}, torch {facts['torch']}"
        )
        dates.setdefault(name, []).append(facts["date"])
    lines = [f"{name}; {_span(days)}" for name, days in dates.items()]
    return f"Machine{'s' if len(lines) > 1 else ''}: {'. '.join(lines)}"


def _span(days: list[str]) -> str:
    return " to ".join(sorted({min(days), max(days)}))
