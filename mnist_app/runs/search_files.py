"""The files of searches under weights/.searches, each a JSON object, and the lock for them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import NAME_PATTERN
from mnist_app.common.settings import weights_folder
from mnist_app.recipes.search_space import MOST_TRIALS, Space
from mnist_app.runs.file_cache import FileCache
from mnist_app.runs.run import ID_PATTERN


class Kept(NamedTuple):
    """A trial whose network was saved among the results."""

    trial: int  # its number, from 1
    name: str  # of the result
    version: str  # the fingerprint of the result's file


@dataclass
class SearchFile:
    """What the file of a search holds."""

    space: Space
    values: list[dict[str, Any]]  # of each trial: the fields that it changes in the base recipe
    runs: list[str | None]  # the id of each trial's run; None before it has one
    is_stopped: bool = False
    kept: Kept | None = None  # the trial that was kept last

    def to_text(self) -> str:
        """Return the text of the file; `parse` reads it."""
        return json.dumps(
            {
                "space": self.space.to_json(),
                "values": self.values,
                "runs": self.runs,
                "is_stopped": self.is_stopped,
                "kept": self.kept,
            }
        )


class _Shape(BaseModel):
    """The types in the file, before its parts are compared with each other."""

    model_config = ConfigDict(strict=True)

    space: dict[str, Any]
    values: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_TRIALS)
    runs: list[Annotated[str, Field(pattern=ID_PATTERN)] | None]
    is_stopped: bool
    kept: tuple[int, str, str] | None


def parse(text: str) -> SearchFile:
    """Return what the text of a search's file describes.

    Raises:
        ValueError: the file is damaged.
    """
    shape = _Shape.model_validate_json(text)
    try:
        space = Space.from_json(shape.space)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("the space of the search is damaged") from error
    if len(shape.runs) != len(shape.values):
        raise ValueError("each trial needs one value in runs")
    kept = Kept(*shape.kept) if shape.kept else None
    if kept and not (1 <= kept.trial <= len(shape.values) and NAME_PATTERN.fullmatch(kept.name)):
        raise ValueError("the trial that was kept does not exist")
    values = [_checked_values(space, values) for values in shape.values]
    return SearchFile(space, values, shape.runs, shape.is_stopped, kept)


def _checked_values(space: Space, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a trial; raise ValueError unless they make a recipe of the search."""
    if set(values) != set(space.fields):
        raise ValueError("a trial changes other fields than the search")
    recipe = space.base.changed(**values)
    return {field: getattr(recipe, field) for field in values}


# The files


def folder() -> Path:
    """Return the folder of the searches' files; the first search creates it."""
    return weights_folder() / ".searches"


def path_of(search_id: str) -> Path:
    """Return the path of a search's file. No id can lead out of the folder."""
    return folder() / f"{Path(search_id).name}.json"


def list_files() -> list[Path]:
    """Return the files of all searches, newest first, including damaged ones."""
    files = folder().glob("[0-9]*-*.json")
    return sorted((path for path in files if re.fullmatch(ID_PATTERN, path.stem)), reverse=True)


def next_number() -> int:
    """Return the number for the next new search, from 1."""
    return 1 + max((int(path.stem.split("-")[0]) for path in list_files()), default=0)


_FILES = FileCache(parse)


def read(search_id: str) -> SearchFile:
    """Return what a search's file holds. Callers share the object: do not change it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    return _FILES.read(path_of(search_id))


def problem_of(path: Path) -> str | None:
    """Return one sentence if a search's file is there but cannot be read, else None."""
    try:
        read(path.stem)
    except FileNotFoundError:  # another browser has just removed the search
        return None
    except (OSError, ValueError):
        return _unreadable(path)
    return None


def _unreadable(path: Path) -> str:
    return f"The search {path.stem} cannot be read: remove {path}."


def lock() -> FileLock:
    """Return the lock for all searches. Hold it to read a file and then write it."""
    return FileLock(folder() / ".lock")


@contextmanager
def changed(search_id: str) -> Iterator[SearchFile]:
    """Lock and yield what a search's file holds; write it back afterwards, even after an error.

    Raises:
        FileNotFoundError: there is no such search.
        InputError: the file is damaged.
    """
    path = path_of(search_id)
    if not path.exists():
        raise FileNotFoundError(2, "there is no such search", str(path))
    with lock(), rewritten(path) as found:
        yield found


@contextmanager
def rewritten(path: Path) -> Iterator[SearchFile]:
    """Do the same for the file at `path`, for callers that hold the lock already."""
    try:
        found = parse(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(_unreadable(path)) from None
    try:
        yield found
    finally:
        write_text(path, found.to_text())
