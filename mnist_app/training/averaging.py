"""The running mean of a network's weights."""

import copy

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class RunningMean:
    """The running mean (exponential moving average) of a network's weights and running statistics.

    torch's `AveragedModel` collects the tensors of both networks at every step, which takes longer
    than averaging them. The tensors stay the same, so this class lists them once.

    Attributes:
        network: holds the mean weights; starts as a copy of the model.
    Source: Polyak and Juditsky 1992.
    """

    def __init__(self, model: nn.Sequential, decay: float) -> None:
        self.network = copy.deepcopy(model)
        self._decay = decay
        self._means, self._values = _float_tensors(self.network), _float_tensors(model)

    def update(self, steps: int) -> None:
        """Move the mean towards the model, faster in early steps so that it forgets its start.

        Args:
            steps: the number of steps trained before the last one.
        """
        decay = min(self._decay, (1 + steps) / (10 + steps))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch has no types
        average(self._means, self._values, steps)


def _float_tensors(model: nn.Module) -> list[Tensor]:
    """Return the tensors to average: weights and running statistics, not the batch counters."""
    return [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
