import platform
import subprocess
import sys

import pytest

# Takes and frees 8 MB again and again, as a training does; prints the pages mapped per round.
ROUNDS = """
import resource, sys
import numpy as np
from mnist_app.allocation import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def step():
    blocks = [np.ones(1_000_000) for _ in range(6)]
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def pages_per_round(how: str) -> float:
    command = [sys.executable, "-c", ROUNDS, how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone can keep memory")
def test_memory_that_is_freed_is_not_mapped_anew_at_every_step():
    assert pages_per_round("keep") < 50 < pages_per_round("default")
