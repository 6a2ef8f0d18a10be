"""The panels with the reasons for an answer, operated the way a user would."""

import re

import pytest
import serve
from effort import scaled
from page import BAR, App
from PIL import Image
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

SEVEN = [[(80, 70), (140, 68), (200, 70), (170, 130), (140, 190), (125, 230)]]
SMALL_SEVEN = [[(30, 30), (60, 29), (90, 30), (75, 60), (62, 90), (55, 110)]]
SEVENTY_ONE = [
    [(40, 80), (70, 79), (105, 80), (90, 120), (75, 160), (65, 200)],
    [(200, 75), (199, 110), (200, 160), (200, 205)],
]
# Delays the server's messages by two seconds.
SLOW_LINE = """
const listen = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (kind, hear, ...more) {
  const late = (message) => setTimeout(() => hear(message), 2000);
  listen.call(this, kind, kind === "message" ? late : hear, ...more);
};
"""
PANELS = "why", "layers", "xray", "scrubber", "neighbours", "hold"


def opened(app: App, name: str) -> Locator:
    return app.panel(f"reasons_{name}")


def drawn(app: App, network: str, strokes: list, answer: str = "7") -> App:
    app.open(f"?network={network}")
    app.draw(strokes)
    app.expect_prediction(answer)
    return app


def percentages(panel: Locator) -> list[float]:
    return [float(text.rstrip("%")) for text in panel.locator(".bars .value").all_inner_texts()]


