"""Fixtures: a weights folder with results, discs that fill up, a time limit, cleanup of runs."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import faults
import pytest
import torch
from effort import scaled


@pytest.fixture(autouse=True)
def no_endless_wait(fork_server: None) -> Iterator[None]:
    """Abort a test that takes longer than any test should, whatever it waits for."""
    most = scaled(900, 3600)

    def give_up(_number: int, _frame: object) -> None:
        raise TimeoutError(f"the test was not over after {most} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(most)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one torch thread: while a run keeps the cores busy, several would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The weights folder of this test; its runs are killed afterwards."""
    place = tmp_path / "weights"
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(place))
    yield place
    faults.kill_all()


@pytest.fixture
def before(folder: Path) -> dict[str, faults.Result]:
    """The results that are in the weights folder when the test begins."""
    return faults.put_results(folder)


class Disk:
    """A small file system, mounted at a folder."""

    def __init__(self, place: Path, size: int) -> None:
        self.place = place
        place.mkdir(exist_ok=True)
        self._do("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        status = os.statvfs(self.place)
        return status.f_bavail * status.f_frsize

    def fill(self, free: int) -> None:
        """Write a file, or enlarge it, until only `free` bytes are left."""
        with suppress(OSError), (self.place / "filling").open("ab", buffering=0) as file:
            file.write(bytes(max(0, self.free - free)))

    def empty(self) -> None:
        """Remove the file that fills the disk."""
        (self.place / "filling").unlink()

    def protect(self) -> None:
        """Make the file system read-only, even for root."""
        self._do("mount", "--bind", str(self.place), str(self.place))
        faults.wait_until(self._is_protected)

    def _is_protected(self) -> bool:
        """Try to make it read-only, which fails while a file is open for writing."""
        command = ["mount", "-o", "remount,bind,ro", str(self.place)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def unprotect(self) -> None:
        """Allow writing again."""
        self._do("umount", "-l", str(self.place))

    def _do(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermissionError(done.stderr.strip())


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    """The weights folder, on its own file system of 256 MB."""
    try:
        made = Disk(folder, 256_000_000)
    except (PermissionError, FileNotFoundError) as error:
        pytest.skip(f"needs a file system of its own, and mount is not permitted: {error}")
    yield made
    faults.kill_all()
    while subprocess.run(["umount", "-l", str(folder)], capture_output=True).returncode == 0:
        pass


@pytest.fixture
def injected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes runs' processes execute some code before they begin ("" for none)."""

    def inject(code: str) -> None:
        place = faults.inject(tmp_path / "injected", code or "pass")
        monkeypatch.setenv("PYTHONPATH", place)

    return inject
