"""Download MNIST in its own thread, which continues even if nobody waits for it any more.

A caller may stop waiting at any moment: Streamlit ends a rerun when the user clicks elsewhere.
"""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from threading import Event, Lock, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mnist_app.common.translation import N_
from mnist_app.data.labelled_images import Progress

# The mirrors that torchvision uses, too.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
_LONGEST_SILENCE = 60  # seconds without a byte before giving up on a mirror
_SECONDS_BETWEEN_LOOKS = 0.2
_CHUNK = 1 << 16  # bytes


class _Download:
    """A download in progress.

    The files go to a temporary folder first. Once all are complete, they are moved to their place.
    """

    def __init__(self, folder: Path, files: Mapping[str, tuple[int, str]]) -> None:
        self.is_over = Event()
        self.error: Exception | None = None
        self.share = 0.0  # of the bytes, unpacked
        self._folder, self._files = folder, dict(files)
        self._size = sum(size for size, _ in files.values())
        self._temporary = tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-")
        Thread(target=self._fetch, daemon=True).start()

    def _fetch(self) -> None:
        try:
            self._fetch_and_move()
        except Exception as error:  # noqa: BLE001, whoever waits raises it
            self.error = error
        finally:
            self.is_over.set()

    def _fetch_and_move(self) -> None:
        with self._temporary as temporary:
            for name in self._files:
                (Path(temporary) / name).write_bytes(self._content(name))
            for name in self._files:
                (Path(temporary) / name).replace(self._folder / name)

    def _content(self, name: str) -> bytes:
        """Return a file, unpacked, from the first mirror that sends it intact."""
        before, reasons = self.share, []
        for mirror in MIRRORS:
            self.share = before
            try:
                return self._content_from(mirror, name)
            except (OSError, EOFError, HTTPException, zlib.error) as error:
                reasons.append(f"{mirror}: {_reason(error)}")
        raise OSError("; ".join(reasons))

    def _content_from(self, mirror: str, name: str) -> bytes:
        size, md5 = self._files[name]
        content = bytearray()
        request = Request(f"{mirror}{name}.gz", headers={"User-Agent": "mnist-app"})  # noqa: S310, no file
        with urlopen(request, timeout=_LONGEST_SILENCE) as packed, gzip.open(packed) as file:  # noqa: S310
            while len(content) <= size and (chunk := file.read(_CHUNK)):
                content += chunk
                self.share = min(self.share + len(chunk) / self._size, 1.0)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise OSError("its checksum differs")
        return bytes(content)


def _reason(error: Exception) -> str:
    """Return the reason for an error, without urllib's brackets around it."""
    if isinstance(error, HTTPError):
        error.close()
    elif isinstance(error, URLError) and isinstance(error.reason, OSError):
        error = error.reason
    return getattr(error, "strerror", None) or str(error).strip() or type(error).__name__


_IN_PROGRESS: dict[Path, _Download] = {}  # by folder
_LOCK = Lock()


def download(folder: Path, files: Mapping[str, tuple[int, str]], progress: Progress | None) -> None:
    """Download MNIST files into an existing folder: all of them, or none.

    Args:
        folder: where they belong.
        files: their sizes in bytes and MD5 checksums, unpacked, by name.
        progress: called with the current task and the share done, 0..1. If it raises, this call
            ends but the download continues; the next call waits for the same download.
    Raises:
        OSError: every mirror lacks a file, sends a damaged one, or sends nothing for a minute.
    """
    with _LOCK:
        found = _IN_PROGRESS.get(folder)
        if found is None or found.is_over.is_set():
            found = _IN_PROGRESS[folder] = _Download(folder, files)
    while not found.is_over.wait(_SECONDS_BETWEEN_LOOKS):
        if progress:
            progress(N_("Downloading MNIST"), found.share)
    if found.error:
        raise found.error


def share_done(folder: Path) -> float | None:
    """Return the progress of the download into a folder, 0..1; None if there isn't one."""
    found = _IN_PROGRESS.get(folder)
    return found.share if found and not found.is_over.is_set() else None
