"""Data sets by name.

What draws or reads pictures is loaded where it is needed: scipy with it takes 30 MB, of which a
training on MNIST alone has no use.
"""

from pathlib import Path

from mnist_app.common.errors import InputError
from mnist_app.common.settings import weights_folder
from mnist_app.data.archives import UPLOADS, Skipped, typed_path
from mnist_app.data.bundled import load_bundled
from mnist_app.data.labelled_images import Dataset, Progress
from mnist_app.data.mnist import load_mnist

BUNDLED = ("mnist", "digits")


def load_dataset(name: str, progress: Progress | None = None) -> Dataset:
    """Load a data set by its name.

    Args:
        name: "mnist", "digits", or the path of a folder or ZIP with one sub-folder per digit.
        progress: called with what is being done and the share done, 0..1.
    Raises:
        InputError: it cannot be had; the message names the file and the remedy.
    """
    return load_with_skipped(name, progress)[0]


def load_with_skipped(name: str, progress: Progress | None = None) -> tuple[Dataset, list[Skipped]]:
    """A data set, and the files in its folder or ZIP that are not in it, as `load_dataset`."""
    if name == "mnist":
        return load_mnist(progress=progress), []
    if name == "digits":
        return load_bundled(), []
    from mnist_app.data.picture_folders import read_folder

    return read_folder(_place(name), progress)


def check_dataset(name: str) -> None:
    """Whether a folder or ZIP can be a data set, by the names in it, before a training waits.

    Raises:
        InputError: it cannot; the message names the file and the remedy.
    """
    if not name.strip():
        raise InputError(
            "No folder was given: type the path of a folder or ZIP with sub-folders 0 to 9."
        )
    if name not in BUNDLED:
        from mnist_app.data.picture_folders import labelled_files

        labelled_files(_place(name))


def _place(name: str) -> Path:
    """The path of a folder or ZIP; an upload is found although the folder of uploads was moved."""
    path, uploads = typed_path(name), weights_folder() / UPLOADS
    is_moved = path.parent.name == UPLOADS and not path.exists()
    return uploads / path.name if is_moved and (uploads / path.name).is_file() else path
