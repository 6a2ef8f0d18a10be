"""All that it takes to go on with a training."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Checkpoint(NamedTuple):
    """All that it takes to go on training as if nothing had happened."""

    tensors: "dict[str, Tensor]"
    facts: dict[str, Any]
