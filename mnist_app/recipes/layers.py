"""The layers that networks are made of, with their shapes and parameter counts; no torch.

A network is a tuple of layers. `networks.models.build` turns each into a torch module. Anything
else that reads networks, such as an export, starts here too.

Shapes leave out the batch: (channels, height, width) for maps, (units,) for features.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnist_app.common.translation import N_, _

Shape = tuple[int, ...]

IMAGE_SHAPE: Shape = (1, 28, 28)
CLASSES = 10


@dataclass(frozen=True)
class Layer:
    """One layer of a network. This base class keeps the shape and learns nothing."""

    label_template: ClassVar[str] = ""  # with the layer's fields, such as {layer.kernel}

    @property
    def label(self) -> str:
        """What the layer is called in a diagram, in the language of the page."""
        return _(self.label_template).format(layer=self)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the output's shape for inputs of that shape; ValueError if they do not fit."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Return the number of learned parameters for inputs of that shape."""
        del shape
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        """Return the number of multiply-adds for one input of that shape."""
        del shape
        return 0


Layers = tuple[Layer, ...]


# Layers that learn


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution with a square kernel."""

    label_template: ClassVar[str] = N_("Conv {layer.kernel}x{layer.kernel}")
    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """The sides grow by the padding, shrink by the kernel and are divided by the stride."""
        padded = _sides(self, shape, self.padding)
        return (self.channels, *_places(self, padded, self.kernel, self.stride))

    def parameters(self, shape: Shape) -> int:
        """The kernels and, if there are any, the biases."""
        return self.channels * (shape[0] * self.kernel**2 + self.bias)

    def multiply_adds(self, shape: Shape) -> int:
        """One kernel for each value of the output."""
        return math.prod(self.output_shape(shape)) * shape[0] * self.kernel**2


@dataclass(frozen=True)
class Dense(Layer):
    """A layer in which every unit sees all features."""

    label_template: ClassVar[str] = N_("Dense")
    units: int
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """One feature for each unit."""
        if len(shape) != 1:
            raise ValueError(f"{self.label} needs features, not maps of shape {shape}")
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        """A weight for each feature and unit and, if there are any, the biases."""
        return self.units * (shape[0] + self.bias)

    def multiply_adds(self, shape: Shape) -> int:
        """One for each feature and unit."""
        return self.units * shape[0]


@dataclass(frozen=True)
class Logits(Dense):
    """The last layer: one logit for each class."""


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation. In a body it is used only if the recipe asks for it."""

    label_template: ClassVar[str] = N_("Batch norm")

    def parameters(self, shape: Shape) -> int:
        """A scale and an offset for each channel or unit."""
        return 2 * shape[0]


# Layers that learn nothing


@dataclass(frozen=True)
class MaxPool(Layer):
    """The maximum of each square window."""

    size: int
    stride: int | None = None  # None: the windows lie side by side

    @property
    def label(self) -> str:
        """The size and the stride of its windows."""
        stride = self.stride or self.size
        return _("Max-pool {size}, stride {stride}").format(size=self.size, stride=stride)

    def output_shape(self, shape: Shape) -> Shape:
        """One value for each window."""
        return (shape[0], *_places(self, _sides(self, shape), self.size, self.stride))


@dataclass(frozen=True)
class AveragePool(Layer):
    """The mean of each square window; the windows are side by side."""

    label_template: ClassVar[str] = N_("Average-pool {layer.size}")
    size: int

    def output_shape(self, shape: Shape) -> Shape:
        """One value for each window."""
        return (shape[0], *_places(self, _sides(self, shape), self.size))


