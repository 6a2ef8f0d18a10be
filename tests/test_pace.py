"""What libraries keep is looked through once, and what threads free is used again."""

import gc
import platform
import subprocess
import sys
import types
from pathlib import Path

import pytest

from mnist_app.ui import pace

ROOT = Path(__file__).resolve().parent.parent
LIBC = platform.libc_ver()


@pytest.fixture(autouse=True)
def _unfrozen(monkeypatch):
    monkeypatch.setattr(pace, "_looked_at", 0)
    yield
    gc.unfreeze()


def test_what_is_loaded_is_set_aside_and_what_comes_later_is_still_collected():
    pace.keep()
    assert gc.get_freeze_count() > 100_000
    cycle = types.SimpleNamespace()
    cycle.itself = cycle
    del cycle
    assert gc.collect() >= 1


def test_only_many_new_modules_are_worth_it_again(monkeypatch):
    pace.keep()
    before = gc.get_freeze_count()
    kept = [[] for _ in range(10_000)]
    pace.keep()
    assert gc.get_freeze_count() <= before
    for number in range(150):
        monkeypatch.setitem(sys.modules, f"new_{number}", types.ModuleType(f"new_{number}"))
    pace.keep()
    assert gc.get_freeze_count() >= before + len(kept)


BLOCKS = """
import ctypes, sys
from mnist_app.ui import pace
if sys.argv[1] == "given back":
    pace.give_back()
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
        command = [sys.executable, "-c", BLOCKS, how]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    assert given_back("given back") == "1 1 1 "
    assert given_back("as it is") == "1 0 0 "  # otherwise there would be nothing to do
