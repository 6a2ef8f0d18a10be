"""Where results and data sets are kept, and the other settings from the environment.

No folder depends on the working directory. The environment comes first. Without it, a checkout
keeps everything inside itself, and an installed app uses the user's data folder. What ships with
the app (networks, measurements, the page) is read-only.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mnist_app.common.errors import InputError

PACKAGE = Path(__file__).resolve().parents[1]
T = TypeVar("T")


class Folder(NamedTuple):
    """A folder, and the reason it was chosen."""

    path: Path
    reason: str


def variable(name: str) -> str:
    """Return the environment variable of a setting: MNIST_APP_WEIGHTS for "weights"."""
    return f"MNIST_APP_{name.upper()}"


def weights_folder() -> Path:
    """Return the absolute path of the folder of results and runs, which may not exist yet."""
    return chosen_folder("weights").path


def data_folder() -> Path:
    """Return the absolute path of the folder of data sets, which may not exist yet."""
    return chosen_folder("data").path


def chosen_folder(name: str) -> Folder:
    """Return the folder for "weights" or "data", and the reason it was chosen."""
    if (path := _from_environment(name)) is not None:
        return Folder(path.absolute(), f"set by {variable(name)}")
    if is_checkout():
        return Folder(PACKAGE.parent / name, "in this checkout")
    return Folder(_user_folder() / name, "in the user's data folder")


def parallel_runs() -> int:
    """Return how many trainings may run at the same time: `MNIST_APP_PARALLEL_RUNS`, default 1.

    Raises:
        InputError: the variable is not a whole number of at least 1.
    """
    return _from_environment("parallel_runs") or 1


def teacher_code() -> str | None:
    """Return the code in `MNIST_APP_TEACHER_CODE`, or None if it is not set."""
    code: str | None = _from_environment("teacher_code")
    return code


def public_address() -> str | None:
    """Return the page's address from `MNIST_APP_ADDRESS`: a host, a host with a port, or a URL.

    Raises:
        InputError: the variable is not an address.
    """
    address: str | None = _from_environment("address")
    return address


def proxies() -> str | None:
    """Return the addresses and networks of proxies from `MNIST_APP_PROXIES`, comma-separated.

    Raises:
        InputError: the variable holds anything else.
    """
    networks: str | None = _from_environment("proxies")
    return networks


def valid_or_none(read: Callable[[], T]) -> T | None:
    """Return a setting, or None if its variable cannot be used; `problems` says why."""
    try:
        return read()
    except InputError:
        return None


def problems() -> list[str]:
    """Return what is wrong with the variables `MNIST_APP_...`, a sentence each."""
    if not any(name.startswith("MNIST_APP_") for name in os.environ):
        return []
    from mnist_app.common import environment

    return environment.problems()


def is_checkout() -> bool:
    """Return whether this is the source tree and not an installed package."""
    return _is_checkout(PACKAGE)


@lru_cache
def _is_checkout(package: Path) -> bool:
    beside = ("pyproject.toml", "app.py")
    has_sources = all((package.parent / name).is_file() for name in beside)
    return has_sources and not (package / "shipped").exists()


def shipped_folder() -> Path:
    """Return the folder of the files that ship with the app: app.py, weights/, docs/.

    In a checkout this is its root; a wheel has the same files in mnist_app/shipped. Read-only.
    """
    return PACKAGE.parent if is_checkout() else PACKAGE / "shipped"


def shipped_weights() -> Path | None:
    """Return the folder of the networks that ship with an installed app; None in a checkout.

    A checkout has them in its weights folder, unless the environment names another folder.
    """
    return None if is_checkout() else shipped_folder() / "weights"


def result_folders() -> list[Path]:
    """Return the folders to search for results: the weights folder, then the shipped weights.

    If both have a result of the same name, the first wins. The second is read-only.
    """
    own, shipped = weights_folder(), shipped_weights()
    return [own] if shipped in (None, own) else [own, shipped]


def _user_folder() -> Path:
    from platformdirs import user_data_path  # not needed in a checkout

    return user_data_path("mnist-app", appauthor=False).absolute()


def _from_environment(name: str) -> Any:
    text = os.environ.get(variable(name))
    return _read(name, text) if text else None


@lru_cache(maxsize=64)
def _read(name: str, text: str) -> Any:  # noqa: ARG001, the cache's key
    from mnist_app.common import environment  # loads pydantic, which is too slow for the canvas

    return environment.read(name)
