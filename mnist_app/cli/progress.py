"""Two ways to show training on the command line: a progress bar, or JSON lines for machines."""

import json
import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from mnist_app.recipes.recipe import Recipe
from mnist_app.results import accuracy_text
from mnist_app.training.events import BatchEvent, EndEvent, EpochEvent, Event, to_json


class JsonLines:
    """Prints each event as one line of JSON on stdout, and nothing else."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def note(self, text: str, share: float) -> None:
        """Ignore the progress of the preparation: machines do not need it."""

    def show(self, recipe: Recipe, event: Event) -> None:  # noqa: ARG002
        """Print an event."""
        print(json.dumps(to_json(event)), flush=True)  # noqa: T201

    def end(self, event: EndEvent, name: str) -> None:
        """Print the last event with the name of the result."""
        print(json.dumps(to_json(event) | {"name": name}), flush=True)  # noqa: T201


class ProgressBar:
    """A progress bar on stderr that follows the batches, and one line per epoch on stdout."""

    def __init__(self) -> None:
        self._lines = Console(highlight=False, soft_wrap=True)
        bars = Console(file=sys.stderr)  # bound early: a download redirects sys.stderr
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            console=bars,
            transient=True,
            disable=not bars.is_terminal,
        )
        self._task: TaskID = self._progress.add_task("Loading", total=1.0, detail="")

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def note(self, text: str, share: float) -> None:
        """Show the progress of the preparation (share 0..1)."""
        self._progress.update(self._task, description=text, completed=share, detail=f"{share:.0%}")

    def show(self, recipe: Recipe, event: Event) -> None:
        """Show an event."""
        if isinstance(event, BatchEvent):
            self._show_batch(recipe, event)
        elif isinstance(event, EpochEvent):
            self._show_epoch(recipe, event)
        else:
            self.end(event, recipe.name)

    def end(self, event: EndEvent, name: str) -> None:
        """Print how the training ended."""
        epochs = f"{event.epochs} epoch{'s' * (event.epochs != 1)}"
        text = f"{name}: {event.reason} after {epochs}, {event.seconds:.1f} s"
        if event.test_accuracy is not None:
            text += f"; {event.test_accuracy:.2%} of {event.n:,} test images right"
        elif event.val_accuracy is not None:
            text += f"; {event.val_accuracy:.2%} of {event.val_n:,} validation images right"
        if event.test_accuracy is None:
            text += f"; {accuracy_text.not_tested(event.reason)}"
        if event.problem:
            self._lines.print(event.problem)
        self._lines.print(text)

    def _show_batch(self, recipe: Recipe, event: BatchEvent) -> None:
        done = (event.epoch - 1 + event.batch / event.batches) / event.epochs
        detail = (
            f"loss {event.loss:.4f}  accuracy {event.accuracy:.2%}  "
            f"{event.images_per_second:,.0f} images/s  {event.seconds_left:.0f} s left"
        )
        title = f"{recipe.name} (seed {recipe.seed}), epoch {event.epoch}/{event.epochs}"
        self._progress.update(self._task, description=title, completed=done, detail=detail)

    def _show_epoch(self, recipe: Recipe, event: EpochEvent) -> None:
        self._lines.print(
            f"{recipe.name} seed {recipe.seed}  epoch {event.epoch:3}  "
            f"train {event.train_loss:.4f} {event.train_accuracy:.2%}  "
            f"validation {event.val_loss:.4f} {event.val_accuracy:.2%}  "
            f"rate {event.learning_rate:g}  {event.seconds:.1f} s"
        )
