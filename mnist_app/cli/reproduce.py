"""Commands that make the weights shipped with the app: reproduce, ensemble."""

from pathlib import Path

import click
from rich.console import Console

from mnist_app.cli.options import (
    JSON_OPTION,
    OUTPUT_OPTION,
    THREADS_OPTION,
    open_display,
    preset_named,
    print_json,
    say_what_lacks,
    use_threads,
)
from mnist_app.cli.results import weights_row
from mnist_app.recipes.presets import RECIPES


@click.command()
@click.argument("presets", nargs=-1)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How many seeds to train, from 0.",
)
@click.option("--seed", type=click.IntRange(0), help="Train only this seed.")
@THREADS_OPTION
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
    from mnist_app.results import reproduction

    use_threads(threads)
    names = [preset_named(name).name for name in presets] or list(RECIPES)
    for name in names:
        say_what_lacks(RECIPES[name])
    with open_display(as_json) as display:
        results = reproduction.reproduce(
            names,
            range(seeds) if seed is None else [seed],
            output,
            lambda recipe, event: None if as_json else display.show(recipe, event),
        )
    if as_json:
        print_json(results)


@click.command()
@OUTPUT_OPTION
@JSON_OPTION
def ensemble(output: Path, as_json: bool) -> None:
    """Combine canvas and its other seeds, trained by reproduce, into canvas-large."""
    from mnist_app.results import accuracy_text, reproduction

    info = reproduction.build_ensemble(output)
    if as_json:
        print_json(weights_row(info))
    else:
        Console(soft_wrap=True).print(
            f"{info.name}: {accuracy_text.short_text(info)} of {info.n:,} test images right, "
            f"{info.bytes / 1e6:.1f} MB"
        )
