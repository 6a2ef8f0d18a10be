"""Texts in the user's language. English is the source; gettext finds translations in `locale/`.

A text that people see is wrapped where it is used, so that Babel finds it there:

    _("Start training")                                  # a whole text
    _("Resume {name}").format(name=name)                 # values go in after the translation
    ngettext("{n} image", "{n} images", n).format(n=n)   # singular and plural
    LABELS = {"grid": N_("Grid")}                        # only marked, where a module is loaded;
    _(LABELS[kind])                                      # translated where it is shown
    InputError(message("There is no picture {path}.", path=path))   # raised in English

An error is raised in English, since a log or a terminal may show it. It remembers its template, so
that the page can show it in another language: `localized(error)`.
"""

import gettext
from collections.abc import Callable
from functools import cache
from typing import Any

from mnist_app.common.settings import PACKAGE

SOURCE = "en"
LANGUAGES = {"en": "English", "de": "Deutsch"}  # by code, in their own words
_FOLDER = PACKAGE / "locale"


class Message(str):
    """An English sentence that remembers its template and values."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]


def message(template: str, **values: object) -> Message:
    """Fill a template in English; `localized` fills it in the language of the page.

    Args:
        template: a text with the names of values in braces.
        values: what to put in; a `Message` among them is translated, too.
    """
    made = Message(template.format(**values))
    made.template, made.values = template, dict(values)
    return made


def localized(text: object) -> str:
    """Return a message, an error's message or a text in the language of the page."""
    if isinstance(text, BaseException):
        text = text.args[0] if text.args else ""
    if isinstance(text, Message):
        values = {name: _localized_value(value) for name, value in text.values.items()}
        return _(text.template).format(**values)
    return _(str(text))


def _localized_value(value: object) -> object:
    return localized(value) if isinstance(value, Message) else value


def _(text: str) -> str:
    """Return a text in the language of the page; English if there is no translation."""
    return _catalogue(_language()).gettext(text) if text else ""


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form for n in the language of the page."""
    return _catalogue(_language()).ngettext(singular, plural, n)


def N_(text: str) -> str:  # noqa: N802, gettext's usual name
    """Mark a text for translation where it is defined, and return it unchanged."""
    return text


def in_each_language(text: str) -> set[str]:
    """Return a text in all of LANGUAGES."""
    return {_catalogue(code).gettext(text) for code in LANGUAGES}


def language() -> str:
    """Return the code of the language of the page, such as "de"."""
    return _language()


def follow(source: Callable[[], str]) -> None:
    """Take the language from `source` from now on; it is called for each text.

    Args:
        source: returns one of LANGUAGES.
    """
    global _language
    _language = source


def best_language(locale: str | None) -> str:
    """Return the language of LANGUAGES for a browser's locale, such as "de-AT"; else English."""
    code = (locale or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else SOURCE


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation("mnist_app", _FOLDER, [code], fallback=True)


def _english() -> str:
    return SOURCE


_language: Callable[[], str] = _english
