"""Which recipes a hyper-parameter search tries: all of a grid, or some at random."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

from mnist_app.common.errors import InputError
from mnist_app.common.names import shortened
from mnist_app.common.settings import parallel_runs
from mnist_app.common.translation import message
from mnist_app.recipes.annotations import format_number
from mnist_app.recipes.presets import ENSEMBLES
from mnist_app.recipes.recipe import FIELDS, Recipe

MOST_TRIALS = 50
MOST_FIELDS = 4
WIDE = 10  # a range whose ends differ by this factor is sampled and plotted on a log scale
_IMAGES = {"mnist": 60_000, "digits": 1438}  # for training and validation together
_SECONDS_TO_START = 4  # of each trial: starting a process, loading torch and the images

Kind = Literal["grid", "random"]


class Between(NamedTuple):
    """The numbers from least to greatest, both included, for a field of Recipe."""

    least: float
    greatest: float
    is_whole: bool

    @property
    def is_wide(self) -> bool:
        """Whether random numbers are spread evenly on a log scale."""
        return self.least > 0 and self.greatest / self.least >= WIDE

    def rvs(self, *, random_state: Any) -> float:
        """Return a random number, whole or to three digits; scikit-learn expects the name `rvs`.

        Args:
            random_state: a numpy RandomState.
        """
        low, high = self.least, self.greatest
        if self.is_wide:
            value = math.exp(random_state.uniform(math.log(low), math.log(high)))
        else:
            value = random_state.uniform(low, high)
        if self.is_whole:
            return round(value)
        return min(max(float(f"{value:.3g}"), low), high)


Values = tuple[Any, ...] | Between


@dataclass(frozen=True)
class Space:
    """The fields of a recipe that a search varies, their values, and the number of trials.

    Raises:
        InputError: on construction, if there are no fields or too many, no trials or too many, or a
            field has no values.
    """

    base: Recipe  # of all trials, apart from the fields that vary
    kind: Kind
    fields: Mapping[str, Values]
    count: int = 0  # of random trials; not used for a grid

    def __post_init__(self) -> None:
        if not 1 <= len(self.fields) <= MOST_FIELDS:
            raise InputError(
                message(
                    "The search varies {n} fields: choose 1 to {most} of them.",
                    n=len(self.fields),
                    most=MOST_FIELDS,
                )
            )
        for field, values in self.fields.items():
            if not isinstance(values, Between) and not values:
                raise InputError(
                    message(
                        "{field} has no values to try: give at least one, or leave it out.",
                        field=FIELDS[field].label_message,
                    )
                )
        if not 1 <= self.size <= MOST_TRIALS:
            raise InputError(
                message(
                    "This makes {n:,} trials: change the values so that there are 1 to {most}.",
                    n=self.size,
                    most=MOST_TRIALS,
                )
            )

    @property
    def size(self) -> int:
        """How many trials are wanted; a random search may find fewer different ones."""
        if self.kind == "random":
            return self.count
        return math.prod(len(values) for values in self.fields.values())

    def middle(self, field: str) -> float:
        """Return the rough mean of a numeric field over the trials; infinite if one has "all"."""
        values = self.fields.get(field, (getattr(self.base, field),))
        if isinstance(values, Between):
            return (values.least + values.greatest) / 2
        return math.inf if None in values else sum(values) / len(values)

    def trials(self) -> list[dict[str, Any]]:
        """Return what each trial changes in the base recipe; always the same for the same space.

        Raises:
            InputError: a value is out of range, or does not fit with the others.
        """
        found = self._grid() if self.kind == "grid" else self._random()
        for values in found:
            self.base.changed(**values)
        return found

    def _grid(self) -> list[dict[str, Any]]:
        from sklearn.model_selection import ParameterGrid

        return list(ParameterGrid({field: list(v) for field, v in self.fields.items()}))

    def _random(self) -> list[dict[str, Any]]:
        """Return as many different trials as wanted, or fewer if chance finds no more.

        Draws from a range may repeat, so ten times as many are made. Without a range, every
        combination is drawn once.
        """
        from sklearn.model_selection import ParameterSampler

        fields = {f: v if isinstance(v, Between) else list(v) for f, v in self.fields.items()}
        draws = 10 * self.count
        if not any(isinstance(values, Between) for values in fields.values()):
            draws = math.prod(len(values) for values in fields.values())
        sampled = ParameterSampler(fields, draws, random_state=self.base.seed)
        different = {tuple(values.items()): values for values in sampled}
        return list(islice(different.values(), self.count))

    def to_json(self) -> dict[str, Any]:
        """Return the space as JSON, which `from_json` reads."""
        fields = {
            field: {"least": values.least, "greatest": values.greatest}
            if isinstance(values, Between)
            else list(values)
            for field, values in self.fields.items()
        }
        base = self.base.model_dump(mode="json")
        return {"base": base, "kind": self.kind, "fields": fields, "count": self.count}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Space":
        """Return the space that `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: the JSON describes no space.
        """
        if found["kind"] not in get_args(Kind) or type(found["count"]) is not int:
            raise ValueError("the kind or the number of trials is wrong")
        fields: dict[str, Values] = {
            field: checked_range(field, values["least"], values["greatest"])
            if isinstance(values, Mapping)
            else tuple(getattr(Recipe(**{field: value}), field) for value in values)
            for field, values in found["fields"].items()
        }
        return cls(Recipe(**found["base"]), found["kind"], fields, found["count"])


def expected_seconds(space: Space, images_per_second: float) -> float:
    """Estimate how many seconds all trials of a search take at that training speed."""
    base = space.base
    images = (1 - base.validation_fraction) * _IMAGES.get(base.dataset, 10_000)
    images = min(space.middle("subset"), images)
    if math.isfinite(batches := space.middle("batches_per_epoch")):
        images = batches * space.middle("batch_size")
    seconds = _SECONDS_TO_START + space.middle("epochs") * images / images_per_second
    return space.size * seconds / parallel_runs()


# Fields


def fields_to_vary() -> list[str]:
    """Return the fields of a recipe that a search may vary.

    Trials are compared on the same validation images. So fields that change these images, or how
    many are held out, may not vary.
    """
    return [
        name
        for name, facts in FIELDS.items()
        if facts.varies and (facts.is_number or choices_to_try(name))
    ]


def choices_to_try(field: str) -> tuple[Any, ...]:
    """Return the values to try for a field with choices or a switch; empty for numbers."""
    if FIELDS[field].is_switch:
        return False, True
    left_out = {*ENSEMBLES, "steps"}  # ensembles are not trained; "steps" needs its own field
    return tuple(choice for choice in FIELDS[field].choices if choice not in left_out)


def usual_values(field: str) -> tuple[float, ...]:
    """Return up to three values that a grid search suggests for a numeric field."""
    least, greatest = FIELDS[field].usual
    ends = Between(least, greatest, FIELDS[field].is_whole)
    middle = math.sqrt(least * greatest) if ends.is_wide else (least + greatest) / 2
    middle = round(middle) if ends.is_whole else float(f"{middle:.2g}")
    return tuple(dict.fromkeys((least, middle, greatest)))


def checked_range(field: str, least: float, greatest: float) -> Between:
    """Return a range of values for a numeric field.

    Raises:
        InputError: it is empty, or goes beyond the field's limits.
    """
    lowest, highest = FIELDS[field].limits
    if not lowest <= least <= greatest <= highest:
        raise InputError(
            message(
                "{field} goes from {least} to {greatest}: give two numbers from {lowest} to "
                "{highest}, the smaller one first.",
                field=FIELDS[field].label_message,
                least=format_number(least),
                greatest=format_number(greatest),
                lowest=format_number(lowest),
                highest=format_number(highest),
            )
        )
    return Between(least, greatest, FIELDS[field].is_whole)


def parse_values(field: str, text: str) -> tuple[float, ...]:
    """Return the numbers in a text such as "0.1, 0.01", each once.

    Raises:
        InputError: one is not a number, or out of the field's range.
    """
    kind = int if FIELDS[field].is_whole else float
    words = [word for word in text.replace(";", ",").split(",") if word.strip()]
    try:
        values = tuple(dict.fromkeys(kind(word) for word in words))
    except ValueError:
        raise _not_numbers(field, text) from None
    lowest, highest = FIELDS[field].limits
    for value in values:
        if not lowest <= value <= highest:
            raise InputError(
                message(
                    "{field} cannot be {value}: write numbers from {lowest} to {highest}, "
                    "separated by commas.",
                    field=FIELDS[field].label_message,
                    value=format_number(value),
                    lowest=format_number(lowest),
                    highest=format_number(highest),
                )
            )
    return values


def _not_numbers(field: str, text: str) -> InputError:
    values = {
        "field": FIELDS[field].label_message,
        "text": shortened(repr(text.strip())),
        "example": ", ".join(map(format_number, usual_values(field))),
    }
    if FIELDS[field].is_whole:
        return InputError(
            message(
                "The values of {field} are {text}: write whole numbers separated by commas, such "
                "as {example}.",
                **values,
            )
        )
    return InputError(
        message(
            "The values of {field} are {text}: write numbers separated by commas, such as "
            "{example}.",
            **values,
        )
    )
