"""What several commands share: options, checks of the input, and output."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnist_app.common.errors import InputError
from mnist_app.common.files import check_writable
from mnist_app.common.names import printable
from mnist_app.common.settings import is_checkout, shipped_folder
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe

if TYPE_CHECKING:
    from mnist_app.cli.progress import JsonLines, ProgressBar

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def _docs() -> Path:
    """Return the folder of the table of results: a checkout's docs/, or else ./docs."""
    return shipped_folder() / "docs" if is_checkout() else Path("docs")


OUTPUT_OPTION = click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=_docs,
    help="Folder for the table of results (default: docs).",
)


THREADS_OPTION = click.option(
    "--threads", type=click.IntRange(1, 256), help="Number of CPU threads."
)


def use_threads(threads: int | None) -> None:
    """Set the number of CPU threads; None leaves torch's default."""
    import torch

    if threads:
        torch.set_num_threads(threads)


def say_what_lacks(recipe: Recipe) -> None:
    """Warn on stderr if the recipe uses pen strokes and the data folder has none."""
    from mnist_app.data import training_data

    if lack := training_data.missing_strokes_notice(recipe):
        click.echo(lack, err=True)


def preset_named(name: str) -> Recipe:
    """Return the preset of that name, or raise InputError listing all presets."""
    if name not in RECIPES:
        raise InputError(f"There is no preset {name!r}: choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def open_display(as_json: bool) -> "JsonLines | ProgressBar":
    """Return a display of training: JSON lines for machines, or a progress bar for people."""
    from mnist_app.cli.progress import JsonLines, ProgressBar

    return JsonLines() if as_json else ProgressBar()


def check_output(path: Path, what: str) -> None:
    """Check that a file can be written, before doing the work that fills it.

    Args:
        path: the file to write.
        what: what to call the file in error messages, such as "table".
    Raises:
        InputError: the file cannot be written.
    """
    from mnist_app.data.archives import is_special

    name = printable(path)
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder: give the name of a file for the {what}.")
        if not path.parent.is_dir():
            folder = printable(path.parent)
            raise InputError(f"There is no folder {folder} for the {what}: create it first.")
        if is_special(path):
            raise InputError(f"{name} is not a regular file: choose another one for the {what}.")
        check_writable(path.parent)
    except OSError as error:
        raise InputError(
            f"The {what} {name} cannot be written ({error.strerror}): choose another file."
        ) from None


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(value), flush=True)  # noqa: T201
