"""The best epoch of a training, and when to stop because no better one comes."""

from dataclasses import dataclass

from torch import Tensor, nn

from mnist_app.training.events import EpochEvent


@dataclass(frozen=True)
class BestEpoch:
    """The epoch (from 1) of the lowest validation loss, and the network's weights after it."""

    epoch: int
    val_loss: float
    weights: dict[str, Tensor]


class EarlyStopping:
    """Ends a training when the validation loss has not improved for some epochs.

    Attributes:
        patience: how many epochs; 0: never stop, and keep no best epoch.
        best: the best epoch so far.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best: BestEpoch | None = None

    def update(self, event: EpochEvent, network: nn.Module) -> None:
        """Take in a finished epoch; the weights are copied if it is the best one."""
        if not self.patience:
            return
        if self.best is None or event.val_loss < self.best.val_loss:
            weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
            self.best = BestEpoch(event.epoch, event.val_loss, weights)

    def is_due(self, epochs: int) -> bool:
        """Whether to stop after so many epochs."""
        return self.best is not None and epochs - self.best.epoch >= self.patience
