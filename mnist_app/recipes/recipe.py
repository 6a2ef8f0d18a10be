"""Recipe: all that a training run depends on, validated; the named presets."""

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name, shortened

MODELS = (
    "cnn-2x32",
    "mlp-784",
    "cnn-simple",
    "lenet5",
    "mlp-128-64",
    "mlp-300",
    "resnet",
    "speedrun",
    "canvas",
    "canvas-large",
)

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


class Recipe(BaseModel):
    """All that a training run depends on, besides the machine.

    Every field has its range, its default and one line of help; widgets and flags read them here.

    Raises:
        InputError: on construction; names the field, the value and the range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(description="name of the recipe")] = "own"
    model: Annotated[str, Field(description="network", json_schema_extra={"choices": MODELS})] = (
        "cnn-2x32"
    )
    dataset: Annotated[
        str,
        Field(min_length=1, description="mnist, digits, or a folder or ZIP of sub-folders 0 to 9"),
    ] = "mnist"

    scaling: Annotated[Scaling, Field(description="scaling of pixels in [0, 1]")] = "standardized"
    initialization: Annotated[
        Literal["default", "glorot"],
        Field(description="first weights: torch's, or Glorot's, which allow for the scaling"),
    ] = "default"
    dropout: Annotated[
        float, Field(ge=0, le=0.9, description="share of hidden units dropped in training")
    ] = 0.0
    batch_norm: Annotated[bool, Field(description="batch normalisation after hidden layers")] = (
        False
    )
    views: Annotated[
        int,
        Field(ge=1, le=5, description="views of an image to answer from: as it is, turned, scaled"),
    ] = 1

    loss: Annotated[
        Literal["cross_entropy", "mse"],
        Field(description="cross-entropy of a softmax, or mean squared error of sigmoid outputs"),
    ] = "cross_entropy"
    label_smoothing: Annotated[
        float, Field(ge=0, le=0.5, description="with cross-entropy alone: share spread over all")
    ] = 0.0
    target_margin: Annotated[
        float,
        Field(ge=0, le=0.4, description="with loss mse alone: targets are margin and 1 - margin"),
    ] = 0.0
    optimizer: Annotated[Literal["sgd", "adam", "adamw"], Field(description="optimizer")] = "adam"
    learning_rate: Annotated[float, Field(ge=1e-6, le=1, description="learning rate")] = 0.001
    momentum: Annotated[
        float, Field(ge=0, le=0.99, description="momentum, with the optimizer sgd alone")
    ] = 0.0
    beta1: Annotated[
        float, Field(ge=0, le=0.99, description="decay of the gradients' mean, with adam or adamw")
    ] = 0.9
    beta2: Annotated[
        float,
        Field(ge=0, le=0.9999, description="decay of the gradients' squares, with adam or adamw"),
    ] = 0.999
    schedule: Annotated[
        Literal["constant", "steps", "cosine", "one_cycle"],
        Field(description="learning rate over the training"),
    ] = "constant"
    steps: Annotated[
        Steps, Field(description="epoch:rate pairs of the schedule 'steps', as 15:1e-4,40:1e-5")
    ] = ()
    l1: Annotated[float, Field(ge=0, le=0.1, description="L1 penalty of the weights")] = 0.0
    l2: Annotated[float, Field(ge=0, le=0.1, description="L2 penalty of the weights")] = 0.0

    averaging: Annotated[
        float,
        Field(ge=0, le=0.9999, description="decay of the running mean of the weights; 0: off"),
    ] = 0.0
    mixed_precision: Annotated[
        bool, Field(description="bfloat16 where the machine computes with it in hardware")
    ] = False

    batch_size: Annotated[int, Field(ge=1, le=8192, description="images per step")] = 100
    batches_per_epoch: Annotated[
        int | None, Field(ge=1, le=100_000, description="batches per epoch; all: all images once")
    ] = None
    epochs: Annotated[int, Field(ge=1, le=1000, description="passes over the data")] = 10
    early_stopping: Annotated[
        int,
        Field(ge=0, le=100, description="epochs without a better validation loss; 0: off"),
    ] = 0

    rotation: Annotated[float, Field(ge=0, le=45, description="random rotation, degrees")] = 0.0
    shift: Annotated[float, Field(ge=0, le=6, description="random shift, pixels")] = 0.0
    zoom: Annotated[float, Field(ge=0, le=0.5, description="random zoom, share of the size")] = 0.0
    stretch: Annotated[
        float, Field(ge=0, le=0.5, description="random change of width against height, a share")
    ] = 0.0
    shear: Annotated[float, Field(ge=0, le=45, description="random slant, degrees")] = 0.0
    elastic: Annotated[
        float, Field(ge=0, le=4, description="random bending, pixels (elastic distortion)")
    ] = 0.0
    thickness: Annotated[
        float, Field(ge=0, le=1, description="random thickening and thinning, pixels per side")
    ] = 0.0
    gaps: Annotated[
        float, Field(ge=0, le=1, description="share of the images that get a gap in a stroke")
    ] = 0.0

    pen_copies: Annotated[
        int, Field(ge=0, le=50, description="drawings of each real pen stroke digit, beside MNIST")
    ] = 0
    redrawn: Annotated[
        float,
        Field(ge=0, le=1, description="share of the images that are added as canvas drawings"),
    ] = 0.0
    non_digits: Annotated[
        int,
        Field(ge=0, le=200_000, description="drawings that are no digits; the network learns them"),
    ] = 0

    validation_fraction: Annotated[
        float, Field(ge=0.01, le=0.5, description="share of the training images for validation")
    ] = 0.2
    subset: Annotated[
        int | None,
        Field(ge=20, le=10_000_000, description="number of training images, or all"),
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="seed of all randomness")] = 0

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

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return checked_name(name)

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: str) -> str:
        if model not in MODELS:
            raise ValueError(f"choose one of {', '.join(MODELS)}")
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
            raise ValueError("steps: epochs must rise, from 2 on")
        if any(not 1e-9 <= rate <= 1 for _, rate in self.steps):
            raise ValueError("steps: rates must lie between 1e-9 and 1")
        if self.schedule == "steps" and not self.steps:
            raise ValueError("steps: the schedule 'steps' needs at least one epoch:rate pair")
        if self.batch_norm and self.batch_size < 2:
            raise ValueError("batch_size: batch normalisation needs at least 2")
        return self


def _sentence(error: ValidationError) -> str:
    """The first error of pydantic's list as one sentence: field, value, range."""
    first = error.errors()[0]
    reason = str(first["msg"]).removeprefix("Value error, ")
    if not first["loc"]:
        return f"The recipe does not fit together: {reason}."
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        unknown, known = shortened(repr(field)), ", ".join(Recipe.model_fields)
        return f"A recipe has no field {unknown}: its fields are {known}."
    reason = reason[0].lower() + reason[1:]
    value = shortened(repr(first["input"]))
    return f"Recipe field {field} = {value}: {reason.rstrip('.')}{_range_text(field)}."


def _range_text(field: str) -> str:
    limits = field_range(field)
    return f" (range {format_number(limits[0])} to {format_number(limits[1])})" if limits else ""


def format_number(value: float) -> str:
    """A limit as people write it: whole numbers whole, others short."""
    return f"{value:d}" if isinstance(value, int) else f"{value:g}"


def field_range(field: str) -> tuple[float, float] | None:
    """The least and greatest value of a numeric field of Recipe; None for the others."""
    info = Recipe.model_fields[field]
    least = next((m.ge for m in info.metadata if hasattr(m, "ge")), None)
    greatest = next((m.le for m in info.metadata if hasattr(m, "le")), None)
    return None if least is None or greatest is None else (least, greatest)


@lru_cache
def field_choices(field: str) -> tuple[str, ...]:
    """The values that a field of choices takes; empty for the others."""
    schema = Recipe.model_json_schema()["properties"][field]
    return tuple(schema.get("choices") or schema.get("enum") or ())


def is_number(field: str) -> bool:
    """Whether a field's values are numbers of a range."""
    return field_range(field) is not None


def is_whole(field: str) -> bool:
    """Whether a field's numbers are whole."""
    default = Recipe.model_fields[field].default
    return default is None or isinstance(default, int)
