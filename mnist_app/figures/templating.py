"""HTML from templates, in which every value is escaped unless it is HTML already (`Markup`).

A template lies in the folder `templates` beside the modules that use it.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

_PACKAGE = Path(__file__).resolve().parents[1]
_LINE_BREAK_BESIDE_TAG = re.compile(r"(?:(?<=>)|(?<=%\}))\s*\n\s*|\s*\n\s*(?=<|\{%)")


def from_template(template: str, **values: Any) -> Markup:
    """The HTML that a template makes of values.

    Args:
        template: its path within this package, such as "figures/templates/facts.html".
        values: by the names that the template gives them.
    Raises:
        jinja2.UndefinedError: the template names a value that is not there.
    """
    return Markup(_environment.get_template(template).render(values))  # noqa: S704, it escapes


class _Layout(Extension):
    """Leaves out line breaks beside tags, as JSX does: they only lay out the template.

    Between inline elements a line break would be a space on the page. It becomes a comment of the
    template, so that the lines in error messages are right.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """The template without line breaks that count."""
        return _LINE_BREAK_BESIDE_TAG.sub(lambda found: "{#" + found[0] + "#}", source)


def _percent(share: float, decimals: int = 1) -> str:
    """A share of 1 in per cent: 0.123 is 12.3%."""
    return f"{share:.{decimals}%}"


def _thousands(count: int) -> str:
    """A whole number with a comma at the thousands: 10,000."""
    return f"{count:,}"


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[_Layout],
    )
    environment.filters |= {"percent": _percent, "thousands": _thousands}
    return environment


_environment = _make_environment()
