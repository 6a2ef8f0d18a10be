"""Modules for the networks that torch lacks or computes more slowly."""

import copy
import itertools
import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

Model = TypeVar("Model", bound=nn.Module)

# (rotation in degrees, zoom); the first view is the image itself.
VIEWS = (0, 1), (10, 1), (-10, 1), (0, 0.9), (0, 1.1)


class Scale(nn.Module):
    """Turns pixels in [0, 1] into the numbers the network was trained on: x * scale + offset."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 28, 28) -> the same shape."""
        if self.scale == 1 and self.offset == 0:
            return x
        return x * self.scale + self.offset


class Views(nn.Module):
    """Each image as it is, turned, smaller and larger; in training only as it is.

    Answers that average several views of an image are right more often (Krizhevsky et al. 2012).
    """

    views: Tensor  # (V, 2, 3)

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("views", _views(count), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (V * N, 1, H, W), with all images of one view, then all of the next."""
        if self.training:
            return x
        theta = self.views.repeat_interleave(len(x), dim=0)
        images = x.repeat(len(self.views), 1, 1, 1)
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, align_corners=False)


class MeanOfViews(nn.Module):
    """The mean of each image's logits over its views; does nothing in training."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """(V * N, K) -> (N, K)."""
        return x if self.training else torch.unflatten(x, 0, (self.count, -1)).mean(dim=0)


def _views(count: int) -> Tensor:
    """Return the first `count` of VIEWS as matrices for affine_grid: (count, 2, 3)."""
    rows = []
    for degrees, zoom in VIEWS[:count]:
        angle = math.radians(degrees)
        cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
        rows.append([[cosine, -sine, 0], [sine, cosine, 0]])
    return torch.tensor(rows)


class SideBySide(nn.Module):
    """Networks that see the same image; their features are concatenated."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, features of all members)."""
        return torch.cat([member(x) for member in self.members], dim=1)


class Residual(nn.Module):
    """Layers with a skip connection around them (He et al. 2015)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return torch.relu(x + self.body(x))


class Dropout(nn.Dropout):
    """Dropout that is fast for many units: each random number serves four of them.

    Drawing random numbers is most of the work. The share dropped is rounded to a multiple of
    1/65,536.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> the same shape; drops units only in training."""
        if not self.training or not self.p:
            return x
        dropped = round(self.p * 2**16)
        numbers = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 4),), device=x.device)
        kept = numbers.view(torch.int16)[: x.numel()] >= dropped - 2**15
        mask = kept.as_strided(x.shape, x.stride())  # in the memory layout of x
        return x * (mask * (2**16 / (2**16 - dropped))).to(x.dtype)


class Tanh(nn.Tanh):
    """The hyperbolic tangent, computed from the sigmoid, which on a CPU takes a sixth of the time.

    In float32 the result differs by rounding, 1e-7; in bfloat16 small values lose digits.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape, values in (-1, 1)."""
        return 2 * torch.sigmoid(2 * x) - 1


class WholeConv2d(nn.Conv2d):
    """A convolution whose kernel covers the whole input, computed as the dense layer it is."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, 1, 1), with a kernel of H x W."""
        flat, weight = (t.permute(0, 2, 3, 1).flatten(1) for t in (x, self.weight))
        return functional.linear(flat, weight, self.bias)[:, :, None, None]


def folded(model: Model) -> Model:
    """Return a copy of a network for inference, each batch norm folded into the layer before it.

    Args:
        model: a network in any mode; it is not changed.
    Returns:
        A network with fewer steps and, up to rounding, the same logits as `model` in eval mode.
    """
    model = copy.deepcopy(model).eval()
    for parent in [m for m in model.modules() if isinstance(m, nn.Sequential)]:
        for place, (layer, norm) in enumerate(itertools.pairwise(list(parent))):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                parent[place] = fuse_conv_bn_eval(layer, norm)
            elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                parent[place] = fuse_linear_bn_eval(layer, norm)
            else:
                continue
            parent[place + 1] = nn.Identity()
    return model.to(memory_format=torch.channels_last)
