"""The command line: mnist-app, or python -m mnist_app, with --help for more."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mnist_app import __version__
from mnist_app.cli.doctor.command import doctor
from mnist_app.cli.predict import JSON_OPTION, check_output, predict, print_json
from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name, printable
from mnist_app.common.settings import is_checkout, shipped_folder
from mnist_app.recipes.annotations import FieldFacts
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES
from mnist_app.recipes.recipe import FIELDS, Recipe

if TYPE_CHECKING:
    from mnist_app.cli.progress import JsonLines, ProgressBar
    from mnist_app.results.weights import WeightsInfo

if TYPE_CHECKING:
    from mnist_app.data.training_data import TrainingData
    from mnist_app.training.events import EndEvent

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130
NOTHING_YET = "No weights yet: train a preset."


StartApp = Callable[[int | None, str | None], None]  # with port and address, if they are given


def main(arguments: list[str] | None = None, start_app: StartApp | None = None) -> int:
    """Run a command, or start the app; say in one sentence what goes wrong.

    Args:
        arguments: by default those of the process.
        start_app: what is called if no command is among them.
    Returns:
        The exit code: 0, 2 for bad input, or 1 for a failure.
    """
    try:
        code = commands.main(arguments, obj=start_app, standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except (click.Abort, click.ClickException, UnicodeEncodeError, InputError) as error:
        sentence, code = _refusal(error)
    except (OSError, RuntimeError, MemoryError) as error:
        sentence, code = f"It failed: {_one_line(error)}", FAILURE
    else:
        return code or 0  # what a command ends with by itself; click returns it
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


def _refusal(error: Exception) -> tuple[str, int]:
    """What is said of an input that cannot be used, or of an interruption, and the exit code."""
    if isinstance(error, click.Abort):
        return "Interrupted.", INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message(), BAD_INPUT
    if isinstance(error, click.ClickException):
        return printable(error.format_message()), BAD_INPUT
    if isinstance(error, UnicodeEncodeError):  # a name of a file, or what is to be printed
        letters = error.object[error.start : error.end]
        return f"{letters!a} is no text on this machine: take another.", BAD_INPUT
    return str(error), BAD_INPUT


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the app (default: 8501).")
@click.option("--address", help="Address of the app (default: localhost; 0.0.0.0: for others too).")
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def commands(context: click.Context, port: int | None, address: str | None) -> None:
    """Draw digits, train networks that recognise them, keep them.

    Without a command the app starts.
    """
    start_app: StartApp | None = context.obj
    if context.invoked_subcommand is None and start_app:
        start_app(port, address)
    elif context.invoked_subcommand is None:
        raise click.exceptions.NoArgsIsHelpError(context)
    elif port or address:
        raise InputError("--port and --address are for the app: leave the command out, or them.")


commands.add_command(predict)
commands.add_command(doctor)


# train


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per field of Recipe, with its range in the help."""
    for facts in reversed(FIELDS.values()):
        if facts.name != "name":
            command = _option(facts)(command)
    return command


def _option(facts: FieldFacts) -> Callable[[Callable[..., None]], Callable[..., None]]:
    flag = facts.name.replace("_", "-")
    if facts.is_switch:
        return click.option(f"--{flag}/--no-{flag}", facts.name, default=None, help=facts.help)
    if facts.choices:
        return click.option(
            f"--{flag}", facts.name, type=click.Choice(facts.choices), help=facts.help
        )
    return click.option(f"--{flag}", facts.name, type=click.STRING, help=facts.help, metavar="X")


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


def _display(as_json: bool) -> "JsonLines | ProgressBar":
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
    console.print(_table(listing.weights) if listing.weights else NOTHING_YET)
    for item in listing.broken:
        console.print(f"[red]broken[/red] {escape(item.problem)}", highlight=False)
    console.print("Presets: " + ", ".join(RECIPES), highlight=False)


def _table(infos: "Iterable[WeightsInfo]") -> Table:
    name = Column("name", no_wrap=True, overflow="fold")  # it is there to be copied
    table = Table(name, "data set", "test", "n", "parameters", "epochs", "seed")
    for info in infos:
        table.add_row(
            info.name,
            escape(printable(info.dataset)),
            f"{info.test_accuracy:.2%}",
            f"{info.n:,}",
            f"{info.parameters:,}",
            str(info.epochs),
            str(info.seed),
        )
    return table


def _weights_row(info: "WeightsInfo") -> dict[str, Any]:
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


def _docs() -> Path:
    """Where the table of results belongs: in a checkout its docs/, else docs/ here."""
    return shipped_folder() / "docs" if is_checkout() else Path("docs")


OUTPUT_OPTION = click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=_docs,
    help="Folder of the table of results (default: docs).",
)


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
        Console(soft_wrap=True).print(_calibration_text(info), highlight=False)


def _calibration_text(info: "WeightsInfo") -> str:
    text = f"{info.name}: temperature {info.calibration.temperature:.3f}"
    measured = info.calibration.at(info.calibration.threshold)
    if measured is None:
        return text
    coverage, accuracy = measured
    return (
        f"{text}; answers {coverage:.1%} of {info.calibration.n:,} validation digits, right on "
        f"{accuracy:.2%} of those"
    )


@commands.command()
@click.argument("presets", nargs=-1)
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="This seed alone.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads on the CPU.")
@OUTPUT_OPTION
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
@OUTPUT_OPTION
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
