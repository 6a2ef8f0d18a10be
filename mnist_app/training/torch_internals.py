"""All places where training relies on torch's internals, each with its reason.

Everything still works if those internals change; training only starts or steps more slowly.
"""

import inspect
from collections.abc import Callable
from functools import cache, partial

import torch


@cache
def without_wrappers(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return the same optimizer class without the wrappers that torch adds for its compiler.

    The first call of a wrapped method (`torch._disable_dynamo`) loads the compiler, only to switch
    it off for this method. That costs more than a second and 150 MB at the start of every training
    run. A wrapper keeps the plain method in `__wrapped__`; a method without a wrapper is used as
    it is.
    """
    methods = {name: inspect.getattr_static(kind, name) for name in dir(kind)}
    plain = {
        name: inspect.unwrap(method)
        for name, method in methods.items()
        if inspect.isfunction(method) and hasattr(method, "__wrapped__")
    }
    return type(kind.__name__, (kind,), plain)


def plain_step(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """Return the optimizer's bare step.

    torch wraps it in hooks, profiling and a graph break for its compiler. With a small network,
    these take as long as the step itself.
    """
    return torch.no_grad()(partial(inspect.unwrap(type(optimizer).step), optimizer))
