"""The command line, python -m mnist_app COMMAND: see --help."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mnist_app.cli.doctor_command import doctor
from mnist_app.cli.predict import JSON_OPTION, check_output, predict, print_json
from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name, printable
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES
from mnist_app.recipes.recipe import Recipe, field_choices, field_range, format_number

if TYPE_CHECKING:
    from mnist_app.data.training_data import TrainingData
    from mnist_app.training.events import EndEvent

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, 2 for bad input, or 1 for a failure, said in one sentence."""
    try:
        code = commands.main(arguments, prog_name="python -m mnist_app", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    except click.Abort:
        return _complain("Interrupted.", INTERRUPTED)
    except click.ClickException as error:
        return _complain(printable(error.format_message()), BAD_INPUT)
    except InputError as error:
        return _complain(str(error), BAD_INPUT)
    except UnicodeEncodeError as error:  # a name of a file, or what is to be printed
        letters = error.object[error.start : error.end]
        return _complain(f"{letters!a} is no text on this machine: take another.", BAD_INPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except (OSError, RuntimeError, MemoryError) as error:
        return _complain(f"It failed: {_one_line(error)}", FAILURE)
    return code or 0  # what a command ends with by itself; click returns it


def _complain(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Draw digits, train networks that recognise them, keep them."""


commands.add_command(predict)
commands.add_command(doctor)


# train


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per field of Recipe, with its range in the help."""
    for field in reversed(Recipe.model_fields):
        if field != "name":
            command = _option(field)(command)
    return command


def _option(field: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    info = Recipe.model_fields[field]
    flag, choices, limits = field.replace("_", "-"), field_choices(field), field_range(field)
    text = (info.description or "") + (
        f" ({format_number(limits[0])} to {format_number(limits[1])})" if limits else ""
    )
    if info.annotation is bool:
        return click.option(f"--{flag}/--no-{flag}", field, default=None, help=text)
    kind = click.Choice(choices) if choices else click.STRING
    return click.option(f"--{flag}", field, type=kind, help=text, metavar=None if choices else "X")


@commands.command()
@click.argument("preset", metavar="NAME")
@click.option("--name", "result", help="Name of the result (default: the preset's).")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads on the CPU.")
@JSON_OPTION
@recipe_options
def train(
    preset: str, result: str | None, threads: int | None, as_json: bool, **changes: Any
) -> None:
    """Train the preset NAME, changed by the options, and save the result.

    Ctrl-C stops between two batches and keeps what is trained so far.
    """
    from mnist_app.data import training_data
    from mnist_app.training.events import EndEvent
    from mnist_app.training.loop import train as train_events

    recipe = preset_named(preset).changed(**{k: v for k, v in changes.items() if v is not None})
    name = checked_name(result or recipe.name)
    _use_threads(threads)
    _say_what_lacks(recipe)
    with _display(as_json) as display:
        parts = training_data.prepare(recipe, display.note)
        stop = _stop_on_interrupt()
        for event in train_events(recipe, parts.train, parts.val, parts.test, should_stop=stop):
            if isinstance(event, EndEvent):
                display.end(event, _save_trained(name, event, parts))
            else:
                display.show(recipe, event)


def _save_trained(name: str, end: "EndEvent", parts: "TrainingData") -> str:
    """Save what was trained; returns the name it got, which may have a suffix."""
    from mnist_app.results import weights

    if not end.is_trained:
        raise click.Abort
    return weights.save(name, end.network, weights.info_of(end, parts)).name


def _use_threads(threads: int | None) -> None:
    """Compute with so many threads; None: with as many as torch takes."""
    import torch

    if threads:
        torch.set_num_threads(threads)


def _say_what_lacks(recipe: Recipe) -> None:
    from mnist_app.data import training_data

    if lack := training_data.missing_strokes_notice(recipe):
        click.echo(lack, err=True)


def preset_named(name: str) -> Recipe:
    """The preset of that name, or InputError with those there are."""
    if name not in RECIPES:
        raise InputError(f"There is no preset {name!r}: choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def _stop_on_interrupt() -> Callable[[], bool]:
    asked: list[int] = []

    def remember(number: int, _frame: object) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the second one is final

    signal.signal(signal.SIGINT, remember)
    return lambda: bool(asked)


def _display(as_json: bool) -> Any:
    from mnist_app.cli.progress import JsonLines, ProgressBar

    return JsonLines() if as_json else ProgressBar()


# list, evaluate


@commands.command(name="list")
@JSON_OPTION
def list_results(as_json: bool) -> None:
    """List the saved weights, best first, and the presets."""
    from mnist_app.results import weights

    listing = weights.scan()
    if as_json:
        print_json(
            {
                "weights": [_weights_row(info) for info in listing.weights],
                "recipes": [_recipe_row(recipe) for recipe in RECIPES.values()],
                "broken": [item._asdict() for item in listing.broken],
            }
        )
        return
    console = Console(soft_wrap=True)
    name = Column("name", no_wrap=True, overflow="fold")  # it is there to be copied
    table = Table(name, "data set", "test", "n", "parameters", "epochs", "seed")
    for info in listing.weights:
        table.add_row(
            info.name,
            escape(printable(info.dataset)),
            f"{info.test_accuracy:.2%}",
            f"{info.n:,}",
            f"{info.parameters:,}",
            str(info.epochs),
            str(info.seed),
        )
    console.print(table if listing.weights else "No weights yet: train a preset.")
    for item in listing.broken:
        console.print(f"[red]broken[/red] {escape(item.problem)}", highlight=False)
    console.print("Presets: " + ", ".join(RECIPES), highlight=False)


def _weights_row(info: Any) -> dict[str, Any]:
    return {
        "name": info.name,
        "recipe": info.recipe.name,
        "model": info.recipe.model,
        "dataset": info.dataset,
        "test_accuracy": info.test_accuracy,
        "n": info.n,
        "parameters": info.parameters,
        "epochs": info.epochs,
        "seed": info.seed,
        "bytes": info.bytes,
    }


def _recipe_row(recipe: Recipe) -> dict[str, Any]:
    source = SOURCES[recipe.name]
    about = {"source": source.key, "about": source.about, "reported": source.reported}
    return recipe.model_dump(mode="json") | about


@commands.command()
@click.argument("name")
@click.option("--dataset", help="mnist, digits, a folder or ZIP (default: what it was trained on).")
@JSON_OPTION
def evaluate(name: str, dataset: str | None, as_json: bool) -> None:
    """Measure the weights NAME on a data set's test images."""
    from mnist_app.data import catalogue
    from mnist_app.results import weights
    from mnist_app.training import evaluation

    model, info = weights.load(name)
    with _display(as_json) as display:
        test = catalogue.load_dataset(dataset or info.recipe.dataset, display.note).test
        metrics = evaluation.evaluate(model, test, info.recipe)
    if as_json:
        print_json({"name": name, "dataset": test.name, **metrics._asdict()})
    else:
        Console(soft_wrap=True).print(
            f"{name} on {test.name}: {metrics.accuracy:.2%} right, "
            f"loss {metrics.loss:.4f}, n = {metrics.n:,} test images",
            markup=False,
        )


# report, calibrate, reproduce


@commands.command()
@click.argument("name")
@click.option("--dataset", help="mnist, digits, a folder or ZIP (default: what it was trained on).")
@click.option("--output", type=click.Path(path_type=Path), help="File (default: NAME.html).")
@JSON_OPTION
def report(name: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write all about the weights NAME into one HTML file that opens without the internet."""
    from mnist_app.common.files import write_text
    from mnist_app.report.html_report import report_for

    path = Path(f"{checked_name(name)}.html") if output is None else output
    check_output(path, "report")
    with _display(as_json) as display:
        page = report_for(name, dataset, display.note)
    write_text(path, page)
    if as_json:
        print_json({"name": name, "file": str(path), "bytes": len(page.encode())})
    else:
        click.echo(f"{printable(path)} ({len(page.encode()) / 1e6:.1f} MB)")


@commands.command()
@click.argument("names", nargs=-1)
@JSON_OPTION
def calibrate(names: tuple[str, ...], as_json: bool) -> None:
    """Fit the confidence of the weights NAMES (default: all) to their validation images anew."""
    from mnist_app.results import weights
    from mnist_app.runs.reproduce import recalibrate

    chosen = names or [i.name for i in weights.list_weights() if i.recipe.name not in ENSEMBLES]
    with _display(as_json) as display:
        infos = [recalibrate(name, display.note) for name in chosen]
    if as_json:
        print_json({i.name: i.calibration.model_dump(mode="json") for i in infos})
        return
    for info in infos:
        coverage, accuracy = info.calibration.at(info.calibration.threshold)
        Console(soft_wrap=True).print(
            f"{info.name}: temperature {info.calibration.temperature:.3f}; answers {coverage:.1%} "
            f"of {info.calibration.n:,} validation digits, right on {accuracy:.2%} of those",
            highlight=False,
        )


@commands.command()
@click.argument("presets", nargs=-1)
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="This seed alone.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads on the CPU.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
@JSON_OPTION
def reproduce(
    presets: tuple[str, ...],
    seeds: int,
    seed: int | None,
    threads: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Train PRESETS (default: all) on MNIST; write weights, results.json and results.md."""
    from mnist_app.runs import reproduce as reproduction

    _use_threads(threads)
    names = [preset_named(name).name for name in presets] or list(RECIPES)
    for name in names:
        _say_what_lacks(RECIPES[name])
    with _display(as_json) as display:
        results = reproduction.reproduce(
            names,
            range(seeds) if seed is None else [seed],
            output,
            lambda recipe, event: None if as_json else display.show(recipe, event),
        )
    if as_json:
        print_json(results)


@commands.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
@JSON_OPTION
def ensemble(output: Path, as_json: bool) -> None:
    """Join canvas and its other seeds' weights, made by reproduce, into canvas-large."""
    from mnist_app.runs import reproduce as reproduction

    info = reproduction.build_ensemble(output)
    if as_json:
        print_json(_weights_row(info))
    else:
        Console(soft_wrap=True).print(
            f"{info.name}: {info.test_accuracy:.2%} right, n = {info.n:,} test images, "
            f"{info.bytes / 1e6:.1f} MB"
        )
