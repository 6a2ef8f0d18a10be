"""What was computed from networks and data, kept on disk and found again by what it came from."""

import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mnist_app import weights
from mnist_app.settings import InputError, weights_folder

MOST_BYTES = 600_000_000  # of all entries together; those unused for longest go first


class Entry(NamedTuple):
    """Something computed: tensors by name, and facts that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def folder() -> Path:
    """Where the entries stand: `.cache` in the weights folder."""
    return weights_folder() / ".cache"


def path_of(kind: str, arguments: dict[str, Any]) -> Path:
    """The file of what `kind` computes from these arguments, which need not exist."""
    digest = hashlib.sha256(json.dumps([kind, arguments], sort_keys=True).encode())
    return folder() / f"{kind}-{digest.hexdigest()[:20]}.safetensors"


def load(path: Path) -> Entry | None:
    """An entry; None if there is none, or a broken one, which is removed."""
    try:
        stat = path.stat()
        entry = _loaded(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        return None
    except (InputError, OSError, SafetensorError):
        with suppress(OSError):
            path.unlink()
        return None
    return entry


@lru_cache(maxsize=8)
def _loaded(path: Path, mtime_ns: int, size: int) -> Entry:  # noqa: ARG001, the cache's key
    return Entry(load_file(path), weights.read_facts(path))


def save(path: Path, entry: Entry) -> None:
    """Keep an entry, in one step; the oldest ones go where there are too many.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    weights.write_tensors(path, entry.tensors, entry.facts, replace=True)
    _prune(keep=path)


def _prune(keep: Path) -> None:
    with suppress(OSError):
        entries = sorted(folder().glob("*.safetensors"), key=lambda p: p.stat().st_mtime)
        total = sum(path.stat().st_size for path in entries)
        for path in entries:
            if total <= MOST_BYTES:
                return
            if path != keep:
                total -= path.stat().st_size
                path.unlink()
