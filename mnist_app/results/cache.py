"""What was computed from networks and data, cached on disk by its inputs."""

import hashlib
import json
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.settings import weights_folder
from mnist_app.results.tensors import read_facts, write_tensors

MOST_BYTES = 600_000_000  # of all entries together; the least recently used are deleted first
MOST_IN_MEMORY = 150_000_000  # bytes of the entries that are also kept in memory


class Entry(NamedTuple):
    """A cached result: tensors by name, and facts as JSON values."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def folder() -> Path:
    """Return the folder of the entries: `.cache` in the weights folder."""
    return weights_folder() / ".cache"


def path_of(kind: str, arguments: dict[str, Any]) -> Path:
    """Return the path for what `kind` computes from these arguments. The file need not exist."""
    digest = hashlib.sha256(json.dumps([kind, arguments], sort_keys=True).encode())
    return folder() / f"{kind}-{digest.hexdigest()[:20]}.safetensors"


def load(path: Path, fits: Callable[[Entry], bool] = lambda _entry: True) -> Entry | None:
    """Load an entry; None if there isn't one or it is damaged. A damaged one is deleted.

    Args:
        path: of the entry.
        fits: says whether an entry has the tensors and facts that the caller needs.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would block forever
            return None
        with suppress(OSError):  # the file may belong to another user
            os.utime(path)  # records the last use
        return _loaded(path, (status.st_ino, status.st_size), fits)
    except (InputError, SafetensorError):
        with suppress(OSError):
            path.unlink()
        return None
    except OSError:
        return None


_MEMORY: OrderedDict[Path, tuple[tuple[int, int], Entry]] = OrderedDict()  # most recently used last
_MEMORY_LOCK = threading.Lock()


def _loaded(path: Path, version: tuple[int, int], fits: Callable[[Entry], bool]) -> Entry:
    """Return an entry, from memory if possible: all sessions share the most recently used ones."""
    with _MEMORY_LOCK:
        known = _MEMORY.pop(path, None)
        entry = known[1] if known and known[0] == version else None
        if entry is None:
            facts = read_facts(path)  # first, because it checks the size of the header
            entry = Entry(load_file(path), facts)
            if not fits(entry):
                raise InputError(f"{path} is damaged: remove it.")
        _MEMORY[path] = version, entry
        while len(_MEMORY) > 1 and _bytes_in_memory() > MOST_IN_MEMORY:
            _MEMORY.popitem(last=False)
    return entry


def _bytes_in_memory() -> int:
    entries = [entry for _, entry in _MEMORY.values()]
    return sum(tensor.nbytes for entry in entries for tensor in entry.tensors.values())


def save(path: Path, entry: Entry) -> None:
    """Save an entry atomically. Delete the least recently used ones if all take too much space.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, entry.tensors, entry.facts, replace=True)
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
