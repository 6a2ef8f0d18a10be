"""HTML from templates. Every value is escaped unless it is HTML already (`Markup`).

A template is in the folder `templates` next to the modules that use it.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from mnist_app.common.translation import _, ngettext

_PACKAGE = Path(__file__).resolve().parents[1]
_LINE_BREAK_BESIDE_TAG = re.compile(r"(?:(?<=>)|(?<=%\}))\s*\n\s*|\s*\n\s*(?=<|\{%)")


def from_template(template: str, **values: Any) -> Markup:
    """Render a template to HTML.

    Args:
        template: its path within this package, such as "figures/templates/facts.html".
        values: by their names in the template.
    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    return Markup(_environment.get_template(template).render(values))  # noqa: S704, it escapes


class _Layout(Extension):
    """A Jinja extension that drops line breaks beside tags, as JSX does.

    They only format the template, but between inline elements they would show as spaces. Each one
    becomes a template comment, so that the line numbers in error messages stay right.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Turn the line breaks beside tags into comments."""
        return _LINE_BREAK_BESIDE_TAG.sub(lambda found: "{#" + found[0] + "#}", source)


def _percent(share: float, decimals: int = 1) -> str:
    """Format a share of 1 in per cent: 0.123 is 12.3%."""
    return f"{share:.{decimals}%}"


def _thousands(count: int) -> str:
    """Format a whole number with commas between thousands: 10,000."""
    return f"{count:,}"


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[_Layout, "jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"percent": _percent, "thousands": _thousands}
    return environment


_environment = _make_environment()
