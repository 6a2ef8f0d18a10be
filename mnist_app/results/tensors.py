"""safetensors files with facts in their header: written atomically, read without pickle."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.files import temporary_path

_HEADER_KEY = "mnist_app"
_MOST_HEADER = 2_000_000  # bytes; a history of 1,000 epochs takes a fifth of it

Content = TypeVar("Content")


def write_tensors(
    path: Path, tensors: dict[str, Tensor], facts: dict[str, Any], *, replace: bool
) -> bool:
    """Write a file under a temporary name, then move it into place in one step.

    Args:
        path: of the file.
        tensors: by name, on any device.
        facts: JSON values for the header.
        replace: whether to replace an existing file.
    Returns:
        Whether the file was written. If it exists and `replace` is false, it stays unchanged.
    Raises:
        OSError: the file cannot be written.
    """
    temporary = temporary_path(path)
    try:
        packed = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        save_file(packed, temporary, metadata={_HEADER_KEY: json.dumps(facts)})
        _flush_to_disk(temporary)
        temporary.chmod(0o644)
        return _move(temporary, path, replace)
    except SafetensorError as error:
        raise OSError(str(error)) from None
    finally:
        with suppress(OSError):  # an earlier error matters more than this one
            temporary.unlink(missing_ok=True)


def read_facts(path: Path) -> dict[str, Any]:
    """Return the facts in a file's header.

    Raises:
        InputError: the file is broken, or this app did not write it.
    """
    return _read(path, _facts_in)


def _facts_in(file: Any) -> dict[str, Any]:
    facts = json.loads((file.metadata() or {})[_HEADER_KEY])
    if not isinstance(facts, dict):
        raise ValueError("the facts are no JSON object")
    return facts


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a file, by name, without loading them.

    Raises:
        InputError: the file is broken.
    """

    def shapes(file: Any) -> dict[str, tuple[int, ...]]:
        return {key: tuple(file.get_slice(key).get_shape()) for key in list(file.keys())}

    return _read(path, shapes)


def _read(path: Path, read: Callable[[Any], Content]) -> Content:
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > _MOST_HEADER:
            raise InputError(f"{path} is cut off or no safetensors file: remove it.")
    try:
        with safe_open(path, framework="pt") as file:
            return read(file)
    except SafetensorError:
        raise InputError(f"{path} is cut off or no safetensors file: remove it.") from None
    except (KeyError, ValueError, RecursionError):
        raise InputError(f"{path} was not written by this app: remove it.") from None


def _flush_to_disk(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _move(temporary: Path, path: Path, replace: bool) -> bool:
    if replace:
        temporary.replace(path)
        return True
    try:
        os.link(temporary, path)  # unlike a rename, never replaces an existing file
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        temporary.replace(path)
    return True
