"""The command train: train a preset, changed by options, and save the result."""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mnist_app.cli.options import (
    JSON_OPTION,
    THREADS_OPTION,
    open_display,
    preset_named,
    say_what_lacks,
    use_threads,
)
from mnist_app.common.names import checked_name
from mnist_app.recipes.annotations import FieldFacts
from mnist_app.recipes.recipe import FIELDS

if TYPE_CHECKING:
    from mnist_app.data.training_data import TrainingData
    from mnist_app.training.events import EndEvent


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per field of Recipe but `name`, with its range in the help."""
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


@click.command()
@click.argument("preset", metavar="NAME")
@click.option("--name", "result", help="Name of the result (default: the preset's name).")
@THREADS_OPTION
@JSON_OPTION
@recipe_options
def train(
    preset: str, result: str | None, threads: int | None, as_json: bool, **changes: Any
) -> None:
    """Train the preset NAME, changed by the options, and save the result.

    Ctrl-C stops after the current batch and saves the network as trained so far, without a test
    accuracy.
    """
    from mnist_app.data import training_data
    from mnist_app.results import weights
    from mnist_app.training.events import EndEvent
    from mnist_app.training.loop import train as train_events

    recipe = preset_named(preset).changed(**{k: v for k, v in changes.items() if v is not None})
    name = checked_name(result or recipe.name)
    weights.check_folder()
    use_threads(threads)
    say_what_lacks(recipe)
    with open_display(as_json) as display:
        parts = training_data.prepare(recipe, display.note)
        stop = _stop_on_interrupt()
        for event in train_events(recipe, parts.train, parts.val, parts.test, should_stop=stop):
            if isinstance(event, EndEvent):
                display.end(event, _save_trained(name, event, parts))
            else:
                display.show(recipe, event)


def _save_trained(name: str, end: "EndEvent", parts: "TrainingData") -> str:
    """Save the trained network, or abort if no batch was trained.

    Returns:
        The name of the result, which may have a suffix.
    """
    from mnist_app.results import weights

    if not end.is_trained:
        raise click.Abort
    return weights.save(name, end.network, weights.info_of(end, parts)).name


def _stop_on_interrupt() -> Callable[[], bool]:
    asked: list[int] = []

    def remember(number: int, _frame: object) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C interrupts

    signal.signal(signal.SIGINT, remember)
    return lambda: bool(asked)
