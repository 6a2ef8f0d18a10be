"""The networks. Each takes float32 (N, 1, 28, 28) in [0, 1] and returns raw logits (N, 10)."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from mnist_app.common.errors import InputError
from mnist_app.networks.layers import (
    Dropout,
    MeanOfViews,
    Residual,
    Scale,
    SideBySide,
    Tanh,
    Views,
    WholeConv2d,
    conv,
    dense,
    pooled_relu,
)
from mnist_app.recipes.recipe import MODELS, PIXEL_DEVIATION, SCALINGS, Recipe

IMAGE_SHAPE = (1, 28, 28)
CLASSES = 10
CANVAS_FEATURES = 192
MEMBERS = 4  # of canvas-large

Body = TypeVar("Body", bound=Callable[[float, bool], nn.Sequential])
_REGISTRY: dict[str, Callable[[float, bool], nn.Sequential]] = {}


def register(name: str) -> Callable[[Body], Body]:
    """Make a function `(dropout, batch_norm) -> layers` known as the network `name`.

    Raises:
        ValueError: the name is taken, or no recipe could ask for it.
    """
    if name in _REGISTRY:
        raise ValueError(f"a network named {name!r} exists already")
    if name not in MODELS:
        raise ValueError(f"no recipe can ask for the network {name!r}: add it to recipes.MODELS")

    def remember(body: Body) -> Body:
        _REGISTRY[name] = body
        return body

    return remember


def list_models() -> list[str]:
    """The names of all networks, in the order of recipes.MODELS."""
    return [name for name in MODELS if name in _REGISTRY]


def create_model(
    name: str,
    *,
    scaling: str = "unit",
    dropout: float = 0.0,
    batch_norm: bool = False,
    outputs: int = CLASSES,
    views: int = 1,
) -> nn.Sequential:
    """Build the network `name`, its own input scaling in front, with fresh weights.

    Args:
        name: one of `list_models()`.
        scaling: one of `recipes.SCALINGS`, applied to pixels in [0, 1].
        dropout: probability of dropping a hidden unit in training, 0..0.9.
        batch_norm: normalise after every hidden layer.
        outputs: 10 digits, and one more where the network learns what is none.
        views: of each image, 1 to VIEWS, whose logits are averaged; in training there is one.
    Returns:
        A module from float32 (N, 1, 28, 28) in [0, 1] to logits (N, outputs).
    Raises:
        InputError: there is no such network or scaling.
    """
    if name not in _REGISTRY:
        raise InputError(f"There is no network {name!r}: choose one of {', '.join(list_models())}.")
    if scaling not in SCALINGS:
        raise InputError(f"There is no scaling {scaling!r}: choose one of {', '.join(SCALINGS)}.")
    *layers, last = _REGISTRY[name](dropout, batch_norm)
    if outputs != CLASSES:
        last = nn.Linear(last.in_features, outputs)
    layers = [Scale(*SCALINGS[scaling]), *layers, last]
    if views > 1:
        layers = [Views(views), *layers, MeanOfViews(views)]
    return nn.Sequential(*layers)


def from_recipe(recipe: Recipe) -> nn.Sequential:
    """Build the network that a recipe asks for, with fresh weights."""
    model = create_model(
        recipe.model,
        scaling=recipe.scaling,
        dropout=recipe.dropout,
        batch_norm=recipe.batch_norm,
        outputs=CLASSES + (recipe.non_digits > 0),
        views=recipe.views,
    )
    if recipe.initialization == "glorot":
        initialize_glorot(model)
    return model


@torch.no_grad()
def initialize_glorot(model: nn.Sequential) -> None:
    """Start from weights that carry the signal through all layers (Glorot & Bengio 2010).

    The gain is the activation's, 1 at the output. Glorot's variances are meant for inputs of unit
    variance: the first layer's weights are divided by the deviation that the network's scaling
    leaves to its pixels, so that starved pixels arrive in full.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    activation = "tanh" if any(isinstance(m, nn.Tanh) for m in model) else "relu"
    for layer in layers:
        gain = 1.0 if layer is layers[-1] else nn.init.calculate_gain(activation)
        nn.init.xavier_uniform_(layer.weight, gain)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    scale = next(module.scale for module in model if isinstance(module, Scale))
    for first in _first_layers(model):
        if first.weight.is_meta:  # shapes alone: dividing nothing makes torch load all of sympy
            continue
        first.weight /= scale * PIXEL_DEVIATION


