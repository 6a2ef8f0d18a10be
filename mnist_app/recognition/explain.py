"""Explain a network's answer: attributions to pixels, and the output of each layer.

Networks are shared between threads, so functions that need hooks work on a copy.
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

from mnist_app.common.translation import _
from mnist_app.networks.layers import Dropout, Residual, Scale, SideBySide, Views, WholeConv2d
from mnist_app.networks.models import Network

SIDE = 28
TOLERANCE = 0.01  # of the difference of logits: how far off the attributions' sum may be
LEAST_MISS = 0.005  # logits; always allowed, as 1% of a tiny difference is next to nothing
STEPS = (64, 128, 256, 512, 1024)  # numbers of steps to try, until the attributions add up
_STEPS_PER_BATCH = 8  # a network with five views makes 40 images of them


class Integrated(NamedTuple):
    """Integrated gradients, and how well they add up."""

    values: Tensor  # float32 (28, 28), what each pixel adds to the logit
    difference: float  # the logit of the image minus the logit of the blank image
    steps: int

    @property
    def total(self) -> float:
        """The sum over all pixels, which should be the difference."""
        return self.values.double().sum().item()

    @property
    def is_complete(self) -> bool:
        """Whether the sum is within 1% of the difference, or within 0.005 if that is more."""
        miss = abs(self.total - self.difference)
        return miss <= max(TOLERANCE * abs(self.difference), LEAST_MISS)


# Attributions. They explain the network as it answers: in eval mode, over all of its views.


def saliency(model: nn.Module, image: Tensor, target: int) -> Tensor:
    """Return how much the logit of `target` changes with each pixel: the gradient's absolute value.

    Args:
        model: in eval mode; it is not changed.
        image: float32 (1, 1, 28, 28) in [0, 1].
        target: the logit to explain, 0 to 9, or 10 for "not a digit" if the network has it.
    Returns:
        float32 (28, 28), logits per change of a pixel from black to white.
    Source: Simonyan, Vedaldi and Zisserman 2013.
    """
    from captum.attr import Saliency

    gradient: Tensor = Saliency(model).attribute(_differentiable(image), target=target)
    return gradient.detach()[0, 0]


def integrated_gradients(model: nn.Module, image: Tensor, target: int) -> Integrated:
    """Return what each pixel adds to the logit of `target` on the path from the blank image.

    The number of steps is doubled until the sum of the attributions is within 1% of the difference
    of the logits, or until there are 1,024 steps: with many ReLUs and max-pools, the logit has many
    kinks along the path. The arguments are those of `saliency`.
    Source: Sundararajan, Taly and Yan 2017.
    """
    *_earlier, found = integrated_gradients_steps(model, image, target)
    if not isinstance(found, Integrated):
        raise AssertionError("unreachable: the last step is the result")
    return found


def integrated_gradients_steps(
    model: nn.Module, image: Tensor, target: int
) -> Iterator[float | Integrated]:
    """Compute `integrated_gradients` bit by bit: yield the share done, and finally the result.

    The share starts again from 0 each time the number of steps is doubled. The path is split into
    parts, whose attributions add up.
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
    """Return the parts of the path from the blank image to this one: begin and end of each.

    The parts are shorter towards both ends, where most kinks are.
    """
    shares = [(1 - math.cos(math.pi * part / parts)) / 2 for part in range(parts + 1)]
    return pairwise(image * share for share in shares)


@torch.no_grad()
def _difference_from_blank(model: nn.Module, image: Tensor, target: int) -> float:
    """Return the logit of the image minus the logit of the blank image."""
    logits = model(torch.cat([image, torch.zeros_like(image)]))[:, target]
    of_image, of_blank = logits.double().tolist()
    return float(of_image - of_blank)


def grad_cam(model: Network, image: Tensor, target: int) -> Tensor | None:
    """Return where the last convolution finds evidence for `target`.

    The last convolutions of an ensemble count as one layer with all their channels. The maps of
    several views are turned back and averaged. The arguments are those of `saliency`.

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
    """Return the last convolution whose output is larger than 1x1, of each network in an ensemble.

    A residual block counts as a convolution, because its output is what the next layer gets.
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
    """Return a member of an ensemble or the body of a block, typed as a network.

    Raises:
        TypeError: it is not a `Network`.
    """
    if not isinstance(module, Network):
        raise TypeError(f"{type(module).__name__} has no table of layers")
    return module


def _turned_back(model: Network, maps: Tensor) -> Tensor:
    """Transform the maps of all views, (V, 1, H, W), back to match the image itself."""
    views = next((m.views for m in model if isinstance(m, Views)), None)
    if views is None:
        return maps
    back = torch.cat([torch.linalg.inv(views[:, :, :2]), views[:, :, 2:]], dim=2)
    grid = functional.affine_grid(back, list(maps.shape), align_corners=False)
    return functional.grid_sample(maps, grid, align_corners=False)


# Layers


class LayerOutput(NamedTuple):
    """A layer's output for one image, and the weights that produce it."""

    label: str
    values: Tensor  # float32, maps (C, H, W) or units (F,)
    filters: Tensor | None = None  # of a convolution: (C, inputs, height, width)
    templates: Tensor | None = None  # of a dense layer whose input is the image: (F, 28, 28)


def members_of(model: Network) -> int:
    """Return how many networks an ensemble consists of; 1 for a single network."""
    return len(_branches(model))


@torch.no_grad()
def layer_outputs(model: Network, image: Tensor, member: int = 0) -> list[LayerOutput]:
    """Return the output of each layer for an image, from the first to the logits.

    If the network uses several views, the outputs are those for the unchanged image, except that
    the layer that makes the views shows all of them.

    Args:
        model: in eval mode; it is not changed.
        image: float32 (1, 1, 28, 28) in [0, 1].
        member: which network of an ensemble.
    """
    model = copy.deepcopy(model)
    seen: list[LayerOutput] = []
    for label, module in _layers(model, member):
        module.register_forward_hook(partial(_look, seen, label))
    model(image)
    return seen


def _look(
    seen: list[LayerOutput], label: str, module: nn.Module, _inputs: object, output: Tensor
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
    """Yield the layers worth showing, each with its label, including those inside blocks.

    The labels are in the language of the page.
    """
    for module, entry in zip(model, model.layers, strict=True):
        if isinstance(module, SideBySide):
            yield from _layers(_network(module.members[member]), 0)
        elif isinstance(module, Residual):
            body = _network(module.body)
            for label, inner in _layers(body, 0):
                yield _("Residual: {layer}").format(layer=label), inner
            yield _("Residual: sum with its input"), module
        elif not _changes_nothing(module):
            yield entry.label, module


def _changes_nothing(module: nn.Module) -> bool:
    is_plain = isinstance(module, Scale) and (module.scale, module.offset) == (1, 0)
    return is_plain or isinstance(module, nn.Flatten | nn.Dropout | Dropout | nn.Identity)
