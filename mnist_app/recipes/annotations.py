"""What a field of Recipe has besides its type: label, range, unit, step, group, help.

`field` declares these facts and `FieldFacts` reads them. The form, the search, the command line and
the report get everything they say about a field from `recipes.recipe.FIELDS`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

from mnist_app.recipes.layer_tables import ARCHITECTURES

Group = Literal["Network", "Loss and optimizer", "Augmentation", "Drawings", "Data, stopping, seed"]
Limits = tuple[float, float]
T = TypeVar("T")
_SMALLEST = 6  # decimals that are still written out


def field(
    default: T,
    help_text: str,
    limits: Limits | None = None,
    *,
    group: Group | None = None,
    label: str | None = None,
    unit: str = "",
    step: float | None = None,
    usual: Limits | None = None,
    varies: bool = True,
    min_length: int | None = None,
) -> T:
    """Declare a field of Recipe.

    Args:
        default: its value if none is given.
        help_text: one line that says what it is.
        limits: the least and greatest value of a number.
        group: the heading that the form shows it under; None: the form has no widget for it.
        label: its name on the page; by default the field's own name, with spaces.
        unit: the unit of its numbers, if the label does not name it.
        step: how much the buttons beside a number change it.
        usual: the range that a search suggests, (least, greatest); by default the limits.
        varies: whether a search may vary it.
        min_length: the least length of a text.
    """
    least, greatest = limits or (None, None)
    return Field(
        default,
        title=label,
        description=help_text,
        ge=least,
        le=greatest,
        min_length=min_length,
        json_schema_extra=_Extra(group, unit, step, usual, varies),
    )


@dataclass(frozen=True)
class _Extra:
    """The facts that pydantic has no place for.

    Callable, because pydantic's `json_schema_extra` takes only JSON or a function.
    """

    group: Group | None
    unit: str
    step: float | None
    usual: Limits | None
    varies: bool

    def __call__(self, schema: dict[str, Any]) -> None:
        """Leave the JSON schema of the field as it is."""


@dataclass(frozen=True)
class FieldFacts:
    """What people see of a field of Recipe."""

    name: str
    info: FieldInfo

    @property
    def label(self) -> str:
        """Its name on the page."""
        return self.info.title or self.name.replace("_", " ").capitalize()

    @property
    def label_with_unit(self) -> str:
        """The label and, if there is one, the unit of the numbers."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def help(self) -> str:
        """One line that says what the field is and, for a number, its range with the unit."""
        text = self.info.description or ""
        return f"{text} ({self.range_text})" if self.is_number else text

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers within a range."""
        return None not in self._ends

    @property
    def limits(self) -> Limits:
        """The least and greatest value of a number; ValueError for other fields."""
        least, greatest = self._ends
        if least is None or greatest is None:
            raise ValueError(f"the values of {self.name} are not numbers of a range")
        return least, greatest

    @property
    def _ends(self) -> tuple[float | None, float | None]:
        least = next((m.ge for m in self.info.metadata if hasattr(m, "ge")), None)
        greatest = next((m.le for m in self.info.metadata if hasattr(m, "le")), None)
        return least, greatest

    @property
    def range_text(self) -> str:
        """The range of a number, with its unit; empty for other fields."""
        if not self.is_number:
            return ""
        least, greatest = map(format_number, self.limits)
        return f"{least} to {greatest}{f' {self.unit}' if self.unit else ''}"

    @property
    def remedy(self) -> str:
        """What to choose instead of a value that is not allowed; empty for texts."""
        if self.is_number:
            kind = "a whole number" if self.is_whole else "a number"
            return f"choose {kind} from {self.range_text}{', or all' if self.is_optional else ''}"
        if self.is_switch:
            return "choose on or off"
        return f"choose one of {', '.join(self.choices)}" if self.choices else ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The values to choose from; empty for a field without choices."""
        if self.name == "model":
            return tuple(ARCHITECTURES)
        annotation = self.info.annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()

    @property
    def default(self) -> Any:
        """Its value if none is given."""
        return self.info.default

    @property
    def is_switch(self) -> bool:
        """Whether its values are on and off."""
        return self.info.annotation is bool

    @property
    def is_optional(self) -> bool:
        """Whether the number may be left empty, which means "all"."""
        return self.is_number and self.default is None

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.is_number and isinstance(self.default, int | None)

    @property
    def unit(self) -> str:
        """The unit of its numbers; empty if the label names it or there is none."""
        return self._extra.unit

    @property
    def group(self) -> Group | None:
        """The heading that the form shows it under; None: the form has no widget for it."""
        return self._extra.group

    @property
    def step(self) -> float:
        """How much the buttons beside a number change it."""
        by_ones = self.is_whole or self.limits[1] > 1
        return self._extra.step or (1 if by_ones else 0.05)

    @property
    def usual(self) -> Limits:
        """The range of a number that a search suggests, (least, greatest)."""
        return self._extra.usual or self.limits

    @property
    def varies(self) -> bool:
        """Whether a search may vary it."""
        return self._extra.varies

    @property
    def _extra(self) -> _Extra:
        extra = self.info.json_schema_extra
        if not isinstance(extra, _Extra):
            raise TypeError(f"{self.name} was not declared by `field`")
        return extra


def format_number(value: float) -> str:
    """Format a number as people write it: 60000, 0.001, 0.000001; below that 1e-7."""
    if isinstance(value, int):
        return f"{value:d}"
    short = f"{value:g}"
    if "e-" not in short:
        return short
    digits, exponent = short.split("e-")
    return f"{Decimal(short):f}" if int(exponent) <= _SMALLEST else f"{digits}e-{int(exponent)}"


def value_text(value: Any) -> str:
    """Return a field's value as people write it."""
    match value:
        case None:
            return "all"
        case bool():
            return "on" if value else "off"
        case float():
            return format_number(value)
        case tuple():
            return ", ".join(f"{epoch}:{format_number(rate)}" for epoch, rate in value)
    return str(value)
