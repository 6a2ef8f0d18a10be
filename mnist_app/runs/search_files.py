"""The files of searches under weights/.searches, each a JSON object, and their lock."""

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
    """Where the files of searches are; made by the first one."""
    return weights_folder() / ".searches"


def path_of(search_id: str) -> Path:
    """The file of a search, whatever its id is."""
    return folder() / f"{Path(search_id).name}.json"


def list_files() -> list[Path]:
    """The files of all searches, broken ones too."""
    files = folder().glob("[0-9]*-*.json")
    return [path for path in files if re.fullmatch(r"[0-9]+-[A-Za-z0-9_-]+", path.stem)]


def next_number() -> int:
    """The number that a new search gets, from 1."""
    return 1 + max((int(path.stem.split("-")[0]) for path in list_files()), default=0)


def lock() -> FileLock:
    """Of all searches: what reads and then writes one waits for the others that do."""
    return FileLock(folder() / ".lock")


@contextmanager
def changed(search_id: str) -> Iterator[dict[str, Any]]:
    """What a search's file holds, written back as it is afterwards, also after an error.

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
    """The same, while the lock is held; a new search has only its path."""
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        yield found
    finally:
        write_text(path, json.dumps(found))
