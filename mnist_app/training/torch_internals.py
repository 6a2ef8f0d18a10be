"""How the training relies on torch's internals: all such places, each with its reason.

Each works without what it relies on; only the start or the steps of a training are slower then.
"""

import inspect
from collections.abc import Callable
from functools import cache, partial

import torch


@cache
def without_wrappers(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The same optimizer without what torch wraps around its methods for its compiler.

    The first call of a wrapped method (`torch._disable_dynamo`) loads the compiler, only to switch
    it off for this method: more than a second and 150 MB at the start of each training. The
    wrappers keep the plain method in `__wrapped__`; a method without one is used as it is.
    """
    methods = {name: inspect.getattr_static(kind, name) for name in dir(kind)}
    plain = {
        name: inspect.unwrap(method)
        for name, method in methods.items()
        if inspect.isfunction(method) and hasattr(method, "__wrapped__")
    }
    return type(kind.__name__, (kind,), plain)


def plain_step(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """The optimizer's step alone.

    Around it torch calls hooks, profiles, and breaks the graph of its compiler: beside a small
    network these take as long as the step itself.
    """
    return torch.no_grad()(partial(inspect.unwrap(type(optimizer).step), optimizer))
