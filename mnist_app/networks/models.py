"""The networks. Each takes float32 (N, 1, 28, 28) in [0, 1] and returns raw logits
(N, 10), or (N, 11) where the last class is "not a digit".

`recipes.presets` defines them as tables of layers; here they become torch modules. To add a new
kind of layer, add it to `recipes.layers` and to `_module`.
"""

from typing import Literal

import torch
from torch import nn

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.networks import layers
from mnist_app.recipes import layers as table
from mnist_app.recipes.layer_tables import ARCHITECTURES, completed
from mnist_app.recipes.layers import CLASSES, IMAGE_SHAPE, Layer, Layers, Shape, with_input_shapes
from mnist_app.recipes.recipe import PIXEL_DEVIATION, SCALINGS, Recipe


class Network(nn.Sequential):
    """Modules in sequence, with the table of layers they were built from, one module per layer."""

    layers: Layers = ()


def list_models() -> list[str]:
    """Return the names of all networks, in the order of the presets."""
    return list(ARCHITECTURES)


def create_model(
    name: str,
    *,
    scaling: str = "unit",
    dropout: float = 0.0,
    batch_norm: bool = False,
    outputs: int = CLASSES,
    views: int = 1,
) -> Network:
    """Build the network `name`, including its input scaling, with fresh weights.

    Args:
        name: one of `list_models()`.
        scaling: one of `recipes.SCALINGS`, applied to pixels in [0, 1].
        dropout: share of hidden units dropped in training, 0..0.9.
        batch_norm: whether to normalise after every hidden layer.
        outputs: number of logits: 10 digits, and one more if the network learns "not a digit".
        views: how many views of each image the logits are averaged over, 1 to 5; 1 in training.
    Returns:
        A module from float32 (N, 1, 28, 28) in [0, 1] to logits (N, outputs).
    Raises:
        InputError: there is no such network or scaling.
    """
    if name not in ARCHITECTURES:
        raise InputError(
            message(
                "There is no network {name}: choose one of {networks}.",
                name=repr(name),
                networks=", ".join(list_models()),
            )
        )
    if scaling not in SCALINGS:
        raise InputError(
            message(
                "There is no scaling {name}: choose one of {scalings}.",
                name=repr(scaling),
                scalings=", ".join(SCALINGS),
            )
        )
    body, pixels = ARCHITECTURES[name], SCALINGS[scaling]
    return build(completed(body, pixels, dropout, batch_norm, outputs, views))


def from_recipe(recipe: Recipe) -> Network:
    """Build the network that a recipe asks for, with fresh weights."""
    model = build(recipe.layers)
    if recipe.initialization == "glorot":
        initialize_glorot(model)
    return model


def build(entries: Layers, shape: Shape = IMAGE_SHAPE) -> Network:
    """Build the modules of a table of layers, with fresh weights, for inputs of that shape."""
    model = Network(
        *(_module(layer, inputs) for layer, inputs in with_input_shapes(entries, shape))
    )
    model.layers = entries
    return model


def _module(layer: Layer, shape: Shape) -> nn.Module:
    """Return the module of a layer for inputs of that shape."""
    match layer:
        case table.Conv():
            return _convolution(layer, shape)
        case table.Logits():
            return _logits(layer, shape)
        case table.Dense():
            return nn.Linear(shape[0], layer.units, bias=layer.bias)
        case table.BatchNorm():
            return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])
        case table.Dropout():
            kind = layers.Dropout if len(shape) == 3 else nn.Dropout  # fast for many units
            return kind(layer.share or 0.0)
        case table.Residual():
            return layers.Residual(build(layer.body, shape))
        case table.SideBySide():
            return layers.SideBySide([build(layer.body, shape) for _ in range(layer.count)])
    return _module_for_any_shape(layer)


def _module_for_any_shape(layer: Layer) -> nn.Module:
    match layer:
        case table.MaxPool():
            return nn.MaxPool2d(layer.size, layer.stride)
        case table.AveragePool():
            return nn.AvgPool2d(layer.size)
        case table.Scale():
            return layers.Scale(layer.scale, layer.offset)
        case table.Views():
            return layers.Views(layer.count)
        case table.MeanOfViews():
            return layers.MeanOfViews(layer.count)
        case table.GlobalMaxPool():
            return nn.AdaptiveMaxPool2d(1)
    return _PLAIN[type(layer)]()


_PLAIN: dict[type[Layer], type[nn.Module]] = {
    table.Flatten: nn.Flatten,
    table.Relu: nn.ReLU,
    table.Tanh: layers.Tanh,
}


def _convolution(layer: table.Conv, shape: Shape) -> nn.Conv2d:
    if shape[1:] == (layer.kernel, layer.kernel) and not layer.padding:
        return layers.WholeConv2d(shape[0], layer.channels, layer.kernel, bias=layer.bias)
    return nn.Conv2d(
        shape[0], layer.channels, layer.kernel, layer.stride, layer.padding, bias=layer.bias
    )


def _logits(layer: table.Logits, shape: Shape) -> nn.Linear:
    """Return the last layer. For other than ten classes, weights for ten are drawn first.

    So a seed gives the same initial weights as when the committed networks were trained.
    """
    last = nn.Linear(shape[0], CLASSES)
    return last if layer.units == CLASSES else nn.Linear(shape[0], layer.units)


@torch.no_grad()
def initialize_glorot(model: nn.Sequential) -> None:
    """Initialize weights so that the signal gets through all layers (Glorot & Bengio 2010).

    The gain is the activation's, or 1 at the output. Glorot's variances assume inputs of unit
    variance. So the first layer's weights are divided by the standard deviation of the scaled
    pixels, which lets even starved pixels come through at full strength.
    """
    learning = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    is_tanh = any(isinstance(m, nn.Tanh) for m in model)
    activation: Literal["tanh", "relu"] = "tanh" if is_tanh else "relu"
    for layer in learning:
        gain = 1.0 if layer is learning[-1] else nn.init.calculate_gain(activation)
        nn.init.xavier_uniform_(layer.weight, gain)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    scale = next(module.scale for module in model if isinstance(module, layers.Scale))
    for first in _first_layers(model):
        if first.weight.is_meta:  # no values to divide, and dividing would load all of sympy
            continue
        first.weight /= scale * PIXEL_DEVIATION


def _first_layers(model: nn.Sequential) -> list[nn.Conv2d | nn.Linear]:
    """Return the layers that see the image."""
    branches = next((m.members for m in model if isinstance(m, layers.SideBySide)), [model])
    return [
        next(m for m in branch.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        for branch in branches
    ]


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
