"""The page in another language (see tests/common/test_translation.py for the texts)."""

from pathlib import Path

import committed_weights
import pytest
from streamlit.testing.v1 import AppTest

from mnist_app.ui import tabs
from mnist_app.ui.server.application import PAGE

TIMEOUT = 180
IN_GERMAN = ["Zeichnen", "Trainieren", "Daten", "Auswerten", "Vergleichen"]


@pytest.fixture
def app(weights_folder: Path) -> AppTest:
    committed_weights.copy_to(weights_folder, ("lenet5",))
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    app.session_state["data_dataset"] = app.session_state["evaluate_dataset"] = "digits"
    return app


def opened(app: AppTest, **query: str) -> AppTest:
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [tab.label for tab in app.tabs]


def open_tab(app: AppTest) -> str:
    return app.session_state["tab"]


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_the_page_is_english_unless_the_address_or_the_browser_say_otherwise(app):
    opened(app)
    assert labels(app) == list(tabs.NAMES)
    assert app.selectbox(key="lang").value == "en"
    assert app.selectbox(key="lang").label == "Language"
    assert app.selectbox(key="lang").options == ["English", "Deutsch"]


@pytest.mark.parametrize("code", ["fr", "<b>", ""])
def test_nonsense_as_a_language_is_english(app, code):
    assert labels(opened(app, lang=code)) == list(tabs.NAMES)


def test_a_page_in_german_has_german_tabs_and_a_german_choice_of_the_language(app):
    opened(app, lang="de")
    assert labels(app) == IN_GERMAN
    assert app.selectbox(key="lang").value == "de"
    assert app.selectbox(key="lang").label == "Sprache"
    assert app.title[0].value == "Ziffern"


@pytest.mark.parametrize("name", tabs.NAMES)
def test_each_tab_can_be_drawn_in_german(app, name):
    opened(app, lang="de", tab=name)
    assert open_tab(app) == IN_GERMAN[tabs.NAMES.index(name)]
    app.run()  # as whatever the user does
    assert not app.exception


def test_buttons_and_fields_are_german(app):
    opened(app, lang="de", tab="Train", preset="lenet5")
    assert "Training starten" in buttons(app)
    assert app.number_input(key="lenet5-rotation").label == "Drehung (Grad)"
    assert (
        app.number_input(key="lenet5-rotation").help == "Größte zufällige Drehung (0 bis 45 Grad)."
    )


def test_an_error_is_german(app):
    opened(app, lang="de", tab="Train", preset="lenet5")
    app.number_input(key="lenet5-learning_rate").set_value(10.0).run()
    next(button for button in app.button if button.label == "Training starten").click().run()
    assert not app.exception
    assert any(error.value.startswith("„Lernrate“ ist 10") for error in app.error)


@pytest.mark.parametrize("tab", ["Train", "Trainieren"])
@pytest.mark.parametrize(("code", "label"), [("en", "Train"), ("de", "Trainieren")])
def test_a_link_opens_its_tab_on_a_page_in_any_language(app, code, label, tab):
    opened(app, lang=code, tab=tab)
    assert open_tab(app) == label
    assert app.query_params["tab"] == label  # so that a reload opens it again


@pytest.mark.parametrize("tab", ["Draw", "Zeichnen", "no such tab", ""])
def test_a_link_to_the_first_tab_or_to_none_opens_the_first(app, tab):
    opened(app, lang="de", tab=tab)
    assert open_tab(app) == "Zeichnen"


def test_the_tab_stays_open_when_the_language_changes(app):
    opened(app, tab="Data")
    app.selectbox(key="lang").set_value("de").run()
    assert not app.exception
    assert labels(app) == IN_GERMAN
    assert open_tab(app) == "Daten"
    app.selectbox(key="lang").set_value("en").run()
    assert open_tab(app) == "Data"


def test_what_was_chosen_stays_chosen_when_the_language_changes(app):
    opened(app, tab="Data")
    app.segmented_control(key="data_view").set_value("Map").run()
    app.selectbox(key="lang").set_value("de").run()
    assert not app.exception
    view = app.segmented_control(key="data_view")
    assert view.value == "Map"
    assert view.options == ["Bilder", "Ziffern", "Karte", "Verzerrungen"]


def test_the_browsers_language_is_the_first_choice(monkeypatch, app):
    from mnist_app.ui import language

    monkeypatch.setattr(language, "_of_the_browser", lambda: "de")
    opened(app, tab="Train")
    assert labels(app) == IN_GERMAN
    assert app.selectbox(key="lang").value == "de"
    app.selectbox(key="lang").set_value("en").run()
    assert labels(app) == list(tabs.NAMES)
    assert open_tab(app) == "Train"
