import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_app.common import memory

ROOT = Path(__file__).resolve().parents[2]
LIBC = platform.libc_ver()
OTHERS = ("LD_PRELOAD", "GLIBC_TUNABLES")  # with MALLOC_...: they set what is looked at here

# Takes and frees 8 MB again and again, as a training does; prints the pages mapped per round.
ROUNDS = """
import resource, sys
import numpy as np
from mnist_app.common.memory import keep_freed_memory
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
    return float(printed([sys.executable, "-c", ROUNDS, how]))


def printed(command: list[str]) -> str:
    own = {k: v for k, v in os.environ.items() if k not in OTHERS and not k.startswith("MALLOC_")}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=own
    ).stdout


@pytest.mark.skipif(LIBC[0] != "glibc", reason="glibc alone can keep memory")
def test_memory_that_is_freed_is_not_mapped_anew_at_every_step():
    assert pages_per_round("keep") < 50 < pages_per_round("default")


# As often as it is printed a large block was given back, the first and those after it.
BLOCKS = """
import ctypes, sys
from mnist_app.common.memory import give_back_freed_memory
if sys.argv[1] == "given back":
    assert give_back_freed_memory()
class Memory(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Memory
for _ in range(3):
    picture = bytearray(1_000_000)
    in_no_heap = libc.mallinfo2().hblks
    del picture
    print(in_no_heap - libc.mallinfo2().hblks, end=" ")
"""


@pytest.mark.skipif(LIBC[0] != "glibc" or LIBC[1] < "2.33", reason="it cannot be looked at")
def test_large_blocks_are_given_back_however_often_they_are_needed():
    def given_back(how: str) -> str:
        return printed([sys.executable, "-c", BLOCKS, how])

    assert given_back("given back") == "1 1 1 "
    assert given_back("as it is") == "1 0 0 "  # otherwise there would be nothing to do


def test_the_app_gives_large_blocks_back(monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "give_back_freed_memory", lambda: asked.append("given back"))
    AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    assert asked
