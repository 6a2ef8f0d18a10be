"""The modules of the networks that torch lacks, or computes more slowly."""

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

# Rotation in degrees and zoom; the first is the image itself.
VIEWS = (0, 1), (10, 1), (-10, 1), (0, 0.9), (0, 1.1)


class Scale(nn.Module):
    """Pixels in [0, 1] to the numbers the network was trained on: x * scale + offset."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 28, 28) -> the same shape."""
        if self.scale == 1 and self.offset == 0:
            return x
        return x * self.scale + self.offset


class Views(nn.Module):
    """Each image as it is, turned, smaller and larger; not in training.

    What several views of an image agree on is right more often (Krizhevsky et al. 2012).
    """

    views: Tensor  # (V, 2, 3)

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("views", _views(count), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (V * N, 1, H, W), all images of one view after the other."""
        if self.training:
            return x
        theta = self.views.repeat_interleave(len(x), dim=0)
        images = x.repeat(len(self.views), 1, 1, 1)
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, align_corners=False)


class MeanOfViews(nn.Module):
    """The mean logits of each image over its views; not in training."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """(V * N, K) -> (N, K)."""
        return x if self.training else torch.unflatten(x, 0, (self.count, -1)).mean(dim=0)


def _views(count: int) -> Tensor:
    """The first `count` of VIEWS as the matrices of an affine grid: (count, 2, 3)."""
    rows = []
    for degrees, zoom in VIEWS[:count]:
        angle = math.radians(degrees)
        cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
        rows.append([[cosine, -sine, 0], [sine, cosine, 0]])
    return torch.tensor(rows)


class SideBySide(nn.Module):
    """Networks that see the same image; their features one after the other."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, features of all members)."""
        return torch.cat([member(x) for member in self.members], dim=1)


class Residual(nn.Module):
    """Layers around which the input is carried on (He et al. 2015)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return torch.relu(x + self.body(x))


class Dropout(nn.Dropout):
    """Dropout for many units: drawing random numbers is most of its work, and one serves four.

    The share that is dropped is rounded to 1/65,536.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> the same shape; nothing is dropped but in training."""
        if not self.training or not self.p:
            return x
        dropped = round(self.p * 2**16)
        numbers = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 4),), device=x.device)
        kept = numbers.view(torch.int16)[: x.numel()] >= dropped - 2**15
        mask = kept.as_strided(x.shape, x.stride())  # in the order in which x lies in memory
        return x * (mask * (2**16 / (2**16 - dropped))).to(x.dtype)


class Tanh(nn.Tanh):
    """The hyperbolic tangent by the sigmoid, which torch computes in a sixth of the time on a CPU.

    In float32 the difference is that of rounding, 1e-7; in bfloat16 small values lose digits.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape, values in (-1, 1)."""
        return 2 * torch.sigmoid(2 * x) - 1


class WholeConv2d(nn.Conv2d):
    """A convolution as large as its input, computed as the dense layer that it is."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, 1, 1), the kernel being H x W."""
        flat, weight = (t.permute(0, 2, 3, 1).flatten(1) for t in (x, self.weight))
        return functional.linear(flat, weight, self.bias)[:, :, None, None]


def folded(model: Model) -> Model:
    """The same network for answering alone: each batch norm in the weights that it follows.

    Args:
        model: in any mode; it is left as it is.
    Returns:
        A network that gives the logits of its eval mode but for rounding, with fewer steps.
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
