"""Recipe: all that a training run depends on, validated."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name, shortened
from mnist_app.recipes.annotations import FieldFacts, Group, field
from mnist_app.recipes.layer_tables import ARCHITECTURES, completed
from mnist_app.recipes.layers import CLASSES, Layers

# Mean and standard deviation of the pixels of MNIST's training images, in [0, 1].
PIXEL_MEAN, PIXEL_DEVIATION = 0.1307, 0.3081

# Every scaling is x * scale + offset of pixels in [0, 1].
SCALINGS = {
    "unit": (1.0, 0.0),
    "standardized": (1 / PIXEL_DEVIATION, -PIXEL_MEAN / PIXEL_DEVIATION),
    "starved": (1 / 128, 0.0),
    "shifted": (0.99, 0.01),
}

Scaling = Literal["unit", "standardized", "starved", "shifted"]
Steps = tuple[tuple[int, float], ...]

_NETWORK: Group = "Network"
_OPTIMIZER: Group = "Loss and optimizer"
_AUGMENTATION: Group = "Augmentation"
_DRAWINGS: Group = "Drawings"
_DATA: Group = "Data, stopping, seed"


class Recipe(BaseModel):
    """All that a training run depends on, besides the machine.

    Every field has its range, its default and one line of help; `FIELDS` has them for others.

    Raises:
        InputError: on construction; names the field, the value and the range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = field("own", "name of the recipe", varies=False)
    model: str = field("cnn-2x32", "the layers", group=_NETWORK, label="Network")
    dataset: str = field(
        "mnist",
        "mnist, digits, or a folder or ZIP of sub-folders 0 to 9",
        label="Data set",
        min_length=1,
        varies=False,
    )

    scaling: Scaling = field("standardized", "scaling of pixels in [0, 1]", group=_NETWORK)
    initialization: Literal["default", "glorot"] = field(
        "default",
        "first weights: torch's, or Glorot's, which allow for the scaling",
        group=_NETWORK,
    )
    dropout: float = field(
        0.0, "share of hidden units dropped in training", (0, 0.9), group=_NETWORK, usual=(0.0, 0.5)
    )
    batch_norm: bool = field(False, "batch normalisation after hidden layers", group=_NETWORK)
    views: int = field(
        1, "views of an image to answer from: as it is, turned, scaled", (1, 5), group=_NETWORK
    )

    loss: Literal["cross_entropy", "mse"] = field(
        "cross_entropy",
        "cross-entropy of a softmax, or mean squared error of sigmoid outputs",
        group=_OPTIMIZER,
    )
    label_smoothing: float = field(
        0.0,
        "with cross-entropy alone: share spread over all",
        (0, 0.5),
        group=_OPTIMIZER,
        usual=(0.0, 0.2),
    )
    target_margin: float = field(
        0.0,
        "with loss mse alone: targets are margin and 1 - margin",
        (0, 0.4),
        group=_OPTIMIZER,
        usual=(0.0, 0.1),
    )
    optimizer: Literal["sgd", "adam", "adamw"] = field("adam", "optimizer", group=_OPTIMIZER)
    learning_rate: float = field(
        0.001, "learning rate", (1e-6, 1), group=_OPTIMIZER, step=0.001, usual=(1e-4, 1e-2)
    )
    momentum: float = field(
        0.0,
        "momentum, with the optimizer sgd alone",
        (0, 0.99),
        group=_OPTIMIZER,
        usual=(0.0, 0.95),
    )
    beta1: float = field(
        0.9,
        "decay of the gradients' mean, with adam or adamw",
        (0, 0.99),
        group=_OPTIMIZER,
        usual=(0.5, 0.95),
    )
    beta2: float = field(
        0.999,
        "decay of the gradients' squares, with adam or adamw",
        (0, 0.9999),
        group=_OPTIMIZER,
        step=0.001,
        usual=(0.9, 0.9999),
    )
    schedule: Literal["constant", "steps", "cosine", "one_cycle"] = field(
        "constant", "learning rate over the training", group=_OPTIMIZER
    )
    steps: Steps = field(
        (),
        "epoch:rate pairs of the schedule 'steps', as 15:1e-4,40:1e-5",
        group=_OPTIMIZER,
        varies=False,
    )
    l1: float = field(
        0.0, "L1 penalty of the weights", (0, 0.1), group=_OPTIMIZER, step=1e-5, usual=(1e-7, 1e-3)
    )
    l2: float = field(
        0.0, "L2 penalty of the weights", (0, 0.1), group=_OPTIMIZER, step=1e-4, usual=(1e-5, 1e-1)
    )
    averaging: float = field(
        0.0,
        "decay of the running mean of the weights; 0: off",
        (0, 0.9999),
        group=_OPTIMIZER,
        usual=(0.9, 0.999),
    )
    mixed_precision: bool = field(
        False, "bfloat16 where the machine computes with it in hardware", group=_OPTIMIZER
    )

    batch_size: int = field(
        100, "size of each step", (1, 8192), group=_DATA, unit="images", step=16, usual=(16, 256)
    )
    batches_per_epoch: int | None = field(
        None, "batches per epoch; all: all images once", (1, 100_000), group=_DATA, usual=(50, 500)
    )
    epochs: int = field(10, "passes over the data", (1, 1000), group=_DATA, usual=(1, 10))
    early_stopping: int = field(
        0,
        "patience without a better validation loss; 0: off",
        (0, 100),
        group=_DATA,
        unit="epochs",
        usual=(0, 5),
    )

    rotation: float = field(
        0.0, "random rotation", (0, 45), group=_AUGMENTATION, unit="degrees", usual=(0.0, 20.0)
    )
    shift: float = field(
        0.0, "random shift", (0, 6), group=_AUGMENTATION, unit="pixels", usual=(0.0, 3.0)
    )
    zoom: float = field(
        0.0, "random zoom, share of the size", (0, 0.5), group=_AUGMENTATION, usual=(0.0, 0.2)
    )
    stretch: float = field(
        0.0,
        "random change of width against height, a share",
        (0, 0.5),
        group=_AUGMENTATION,
        usual=(0.0, 0.2),
    )
    shear: float = field(
        0.0, "random slant", (0, 45), group=_AUGMENTATION, unit="degrees", usual=(0.0, 15.0)
    )
    elastic: float = field(
        0.0,
        "random bending, an elastic distortion",
        (0, 4),
        group=_AUGMENTATION,
        unit="pixels",
        usual=(0.0, 1.0),
    )
    thickness: float = field(
        0.0, "random thickening and thinning", (0, 1), group=_AUGMENTATION, unit="pixels per side"
    )
    gaps: float = field(
        0.0, "share of the images that get a gap in a stroke", (0, 1), group=_AUGMENTATION
    )

    pen_copies: int = field(
        0,
        "drawings of each real pen stroke digit, beside MNIST",
        (0, 50),
        group=_DRAWINGS,
        varies=False,
    )
    redrawn: float = field(
        0.0,
        "share of the images that are added as canvas drawings",
        (0, 1),
        group=_DRAWINGS,
        varies=False,
    )
    non_digits: int = field(
        0,
        "drawings that are no digits; the network learns them",
        (0, 200_000),
        group=_DRAWINGS,
        label="Non-digits",
        step=1000,
        varies=False,
    )

    validation_fraction: float = field(
        0.2, "share of the training images for validation", (0.01, 0.5), group=_DATA, varies=False
    )
    subset: int | None = field(
        None,
        "size of the training set, or all of it",
        (20, 10_000_000),
        group=_DATA,
        unit="images",
        usual=(1000, 10_000),
    )
    seed: int = field(0, "seed of all randomness", (0, 2**31 - 1), group=_DATA, varies=False)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_sentence(error)) from None

    def changed(self, **changes: Any) -> "Recipe":
        """This recipe with some fields changed, validated again."""
        return Recipe(**{**self.model_dump(), **changes})

    @property
    def outputs(self) -> Literal["softmax", "sigmoid"]:
        """How the network's logits become probabilities."""
        return "sigmoid" if self.loss == "mse" else "softmax"

    @property
    def layers(self) -> Layers:
        """The layers of the network that it asks for, from pixels to logits."""
        return completed(
            ARCHITECTURES[self.model],
            scaling=SCALINGS[self.scaling],
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            outputs=CLASSES + (self.non_digits > 0),
            views=self.views,
        )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return checked_name(name)

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: str) -> str:
        if model not in ARCHITECTURES:
            raise ValueError(f"choose one of {', '.join(ARCHITECTURES)}")
        return model

    @field_validator("batches_per_epoch", "subset", mode="before")
    @classmethod
    def _parse_all(cls, count: Any) -> Any:
        return None if count == "all" else count

    @field_validator("steps", mode="before")
    @classmethod
    def _parse_steps(cls, steps: Any) -> Any:
        if not isinstance(steps, str):
            return steps
        if not re.fullmatch(r"(\s*\d+\s*:\s*[0-9.eE+-]+\s*(,|$))*", steps):
            raise ValueError("write epoch:rate pairs, as 15:1e-4,40:1e-5")
        return tuple(tuple(pair.split(":")) for pair in steps.split(",") if pair.strip())

    @model_validator(mode="after")
    def _check_together(self) -> "Recipe":
        epochs = [epoch for epoch, _ in self.steps]
        if epochs != sorted(set(epochs)) or any(epoch < 2 for epoch in epochs):
            raise ValueError("Steps: write the epochs in rising order, from 2")
        if any(not 1e-9 <= rate <= 1 for _, rate in self.steps):
            raise ValueError("Steps: write learning rates from 1e-9 to 1")
        if self.schedule == "steps" and not self.steps:
            raise ValueError(
                "The schedule 'steps' needs at least one epoch:rate pair: write one into Steps"
            )
        if self.batch_norm and self.batch_size < 2:
            raise ValueError(
                "Batch normalisation needs batches of at least 2 images: choose a larger batch "
                "size, or turn it off"
            )
        return self


FIELDS = {name: FieldFacts(name, info) for name, info in Recipe.model_fields.items()}


def _sentence(error: ValidationError) -> str:
    """The first error of pydantic's list as one sentence: the field, its value, what to choose."""
    first = error.errors()[0]
    reason = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    if not first["loc"]:
        return f"{reason}."
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        unknown, known = shortened(repr(name)), ", ".join(Recipe.model_fields)
        return f"A recipe has no field {unknown}: its fields are {known}."
    facts = FIELDS[name]
    remedy = facts.remedy or reason[0].lower() + reason[1:]
    return f"{facts.label} is {_shown(first['input'])}: {remedy}."


def _shown(value: Any) -> str:
    """A wrong value as the user typed it, not too long."""
    if value is None:
        return "empty"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and -1e300 < value < 1e300:  # a larger int does not fit into a float
        return shortened(f"{value:.10g}")
    return shortened(repr(value))