# Records whether a text is ever on the page, however briefly.
NOTE = """(text) => {
  window.wasSeen = false;
  new MutationObserver(() => { wasSeen ||= document.body.textContent.includes(text); })
    .observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_a_stroke_comes_in_between_while_why_is_computed(app):
    app.open("?network=canvas-large")
    panel = opened(app, "why")
    app.page.evaluate(NOTE, "Following the gradients")
    app.draw(SEVEN)
    app.page.wait_for_function("wasSeen")
    app.click("clear")
    app.expect_prediction("")
    app.draw(SEVENTY_ONE[1:])
    app.expect_prediction("1")
    expect(panel).to_contain_text("speaks for the 1")
    app.expect_prediction("1")


WHY = [("lenet5", "1", "the 1"), ("canvas", "not a digit", "“not a digit”")]


@pytest.mark.parametrize(("network", "other", "named"), WHY[: scaled(1, 2)])
def test_why_shows_three_pictures_that_add_up(network, other, named, app):
    drawn(app, network, SEVEN)
    panel = opened(app, "why")
    expect(panel.locator("figure img.heat")).to_have_count(3)
    sums = re.compile(r"All pixels add up to ([+-][\d.]+);.* changes by ([+-][\d.]+) \(\d+ steps\)")
    expect(panel).to_contain_text("speaks for the 7")
    total, difference = map(float, sums.search(panel.inner_text()).groups())
    assert total == pytest.approx(difference, rel=0.01, abs=0.02)
    assert total > 0
    panel.get_by_text(other, exact=True).click()
    expect(panel).to_contain_text(f"speaks for {named}")
    against, _ = map(float, sums.search(panel.inner_text()).groups())
    assert against < total


def test_what_is_open_follows_the_next_stroke(app):
    app.open("?network=lenet5")
    panel = opened(app, "why")
    expect(panel).to_contain_text("Draw a digit: this follows every stroke.")
    app.draw(SEVEN)
    expect(panel).to_contain_text("as read: 7")
    expect(panel.locator("figure img.heat")).to_have_count(3)
    app.click("clear")
    app.draw([[(140, 50), (140, 110), (140, 170), (140, 230)]])
    expect(panel).to_contain_text("as read: 1")
    app.choose("network", "mlp-784")
    expect(panel).to_contain_text("This network has no convolution")
    expect(panel.locator("figure img.heat")).to_have_count(2)


def test_layers_from_the_image_to_the_logits(app):
    drawn(app, "lenet5", SEVEN)
    panel = opened(app, "layers")
    expect(panel).to_contain_text("Conv 5x5 · 6 × 28 × 28")
    expect(panel).to_contain_text("6 filters, 5×5")
    assert panel.locator(".maps img").count() >= 6
    unit = panel.locator(".units:not(.named) span").first
    expect(unit).to_have_attribute("title", re.compile(r"unit 0: -?[\d.e-]+"))
    logits = panel.locator(".units.named span").all_inner_texts()
    values = [float(text.split("\n")[-1]) for text in logits]
    assert len(values) == 10
    assert values.index(max(values)) == 7


@pytest.mark.slow
def test_layers_of_a_perceptron_and_of_networks_side_by_side(app):
    drawn(app, "mlp-128-64", SEVEN)
    panel = opened(app, "layers")
    expect(panel).to_contain_text("The weights of the 32 units (of 128)")
    expect(panel.get_by_alt_text("weights of 32 units")).to_be_visible()
    app.choose("network", "canvas-large")
    expect(panel).to_contain_text("It is 4 networks side by side")
    expect(panel).to_contain_text("Residual: Conv 3x3")
    filters = panel.get_by_alt_text("32 filters").first
    before = filters.get_attribute("src")
    panel.get_by_text("network 3", exact=True).click()
    expect(filters).not_to_have_attribute("src", before)


def test_xray_switches_steps_off_and_shows_what_that_does(app):
    drawn(app, "mlp-784", SMALL_SEVEN)
    panel = opened(app, "xray")
    every, chosen = app.part("xray_all"), app.part("xray_chosen")
    expect(chosen).to_contain_text("Your setting: all steps on")
    assert percentages(every) == percentages(chosen)
    assert percentages(every).index(max(percentages(every))) == 7
    expect(app.part("xray_each").locator("img")).to_have_count(5)
    picture = chosen.locator("img").get_attribute("src")
    for step in ("Crop", "Scale", "Centre"):
        panel.get_by_text(step, exact=True).click()
        expect(chosen).to_contain_text(step)
    expect(chosen).to_contain_text("Without: Crop, Scale, Centre")
    expect(chosen.locator("img")).not_to_have_attribute("src", picture)
    assert percentages(every) != percentages(chosen)
    assert sum(percentages(chosen)) == pytest.approx(100, abs=0.6)


@pytest.mark.slow
def test_scrubber_plays_the_drawing_again(app):
    drawn(app, "canvas", SEVEN)
    panel = opened(app, "scrubber")
    chart = app.part("scrubber_chart")
    expect(chart.locator(".scatterlayer .trace path.js-fill")).to_have_count(10)
    expect(chart).to_contain_text("100% drawn")
    expect(panel).to_contain_text(re.compile(r"From \d+% of the pen's path on, the answer is 7"))
    expect(panel).to_contain_text("40 moments of 1 stroke")
    chart.locator(".updatemenu-button").first.click()
    expect(chart).to_contain_text(re.compile(r"(\d|[1-8]\d)(\.5)?% drawn"))
    chart.locator(".updatemenu-button").last.click()
    expect(chart).to_contain_text("% drawn")
    for _ in range(10):  # a late frame of the replay may arrive, and the page may move
        app.page.wait_for_timeout(1000)
        chart.scroll_into_view_if_needed()
        rail = chart.locator(".slider-rail-touch-rect").bounding_box()
        app.page.mouse.click(rail["x"] + rail["width"] / 2, rail["y"] + rail["height"] / 2)
        app.page.wait_for_timeout(500)
        if re.search(r"(50|52\.5|47\.5)% drawn", chart.text_content()):
            break
    expect(chart).to_contain_text(re.compile(r"(50|52\.5|47\.5)% drawn"))


@pytest.mark.slow
def test_scrubber_replays_the_eraser(app):
    drawn(app, "canvas", SEVEN)
    app.click("eraser")
    app.draw(BAR)
    app.expect_prediction("1")
    panel = opened(app, "scrubber")
    expect(panel).to_contain_text(
        re.compile(r"From \d\d% of the pen's path on, the answer is 1\. 40 mom")
    )
    expect(panel).to_contain_text("40 moments of 2 strokes")


@pytest.mark.slow
def test_a_picture_has_no_way_to_replay(app, tmp_path):
    path = tmp_path / "seven.png"
    drawn(app, "lenet5", SEVEN)
    app.part("canvas").screenshot(path=path)
    Image.open(path).convert("L").save(path)
    app.page.get_by_role("radio", name="Upload").click()
    app.part("upload").locator("input[type=file]").set_input_files(path)
    app.expect_prediction("7")
    expect(opened(app, "scrubber")).to_contain_text("A picture has no strokes")
    expect(opened(app, "why").locator("figure img.heat")).to_have_count(3)


def expect_neighbours(app: App, n: str) -> None:
    shown = app.part("neighbours_shown")
    expect(shown).to_contain_text(re.compile(r"nearest are \ds"))
    tiles = shown.locator("button.tile")
    expect(tiles).to_have_count(12)
    captions = [text.split(" · ") for text in tiles.all_inner_texts()]
    distances = [float(distance) for _, distance in captions]
    assert distances == sorted(distances)
    labels = [label for label, _ in captions]
    assert labels.count("7") > 6
    expect(app.part("reasons_neighbours")).to_contain_text(f"of {n} training images")
    tiles.first.click()
    expect(shown).to_contain_text(
        re.compile(rf"Training image [\d,]+ of \w+, labelled {labels[0]}")
    )


@pytest.mark.slow
def test_neighbours_among_the_bundled_digits(app):
    drawn(app, "lenet5", SEVEN)
    panel = opened(app, "neighbours")
    panel.get_by_text("Bundled digits", exact=True).click()
    expect_neighbours(app, "1,438")
    expect(panel).to_contain_text("It learned from mnist")


@pytest.mark.slow
@pytest.mark.mnist
def test_neighbours_in_mnist(app, real_data):
    drawn(app, "mlp-128-64", SEVEN)
    panel = opened(app, "neighbours")
    panel.get_by_text("MNIST", exact=True).click()
    expect_neighbours(app, "60,000")
    expect(panel).to_contain_text("It learned from these images.")


@pytest.mark.slow
def test_where_mnist_is_not_on_the_machine_the_bundled_digits_are_offered(
    chromium, tmp_path, monkeypatch
):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path / "data"))
    with serve.served(tmp_path) as (url, weights):
        app = drawn(App(chromium.new_page(), url, weights), "lenet5", SEVEN)
        panel = opened(app, "neighbours")
        expect(panel).to_contain_text("MNIST is not on this machine")
        expect_neighbours(app, "1,438")
        app.page.close()


def test_does_it_hold(app):
    drawn(app, "lenet5", SEVEN)
    panel = opened(app, "hold")
    after = app.part("hold_after")
    expect(after).to_contain_text("Still read as 7")
    expect(panel.get_by_role("button", name="Back to the drawing")).to_be_disabled()
    before = percentages(after)
    rotation = app.part("hold_rotation").get_by_role("slider")
    rotation.focus()
    rotation.press("Home")
    expect(app.part("hold_rotation")).to_contain_text("-90°")
    expect(after).to_contain_text(re.compile("Now read as [0-689]|Not a digit"))
    assert percentages(app.part("hold_before")) == before
    assert percentages(after) != before
    panel.get_by_role("button", name="Back to the drawing").click()
    expect(after).to_contain_text("Still read as 7")
    assert percentages(after) == before


def test_of_a_number_one_digit_is_explained(app):
    drawn(app, "lenet5", SEVENTY_ONE, "71")
    why = opened(app, "why")
    expect(why).to_contain_text("as read: 7")
    app.part("reasons_digit").get_by_text("2nd: 1").click()
    expect(why).to_contain_text("as read: 1")
    expect(opened(app, "scrubber")).to_contain_text("the answer is 1. 40 moments of 1 stroke")
    app.click("clear")
    app.draw(SEVEN)
    expect(why).to_contain_text("as read: 7")
    expect(app.part("reasons_digit")).to_have_count(0)


@pytest.mark.slow
def test_a_digit_chosen_on_a_slow_line_stays_chosen(fresh_app):
    app = fresh_app
    app.page.add_init_script(SLOW_LINE)
    drawn(app, "canvas-large", SEVENTY_ONE, "71")
    why = opened(app, "why")
    app.part("reasons_digit").get_by_text("2nd: 1").click()
    expect(why).to_contain_text("speaks for the 1")
    expect(opened(app, "scrubber")).to_contain_text("the answer is 1. 40 moments of 1 stroke")
    expect(why).to_contain_text("as read: 1")


@pytest.mark.slow
def test_nothing_is_wider_than_a_phone(phone):
    drawn(phone, "lenet5", SEVEN)
    for name in PANELS:
        panel = opened(phone, name)
        expect(panel.locator("img, button, .js-plotly-plot").first).to_be_visible()
        width = "document.scrollingElement.scrollWidth"
        assert phone.page.evaluate(width) <= 390
        wide = panel.locator("img, figure, .bars, .js-plotly-plot").evaluate_all(
            "all => all.filter(e => e.getBoundingClientRect().right > 391).length"
        )
        assert wide == 0
