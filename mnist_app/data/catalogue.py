"""Data sets by name.

Modules that draw or read pictures are imported only where they are needed. They import scipy, which
takes 30 MB of memory, and a training on MNIST alone needs none of it.
"""

from pathlib import Path

from mnist_app.common.errors import InputError
from mnist_app.common.settings import weights_folder
from mnist_app.common.translation import message
from mnist_app.data.archives import UPLOADS, Skipped, typed_path
from mnist_app.data.bundled import load_bundled
from mnist_app.data.labelled_images import Dataset, Progress
from mnist_app.data.mnist import load_mnist

BUNDLED = ("mnist", "digits")


def load_dataset(name: str, progress: Progress | None = None) -> Dataset:
    """Load a data set by its name.

    Args:
        name: "mnist", "digits", or the path of a folder or ZIP with one sub-folder per digit.
        progress: called with the current task and the share done, 0..1.
    Raises:
        InputError: it cannot be loaded; the message names the file and the remedy.
    """
    return load_with_skipped(name, progress)[0]


def load_with_skipped(name: str, progress: Progress | None = None) -> tuple[Dataset, list[Skipped]]:
    """Load a data set like `load_dataset`; also return the skipped files of its folder or ZIP."""
    if name == "mnist":
        return load_mnist(progress=progress), []
    if name == "digits":
        return load_bundled(), []
    from mnist_app.data.picture_folders import read_folder

    return read_folder(_place(name), progress)


def check_dataset(name: str) -> None:
    """Check by its file names whether a folder or ZIP can be a data set, before training on it.

    Raises:
        InputError: it cannot be one; the message names the file and the remedy.
    """
    if not name.strip():
        raise InputError(
            message(
                "No folder was given: type the path of a folder or ZIP with sub-folders 0 to 9."
            )
        )
    if name not in BUNDLED:
        from mnist_app.data.picture_folders import labelled_files

        labelled_files(_place(name))


def _place(name: str) -> Path:
    """Return the path of a folder or ZIP; find an upload even if the uploads folder was moved."""
    path, uploads = typed_path(name), weights_folder() / UPLOADS
    is_moved = path.parent.name == UPLOADS and not path.exists()
    return uploads / path.name if is_moved and (uploads / path.name).is_file() else path
