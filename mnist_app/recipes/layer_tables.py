"""Networks as tables of layers: each network has a body, which is fitted to a recipe; no torch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mnist_app.recipes.layers import (
    IMAGE_SHAPE,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Layer,
    Layers,
    Logits,
    MaxPool,
    MeanOfViews,
    Residual,
    Scale,
    Shape,
    SideBySide,
    Views,
    output_shape,
    with_input_shapes,
)

ARCHITECTURES: dict[str, Layers] = {}  # the body of each network, filled by recipes.presets


def add_architecture(name: str, body: Layers) -> None:
    """Register a body as the network `name`, which recipes may then use.

    Raises:
        ValueError: the name is taken, the layers do not fit together, or they end with maps.
    """
    if name in ARCHITECTURES:
        raise ValueError(f"a network named {name!r} exists already")
    features = output_shape(body)
    if len(features) != 1:
        raise ValueError(f"the network {name!r} ends with maps of shape {features}: flatten them")
    ARCHITECTURES[name] = body


def completed(
    body: Layers,
    scaling: tuple[float, float],
    dropout: float,
    batch_norm: bool,
    outputs: int,
    views: int,
) -> Layers:
    """Return all layers of a network, from pixels in [0, 1] to logits.

    Args:
        body: the layers between the scaled image and the logits.
        scaling: scale and offset of the pixels.
        dropout: share of hidden units dropped in training, 0..0.9.
        batch_norm: whether to keep the body's batch norms.
        outputs: number of logits: 10 digits, and one more if the network learns "not a digit".
        views: how many views of each image the logits are averaged over, 1 to 5; 1 in training.
    """
    layers = (Scale(*scaling), *_fitted(body, dropout, batch_norm), Logits(outputs))
    return (Views(views), *layers, MeanOfViews(views)) if views > 1 else layers


def _fitted(body: Layers, dropout: float, batch_norm: bool) -> Layers:
    """Return a body without unwanted norms and dropout, and without needless biases."""
    fitted: list[Layer] = []
    for place, layer in enumerate(body):
        match layer:
            case BatchNorm() if not batch_norm:
                continue
            case Dropout(share=None):
                fitted += [Dropout(dropout)] if dropout else []
            case Conv() | Dense():
                is_normalized = batch_norm and _meets_norm(body[place + 1 :])
                fitted.append(replace(layer, bias=layer.bias and not is_normalized))
            case Residual() | SideBySide():
                fitted.append(replace(layer, body=_fitted(layer.body, dropout, batch_norm)))
            case _:
                fitted.append(layer)
    return tuple(fitted)


def _meets_norm(following: Layers) -> bool:
    """Return whether a batch norm follows, directly or after max-pooling, and cancels the bias."""
    others = (layer for layer in following if not isinstance(layer, MaxPool))
    return isinstance(next(others, None), BatchNorm)


class LayerSummary(NamedTuple):
    """One line of a network's diagram."""

    label: str
    shape: Shape  # of the output, without the batch
    parameters: int


def describe(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> list[LayerSummary]:
    """Return each layer with its output's shape for one image and its number of parameters."""
    return [
        LayerSummary(layer.label, layer.output_shape(inputs), layer.parameters(inputs))
        for layer, inputs in with_input_shapes(layers, shape)
    ]
