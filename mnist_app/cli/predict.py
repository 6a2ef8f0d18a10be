"""The command predict: read pictures, or folders and ZIPs of them, one by one or into a table."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from mnist_app.cli.options import JSON_OPTION, check_output, print_json
from mnist_app.common.errors import InputError
from mnist_app.common.names import printable

if TYPE_CHECKING:
    import numpy as np

    from mnist_app.data.archives import File
    from mnist_app.recognition.predictor import Found, Predictor


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--network", help="Network to use (default: canvas, or else the best).")
@click.option(
    "--csv", "table", type=click.Path(path_type=Path), help="Write the answers to this CSV file."
)
@JSON_OPTION
def predict(
    images: tuple[Path, ...], network: str | None, table: Path | None, as_json: bool
) -> None:
    """Read the digit or number in each IMAGE, a drawing or photo, ink and background in any colour.

    An IMAGE may be a folder or a ZIP of pictures. If a picture cannot be read, the others still
    are; the exit code is then 2. With --csv each picture is read as one digit, and the table has
    the columns ImageId, Label and confidence.
    """
    from mnist_app.recognition.predictor import Predictor, default_network

    if table:
        check_output(table, "table")
    name = network or default_network()
    predictor = Predictor.load(name)
    if table:
        _write_table(predictor, images, table, as_json)
        return
    rows, unreadable = _rows(predictor, name, images, show=not as_json)
    if as_json and (len(images) > 1 or _holds_pictures(images[0])):
        print_json({"predictions": rows})
    elif as_json and rows:
        print_json(rows[0])
    if unreadable:
        raise InputError("\n".join(unreadable))


def _rows(
    predictor: "Predictor", network: str, paths: tuple[Path, ...], *, show: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Read each picture; if `show`, print each result right away.

    Returns:
        (one row for each picture that was read, one message for each that cannot be read)
    """
    rows: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for file, picture in _pictures(paths):  # one at a time: a hundred would not fit in memory
        try:
            read = _reading(predictor, picture())
        except InputError as error:
            unreadable.append(str(error))
            continue
        rows.append({"file": file, "network": network, **read})
        if show:
            line = f"{file}: {_said(rows[-1])}"
            Console(soft_wrap=True).print(line, highlight=False, markup=False)
    return rows, unreadable


def _pictures(paths: tuple[Path, ...]) -> Iterator[tuple[str, Callable[[], "np.ndarray"]]]:
    """Yield each picture's name and a function that reads it; look into folders and ZIPs."""
    for path in paths:
        if _holds_pictures(path):
            for file in _files_in(path):
                yield file.name, partial(_decoded, file)
        else:
            yield printable(path), partial(_picture_at, path)


def _picture_at(path: Path) -> "np.ndarray":
    """Return the pixels of one file; refuse pipes and devices, as reading them may never end."""
    from mnist_app.data.archives import is_special
    from mnist_app.drawing.pictures import read_picture

    if is_special(path):
        raise InputError(
            f"{printable(path)} is not a regular file: choose another, or save it as one."
        )
    return read_picture(path)


def _holds_pictures(path: Path) -> bool:
    try:
        return path.suffix.lower() == ".zip" or path.is_dir()
    except OSError:  # reading it will report the error
        return False


def _files_in(path: Path) -> Iterator["File"]:
    """Return the files in a folder or ZIP, its path before their names, or the one file at path."""
    from mnist_app.data import archives

    if not _holds_pictures(path):
        return iter([archives.file_at(path)])
    place = printable(path)
    return (file._replace(name=f"{place}/{file.name}") for file in archives.files_in(path))


def _decoded(file: "File") -> "np.ndarray":
    from mnist_app.drawing.pictures import decode_picture

    if file.problem:
        raise InputError(f"{file.name}: {file.problem}")
    return decode_picture(file.read(), file.name)


def _write_table(
    predictor: "Predictor", paths: tuple[Path, ...], table: Path, as_json: bool
) -> None:
    from mnist_app.common.files import write_text
    from mnist_app.recognition.unlabelled import read_all, to_csv

    files = (file for path in paths for file in _files_in(path))
    readings, skipped = read_all(predictor, files)
    problems = "\n".join(f"{name}: {problem}" for name, problem in skipped)
    if not readings:
        raise InputError(
            f"{problems}\nNo picture was read, so {printable(table)} was not written.".lstrip()
        )
    write_text(table, to_csv(readings))
    if as_json:
        rows = [one._asdict() for one in skipped]
        print_json({"table": str(table), "pictures": len(readings), "skipped": rows})
    else:
        pictures = f"{len(readings):,} picture{'s' * (len(readings) != 1)}"
        counts = f"{pictures} read, {len(skipped):,} skipped"
        click.echo(f"{printable(table)}: {counts}")
    if skipped:
        raise InputError(problems)


def _reading(predictor: "Predictor", picture: "np.ndarray") -> dict[str, Any]:
    """Read a picture. The fields of a single digit are None unless exactly one was found."""
    from mnist_app.drawing.photo import clean
    from mnist_app.recognition.predictor import number_text

    try:
        found, problem = predictor.read_number(clean(picture)), None
    except InputError as error:  # no ink: the other pictures are still read
        found, problem = [], str(error)
    digits = [_digit(one) for one in found]
    only = digits[0] if len(digits) == 1 else dict.fromkeys(_SINGLE)
    return {
        "number": number_text(found),
        **{key: only[key] for key in _SINGLE},
        "digits": digits,
        "problem": problem,
    }


def _digit(read: "Found") -> dict[str, Any]:
    return {
        "digit": read.prediction.digit,
        "nearest": read.prediction.nearest,
        "confidence": read.prediction.confidence,
        "probabilities": [float(p) for p in read.prediction.probabilities],
        "box": read.box._asdict(),
    }


_SINGLE = "digit", "nearest", "confidence", "probabilities"


def _said(row: dict[str, Any]) -> str:
    problem: str | None = row["problem"]
    if problem:
        return problem
    if len(row["digits"]) > 1:
        shares = ", ".join(f"{digit['confidence']:.1%}" for digit in row["digits"])
        return f"{row['number']} ({shares})"
    if row["digit"] is None:
        return f"not a digit (most like {row['nearest']}, {row['confidence']:.1%})"
    return f"{row['digit']} ({row['confidence']:.1%})"
