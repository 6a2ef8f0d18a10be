"""Which recipes a hyper-parameter search tries: all of a grid, or some at random."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

from mnist_app.common.errors import InputError
from mnist_app.common.settings import parallel_runs
from mnist_app.recipes.annotations import format_number
from mnist_app.recipes.presets import ENSEMBLES
from mnist_app.recipes.recipe import FIELDS, Recipe

MOST_TRIALS = 50
MOST_FIELDS = 4
WIDE = 10  # a range whose ends differ by this factor is searched, and drawn, by its logarithm
_IMAGES = {"mnist": 60_000, "digits": 1438}  # to train and validate with
_SECONDS_TO_START = 4  # of each trial: a process, torch, the images

Kind = Literal["grid", "random"]


class Between(NamedTuple):
    """The numbers from the least to the greatest of a field of Recipe, both among them."""

    least: float
    greatest: float
    is_whole: bool

    @property
    def is_wide(self) -> bool:
        """Whether it is the logarithm that is drawn evenly."""
        return self.least > 0 and self.greatest / self.least >= WIDE

    def rvs(self, *, random_state: Any) -> float:
        """One number at random, to three digits; the name is that which scikit-learn calls.

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
    """Fields of a recipe with the values to try, and how many trials there will be.

    Raises:
        InputError: on construction; a field cannot be varied, or there are too many trials.
    """

    base: Recipe  # of all trials, but for the fields that vary
    kind: Kind
    fields: Mapping[str, Values]
    count: int = 0  # of trials at random; a grid has as many as it has

    def __post_init__(self) -> None:
        if not 1 <= len(self.fields) <= MOST_FIELDS:
            raise InputError(
                f"{len(self.fields)} fields are to vary: choose 1 to {MOST_FIELDS} of them."
            )
        for field, values in self.fields.items():
            if not isinstance(values, Between) and not values:
                label = FIELDS[field].label
                raise InputError(f"{label} has no values to try: give one, or leave it out.")
        if not 1 <= self.size <= MOST_TRIALS:
            raise InputError(
                f"That makes {self.size:,} trials: give fewer values, so that there are 1 to "
                f"{MOST_TRIALS}."
            )

    @property
    def size(self) -> int:
        """How many trials are wanted; chance may find fewer that differ."""
        if self.kind == "random":
            return self.count
        return math.prod(len(values) for values in self.fields.values())

    def middle(self, field: str) -> float:
        """What a numeric field is on average over the trials, about; infinite if some take all."""
        values = self.fields.get(field, (getattr(self.base, field),))
        if isinstance(values, Between):
            return (values.least + values.greatest) / 2
        return math.inf if None in values else sum(values) / len(values)

    def trials(self) -> list[dict[str, Any]]:
        """What each trial changes in the base recipe; the same ones for the same base and seed.

        Raises:
            InputError: a value is out of range, or does not go with the others.
        """
        found = self._grid() if self.kind == "grid" else self._random()
        for values in found:
            self.base.changed(**values)
        return found

    def _grid(self) -> list[dict[str, Any]]:
        from sklearn.model_selection import ParameterGrid

        return list(ParameterGrid({field: list(v) for field, v in self.fields.items()}))

    def _random(self) -> list[dict[str, Any]]:
        """As many as wanted, each once, or all that chance finds in ten times as many draws."""
        from sklearn.model_selection import ParameterSampler

        fields = {f: v if isinstance(v, Between) else list(v) for f, v in self.fields.items()}
        draws = 10 * self.count
        if not any(isinstance(values, Between) for values in fields.values()):
            draws = math.prod(len(values) for values in fields.values())
        sampled = ParameterSampler(fields, draws, random_state=self.base.seed)
        different = {tuple(values.items()): values for values in sampled}
        return list(islice(different.values(), self.count))

    def to_json(self) -> dict[str, Any]:
        """The space as JSON; `from_json` reads it."""
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
        """The space that `to_json` wrote.

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
    """About how long all trials of a search take at that speed of training."""
    base = space.base
    images = (1 - base.validation_fraction) * _IMAGES.get(base.dataset, 10_000)
    images = min(space.middle("subset"), images)
    if math.isfinite(batches := space.middle("batches_per_epoch")):
        images = batches * space.middle("batch_size")
    seconds = _SECONDS_TO_START + space.middle("epochs") * images / images_per_second
    return space.size * seconds / parallel_runs()


# Fields


def fields_to_vary() -> list[str]:
    """The fields of a recipe that a search may vary.

    Trials are compared by their validation images: what changes those, or what is set apart from
    them, does not vary.
    """
    return [
        name
        for name, facts in FIELDS.items()
        if facts.varies and (facts.is_number or choices_to_try(name))
    ]


def choices_to_try(field: str) -> tuple[Any, ...]:
    """The values of a field of choices, or of a switch; empty for numbers."""
    if FIELDS[field].is_switch:
        return False, True
    left_out = {*ENSEMBLES, "steps"}  # those are not trained, that one needs a field of its own
    return tuple(choice for choice in FIELDS[field].choices if choice not in left_out)


def usual_values(field: str) -> tuple[float, ...]:
    """Three values with which a grid of a numeric field begins."""
    least, greatest = FIELDS[field].usual
    ends = Between(least, greatest, FIELDS[field].is_whole)
    middle = math.sqrt(least * greatest) if ends.is_wide else (least + greatest) / 2
    middle = round(middle) if ends.is_whole else float(f"{middle:.2g}")
    return tuple(dict.fromkeys((least, middle, greatest)))


def checked_range(field: str, least: float, greatest: float) -> Between:
    """A range of a numeric field.

    Raises:
        InputError: it is empty, or leads out of what the field takes.
    """
    lowest, highest = FIELDS[field].limits
    if not lowest <= least <= greatest <= highest:
        raise InputError(
            f"{FIELDS[field].label} goes from {format_number(least)} to {format_number(greatest)}: "
            f"give two numbers from {format_number(lowest)} to {format_number(highest)}, the "
            "smaller one first."
        )
    return Between(least, greatest, FIELDS[field].is_whole)


def parse_values(field: str, text: str) -> tuple[float, ...]:
    """The numbers in "0.1, 0.01", each once.

    Raises:
        InputError: one is no number, or out of the field's range.
    """
    is_whole = FIELDS[field].is_whole
    kind = int if is_whole else float
    words = [word for word in text.replace(";", ",").split(",") if word.strip()]
    try:
        values = tuple(dict.fromkeys(kind(word) for word in words))
    except ValueError:
        what = "whole numbers" if is_whole else "numbers"
        raise InputError(
            f"The values of {FIELDS[field].label} are {text.strip()!r}: write {what} separated by "
            f"commas, such as {', '.join(map(format_number, usual_values(field)))}."
        ) from None
    lowest, highest = FIELDS[field].limits
    for value in values:
        if not lowest <= value <= highest:
            raise InputError(
                f"{FIELDS[field].label} cannot be {format_number(value)}: write numbers from "
                f"{format_number(lowest)} to {format_number(highest)}, separated by commas."
            )
    return values
