"""Texts in the language of the page, and the catalogues of translations."""

import gettext
import io
import re
import string
import tomllib
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from mnist_app.common import translation
from mnist_app.common.errors import InputError
from mnist_app.common.translation import (
    LANGUAGES,
    N_,
    SOURCE,
    _,
    best_language,
    in_each_language,
    localized,
    message,
    ngettext,
)

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = [code for code in LANGUAGES if code != SOURCE]


@pytest.fixture
def german(monkeypatch):
    """The page is in German."""
    monkeypatch.setattr(translation, "_language", translation._language)  # to put it back
    translation.follow(lambda: "de")


def catalogue_path(code: str) -> Path:
    return ROOT / "mnist_app/locale" / code / "LC_MESSAGES/mnist_app.po"


@pytest.fixture(scope="module", params=TRANSLATED)
def catalogue(request) -> Catalog:
    with catalogue_path(request.param).open("rb") as file:
        return read_po(file, locale=request.param, abort_invalid=True)


def texts(catalogue: Catalog) -> list[Message]:
    return [entry for entry in catalogue if entry.id]  # the header has an empty id


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.fixture(scope="module")
def extracted() -> dict[tuple[str, ...], set[str]]:
    """The texts of the code, as `make texts` finds them, with the endings of their files."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    keywords = re.findall(r" -k (\S+)", (ROOT / "Makefile").read_text())
    found: dict[tuple[str, ...], set[str]] = {}
    for name, _line, text, _comments, _context in extract_from_dir(
        ROOT,
        [(one["pattern"], one["method"]) for one in options],
        {one["pattern"]: {"silent": "false"} for one in options if one["method"] == "jinja2"},
        parse_keywords(keywords),
    ):
        found.setdefault(forms(text), set()).add(Path(name).suffix)
    return found


def test_no_text_of_the_code_is_empty(extracted):
    assert len(extracted) > 500
    assert ("",) not in extracted, "the translation of an empty text is the catalogue's header"


def test_a_catalogue_has_the_texts_of_the_code_and_no_others(catalogue, extracted):
    known = {forms(entry.id) for entry in texts(catalogue)}
    assert known == set(extracted), "run `make texts`, and translate what is empty"
    assert not catalogue.obsolete


def test_every_text_is_translated(catalogue):
    missing = [entry.id for entry in texts(catalogue) if not all(forms(entry.string))]
    unsure = [entry.id for entry in texts(catalogue) if entry.fuzzy]
    assert not missing
    assert not unsure


def test_every_text_that_counts_has_all_plural_forms(catalogue):
    for entry in texts(catalogue):
        assert len(forms(entry.string)) == (catalogue.num_plurals if entry.pluralizable else 1)


def placeholders(text: str) -> set[str]:
    """Return what a value is put in for, with its format."""
    in_code = {
        f"{{{name}:{spec}!{conversion}}}"
        for _text, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    }
    return in_code | set(re.findall(r"%\(\w+\).", text))


def test_a_translation_has_the_placeholders_of_its_text(catalogue):
    for entry in texts(catalogue):
        originals, translated = forms(entry.id), forms(entry.string)
        for number, text in enumerate(translated):
            original = originals[min(number, len(originals) - 1)]
            assert placeholders(text) == placeholders(original), text


def test_a_template_can_fill_its_texts_in(catalogue, extracted):
    for entry in texts(catalogue):
        if ".html" not in extracted[forms(entry.id)]:
            continue
        for text in (*forms(entry.id), *forms(entry.string)):
            names = re.findall(r"%\((\w+)\)", text)
            assert "%(" not in text % dict.fromkeys(names, "1")


def test_a_translation_begins_ends_and_breaks_as_its_text(catalogue):
    """A space or a tag that went missing would be seen where texts are put together."""
    for entry in texts(catalogue):
        for original, text in zip(forms(entry.id), forms(entry.string), strict=True):
            for pattern in (r"^\s*", r"\s*$", r"<[^>]*>", r"\*\*|`"):
                assert re.findall(pattern, text) == re.findall(pattern, original), text


def _compiled(file) -> dict[object, str]:
    texts = dict(gettext.GNUTranslations(file)._catalog)
    texts.pop("", None)  # the header, which names the version of Babel
    return texts


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_text_file(code):
    made = io.BytesIO()
    with catalogue_path(code).open("rb") as file:
        write_mo(made, read_po(file, locale=code))
    made.seek(0)
    with catalogue_path(code).with_suffix(".mo").open("rb") as file:
        assert _compiled(file) == _compiled(made), "run `make texts`"


def test_a_text_is_english_unless_the_page_says_otherwise():
    assert translation.language() == "en"
    assert _("Start training") == "Start training"
    assert ngettext("{n:,} picture read", "{n:,} pictures read", 2) == "{n:,} pictures read"


@pytest.mark.usefixtures("german")
def test_a_text_is_in_the_language_that_is_followed():
    assert translation.language() == "de"
    assert _("Start training") == "Training starten"
    assert N_("Start training") == "Start training"
    assert _("") == ""
    assert _("A text that nobody translated") == "A text that nobody translated"


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("n", "form"), [(0, "0 Bilder gelesen"), (1, "1 Bild gelesen"), (1797, "1,797 Bilder gelesen")]
)
def test_a_count_chooses_the_plural_form(n, form):
    text = ngettext("{n:,} picture read", "{n:,} pictures read", n)
    assert text.format(n=n) == form


@pytest.mark.usefixtures("german")
def test_an_error_is_raised_in_english_and_shown_in_the_language_of_the_page():
    error = InputError(message("{name} is empty: copy it again, or remove it.", name="a.png"))
    assert str(error) == "a.png is empty: copy it again, or remove it."
    assert localized(error) == "a.png ist leer: neu kopieren oder entfernen."
    assert localized(error.args[0]) == localized(error)


@pytest.mark.usefixtures("german")
def test_messages_within_a_message_are_translated_too():
    inner = message("{least} to {greatest} {unit}", least=0, greatest=45, unit=message("degrees"))
    outer = message("choose a number from {range}", range=inner)
    assert outer == "choose a number from 0 to 45 degrees"
    assert localized(outer) == "eine Zahl von 0 bis 45 Grad wählen"


@pytest.mark.usefixtures("german")
def test_a_value_with_braces_is_put_in_as_it_is():
    error = message("There is no picture {path}: check the name.", path="{0}{x}.png")
    assert localized(error) == "Es gibt kein Bild {0}{x}.png: den Namen prüfen."


@pytest.mark.usefixtures("german")
def test_what_is_no_message_is_looked_up_as_it_is():
    assert localized("Pause") == "Pause"
    assert localized(ValueError("Wrong teacher code: check it and try again.")) == (
        "Falscher Lehrercode: prüfen und erneut versuchen."
    )
    assert localized(ValueError()) == ""
    assert localized(3) == "3"


def test_without_a_catalogue_the_texts_stay_english(monkeypatch):
    monkeypatch.setattr(translation, "_language", lambda: "tlh")
    assert _("Start training") == "Start training"
    assert localized(message("There is no picture {path}: check the name.", path="a")) == (
        "There is no picture a: check the name."
    )


def test_a_text_in_each_language():
    assert in_each_language("Train") == {"Train", "Trainieren"}
    assert in_each_language("no text of the page") == {"no text of the page"}


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("en-GB", "en"),
        ("fr-FR", "en"),
        ("den", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_best_language_for_a_browser(locale, code):
    assert best_language(locale) == code


def test_every_language_has_a_catalogue_and_no_two_names_are_the_same():
    assert all(catalogue_path(code).is_file() for code in TRANSLATED)
    assert {path.parts[-3] for path in (ROOT / "mnist_app/locale").glob("*/*/*.po")} == {
        *TRANSLATED
    }
    assert len(set(LANGUAGES.values())) == len(LANGUAGES)
