"""All that changes while a network is trained: what a checkpoint holds."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mnist_app.training.best_epoch import EarlyStopping
from mnist_app.training.evaluation import RunningMetrics
from mnist_app.training.events import EpochEvent


@dataclass
class TrainingState:
    """A network in training, its optimizer, and the place reached within the data."""

    model: nn.Sequential  # the network that is trained
    network: nn.Sequential  # the one that is kept: the same, or the running mean of its weights
    optimizer: torch.optim.Optimizer
    stopping: EarlyStopping
    history: list[EpochEvent] = field(default_factory=list)  # the finished epochs
    batch: int = 0  # batches done in the epoch in progress
    epoch_seconds: float = 0.0  # of that epoch, training alone
    running: RunningMetrics = field(default_factory=RunningMetrics)  # of that epoch
    random_state: Tensor | None = None  # where that epoch was stopped, if it was

    @property
    def epoch(self) -> int:
        """The number of the epoch in progress, from 1."""
        return len(self.history) + 1

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    @property
    def is_averaged(self) -> bool:
        """Whether the running mean of the weights is kept in place of them."""
        return self.network is not self.model

    @property
    def is_trained(self) -> bool:
        """Whether at least one batch was trained."""
        return bool(self.history or self.batch)

    @property
    def is_best_so_far(self) -> bool:
        """Whether no finished epoch has a lower validation loss than the last one."""
        return self.history[-1].val_loss <= min(event.val_loss for event in self.history)

    def close_epoch(self, event: EpochEvent) -> None:
        """Put the epoch in progress into the history, and begin the next one."""
        self.history.append(event)
        self.batch, self.epoch_seconds, self.running = 0, 0.0, RunningMetrics()
        self.stopping.update(event, self.network)
