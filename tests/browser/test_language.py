"""The language of the page, in a browser: the choice, the address and the width of a phone."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from page import App
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LABELS = {"en": "Train", "de": "Trainieren"}


def expect_open(app: App, label: str) -> None:
    tab = app.page.get_by_role("tab", name=label, exact=True)
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(app.page).to_have_url(re.compile(f"[?&]tab={label}(&|$)"))


def test_the_tab_and_what_is_chosen_in_it_stay_when_the_language_changes(app):
    app.open("?tab=Data")
    app.page.get_by_role("radio", name="Digits", exact=True).click()
    app.choose("lang", "Deutsch")
    chosen = app.page.get_by_role("radio", name="Ziffern", exact=True)
    expect(chosen).to_have_attribute("aria-checked", "true")
    app.page.get_by_role("radio", name="Verzerrungen").click()
    expect_open(app, "Daten")
    app.page.reload()
    expect_open(app, "Daten")
    expect(app.page).to_have_title("Ziffern")
    app.choose("lang", "English")
    expect(app.page.get_by_role("tab", name="Data", exact=True)).to_be_visible()
    assert "lang" not in parse_qs(urlsplit(app.page.url).query)  # it is this browser's


@pytest.mark.parametrize("tab", LABELS.values())
def test_a_link_opens_its_tab_in_the_language_that_it_names(app, tab):
    app.open(f"?tab={tab}&lang=de&preset=lenet5")
    expect_open(app, LABELS["de"])
    app.expect_chosen("preset", "lenet5")
    app.open(f"?tab={tab}&preset=lenet5")
    expect_open(app, LABELS["en"])
    app.expect_chosen("preset", "lenet5")


def test_the_german_tabs_fit_on_a_phone(phone):
    phone.open("?lang=de")
    tabs = phone.page.get_by_role("tablist")
    expect(tabs.get_by_role("tab", name="Vergleichen")).to_be_in_viewport()
    assert tabs.evaluate("one => one.scrollWidth <= one.clientWidth")
