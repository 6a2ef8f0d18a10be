"""The best epoch so far, and early stopping when no better one follows."""

from dataclasses import dataclass

from torch import Tensor, nn

from mnist_app.training.events import EpochEvent


@dataclass(frozen=True)
class BestEpoch:
    """The epoch (from 1) with the lowest validation loss, and the network's weights after it."""

    epoch: int
    val_loss: float
    weights: dict[str, Tensor]


class EarlyStopping:
    """Stops training when the validation loss has not improved for some epochs.

    Attributes:
        patience: the number of epochs to wait; with 0, never stop, and keep no best epoch.
        best: the best epoch so far.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best: BestEpoch | None = None

    def update(self, event: EpochEvent, network: nn.Module) -> None:
        """Record a finished epoch; copy the weights if it is the best one so far."""
        if not self.patience:
            return
        if self.best is None or event.val_loss < self.best.val_loss:
            weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
            self.best = BestEpoch(event.epoch, event.val_loss, weights)

    def is_due(self, epochs: int) -> bool:
        """Return whether to stop after this many epochs."""
        return self.best is not None and epochs - self.best.epoch >= self.patience
