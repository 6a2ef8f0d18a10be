"""The presets. To add one, add an entry below with its source, network and recipe."""

from dataclasses import dataclass
from typing import Any

from mnist_app.common.translation import N_, _
from mnist_app.recipes.layer_tables import ARCHITECTURES, add_architecture
from mnist_app.recipes.layers import (
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPool,
    Layers,
    MaxPool,
    Relu,
    Residual,
    SideBySide,
    Tanh,
)
from mnist_app.recipes.recipe import Recipe


@dataclass(frozen=True)
class Source:
    """What a preset is and what its source reports (accuracies, 0..1).

    The texts are English, and marked for translation with `N_` if they have words.
    """

    key: str
    description: str
    published: str = ""
    test: float | None = None
    train: float | None = None
    validation: float | None = None
    is_flawed: bool = False  # its published mistake is kept, to show the effect

    @property
    def about(self) -> str:
        """What the preset is, in the language of the page."""
        return _(self.description)

    @property
    def reported(self) -> str:
        """The accuracy that its source reports, in the language of the page; empty if none."""
        return _(self.published)


RECIPES: dict[str, Recipe] = {}  # of the presets that are trained
ENSEMBLES: dict[str, Recipe] = {}  # of the presets that combine trained networks
SOURCES: dict[str, Source] = {}  # of all presets


def add_preset(name: str, source: Source, network: Layers | str, **fields: Any) -> None:
    """Register a preset.

    Args:
        name: of the preset, and of its network if it defines one.
        source: what the preset is, and what its source reports.
        network: the body of its network, or the name of an existing network.
        fields: the fields of its recipe that differ from the defaults.
    Raises:
        ValueError: the name is taken, there is no such network, or its layers do not fit together.
        InputError: the fields do not make a valid recipe.
    """
    _add_source(name, source)
    if not isinstance(network, str):
        add_architecture(name, network)
    elif network not in ARCHITECTURES:
        raise ValueError(f"there is no network named {network!r} yet: give its layers")
    model = network if isinstance(network, str) else name
    RECIPES[name] = Recipe(name=name, model=model, **fields)


def add_ensemble(name: str, source: Source, network: Layers, member: str) -> None:
    """Register a preset that is not trained: it combines several seeds of the preset `member`.

    Raises:
        ValueError: the name is taken, or the layers do not fit together.
    """
    _add_source(name, source)
    add_architecture(name, network)
    ENSEMBLES[name] = RECIPES[member].changed(name=name, model=name)


def _add_source(name: str, source: Source) -> None:
    if name in SOURCES:
        raise ValueError(f"a preset named {name!r} exists already")
    SOURCES[name] = source


def is_preset(recipe: Recipe) -> bool:
    """Return whether a recipe is the preset of its name; its seed and data set may differ."""
    preset = (RECIPES | ENSEMBLES).get(recipe.name)
    return preset == recipe.changed(seed=0, dataset="mnist")


# Each stage of a network is on one line, with the shape of its output. A stage pools before its
# ReLU: the result is the same, and the ReLU has less to do.
#
# A preset uses bfloat16 for large products and convolutions if that is faster and costs no accuracy
# over three seeds. The accuracy of the starved cnn-simple is luck either way.

# Sources that train on all 60,000 images have no validation split. We hold out 5%, which gives an
# honest validation curve and leaves almost all images to train on. Our own presets do the same.
_SMALL_SPLIT = 0.05

# fmt: off


def _residual(width: int) -> Residual:
    """Return two 3x3 convolutions with a skip connection around them."""
    return Residual((
        Conv(width, 3, padding=1), BatchNorm(), Relu(),
        Conv(width, 3, padding=1), BatchNorm(),
    ))


add_preset(
    "cnn-2x32",
    Source("S0", N_("Two 3x3 convolutions: the classic first CNN."), "98.98%", 0.9898),
    network=(
        Conv(32, 3), BatchNorm(), MaxPool(2), Relu(),  # (32, 13, 13)
        Conv(32, 3), BatchNorm(), MaxPool(2), Relu(),  # (32, 5, 5)
        Flatten(),
        Dense(100), BatchNorm(), Relu(), Dropout(),
    ),
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.9,
    batch_size=64,
    mixed_precision=True,
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "mlp-784",
    Source("S1a", N_("One hidden layer with a unit for each pixel."), "91.96%", 0.9196),
    network=(Flatten(), Dense(784), BatchNorm(), Relu(), Dropout()),
    scaling="unit",
    optimizer="sgd",
    learning_rate=0.01,
    mixed_precision=True,
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "cnn-simple",
    Source(
        "S1b",
        N_(
            "One convolution. Its pixels are divided by 128 once too often, so it is starved of "
            "signal."
        ),
        "88.75%",
        0.8875,
        is_flawed=True,
    ),
    network=(
        Conv(10, 5, padding=2), BatchNorm(), MaxPool(2, stride=1), Relu(),  # (10, 27, 27)
        Dropout(),
        Flatten(),
        Dense(128), BatchNorm(), Relu(),
    ),
    scaling="starved",
    dropout=0.2,
    learning_rate=0.01,
    mixed_precision=True,
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "cnn-simple-fixed",
    Source("S1b, fixed", N_("cnn-simple with its pixels scaled correctly.")),
    network="cnn-simple",
    dropout=0.2,
    mixed_precision=True,
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "lenet5",
    Source("S1c", N_("LeNet-5 from 1998, with tanh and average pooling."), "98.22%", 0.9822),
    network=(  # LeCun et al. 1998
        Conv(6, 5, padding=2), BatchNorm(), Tanh(), AveragePool(2),  # (6, 14, 14)
        Conv(16, 5), BatchNorm(), Tanh(), AveragePool(2),  # (16, 5, 5)
        Conv(120, 5), BatchNorm(), Tanh(),  # (120, 1, 1)
        Flatten(),
        Dense(84), BatchNorm(), Tanh(), Dropout(),
    ),
    scaling="starved",
    initialization="glorot",
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "mlp-128-64",
    Source("S2", N_("Two hidden layers, plain SGD."), N_("92 to 96% expected"), 0.92),
    network=(
        Flatten(),
        Dense(128), BatchNorm(), Relu(), Dropout(),
        Dense(64), BatchNorm(), Relu(), Dropout(),
    ),
    scaling="unit",
    optimizer="sgd",
    learning_rate=0.01,
    batch_size=32,
)

