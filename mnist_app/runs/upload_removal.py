"""Delete an uploaded data set, unless a run needs it."""

from pathlib import Path

from mnist_app.common.errors import InputError
from mnist_app.data import archives
from mnist_app.runs.run import list_runs


def delete_upload(path: Path) -> None:
    """Delete an uploaded ZIP.

    Raises:
        InputError: a run that is training or waiting needs it, or the file cannot be deleted.
    """
    for run in list_runs():
        if _is_same(run.recipe.dataset, path) and run.is_live:
            raise InputError(f"The run {run.id} needs this upload: stop it first, or let it end.")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"The upload cannot be deleted ({error.strerror}): see who may write in {path.parent}."
        ) from None


def _is_same(name: str, path: Path) -> bool:
    try:
        return archives.typed_path(name).resolve() == path.resolve()
    except InputError:
        return False