@dataclass(frozen=True)
class GlobalMaxPool(Layer):
    """The maximum of each map."""

    label_template: ClassVar[str] = N_("Max over the image")

    def output_shape(self, shape: Shape) -> Shape:
        """Maps with a single value."""
        _sides(self, shape)
        return (shape[0], 1, 1)


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps turned into features, one channel after another."""

    label_template: ClassVar[str] = N_("Flatten")

    def output_shape(self, shape: Shape) -> Shape:
        """All values in one row."""
        return (math.prod(shape),)


@dataclass(frozen=True)
class Relu(Layer):
    """The rectified linear unit, max(0, x)."""

    label_template: ClassVar[str] = "ReLU"


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent."""

    label_template: ClassVar[str] = "tanh"


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout. In a body, a share of None stands for the share that the recipe asks for."""

    share: float | None = None

    @property
    def label(self) -> str:
        """The share of units dropped."""
        if self.share is None:
            return _("Dropout")
        return _("Dropout {share}").format(share=f"{self.share:g}")


# Layers around others


@dataclass(frozen=True)
class Residual(Layer):
    """Layers with a skip connection around them: ReLU(x + body(x)) (He et al. 2015)."""

    body: Layers

    @property
    def label(self) -> str:
        """The number and size of its convolutions."""
        kernels = [layer.kernel for layer in self.body if isinstance(layer, Conv)]
        return _("Residual {count} x ({kernel}x{kernel})").format(
            count=len(kernels), kernel=kernels[0]
        )

    def output_shape(self, shape: Shape) -> Shape:
        """The same as the input's; ValueError if the body changes it."""
        if (inside := output_shape(self.body, shape)) != shape:
            raise ValueError(f"{self.label} makes {inside} of {shape}: they cannot be added")
        return shape

    def parameters(self, shape: Shape) -> int:
        """The parameters of its body."""
        return count_parameters(self.body, shape)

    def multiply_adds(self, shape: Shape) -> int:
        """The multiply-adds of its body."""
        return count_multiply_adds(self.body, shape)


@dataclass(frozen=True)
class SideBySide(Layer):
    """Several networks with the same body but their own weights; their features are joined."""

    label_template: ClassVar[str] = N_("{layer.count} networks side by side")
    body: Layers
    count: int

    def output_shape(self, shape: Shape) -> Shape:
        """The features of all networks."""
        (features,) = output_shape(self.body, shape)
        return (features * self.count,)

    def parameters(self, shape: Shape) -> int:
        """The parameters of all networks."""
        return self.count * count_parameters(self.body, shape)

    def multiply_adds(self, shape: Shape) -> int:
        """The multiply-adds of all networks."""
        return self.count * count_multiply_adds(self.body, shape)


# Layers that are not in a body: `completed` adds them


@dataclass(frozen=True)
class Scale(Layer):
    """Turns pixels in [0, 1] into the numbers the network was trained on: x * scale + offset."""

    scale: float
    offset: float

    @property
    def label(self) -> str:
        """The formula."""
        sign = "+" if self.offset >= 0 else "-"
        return f"x {self.scale:.3g} {sign} {abs(self.offset):.3g}"


@dataclass(frozen=True)
class Views(Layer):
    """Each image as it is, turned, smaller and larger; in training only as it is."""

    label_template: ClassVar[str] = N_("{layer.count} views of the image")
    count: int


@dataclass(frozen=True)
class MeanOfViews(Layer):
    """The mean of each image's logits over its views; does nothing in training."""

    label_template: ClassVar[str] = N_("Mean of the views")
    count: int


# Shapes and sizes


def with_input_shapes(
    layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE
) -> Iterator[tuple[Layer, Shape]]:
    """Yield each layer with the shape of its input; `shape` is the first layer's."""
    for layer in layers:
        yield layer, shape
        shape = layer.output_shape(shape)


def output_shape(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> Shape:
    """Return the shape of the last layer's output; ValueError if the layers do not fit together."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def count_parameters(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> int:
    """Return the number of learned parameters of all layers."""
    return sum(layer.parameters(inputs) for layer, inputs in with_input_shapes(layers, shape))


def count_multiply_adds(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> int:
    """Return the number of multiply-adds needed to answer for one image, including its views.

    Only convolutions and dense layers count. Everything else, such as norms, pooling and turning
    the views, is small in comparison.
    """
    total, images = 0, 1
    for layer, inputs in with_input_shapes(layers, shape):
        total += images * layer.multiply_adds(inputs)
        if isinstance(layer, Views):
            images = layer.count
        elif isinstance(layer, MeanOfViews):
            images = 1
    return total


def _sides(layer: Layer, shape: Shape, padding: int = 0) -> tuple[int, int]:
    """Return the height and width of maps, with the padding on each side."""
    if len(shape) != 3:
        raise ValueError(f"{layer.label} needs maps, not features of shape {shape}")
    return shape[1] + 2 * padding, shape[2] + 2 * padding


def _places(
    layer: Layer, sides: tuple[int, int], window: int, stride: int | None = None
) -> tuple[int, ...]:
    """Return how many positions a square window has along each side."""
    if window > min(sides):
        raise ValueError(f"{layer.label} is larger than its maps of {sides[0]} x {sides[1]}")
    return tuple((side - window) // (stride or window) + 1 for side in sides)
