"""The machine on which something was measured."""

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch


def facts() -> dict[str, Any]:
    """Processor, device, cores, versions, and today's date."""
    return {
        "cpu": _processor(),
        "device": "CUDA" if torch.cuda.is_available() else "CPU",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def text(facts: dict[str, Any]) -> str:
    """The facts as one line, without a full stop."""
    return (
        f"Machine: {facts['cpu']}, {facts['cores']} cores, {facts['device']}; "
        f"Python {facts['python']}, torch {facts['torch']}; {facts['date']}"
    )
