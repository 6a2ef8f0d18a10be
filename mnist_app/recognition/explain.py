"""Why a network answers as it does: attributions to pixels, and what each layer makes of an image.

Networks are shared between threads: what needs hooks gets a copy.
"""

import copy
import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnist_app.networks.layers import Dropout, Residual, Scale, SideBySide, Views, WholeConv2d
from mnist_app.networks.models import Network

SIDE = 28
TOLERANCE = 0.01  # of the difference of logits: how far integrated gradients may miss it
LEAST_MISS = 0.005  # logits; where hardly anything is explained, 1% of it is nothing
STEPS = (64, 128, 256, 512, 1024)  # from the blank image to the drawing, until they do not
_STEPS_PER_BATCH = 8  # steps: a network with five views makes 40 images of them


class Integrated(NamedTuple):
    """Integrated gradients, and how well they add up."""

    values: Tensor  # float32 (28, 28), what each pixel adds to the logit
    difference: float  # the logit of the image less that of the blank one
    steps: int

    @property
    def total(self) -> float:
        """The sum over all pixels, which should be the difference."""
        return self.values.double().sum().item()

    @property
    def is_complete(self) -> bool:
        """Whether they sum to the difference within 1% of it, or 0.005 if that is more."""
        miss = abs(self.total - self.difference)
        return miss <= max(TOLERANCE * abs(self.difference), LEAST_MISS)


# Attributions. They are those of the network as it answers: in eval mode, over all of its views.


def saliency(model: nn.Module, image: Tensor, target: int) -> Tensor:
    """How much the logit of `target` moves with each pixel: the gradient's absolute value.

    Args:
        model: in eval mode; it is left as it is.
        image: float32 (1, 1, 28, 28) in [0, 1].
        target: the logit to explain, 0 to 9, or 10 for "not a digit" where there is one.
    Returns:
        float32 (28, 28), logits per change of a pixel from black to white.
    Source: Simonyan, Vedaldi and Zisserman 2013.
    """
    from captum.attr import Saliency

    gradient: Tensor = Saliency(model).attribute(_differentiable(image), target=target)
    return gradient.detach()[0, 0]


def integrated_gradients(model: nn.Module, image: Tensor, target: int) -> Integrated:
    """What each pixel adds to the logit of `target`, on the way from the blank image to this one.

    The steps are doubled until the attributions sum to the difference of the logits within 1%, or
    there are 1,024 of them: a network with many ReLUs and max-pools has many kinks on that way.
    Arguments as those of `saliency`.
    Source: Sundararajan, Taly and Yan 2017.
    """
    *_, found = integrated_gradients_steps(model, image, target)
    if not isinstance(found, Integrated):
        raise AssertionError("unreachable: the last step is the result")
    return found


def integrated_gradients_steps(
    model: nn.Module, image: Tensor, target: int
) -> Iterator[float | Integrated]:
    """The same bit by bit: the share of the present steps that is done, again and again, then it.

    The way is gone in parts, whose attributions add up.
    """
    from captum.attr import IntegratedGradients

    image, method = image.detach(), IntegratedGradients(model)
    difference = _difference_from_blank(model, image, target)
    for steps in STEPS:
        parts, values = steps // _STEPS_PER_BATCH, torch.zeros_like(image, dtype=torch.float64)
        for part, (begin, end) in enumerate(_parts_of_the_way(image, parts), 1):
            found = method.attribute(end, begin, target=target, n_steps=_STEPS_PER_BATCH)
            values += found.detach()
            yield part / parts
        found = Integrated(values.float()[0, 0], difference, steps)
        if found.is_complete:
            break
    yield found


def _parts_of_the_way(image: Tensor, parts: int) -> Iterator[tuple[Tensor, Tensor]]:
    """From the blank image to this one, shorter parts towards both ends: most kinks are there."""
    shares = [(1 - math.cos(math.pi * part / parts)) / 2 for part in range(parts + 1)]
    return pairwise(image * share for share in shares)


@torch.no_grad()
def _difference_from_blank(model: nn.Module, image: Tensor, target: int) -> float:
    """The logit of the image less that of the blank one."""
    logits = model(torch.cat([image, torch.zeros_like(image)]))[:, target]
    of_image, of_blank = logits.double().tolist()
    return float(of_image - of_blank)


