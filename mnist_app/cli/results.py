"""Commands on saved weights: list, evaluate, report, calibrate."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mnist_app.cli.options import JSON_OPTION, check_output, open_display, print_json
from mnist_app.common.names import checked_name, printable
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES
from mnist_app.recipes.recipe import Recipe

if TYPE_CHECKING:
    from mnist_app.results.weights import WeightsInfo

NOTHING_YET = "No weights yet: train a preset."


@click.command(name="list")
@JSON_OPTION
def list_results(as_json: bool) -> None:
    """List the saved weights, best first, and the presets."""
    from mnist_app.results import accuracy_text, weights

    listing = weights.scan()
    if as_json:
        print_json(
            {
                "weights": [weights_row(info) for info in listing.weights],
                "recipes": [_recipe_row(recipe) for recipe in RECIPES.values()],
                "broken": [item._asdict() for item in listing.broken],
            }
        )
        return
    console = Console(soft_wrap=True)
    console.print(_table(listing.weights) if listing.weights else NOTHING_YET)
    for info in listing.weights:
        if info.test_accuracy is None:
            console.print(f"{info.name}: {accuracy_text.full_text(info)}", highlight=False)
    for item in listing.broken:
        console.print(f"[red]broken[/red] {escape(item.problem)}", highlight=False)
    console.print("Presets: " + ", ".join(RECIPES), highlight=False)


def _table(infos: "Iterable[WeightsInfo]") -> Table:
    name = Column("name", no_wrap=True, overflow="fold")  # people copy it
    table = Table(name, "data set", "test", "n", "parameters", "epochs", "seed")
    for info in infos:
        table.add_row(
            info.name,
            escape(printable(info.dataset)),
            "–" if info.test_accuracy is None else f"{info.test_accuracy:.2%}",
            f"{info.n:,}" if info.n else "–",
            f"{info.parameters:,}",
            str(info.epochs),
            str(info.seed),
        )
    return table


def weights_row(info: "WeightsInfo") -> dict[str, Any]:
    """Return the facts about saved weights, for JSON."""
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


@click.command()
@click.argument("name")
@click.option(
    "--dataset", help="mnist, digits, a folder or a ZIP (default: the one it was trained on)."
)
@JSON_OPTION
def evaluate(name: str, dataset: str | None, as_json: bool) -> None:
    """Measure the weights NAME on a data set's test images."""
    from mnist_app.data import catalogue
    from mnist_app.results import weights
    from mnist_app.training import evaluation

    model, info = weights.load(name)
    with open_display(as_json) as display:
        test = catalogue.load_dataset(dataset or info.recipe.dataset, display.note).test
        metrics = evaluation.evaluate(model, test, info.recipe)
    if as_json:
        print_json({"name": name, "dataset": test.name, **metrics._asdict()})
    else:
        Console(soft_wrap=True).print(
            f"{name} on {test.name}: {metrics.accuracy:.2%} of {metrics.n:,} test images right, "
            f"loss {metrics.loss:.4f}",
            markup=False,
        )


@click.command()
@click.argument("name")
@click.option(
    "--dataset", help="mnist, digits, a folder or a ZIP (default: the one it was trained on)."
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write (default: NAME.html)."
)
@JSON_OPTION
def report(name: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write a report on the weights NAME: one HTML file that works offline."""
    from mnist_app.common.files import write_text
    from mnist_app.report.html_report import report_for

    path = Path(f"{checked_name(name)}.html") if output is None else output
    check_output(path, "report")
    with open_display(as_json) as display:
        page = report_for(name, dataset, display.note)
    write_text(path, page)
    if as_json:
        print_json({"name": name, "file": str(path), "bytes": len(page.encode())})
    else:
        click.echo(f"{printable(path)} ({len(page.encode()) / 1e6:.1f} MB)")


@click.command()
@click.argument("names", nargs=-1)
@JSON_OPTION
def calibrate(names: tuple[str, ...], as_json: bool) -> None:
    """Calibrate the confidence of the weights NAMES (default: all except ensembles)."""
    from mnist_app.results import weights
    from mnist_app.results.recalibration import recalibrate

    chosen = names or [i.name for i in weights.list_weights() if i.recipe.name not in ENSEMBLES]
    with open_display(as_json) as display:
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
        f"{text}; answers {coverage:.1%} of {info.calibration.n:,} validation digits and gets "
        f"{accuracy:.2%} of those right"
    )
