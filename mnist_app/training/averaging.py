"""The running mean of a network's weights."""

import copy

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class RunningMean:
    """The exponential running mean of a network's weights and running statistics.

    torch's `AveragedModel` looks for all tensors of both networks again in each step, which takes
    longer than averaging them. They stay the same: here they are listed once.

    Attributes:
        network: has the mean weights; at first those of the model.
    Source: Polyak and Juditsky 1992.
    """

    def __init__(self, model: nn.Sequential, decay: float) -> None:
        self.network = copy.deepcopy(model)
        self._decay = decay
        self._means, self._values = _float_tensors(self.network), _float_tensors(model)

    def update(self, steps: int) -> None:
        """Move the mean towards the model; early on by more, so that it forgets its start.

        Args:
            steps: how many were trained before the last one.
        """
        decay = min(self._decay, (1 + steps) / (10 + steps))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch has no types
        average(self._means, self._values, steps)


def _float_tensors(model: nn.Module) -> list[Tensor]:
    """What has a mean: weights and running statistics, not the number of batches."""
    return [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