def grad_cam(model: Network, image: Tensor, target: int) -> Tensor | None:
    """Where the last convolution finds what speaks for `target`.

    Networks side by side are one layer with the channels of all; what several views show is turned
    back and averaged. Arguments as those of `saliency`.

    Returns:
        float32 (28, 28), at least 0, enlarged from the layer's size; None without a convolution.
    Source: Selvaraju et al. 2017.
    """
    if not last_convolutions(model):
        return None
    from captum.attr import LayerGradCam

    model = copy.deepcopy(model)
    maps = sum(
        LayerGradCam(model, layer).attribute(_differentiable(image), target=target).detach()
        for layer in last_convolutions(model)
    )  # (views, 1, H, W)
    maps = functional.interpolate(maps.relu(), (SIDE, SIDE), mode="bilinear", align_corners=False)
    return _turned_back(model, maps).mean(dim=0)[0]


def last_convolutions(model: Network) -> list[nn.Module]:
    """The last convolution whose output is larger than 1x1, of each network side by side.

    A residual block counts as one: its output is what goes on.
    """
    found: list[nn.Module] = []
    for branch in _branches(model):
        maps = [m for m in branch if isinstance(m, nn.Conv2d | Residual)]
        found += [m for m in maps if not isinstance(m, WholeConv2d)][-1:]
    return found


def _differentiable(image: Tensor) -> Tensor:
    return image.detach().clone().requires_grad_()


def _branches(model: Network) -> list[Network]:
    joined = next((m for m in model if isinstance(m, SideBySide)), None)
    return [_network(member) for member in joined.members] if joined else [model]


def _network(module: nn.Module) -> Network:
    """A member or body as the network that it was built as."""
    if not isinstance(module, Network):
        raise TypeError(f"{type(module).__name__} has no table of layers")
    return module


def _turned_back(model: Network, maps: Tensor) -> Tensor:
    """Maps of all views, (V, 1, H, W), as the image itself stands."""
    views = next((m.views for m in model if isinstance(m, Views)), None)
    if views is None:
        return maps
    back = torch.cat([torch.linalg.inv(views[:, :, :2]), views[:, :, 2:]], dim=2)
    grid = functional.affine_grid(back, list(maps.shape), align_corners=False)
    return functional.grid_sample(maps, grid, align_corners=False)


# Layers


class LayerOutput(NamedTuple):
    """What one layer makes of an image, and the weights that it does it with."""

    label: str
    values: Tensor  # float32, maps (C, H, W) or units (F,)
    filters: Tensor | None = None  # of a convolution: (C, inputs, height, width)
    templates: Tensor | None = None  # of a dense layer that sees the image: (F, 28, 28)


def members_of(model: Network) -> int:
    """How many networks stand side by side in it; 1 for one that is alone."""
    return len(_branches(model))


@torch.no_grad()
def layer_outputs(model: Network, image: Tensor, member: int = 0) -> list[LayerOutput]:
    """What each layer of a network makes of an image, from the first to the logits.

    Of several views that of the image as it is, but where the views are made.

    Args:
        model: in eval mode; it is left as it is.
        image: float32 (1, 1, 28, 28) in [0, 1].
        member: which one, where networks stand side by side.
    """
    model = copy.deepcopy(model)
    seen: list[LayerOutput] = []
    for label, module in _layers(model, member):
        module.register_forward_hook(partial(_look, seen, label))
    model(image)
    return seen


def _look(
    seen: list[LayerOutput], label: str, module: nn.Module, _: object, output: Tensor
) -> None:
    values = output[:, 0] if isinstance(module, Views) else output[0]
    if values.ndim == 3 and values.shape[1:] == (1, 1):
        values = values.flatten()
    filters = templates = None
    if isinstance(module, nn.Conv2d):
        filters = module.weight.detach().contiguous()
    elif isinstance(module, nn.Linear) and module.in_features == SIDE * SIDE and _none_learns(seen):
        templates = module.weight.detach().view(-1, SIDE, SIDE)
    seen.append(LayerOutput(label, values.detach().float().contiguous(), filters, templates))


def _none_learns(seen: list[LayerOutput]) -> bool:
    return all(one.filters is None and one.templates is None for one in seen)


def _layers(model: Network, member: int) -> Iterator[tuple[str, nn.Module]]:
    """The layers worth a look, with what they are called, those inside of blocks too."""
    for module, entry in zip(model, model.layers, strict=True):
        if isinstance(module, SideBySide):
            yield from _layers(_network(module.members[member]), 0)
        elif isinstance(module, Residual):
            body = _network(module.body)
            yield from ((f"Residual: {label}", m) for label, m in _layers(body, 0))
            yield "Residual: sum with its input", module
        elif not _changes_nothing(module):
            yield entry.label, module


def _changes_nothing(module: nn.Module) -> bool:
    is_plain = isinstance(module, Scale) and (module.scale, module.offset) == (1, 0)
    return is_plain or isinstance(module, nn.Flatten | nn.Dropout | Dropout | nn.Identity)
