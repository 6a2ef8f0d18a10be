"""Write files atomically."""

import glob
import os
import re
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from mnist_app.common.settings import weights_folder


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then move it into place in one step."""
    temporary = temporary_path(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(folder: Path) -> None:
    """Check that a folder can be written to: write a file there and remove it.

    Raises:
        OSError: it cannot be written to.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as file:
        file.write(b"check")
        file.flush()


def temporary_path(path: Path) -> Path:
    """Return a temporary path to write to before moving the file to `path`, in the same folder.

    Also delete the temporary files that killed processes left in that folder. In the weights folder
    these are all such files; in one of the user's own folders, only those for this `path`.
    """
    ours = weights_folder().absolute() in path.absolute().parents
    for left in path.parent.glob(".*.tmp" if ours else f".{glob.escape(path.name)}.*.tmp"):
        writer = re.search(r"\.(\d+)-\d+\.tmp$", left.name)
        if writer and not psutil.pid_exists(int(writer[1])):
            with suppress(OSError):
                left.unlink()
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
