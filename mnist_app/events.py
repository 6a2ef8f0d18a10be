"""What a training tells while it goes on."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from mnist_app.calibration import Calibration
from mnist_app.settings import TrainingError as TrainingError  # told without torch, too

_NOT_LOGGED = "state", "checkpoint", "calibration"


class Checkpoint(NamedTuple):
    """All that it takes to go on training as if nothing had happened."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class BatchEvent:
    """Where the training stands within an epoch; loss and accuracy run over the epoch so far."""

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
    """A finished epoch. `seconds` is training alone; training figures run over the epoch."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    images_per_second: float
    state: Any = field(repr=False, compare=False)  # training.TrainingState, as it goes on


@dataclass(frozen=True, kw_only=True)
class EndEvent:
    """The end: why it ended, and the accuracy on the test set, read once (None: no test set)."""

    kind: ClassVar[str] = "end"
    reason: str  # "finished", "early" (no better validation loss), "stopped" or "diverged"
    epochs: int  # complete ones
    best_epoch: int | None  # whose weights are kept, if early stopping chose one
    seconds: float
    test_accuracy: float | None
    test_loss: float | None
    n: int
    problem: str | None = None  # if it diverged: where, and what to change, one sentence
    calibration: Calibration
    state: Any = field(repr=False, compare=False)  # training.TrainingState, as it goes on
    checkpoint: Checkpoint = field(repr=False, compare=False)


Event = BatchEvent | EpochEvent | EndEvent


def to_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object: {"event": "batch" | "epoch" | "end", ...}."""
    names = [f.name for f in fields(event) if f.name not in _NOT_LOGGED]
    return {"event": event.kind, **{name: getattr(event, name) for name in names}}
