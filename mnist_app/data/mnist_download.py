"""MNIST's download. It goes on in a thread of its own where nobody waits for it any more.

Whoever waits may stop doing so at any moment: a page's run ends when its user clicks elsewhere.
"""

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from threading import Event, Lock, Thread

from mnist_app.data.labelled_images import Progress

_SECONDS_BETWEEN_LOOKS = 0.2


class _Download:
    """A download in progress: files go to a temporary folder, and all at once to their place."""

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self.is_over = Event()
        self.error: Exception | None = None
        self._root, self._names = root, tuple(names)
        self._folder = tempfile.TemporaryDirectory(dir=root, prefix=".download-")
        Thread(target=self._fetch, daemon=True).start()

    def bytes_so_far(self) -> int:
        """Of all files, packed and unpacked."""
        found = 0
        with suppress(OSError):  # it ends just now
            for path in Path(self._folder.name).rglob("*"):
                found += path.stat().st_size if path.is_file() else 0
        return found

    def _fetch(self) -> None:
        try:
            self._fetch_and_move()
        except Exception as error:  # noqa: BLE001, whoever waits raises it
            self.error = error
        finally:
            self.is_over.set()

    def _fetch_and_move(self) -> None:
        from torchvision.datasets import MNIST

        raw = self._root / "MNIST" / "raw"
        with self._folder as folder:
            with redirect_stderr(StringIO()):
                MNIST(folder, download=True)
            for name in self._names:
                if not (raw / name).exists():
                    shutil.move(Path(folder) / "MNIST" / "raw" / name, raw / name)


_IN_PROGRESS: dict[Path, _Download] = {}  # by the folder
_LOCK = Lock()


def download(root: Path, files: Iterable[str], size: int, progress: Progress | None) -> None:
    """Fetch the files of MNIST that are missing in root/MNIST/raw, which exists.

    Args:
        root: the data folder.
        files: their names.
        size: bytes of all of them, packed and unpacked.
        progress: called with what is being done and the share done, 0..1. What it raises ends the
            waiting, not the download; who asks next waits for the same one.
    Raises:
        OSError, RuntimeError, HTTPException: it fails.
    """
    with _LOCK:
        found = _IN_PROGRESS.get(root)
        if found is None or found.is_over.is_set():
            found = _IN_PROGRESS[root] = _Download(root, files)
    while not found.is_over.wait(_SECONDS_BETWEEN_LOOKS):
        if progress:
            progress("Downloading MNIST", min(found.bytes_so_far() / size, 1.0))
    if found.error:
        raise found.error