def _first_layers(model: nn.Sequential) -> list[nn.Conv2d | nn.Linear]:
    """The layers that see the image."""
    branches = next((m.members for m in model if isinstance(m, SideBySide)), [model])
    return [
        next(m for m in branch.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        for branch in branches
    ]


def count_parameters(model: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@torch.no_grad()
def multiply_adds(model: nn.Module) -> int:
    """The multiplications that a network needs for one image in its eval mode, views included.

    Those of convolutions and dense layers are counted, each with the addition that follows it:
    all else, as norms, pooling and turning the views, is small beside them.
    """
    counts = []

    def count(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        counts.append(output.numel() * layer.weight[0].numel())

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = model.training
    try:
        model.eval()(torch.zeros(1, *IMAGE_SHAPE, device=next(model.parameters()).device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return sum(counts)


class Layer(NamedTuple):
    """One line of an architecture's diagram."""

    label: str
    shape: tuple[int, ...]  # of its output, without the batch
    parameters: int


@torch.no_grad()
def describe(model: nn.Sequential) -> list[Layer]:
    """The layers of a network in order, with the shape that each puts out for one image."""
    was_training = model.training
    model.eval()
    parameter = next(model.parameters())
    x = torch.zeros(1, *IMAGE_SHAPE, device=parameter.device)
    layers = []
    for module in model:
        x = module(x)
        layers.append(Layer(label_of(module), tuple(x.shape[1:]), count_parameters(module)))
    model.train(was_training)
    return layers


@register("cnn-2x32")
def cnn_2x32(dropout: float, batch_norm: bool) -> nn.Sequential:
    """Two 3x3 convolutions of 32 channels, a hidden dense layer of 100."""
    return nn.Sequential(
        *conv(1, 32, 3, batch_norm, None),  # (N, 32, 26, 26)
        *pooled_relu(2),
        *conv(32, 32, 3, batch_norm, None),  # (N, 32, 11, 11)
        *pooled_relu(2),
        nn.Flatten(),  # (N, 800)
        *dense(32 * 5 * 5, 100, batch_norm, nn.ReLU(), dropout),
        nn.Linear(100, CLASSES),
    )


@register("mlp-784")
def mlp_784(dropout: float, batch_norm: bool) -> nn.Sequential:
    """One hidden layer as wide as the image."""
    return _mlp((784,), dropout, batch_norm)


@register("mlp-128-64")
def mlp_128_64(dropout: float, batch_norm: bool) -> nn.Sequential:
    """Hidden layers of 128 and 64."""
    return _mlp((128, 64), dropout, batch_norm)


@register("mlp-300")
def mlp_300(dropout: float, batch_norm: bool) -> nn.Sequential:
    """One hidden layer of 300."""
    return _mlp((300,), dropout, batch_norm)


def _mlp(widths: tuple[int, ...], dropout: float, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip((784, *widths), widths, strict=False):
        layers += dense(inputs, outputs, batch_norm, nn.ReLU(), dropout)
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))


@register("cnn-simple")
def cnn_simple(dropout: float, batch_norm: bool) -> nn.Sequential:
    """One 5x5 convolution, overlapping pooling, a hidden dense layer of 128."""
    return nn.Sequential(
        *conv(1, 10, 5, batch_norm, None, padding=2),  # (N, 10, 28, 28)
        *pooled_relu(2, stride=1),  # (N, 10, 27, 27)
        *([Dropout(dropout)] if dropout else []),
        nn.Flatten(),  # (N, 7290)
        *dense(10 * 27 * 27, 128, batch_norm, nn.ReLU()),
        nn.Linear(128, CLASSES),
    )


@register("lenet5")
def lenet5(dropout: float, batch_norm: bool) -> nn.Sequential:
    """LeNet-5 with tanh and average pooling (LeCun et al. 1998)."""
    return nn.Sequential(
        *conv(1, 6, 5, batch_norm, Tanh(), padding=2),  # (N, 6, 28, 28)
        nn.AvgPool2d(2),
        *conv(6, 16, 5, batch_norm, Tanh()),  # (N, 16, 10, 10)
        nn.AvgPool2d(2),
        WholeConv2d(16, 120, 5, bias=not batch_norm),  # (N, 120, 1, 1)
        *([nn.BatchNorm2d(120)] if batch_norm else []),
        Tanh(),
        nn.Flatten(),
        *dense(120, 84, batch_norm, Tanh(), dropout),
        nn.Linear(84, CLASSES),
    )


@register("resnet")
def resnet(dropout: float, batch_norm: bool) -> nn.Sequential:
    """Two residual blocks, 32 channels at 14x14 and 64 at 7x7 (after He et al. 2015)."""
    return nn.Sequential(
        *conv(1, 32, 3, batch_norm, None, padding=1),
        *pooled_relu(2),  # (N, 32, 14, 14)
        Residual(32, batch_norm),
        *conv(32, 64, 3, batch_norm, None, padding=1),
        *pooled_relu(2),  # (N, 64, 7, 7)
        Residual(64, batch_norm),
        nn.AdaptiveMaxPool2d(1),  # (N, 64, 1, 1)
        nn.Flatten(),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(64, CLASSES),
    )


@register("speedrun")
def speedrun(dropout: float, batch_norm: bool) -> nn.Sequential:
    """A 5x5 convolution at every second pixel, a 3x3 one, a hidden dense layer of 128."""
    return nn.Sequential(
        *conv(1, 16, 5, False, nn.ReLU(), stride=2),  # (N, 16, 12, 12), many to normalise
        nn.Conv2d(16, 32, 3, bias=not batch_norm),  # (N, 32, 10, 10)
        nn.MaxPool2d(2),  # before the norm, which has a quarter of the work then
        *([nn.BatchNorm2d(32)] if batch_norm else []),
        nn.ReLU(),
        nn.Flatten(),  # (N, 800)
        *dense(32 * 5 * 5, 128, batch_norm, nn.ReLU(), dropout),
        nn.Linear(128, CLASSES),
    )


@register("canvas")
def canvas(dropout: float, batch_norm: bool) -> nn.Sequential:
    """Two residual blocks, 32 channels at 14x14 and 96 at 7x7, then 192 at 5x5."""
    return nn.Sequential(
        *_canvas_features(batch_norm),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(CANVAS_FEATURES, CLASSES),
    )


@register("canvas-large")
def canvas_large(dropout: float, batch_norm: bool) -> nn.Sequential:
    """Networks like canvas side by side, whose logits are added."""
    members = [nn.Sequential(*_canvas_features(batch_norm)) for _ in range(MEMBERS)]
    return nn.Sequential(
        SideBySide(members),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(CANVAS_FEATURES * MEMBERS, CLASSES),
    )


def _canvas_features(batch_norm: bool) -> list[nn.Module]:
    """(N, 1, 28, 28) -> (N, CANVAS_FEATURES)."""
    return [
        *conv(1, 32, 3, batch_norm, None, padding=1),
        *pooled_relu(2),  # (N, 32, 14, 14)
        Residual(32, batch_norm),
        *conv(32, 96, 3, batch_norm, None, padding=1),
        *pooled_relu(2),  # (N, 96, 7, 7)
        Residual(96, batch_norm),
        *conv(96, CANVAS_FEATURES, 3, batch_norm, nn.ReLU()),  # (N, 192, 5, 5)
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
    ]


def label_of(module: nn.Module) -> str:
    """What a layer is called in a diagram."""
    match module:
        case Scale():
            sign = "+" if module.offset >= 0 else "-"
            return f"x {module.scale:.3g} {sign} {abs(module.offset):.3g}"
        case Views():
            return f"{len(module.views)} views of the image"
        case SideBySide():
            return f"{len(module.members)} networks side by side"
        case Residual():
            return "Residual 2 x (3x3)"
        case nn.Conv2d():
            return f"Conv {module.kernel_size[0]}x{module.kernel_size[1]}"
        case nn.MaxPool2d():
            return f"Max-pool {module.kernel_size}, stride {module.stride}"
        case nn.AvgPool2d():
            return f"Average-pool {module.kernel_size}"
        case nn.Dropout():
            return f"Dropout {module.p:g}"
    return _LABELS.get(type(module), type(module).__name__)


_LABELS: dict[type[nn.Module], str] = {
    nn.Linear: "Dense",
    nn.BatchNorm2d: "Batch norm",
    nn.BatchNorm1d: "Batch norm",
    nn.AdaptiveMaxPool2d: "Max over the image",
    Tanh: "tanh",
    MeanOfViews: "Mean of the views",
}
