"""The Train tab: real runs that are followed, reloaded, stopped and killed."""

import json
import os
import re
import signal

import pytest
from page import App, begin
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# Whether the first curve of the accuracy chart has at least `least` epochs.
POINTS_IN_CURVE = """(least) => {
  const plot = document.querySelector(".st-key-accuracy_chart .js-plotly-plot");
  return plot && plot.data[0].x.length >= least;
}"""


def expect_curve(app, at_least: int = 1) -> None:
    lines = app.part("accuracy_chart").locator(".scatterlayer .trace path.js-line")
    expect(lines).to_have_count(2)
    app.page.wait_for_function(POINTS_IN_CURVE, arg=at_least)


def process_of(app, name: str) -> int:
    folder = next((app.weights / ".runs").glob(f"*-{name}"))
    return json.loads((folder / "process.json").read_text())["pid"]


def test_a_short_training_to_its_end_and_an_earlier_result_laid_over_it(app):
    app.open()
    app.draw([[(140, 50), (140, 110), (140, 170), (140, 230)]])
    app.expect_prediction("1")
    app.tab("Train")
    app.choose("preset", "mlp-128-64-adam")
    app.choose("dataset", "digits")
    box = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    expect(box).to_have_value("10")
    app.type("spinbutton", "Epochs", "4")
    app.type("textbox", "Save as", "from-the-page")
    app.click("train")
    expect(app.part("progress")).to_contain_text("Saved as from-the-page")
    expect(app.part("progress")).to_contain_text("of 359 test images right")
    expect_curve(app, 4)
    expect(app.part("loss_chart")).to_contain_text("Loss per image")
    digit = app.part("digit_while_learning")
    expect(digit.locator(".barlayer .trace")).to_have_count(10)
    expect(digit.locator(".barlayer .trace").first.locator(".point")).to_have_count(4)
    app.add("overlays", "lenet5")
    expect(app.part("accuracy_chart").locator(".scatterlayer .trace")).to_have_count(4)
    expect(app.part("accuracy_chart")).to_contain_text("lenet5, validation")
    app.choose("network", "from-the-page")
    app.tab("Draw")
    app.prediction()
    expect(app.page).to_have_url(re.compile("network=from-the-page"))


def test_settings_are_kept_while_another_tab_is_open(app):
    app.open("?tab=Train&preset=lenet5&dataset=digits")
    epochs = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("23")
    epochs.press("Enter")
    save_as = app.page.get_by_role("textbox", name="Save as")
    save_as.fill("kept")
    save_as.press("Enter")
    app.settle()
    app.tab("Draw")
    expect(app.part("train")).to_be_hidden()
    app.settle()
    app.tab("Train")
    expect(epochs).to_have_value("23")
    expect(save_as).to_have_value("kept")
    expect(app.page.get_by_test_id("stAlert")).to_have_count(0)


def test_a_run_is_found_after_a_reload_and_by_another_browser_then_stopped_and_resumed(
    app, chromium
):
    begin(app, "long")
    expect_curve(app, 2)
    app.page.reload()
    app.expect_chosen("run", "long")
    expect(app.part("progress")).to_contain_text("of 1000")
    expect(app.page.get_by_text("started in this browser")).to_be_visible()

    other = chromium.new_page()
    App(other, app.url, app.weights).open("/?tab=Train").expect_chosen("run", "long")
    expect(other.locator(".st-key-progress")).to_contain_text("of 1000")
    expect(other.get_by_text("started in another browser")).to_be_visible()
    other.close()

    app.click("stop")
    expect(app.part("progress")).to_contain_text("Stopped after")
    expect(app.part("progress")).to_contain_text("validation images right; not measured on the")
    expect(app.part("progress")).to_contain_text("Saved as long")
    app.click("resume")
    expect(app.part("stop")).to_be_visible()
    expect(app.part("progress")).to_contain_text("left")
    app.click("stop")
    expect(app.part("progress")).to_contain_text("Stopped after")


@pytest.mark.slow
def test_a_run_in_progress_can_be_drawn_with_and_is_not_measured_yet(app):
    begin(app, "live")
    expect_curve(app)
    app.choose("network", "live · training now")
    app.tab("Evaluate")
    expect(app.part("evaluate_tab")).to_contain_text("Choose a saved network")
    app.tab("Draw")
    app.draw([[(140, 50), (140, 110), (140, 170), (140, 230)]])
    app.prediction()
    app.tab("Train")
    app.click("stop")
    expect(app.part("progress")).to_contain_text("Saved as live")
    app.expect_chosen("network", "live")


@pytest.mark.slow
def test_a_killed_run_says_why_and_resumes(app):
    begin(app, "victim")
    expect_curve(app, 2)
    os.kill(process_of(app, "victim"), signal.SIGKILL)
    progress = app.part("progress")
    expect(progress).to_contain_text("The training died after")
    expect(progress).to_contain_text("killed from outside")
    app.click("resume")
    expect(app.part("stop")).to_be_visible()
    expect(progress).to_contain_text("left")
    app.click("stop")
    expect(progress).to_contain_text("Saved as victim")


@pytest.mark.slow
def test_a_second_run_waits_its_turn(app):
    begin(app, "first")
    expect_curve(app)
    begin(app, "second", 2)
    expect(app.part("progress")).to_contain_text("1 run is ahead")
    app.choose("run", "first")
    app.click("stop")
    expect(app.part("progress")).to_contain_text("Saved as first")
    app.choose("run", "second")
    expect(app.part("progress")).to_contain_text("Saved as second")


def test_bad_input_is_answered_in_one_sentence_and_starts_nothing(app):
    before = len(list((app.weights / ".runs").glob("*")))
    begin(app, "../evil", 2)
    alert = app.page.get_by_test_id("stAlert").filter(has_text="../evil")
    expect(alert).to_contain_text("letters, digits")
    assert len(list((app.weights / ".runs").glob("*"))) == before
