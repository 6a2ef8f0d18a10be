"""The vocabulary of networks: layers with their shapes and numbers, read without torch.

A network is a tuple of them. `networks.models.build` makes a torch module of each; what else reads
networks, such as an export, starts here too.

Shapes leave out the batch: (channels, height, width) of maps, (units,) of features.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

Shape = tuple[int, ...]

IMAGE_SHAPE: Shape = (1, 28, 28)
CLASSES = 10


@dataclass(frozen=True)
class Layer:
    """One layer of a network; by itself it changes no shape and learns nothing."""

    label_template: ClassVar[str] = ""  # with the layer as {0}

    @property
    def label(self) -> str:
        """What the layer is called in a diagram."""
        return self.label_template.format(self) or type(self).__name__

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for inputs of that shape; ValueError if they do not fit."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """The number of learned parameters for inputs of that shape."""
        del shape
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        """The multiplications, each with its addition, for one input of that shape."""
        del shape
        return 0


Layers = tuple[Layer, ...]


# Layers that learn


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution with a square kernel."""

    label_template: ClassVar[str] = "Conv {0.kernel}x{0.kernel}"
    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """Smaller by the kernel, larger by the padding, divided by the stride."""
        padded = _sides(self, shape, self.padding)
        return (self.channels, *_places(self, padded, self.kernel, self.stride))

    def parameters(self, shape: Shape) -> int:
        """The kernels and, if there are some, the biases."""
        return self.channels * (shape[0] * self.kernel**2 + self.bias)

    def multiply_adds(self, shape: Shape) -> int:
        """One kernel for each output."""
        return math.prod(self.output_shape(shape)) * shape[0] * self.kernel**2


@dataclass(frozen=True)
class Dense(Layer):
    """A layer whose units see all features."""

    units: int
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """Its units."""
        if len(shape) != 1:
            raise ValueError(f"{self.label} needs features, not maps of shape {shape}")
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        """A weight for each feature and unit and, if there are some, the biases."""
        return self.units * (shape[0] + self.bias)

    def multiply_adds(self, shape: Shape) -> int:
        """One for each feature and unit."""
        return self.units * shape[0]


@dataclass(frozen=True)
class Logits(Dense):
    """The last layer: one logit for each class."""

    label_template: ClassVar[str] = "Dense"


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation; in a body: only if the recipe asks for it."""

    label_template: ClassVar[str] = "Batch norm"

    def parameters(self, shape: Shape) -> int:
        """A scale and an offset for each channel or unit."""
        return 2 * shape[0]


# Layers that learn nothing


@dataclass(frozen=True)
class MaxPool(Layer):
    """The maximum of each square window."""

    size: int
    stride: int | None = None  # that of the windows side by side

    @property
    def label(self) -> str:
        """The size of its windows and their distance."""
        return f"Max-pool {self.size}, stride {self.stride or self.size}"

    def output_shape(self, shape: Shape) -> Shape:
        """One value for each window."""
        return (shape[0], *_places(self, _sides(self, shape), self.size, self.stride))


@dataclass(frozen=True)
class AveragePool(Layer):
    """The mean of each square window; the windows are side by side."""

    label_template: ClassVar[str] = "Average-pool {0.size}"
    size: int

    def output_shape(self, shape: Shape) -> Shape:
        """One value for each window."""
        return (shape[0], *_places(self, _sides(self, shape), self.size))


@dataclass(frozen=True)
class GlobalMaxPool(Layer):
    """The maximum of each map."""

    label_template: ClassVar[str] = "Max over the image"

    def output_shape(self, shape: Shape) -> Shape:
        """Maps of one value."""
        _sides(self, shape)
        return (shape[0], 1, 1)


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps as features, one channel after the other."""

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
    """Dropout; in a body without a share: as much as the recipe asks for."""

    share: float | None = None

    @property
    def label(self) -> str:
        """The share of what is dropped."""
        return "Dropout" if self.share is None else f"Dropout {self.share:g}"


