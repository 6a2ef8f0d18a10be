"""The files of searches under weights/.searches, each a JSON object, and the lock for them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from mnist_app.common.files import write_text
from mnist_app.common.settings import weights_folder


def folder() -> Path:
    """Return the folder of the searches' files; the first search creates it."""
    return weights_folder() / ".searches"


def path_of(search_id: str) -> Path:
    """Return the path of a search's file. No id can lead out of the folder."""
    return folder() / f"{Path(search_id).name}.json"


def list_files() -> list[Path]:
    """Return the files of all searches, including broken ones."""
    files = folder().glob("[0-9]*-*.json")
    return [path for path in files if re.fullmatch(r"[0-9]+-[A-Za-z0-9_-]+", path.stem)]


def next_number() -> int:
    """Return the number for the next new search, from 1."""
    return 1 + max((int(path.stem.split("-")[0]) for path in list_files()), default=0)


def lock() -> FileLock:
    """Return the lock for all searches. Hold it to read a file and then write it."""
    return FileLock(folder() / ".lock")


@contextmanager
def changed(search_id: str) -> Iterator[dict[str, Any]]:
    """Lock and yield what a search's file holds; write it back afterwards, even after an error.

    Raises:
        FileNotFoundError: there is no such search.
    """
    path = path_of(search_id)
    if not path.exists():
        raise FileNotFoundError(2, "there is no such search", str(path))
    with lock(), rewritten(path) as found:
        yield found


@contextmanager
def rewritten(path: Path) -> Iterator[dict[str, Any]]:
    """Do the same for the file at `path`, for callers that hold the lock already."""
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        yield found
    finally:
        write_text(path, json.dumps(found))
