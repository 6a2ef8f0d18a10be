"""Recipe: everything that a training run depends on, validated."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name, shortened
from mnist_app.common.translation import N_, Message, message
from mnist_app.recipes.annotations import FieldFacts, Group, field
from mnist_app.recipes.layer_tables import ARCHITECTURES, completed
from mnist_app.recipes.layers import CLASSES, Layers

# Mean and standard deviation of the pixels of MNIST's training images, in [0, 1].
PIXEL_MEAN, PIXEL_DEVIATION = 0.1307, 0.3081

# Every scaling is (scale, offset); it turns pixels in [0, 1] into x * scale + offset.
SCALINGS = {
    "unit": (1.0, 0.0),
    "standardized": (1 / PIXEL_DEVIATION, -PIXEL_MEAN / PIXEL_DEVIATION),
    "starved": (1 / 128, 0.0),
    "shifted": (0.99, 0.01),
}

Scaling = Literal["unit", "standardized", "starved", "shifted"]
Steps = tuple[tuple[int, float], ...]


class Recipe(BaseModel):
    """Everything that a training run depends on, apart from the machine.

    Every field has a default and one line of help, and every number a range. Other modules get
    them from `FIELDS`.

    Raises:
        InputError: when constructed with invalid values; names the field, the value and the range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = field(
        "own",
        N_("Name"),
        N_("Name of the recipe"),
        varies=False,
        remedy=N_("choose 1 to 64 letters, digits, '-' and '_'"),
    )
    model: str = field("cnn-2x32", N_("Network"), N_("The network's layers"), group=Group.NETWORK)
    dataset: str = field(
        "mnist",
        N_("Data set"),
        N_("mnist, digits, or a folder or ZIP with sub-folders 0 to 9"),
        min_length=1,
        varies=False,
        remedy=N_("choose mnist, digits, or a folder or ZIP with sub-folders 0 to 9"),
    )

    scaling: Scaling = field(
        "standardized",
        N_("Scaling"),
        N_("How pixels in [0, 1] are scaled for the network"),
        group=Group.NETWORK,
    )
    initialization: Literal["default", "glorot"] = field(
        "default",
        N_("Initialization"),
        N_("First weights: PyTorch's default, or Glorot's, which take the scaling into account"),
        group=Group.NETWORK,
    )
    dropout: float = field(
        0.0,
        N_("Dropout"),
        N_("Share of the hidden units that training drops at random"),
        (0, 0.9),
        group=Group.NETWORK,
        usual=(0.0, 0.5),
    )
    batch_norm: bool = field(
        False,
        N_("Batch norm"),
        N_("Normalize each batch after the hidden layers"),
        group=Group.NETWORK,
    )
    views: int = field(
        1,
        N_("Views"),
        N_("Views of an image to average the answer over: as it is, rotated, scaled"),
        (1, 5),
        group=Group.NETWORK,
    )

    loss: Literal["cross_entropy", "mse"] = field(
        "cross_entropy",
        N_("Loss"),
        N_("Cross-entropy of a softmax, or mean squared error of sigmoid outputs"),
        group=Group.OPTIMIZER,
    )
    label_smoothing: float = field(
        0.0,
        N_("Label smoothing"),
        N_("Share of each target that is spread over all classes; only with cross_entropy"),
        (0, 0.5),
        group=Group.OPTIMIZER,
        usual=(0.0, 0.2),
    )
    target_margin: float = field(
        0.0,
        N_("Target margin"),
        N_("Makes the targets margin and 1 - margin instead of 0 and 1; only with mse"),
        (0, 0.4),
        group=Group.OPTIMIZER,
        usual=(0.0, 0.1),
    )
    optimizer: Literal["sgd", "adam", "adamw"] = field(
        "adam",
        N_("Optimizer"),
        N_("How the weights are updated after each batch"),
        group=Group.OPTIMIZER,
    )
    learning_rate: float = field(
        0.001,
        N_("Learning rate"),
        N_("How far each update moves the weights"),
        (1e-6, 1),
        group=Group.OPTIMIZER,
        step=0.001,
        usual=(1e-4, 1e-2),
    )
    momentum: float = field(
        0.0,
        N_("Momentum"),
        N_("Share of the previous update that is added again; only with sgd"),
        (0, 0.99),
        group=Group.OPTIMIZER,
        usual=(0.0, 0.95),
    )
    beta1: float = field(
        0.9,
        N_("Beta1"),
        N_("Decay of the gradients' running mean; only with adam and adamw"),
        (0, 0.99),
        group=Group.OPTIMIZER,
        usual=(0.5, 0.95),
    )
    beta2: float = field(
        0.999,
        N_("Beta2"),
        N_("Decay of the running mean of the gradients' squares; only with adam and adamw"),
        (0, 0.9999),
        group=Group.OPTIMIZER,
        step=0.001,
        usual=(0.9, 0.9999),
    )
    schedule: Literal["constant", "steps", "cosine", "one_cycle"] = field(
        "constant",
        N_("Schedule"),
        N_("How the learning rate changes during training"),
        group=Group.OPTIMIZER,
    )
    steps: Steps = field(
        (),
        N_("Steps"),
        N_("Epochs and their new learning rates, such as 15:1e-4,40:1e-5; only with steps"),
        group=Group.OPTIMIZER,
        varies=False,
        remedy=N_("write epoch:rate pairs, such as 15:1e-4,40:1e-5"),
    )
    l1: float = field(
        0.0,
        N_("L1"),
        N_("L1 penalty on the weights"),
        (0, 0.1),
        group=Group.OPTIMIZER,
        step=1e-5,
        usual=(1e-7, 1e-3),
    )
    l2: float = field(
        0.0,
        N_("L2"),
        N_("L2 penalty on the weights"),
        (0, 0.1),
        group=Group.OPTIMIZER,
        step=1e-4,
        usual=(1e-5, 1e-1),
    )
    averaging: float = field(
        0.0,
        N_("Averaging"),
        N_("Decay of the running mean of the weights; 0 turns it off"),
        (0, 0.9999),
        group=Group.OPTIMIZER,
        usual=(0.9, 0.999),
    )
    mixed_precision: bool = field(
        False,
        N_("Mixed precision"),
        N_("Compute in bfloat16 if the hardware supports it"),
        group=Group.OPTIMIZER,
    )

    batch_size: int = field(
        100,
        N_("Batch size"),
        N_("Number of images in each batch"),
        (1, 8192),
        group=Group.DATA,
        unit=N_("images"),
        step=16,
        usual=(16, 256),
    )
    batches_per_epoch: int | None = field(
        None,
        N_("Batches per epoch"),
        N_("Number of batches in an epoch; all: as many as it takes to use each image once"),
        (1, 100_000),
        group=Group.DATA,
        usual=(50, 500),
    )
    epochs: int = field(
        10,
        N_("Epochs"),
        N_("Number of passes over the training images"),
        (1, 1000),
        group=Group.DATA,
        usual=(1, 10),
    )
    early_stopping: int = field(
        0,
        N_("Early stopping"),
        N_("Stop after this many epochs without a better validation loss; 0 turns it off"),
        (0, 100),
        group=Group.DATA,
        unit=N_("epochs"),
        usual=(0, 5),
    )

    rotation: float = field(
        0.0,
        N_("Rotation"),
        N_("Largest random rotation"),
        (0, 45),
        group=Group.AUGMENTATION,
        unit=N_("degrees"),
        usual=(0.0, 20.0),
    )
    shift: float = field(
        0.0,
        N_("Shift"),
        N_("Largest random shift"),
        (0, 6),
        group=Group.AUGMENTATION,
        unit=N_("pixels"),
        usual=(0.0, 3.0),
    )
    zoom: float = field(
        0.0,
        N_("Zoom"),
        N_("Largest random zoom, as a share of the size"),
        (0, 0.5),
        group=Group.AUGMENTATION,
        usual=(0.0, 0.2),
    )
    stretch: float = field(
        0.0,
        N_("Stretch"),
        N_("Largest random change of width relative to height, as a share"),
        (0, 0.5),
        group=Group.AUGMENTATION,
        usual=(0.0, 0.2),
    )
    shear: float = field(
        0.0,
        N_("Shear"),
        N_("Largest random slant"),
        (0, 45),
        group=Group.AUGMENTATION,
        unit=N_("degrees"),
        usual=(0.0, 15.0),
    )
    elastic: float = field(
        0.0,
        N_("Elastic"),
        N_("Strength of random bending, an elastic distortion"),
        (0, 4),
        group=Group.AUGMENTATION,
        unit=N_("pixels"),
        usual=(0.0, 1.0),
    )
    thickness: float = field(
        0.0,
        N_("Thickness"),
        N_("Largest random thickening of strokes; thinning is at most half of it"),
        (0, 1),
        group=Group.AUGMENTATION,
        unit=N_("pixels per side"),
    )
    gaps: float = field(
        0.0,
        N_("Gaps"),
        N_("Share of the images that get a gap in a stroke"),
        (0, 1),
        group=Group.AUGMENTATION,
    )

    pen_copies: int = field(
        0,
        N_("Pen copies"),
        N_("Number of drawings that are added of each real pen stroke digit"),
        (0, 50),
        group=Group.DRAWINGS,
        varies=False,
    )
    redrawn: float = field(
        0.0,
        N_("Redrawn"),
        N_("Share of the images that are added again as canvas drawings"),
        (0, 1),
        group=Group.DRAWINGS,
        varies=False,
    )
    non_digits: int = field(
        0,
        N_("Non-digits"),
        N_("Number of added drawings that are not digits; the network learns to refuse them"),
        (0, 200_000),
        group=Group.DRAWINGS,
        step=1000,
        varies=False,
    )

    validation_fraction: float = field(
        0.2,
        N_("Validation fraction"),
        N_("Share of the training images that is set aside for validation"),
        (0.01, 0.5),
        group=Group.DATA,
        varies=False,
    )
    subset: int | None = field(
        None,
        N_("Subset"),
        N_("Number of training images to use, or all"),
        (20, 10_000_000),
        group=Group.DATA,
        unit=N_("images"),
        usual=(1000, 10_000),
    )
    seed: int = field(
        0,
        N_("Seed"),
        N_("Seed of everything that is random"),
        (0, 2**31 - 1),
        group=Group.DATA,
        varies=False,
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_sentence(error)) from None

    def changed(self, **changes: Any) -> "Recipe":
        """Return a copy with some fields changed, validated again."""
        return Recipe(**{**self.model_dump(), **changes})

    @property
    def outputs(self) -> Literal["softmax", "sigmoid"]:
        """The function that turns the network's logits into probabilities."""
        return "sigmoid" if self.loss == "mse" else "softmax"

    @property
    def layers(self) -> Layers:
        """The layers of the recipe's network, from pixels to logits."""
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
            raise ValueError("there is no such network")
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
            raise ValueError("these are not epoch:rate pairs")
        return tuple(tuple(pair.split(":")) for pair in steps.split(",") if pair.strip())

    @model_validator(mode="after")
    def _check_together(self) -> "Recipe":
        epochs = [epoch for epoch, _rate in self.steps]
        if epochs != sorted(set(epochs)) or any(epoch < 2 for epoch in epochs):
            raise ValueError(message("Steps: write the epochs in rising order, from 2."))
        if any(not 1e-9 <= rate <= 1 for _epoch, rate in self.steps):
            raise ValueError(message("Steps: write learning rates from 1e-9 to 1."))
        if self.schedule == "steps" and not self.steps:
            raise ValueError(
                message(
                    "The schedule 'steps' needs at least one epoch:rate pair: write one into Steps."
                )
            )
        if self.batch_norm and self.batch_size < 2:
            raise ValueError(
                message(
                    "Batch norm needs batches of at least 2 images: choose a larger batch size, or "
                    "turn it off."
                )
            )
        return self


FIELDS = {name: FieldFacts(name, info) for name, info in Recipe.model_fields.items()}


def _sentence(error: ValidationError) -> Message:
    """Return the first of pydantic's errors as one sentence: field, value, what to choose."""
    first = error.errors()[0]
    if first["type"] == "value_error" and not first["loc"]:  # from `_check_together`
        sentence: Message = first["ctx"]["error"].args[0]
        return sentence
    name = str(first["loc"][0] if first["loc"] else first["input"])  # a name may not be UTF-8
    if name not in FIELDS:
        return message(
            "A recipe has no field {name}: its fields are {fields}.",
            name=shortened(repr(name)),
            fields=", ".join(Recipe.model_fields),
        )
    return message(
        "{field} is {value}: {remedy}.",
        field=FIELDS[name].label_message,
        value=_shown(first["input"]),
        remedy=FIELDS[name].remedy,
    )


def _shown(value: object) -> str:
    """Return a wrong value as the user typed it, not too long."""
    if value is None:
        return message("empty")
    return shortened(f"{value:.10g}" if isinstance(value, float) else repr(value))
