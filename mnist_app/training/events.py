"""Events: what a training reports while it runs. They are immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

if TYPE_CHECKING:  # these import torch, which is not needed to read a log
    from torch import nn

    from mnist_app.recipes.recipe import Recipe
    from mnist_app.training.calibration import Calibration
    from mnist_app.training.checkpoint import Checkpoint

_NOT_LOGGED = (
    "calibration",
    "is_trained",
    "recipe",
    "network",
    "history",
    "device",
    "checkpoint",
)


@dataclass(frozen=True, kw_only=True)
class BatchEvent:
    """Progress within an epoch. Loss and accuracy are over the epoch so far."""

    kind: ClassVar[str] = "batch"
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class EpochEvent:
    """A finished epoch. `seconds` is the time spent on training alone, without validation.

    Training loss and accuracy are measured during the epoch, while the weights change.
    """

    kind: ClassVar[str] = "epoch"
    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class EndEvent:
    """The end: why training ended, and the accuracy on the test set, read once.

    If training was stopped, or there is no test set, test accuracy and loss are None and `n` is 0.
    The fields from `calibration` on are the results of the training, and are not written to the
    log.
    """

    kind: ClassVar[str] = "end"
    reason: str  # "finished", "early" (no better validation loss), "stopped" or "diverged"
    epochs: int  # completed
    best_epoch: int | None  # the one whose weights are kept, if early stopping chose one
    seconds: float
    val_accuracy: float | None  # of the network as it is kept, on `val_n` validation images
    val_n: int
    test_accuracy: float | None
    test_loss: float | None
    n: int  # test images
    problem: str | None = None  # if it diverged: where, and what to change, in one sentence
    calibration: "Calibration"
    is_trained: bool  # whether at least one batch was trained
    recipe: "Recipe"
    network: "nn.Sequential" = field(repr=False, compare=False)  # in eval mode
    history: tuple[EpochEvent, ...] = field(repr=False)
    device: str  # used for training: "cpu", "cuda" or "mps"
    checkpoint: "Checkpoint" = field(repr=False, compare=False)  # to resume from


Event = BatchEvent | EpochEvent | EndEvent


def to_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object: {"event": "batch" | "epoch" | "end", ...}."""
    names = [f.name for f in fields(event) if f.name not in _NOT_LOGGED]
    return {"event": event.kind, **{name: getattr(event, name) for name in names}}


# Reading a log

_COUNTS = {"epoch": ("epoch",), "batch": ("epoch", "batch", "batches")}  # counted from 1
_FIGURES = {
    "epoch": ("seconds", "learning_rate", "images_per_second"),
    "batch": ("images_per_second", "seconds_left"),
    "note": ("share",),
}
_ACCURACIES = {"epoch": ("train_accuracy", "val_accuracy"), "batch": ("accuracy",)}  # 0..1
_LOSSES = {"epoch": ("train_loss", "val_loss"), "batch": ("loss",)}  # may be NaN or infinite
_TEXTS = {"note": ("text",), "end": ("reason",), "error": ("message",), "exit": ("message",)}
_EPOCHS = {"end": ("epochs", "best_epoch")}  # may be 0, None or missing
_GREATEST = 1e15  # upper limit of all figures


def is_valid_event(event: Any) -> bool:
    """Return whether a value is an event as the app writes it, and not altered or cut off.

    Args:
        event: any value parsed from JSON.
    """
    if not isinstance(event, Mapping) or not isinstance(event.get("event"), str):
        return False
    kind = event["event"]
    figures = [event.get(key) for key in _FIGURES.get(kind, ())]
    accuracies = [event.get(key) for key in _ACCURACIES.get(kind, ())]
    if kind == "end" and event.get("name") is not None:
        figures += _figures_of_result(event)
        shown = event.get("test_accuracy"), event.get("val_accuracy")
        accuracies += [accuracy for accuracy in shown if accuracy is not None]
    return (
        all(isinstance(event.get(key), str) for key in _TEXTS.get(kind, ()))
        and all(_is_count(event.get(key)) for key in _COUNTS.get(kind, ()))
        and all(_is_number(event.get(key)) for key in _LOSSES.get(kind, ()))
        and all(_is_number(value) and 0 <= value <= _GREATEST for value in figures)
        and all(_is_number(value) and 0 <= value <= 1 for value in accuracies)
        and all(isinstance(event.get(key), str | None) for key in ("name", "problem"))
        and all(_is_epoch_or_none(event.get(key)) for key in _EPOCHS.get(kind, ()))
    )


def _figures_of_result(event: Mapping[str, Any]) -> list[Any]:
    """Return the figures that an "end" event with a name must have."""
    names = ["epochs", "seconds", "n"]
    if event.get("n") != 0 or event.get("test_accuracy") is not None:
        names.append("test_accuracy")
    if event.get("val_accuracy") is not None:  # missing in logs from older versions
        names += ["val_accuracy", "val_n"]
    return [event.get(name) for name in names]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, float) or _is_count(value, 0)


def _is_epoch_or_none(value: object) -> bool:
    return value is None or _is_count(value, 0)


def _is_count(value: object, least: int = 1) -> bool:
    return type(value) is int and least <= value <= _GREATEST