add_preset(
    "mlp-128-64-adam",
    Source(
        "S3",
        N_("Two hidden layers, Adam."),
        N_("test > 97%, train > 98%"),
        0.97,
        train=0.98,
    ),
    network="mlp-128-64",
    scaling="unit",
    batch_size=32,
)

add_preset(
    "mlp-300",
    Source(
        "S4",
        N_("Sigmoid outputs, squared error, strong dropout, 100 epochs."),
        N_("97.2% validation"),
        validation=0.972,
    ),
    network=(Flatten(), Dense(300), BatchNorm(), Relu(), Dropout()),
    scaling="shifted",
    initialization="glorot",
    dropout=0.6,
    loss="mse",
    target_margin=0.01,
    schedule="steps",
    steps=((15, 1e-4), (40, 1e-5), (60, 5e-6)),
    batch_size=96,
    batches_per_epoch=500,
    epochs=100,
)

add_preset(
    "resnet",
    Source("own", N_("A small residual network, trained on rotated and shifted digits.")),
    network=(  # after He et al. 2015
        Conv(32, 3, padding=1), BatchNorm(), MaxPool(2), Relu(),  # (32, 14, 14)
        _residual(32),
        Conv(64, 3, padding=1), BatchNorm(), MaxPool(2), Relu(),  # (64, 7, 7)
        _residual(64),
        GlobalMaxPool(), Flatten(), Dropout(),
    ),
    batch_norm=True,
    optimizer="adamw",
    learning_rate=0.004,
    schedule="one_cycle",
    l2=0.01,
    rotation=12,
    shift=2,
    zoom=0.12,
    mixed_precision=True,
    validation_fraction=_SMALL_SPLIT,
)

add_preset(
    "speedrun",
    Source("own", N_("Reaches 99% in a few seconds, so you can watch it train.")),
    network=(
        Conv(16, 5, stride=2), Relu(),  # (16, 12, 12), too many values to normalise
        Conv(32, 3), MaxPool(2), BatchNorm(), Relu(),  # (32, 5, 5), pooled: a quarter to normalise
        Flatten(),
        Dense(128), BatchNorm(), Relu(), Dropout(),
    ),
    batch_norm=True,
    label_smoothing=0.1,
    optimizer="adamw",
    learning_rate=0.025,
    beta1=0.7,
    beta2=0.9,
    schedule="one_cycle",
    l2=0.01,
    mixed_precision=True,
    batch_size=400,
    batches_per_epoch=110,
    epochs=1,
    validation_fraction=_SMALL_SPLIT,
)

_CANVAS: Layers = (
    Conv(32, 3, padding=1), BatchNorm(), MaxPool(2), Relu(),  # (32, 14, 14)
    _residual(32),
    Conv(96, 3, padding=1), BatchNorm(), MaxPool(2), Relu(),  # (96, 7, 7)
    _residual(96),
    Conv(192, 3), BatchNorm(), Relu(),  # (192, 5, 5)
    GlobalMaxPool(), Flatten(),
)

add_preset(
    "canvas",
    Source(
        "own",
        N_(
            "For drawings: also trained on real pen strokes, and on drawings that are not digits."
        ),
    ),
    network=(*_CANVAS, Dropout()),
    batch_norm=True,
    dropout=0.25,
    views=5,
    optimizer="adamw",
    learning_rate=0.004,
    schedule="one_cycle",
    l2=0.02,
    averaging=0.998,
    mixed_precision=True,
    batch_size=128,
    epochs=14,
    rotation=12,
    shift=2,
    zoom=0.1,
    stretch=0.15,
    shear=10,
    elastic=0.4,
    thickness=0.35,
    gaps=0.05,
    pen_copies=6,
    redrawn=0.3,
    non_digits=24_000,
    validation_fraction=_SMALL_SPLIT,
)

MEMBERS = 4  # of canvas-large

add_ensemble(
    "canvas-large",
    Source("own", N_("An ensemble of four canvas networks: slower, but more often right.")),
    network=(SideBySide(_CANVAS, MEMBERS), Dropout()),
    member="canvas",
)