# Layers around others


@dataclass(frozen=True)
class Residual(Layer):
    """Layers around which the input is carried on: ReLU(x + body(x)) (He et al. 2015)."""

    body: Layers

    @property
    def label(self) -> str:
        """Its convolutions."""
        kernels = [layer.kernel for layer in self.body if isinstance(layer, Conv)]
        return f"Residual {len(kernels)} x ({kernels[0]}x{kernels[0]})"

    def output_shape(self, shape: Shape) -> Shape:
        """That of the input."""
        if (inside := output_shape(self.body, shape)) != shape:
            raise ValueError(f"{self.label} makes {inside} of {shape}: they cannot be added")
        return shape

    def parameters(self, shape: Shape) -> int:
        """Those of its body."""
        return count_parameters(self.body, shape)

    def multiply_adds(self, shape: Shape) -> int:
        """Those of its body."""
        return count_multiply_adds(self.body, shape)


@dataclass(frozen=True)
class SideBySide(Layer):
    """Networks of one body, each with weights of its own, whose features are joined."""

    label_template: ClassVar[str] = "{0.count} networks side by side"
    body: Layers
    count: int

    def output_shape(self, shape: Shape) -> Shape:
        """The features of all."""
        (features,) = output_shape(self.body, shape)
        return (features * self.count,)

    def parameters(self, shape: Shape) -> int:
        """Those of all."""
        return self.count * count_parameters(self.body, shape)

    def multiply_adds(self, shape: Shape) -> int:
        """Those of all."""
        return self.count * count_multiply_adds(self.body, shape)


# Layers that no body has: `completed` adds them


@dataclass(frozen=True)
class Scale(Layer):
    """Pixels in [0, 1] to the numbers that the network was trained on: x * scale + offset."""

    scale: float
    offset: float

    @property
    def label(self) -> str:
        """The calculation."""
        sign = "+" if self.offset >= 0 else "-"
        return f"x {self.scale:.3g} {sign} {abs(self.offset):.3g}"


@dataclass(frozen=True)
class Views(Layer):
    """Each image as it is, turned, smaller and larger; not in training."""

    label_template: ClassVar[str] = "{0.count} views of the image"
    count: int


@dataclass(frozen=True)
class MeanOfViews(Layer):
    """The mean logits of each image over its views; not in training."""

    label_template: ClassVar[str] = "Mean of the views"
    count: int


# Shapes and numbers


def with_input_shapes(
    layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE
) -> Iterator[tuple[Layer, Shape]]:
    """Each layer with the shape of its inputs, of which `shape` is the first."""
    for layer in layers:
        yield layer, shape
        shape = layer.output_shape(shape)


def output_shape(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> Shape:
    """The shape of what the last layer puts out; ValueError if the layers do not fit."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def count_parameters(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> int:
    """The number of learned parameters of all layers."""
    return sum(layer.parameters(inputs) for layer, inputs in with_input_shapes(layers, shape))


def count_multiply_adds(layers: Sequence[Layer], shape: Shape = IMAGE_SHAPE) -> int:
    """The multiplications that an answer about one image takes, views included.

    Those of convolutions and dense layers are counted, each with the addition that follows it:
    all else, such as norms, pooling and turning the views, is small beside them.
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
    """Height and width of maps, with the padding on each side."""
    if len(shape) != 3:
        raise ValueError(f"{layer.label} needs maps, not features of shape {shape}")
    return shape[1] + 2 * padding, shape[2] + 2 * padding


def _places(
    layer: Layer, sides: tuple[int, int], window: int, stride: int | None = None
) -> tuple[int, ...]:
    """How many places a square window has along each side."""
    if window > min(sides):
        raise ValueError(f"{layer.label} is larger than its maps of {sides[0]} x {sides[1]}")
    return tuple((side - window) // (stride or window) + 1 for side in sides)
