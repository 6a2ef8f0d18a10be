"""The Compare tab: results side by side, every network's answer to a drawing, and a search."""

import csv
import re
import shutil

import committed_weights
import pytest
from page import App
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SEVEN = [[(90, 60), (190, 60), (130, 220)]]
NETWORKS = len(committed_weights.NETWORKS)


BELOW_EACH_OTHER = """() => {
  const [first, second] = [...document.querySelectorAll(".st-key-readings .reading")]
    .map((card) => card.getBoundingClientRect());
  return first.x === second.x && first.bottom <= second.top;
}"""


def view(app: App, name: str) -> None:
    app.page.get_by_role("radio", name=name, exact=True).click()


def press(app: App, name: str) -> None:
    app.part("search_progress").get_by_role("button", name=name, exact=True).click()


def open_search(app: App) -> None:
    app.open("?tab=Compare")
    view(app, "Search")
    expect(app.part("search_start")).to_be_visible()


def fill(app: App, name: str, value: str) -> None:
    box = app.part("search_tab").locator(f'input[aria-label="{name}"]')
    box.fill(value)
    box.press("Enter")


def begin_search(app: App, rates: str, epochs: int = 1) -> None:
    open_search(app)
    app.choose("search_preset", "mlp-128-64-adam")
    view(app, "Bundled digits")
    fill(app, "Epochs", str(epochs))
    app.page.get_by_role("button", name="Remove Batch size").click()
    fill(app, "Learning rate", rates)
    count = rates.count(",") + 1
    expect(app.part("search_tab")).to_contain_text(f"{count} trials, one after the other")
    app.click("search_start")


def test_results_stand_in_a_table_a_chart_and_curves(app, tmp_path):
    app.open("?tab=Compare")
    expect(app.part("compare_table")).to_contain_text("10,000 images of mnist")
    expect(app.part("compare_table")).to_contain_text("14,400 drawings")
    expect(app.part("scatter")).to_contain_text("Parameters (logarithmic)")
    names = app.part("scatter").locator(".textpoint")
    expect(names).to_have_count(NETWORKS)
    app.page.get_by_role("radio", name="Multiply-adds").click()
    expect(app.part("scatter")).to_contain_text("Multiply-adds (logarithmic)")
    curves = app.part("compare_accuracy").locator(".scatterlayer .trace")
    expect(curves).to_have_count(2 * (NETWORKS - 1))  # an ensemble has no curves
    expect(app.part("compare_loss").locator(".scatterlayer .trace")).to_have_count(22)

    with app.page.expect_download() as download:
        app.click("compare_csv")
    download.value.save_as(tmp_path / "results.csv")
    lines = (tmp_path / "results.csv").read_text().splitlines()
    rows = {row["name"]: row for row in csv.DictReader(lines)}
    assert len(rows) == NETWORKS
    assert rows["lenet5"]["multiply_adds"] == "416520"
    assert rows["lenet5"]["reported"] == "98.22%"
    assert float(rows["lenet5"]["milliseconds"]) > 0


@pytest.mark.slow
def test_a_result_can_be_left_out_and_a_new_one_comes_by_itself(app):
    app.open("?tab=Compare")
    names = app.part("scatter").locator(".textpoint")
    expect(names).to_have_count(NETWORKS)
    app.page.get_by_role("button", name="Remove cnn-simple", exact=True).click()
    expect(names).to_have_count(NETWORKS - 1)
    new = app.weights / "another.safetensors"
    shutil.copy(app.weights / "lenet5.safetensors", new)
    try:
        expect(names.filter(has_text=re.compile("^another$"))).to_have_count(1)
        expect(names).to_have_count(NETWORKS)
    finally:
        new.unlink()
    expect(names).to_have_count(NETWORKS - 1)


def test_the_drawing_is_read_by_all_networks_side_by_side(app):
    app.open("?tab=Compare")
    view(app, "Your drawing")
    expect(app.part("compare_tab")).to_contain_text("draw a digit in the Draw tab")
    app.tab("Draw")
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.tab("Compare")
    cards = app.part("readings").locator(".reading")
    expect(cards).to_have_count(NETWORKS)
    expect(cards.filter(has_text=re.compile("^canvas-large")).locator(".read")).to_have_text("7")
    expect(app.part("readings")).to_contain_text(
        re.compile(rf"(All {NETWORKS}|\d+ of {NETWORKS}) networks say 7")
    )
    first, second = cards.nth(0).bounding_box(), cards.nth(1).bounding_box()
    assert first["y"] == second["y"]
    app.page.set_viewport_size({"width": 390, "height": 844})  # a phone: cards below each other
    app.page.wait_for_function(BELOW_EACH_OTHER)
    first = cards.nth(0).bounding_box()
    assert first["x"] + first["width"] <= 390
    app.page.set_viewport_size({"width": 1280, "height": 900})


def test_a_search_to_its_end_and_its_best_is_kept(app):
    begin_search(app, "0.00001, 0.01")
    progress = app.part("search_progress")
    expect(progress).to_contain_text("2 of 2 trials were trained to their end")
    expect(app.part("search_best")).to_contain_text("learning rate 0.01")
    expect(app.part("search_best")).to_contain_text("of 287 validation images right")
    expect(app.part("search_best")).not_to_contain_text("test images right")
    expect(app.part("search_chart").locator(".parcoords")).not_to_have_count(0)
    expect(app.part("search_chart")).to_contain_text("Learning rate")
    assert not list(app.weights.glob("search-*"))

    fill(app, "Save as", "found")
    app.click("search_keep")
    expect(app.part("search_best")).to_contain_text("is kept as found")
    expect(app.part("search_best")).to_contain_text("of 359 test images right")
    app.choose("network", "found")
    app.tab("Train")
    expect(app.page.get_by_text("No training yet")).to_be_visible()  # trials are not listed there
    (app.weights / "found.safetensors").unlink()


@pytest.mark.slow
def test_a_search_is_followed_after_a_reload_stopped_taken_up_and_removed(app):
    begin_search(app, "0.1, 0.01, 0.001", epochs=1000)
    progress = app.part("search_progress")
    expect(progress).to_contain_text("trial 1: epoch")
    app.page.reload()
    view(app, "Search")
    expect(progress).to_contain_text("0 of 3 trials are over; trial 1: epoch")
    press(app, "Stop")
    expect(progress).to_contain_text("Stopped: 0 of 3 trials")
    press(app, "Go on")
    expect(progress).to_contain_text("trial 1: epoch")
    press(app, "Stop")
    expect(progress).to_contain_text("Stopped: 0 of 3 trials")
    press(app, "Remove")
    expect(app.part("search_tab")).to_contain_text("No search yet")
    assert not list((app.weights / ".runs").glob("[0-9]*"))


def test_what_cannot_be_searched_is_said_in_one_sentence_and_not_started(app):
    open_search(app)
    fill(app, "Learning rate", "fast")
    alert = app.page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("write numbers separated by commas")
    expect(app.part("search_start").locator("button")).to_be_disabled()
    fill(app, "Learning rate", ", ".join(f"0.{n}" for n in range(10, 60)))
    expect(alert).to_contain_text("150 trials")
    view(app, "Random")
    expect(app.part("search_tab")).to_contain_text("10 trials, one after the other")
    expect(app.part("search_start").locator("button")).to_be_enabled()
