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


HEAPS = """
import ctypes, sys, threading
from mnist_app.ui import pace
if sys.argv[1] == "shared":
    pace.share_heaps()
all_there = threading.Barrier(12)
def work():
    kept = [bytearray(10_000) for _ in range(100)]
    all_there.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for threads")
def test_threads_share_two_heaps():
    def heaps(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", HEAPS, how], check=True, capture_output=True, text=True, cwd=ROOT
        )
        return done.stdout.count("<heap nr=")

    assert heaps("shared") <= 2 < heaps("as it is")
