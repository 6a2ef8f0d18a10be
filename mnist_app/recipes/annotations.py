"""What a field of Recipe has besides its type: label, range, unit, step, group, help.

`field` declares these facts in English, and `FieldFacts` reads them in the language of the page.
The form, the search, the command line and the report get everything they say about a field from
`recipes.recipe.FIELDS`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

from mnist_app.common.translation import N_, Message, _, localized, message
from mnist_app.recipes.layer_tables import ARCHITECTURES

Limits = tuple[float, float]
T = TypeVar("T")
_SMALLEST = 6  # decimals that are still written out


class Group(StrEnum):
    """The headings of the form, in its order; marked for translation."""

    NETWORK = N_("Network")
    OPTIMIZER = N_("Loss and optimizer")
    AUGMENTATION = N_("Augmentation")
    DRAWINGS = N_("Drawings")
    DATA = N_("Data, stopping, seed")


def field(
    default: T,
    label: str,
    help_text: str,
    limits: Limits | None = None,
    *,
    group: Group | None = None,
    unit: str = "",
    step: float | None = None,
    usual: Limits | None = None,
    varies: bool = True,
    min_length: int | None = None,
    remedy: str = "",
) -> T:
    """Declare a field of Recipe. Its texts are English, and marked for translation with `N_`.

    Args:
        default: its value if none is given.
        label: its name on the page.
        help_text: what it is, in one line without a full stop.
        limits: the least and greatest value of a number.
        group: the heading that the form shows it under; None: the form has no widget for it.
        unit: the unit of its numbers, if the label does not name it.
        step: how much the buttons beside a number change it.
        usual: the range that a search suggests, (least, greatest); by default the limits.
        varies: whether a search may vary it.
        min_length: the least length of a text.
        remedy: what to do about a wrong value; for fields without a range and choices.
    """
    least, greatest = limits or (None, None)
    return Field(
        default,
        title=label,
        description=help_text,
        ge=least,
        le=greatest,
        min_length=min_length,
        json_schema_extra=_Extra(group, unit, step, usual, varies, remedy),
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
    remedy: str

    def __call__(self, schema: dict[str, Any]) -> None:
        """Leave the JSON schema of the field as it is."""


@dataclass(frozen=True)
class FieldFacts:
    """What people see of a field of Recipe. Texts are in the language of the page."""

    name: str
    info: FieldInfo

    @property
    def label(self) -> str:
        """Its name on the page."""
        return localized(self.label_message)

    @property
    def label_message(self) -> Message:
        """The label as a part of an error, which is raised in English and translated later."""
        return message(self.info.title or self.name)

    @property
    def label_with_unit(self) -> str:
        """The label and, if there is one, the unit of the numbers."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def help(self) -> str:
        """One line that says what the field is and, for a number, its range with the unit."""
        text = localized(self.info.description or "")
        return f"{text} ({self.range_text})." if self.is_number else f"{text}."

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
        return localized(self._range) if self.is_number else ""

    @property
    def _range(self) -> Message:
        least, greatest = map(format_number, self.limits)
        if not self._extra.unit:
            return message("{least} to {greatest}", least=least, greatest=greatest)
        unit = message(self._extra.unit)
        return message("{least} to {greatest} {unit}", least=least, greatest=greatest, unit=unit)

    @property
    def remedy(self) -> Message:
        """What to choose instead of a value that is not allowed, as a part of an error."""
        if self.is_optional:
            return message("choose a whole number from {range}, or all", range=self._range)
        if self.is_whole:
            return message("choose a whole number from {range}", range=self._range)
        if self.is_number:
            return message("choose a number from {range}", range=self._range)
        if self.is_switch:
            return message("choose on or off")
        if self.choices:
            return message("choose one of {choices}", choices=", ".join(self.choices))
        return message(self._extra.remedy)

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
        return _(self._extra.unit)

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
    """Return a field's value as people write it, in the language of the page."""
    match value:
        case None:
            return _("all")
        case bool():
            return _("on") if value else _("off")
        case float():
            return format_number(value)
        case tuple():
            return ", ".join(f"{epoch}:{format_number(rate)}" for epoch, rate in value)
    return str(value)
