"""The Draw tab, operated the way a user would."""

import re
import shutil
from itertools import pairwise, product

import numpy as np
import pytest
import serve
from effort import scaled
from page import BAR, FOUR, ON_BAR, ONE, SEVEN, App, Finger
from PIL import Image
from playwright.sync_api import expect

from mnist_app.data.training_data import load_pen_digits
from mnist_app.drawing import pen

pytestmark = pytest.mark.browser


def test_a_digit_is_read_as_soon_as_the_stroke_ends(app):
    app.open()
    app.expect_prediction("")
    app.draw(SEVEN)
    app.expect_prediction("7")
    expect(app.part("probabilities").locator(".value").last).to_contain_text("%")
    values = [
        float(t.rstrip("%")) for t in app.part("probabilities").locator(".value").all_inner_texts()
    ]
    assert len(values) == 10
    assert sum(values) == pytest.approx(100, abs=0.6)
    assert values.index(max(values)) == 7
    assert app.part("top").inner_text().strip().startswith("7")
    assert app.part("seen").locator("img").get_attribute("src").startswith("data:image/png")


def test_what_is_drawn_while_a_new_server_loads_is_read(chromium, tmp_path):
    with serve.served(tmp_path) as (url, weights):
        app = App(chromium.new_page(), url, weights).open()
        app.draw(SEVEN)
        app.expect_prediction("7")
        app.expect_chosen("network", "canvas · ")
        app.click("clear")
        expect(app.page.get_by_text("Draw a digit or a number")).to_have_count(1)
        expect(app.page.get_by_text("Loading …")).to_have_count(0)
        app.page.close()


def test_clear_undo_and_redo(app):
    app.open()
    app.draw(ONE)
    app.expect_prediction("1")
    app.click("clear")
    app.expect_prediction("")
    app.click("undo")  # brings back the cleared drawing
    app.expect_prediction("1")
    app.click("clear")
    app.expect_prediction("")
    app.draw(FOUR[:1])
    first = app.prediction()
    app.draw(FOUR[1:])
    app.expect_prediction("4")
    app.click("undo")
    app.expect_prediction(first)
    app.click("redo")
    app.expect_prediction("4")
    expect(app.part("redo").locator("button")).to_be_disabled()
    app.click("undo")
    app.expect_prediction(first)
    app.click("undo")
    app.expect_prediction("")
    expect(app.part("undo").locator("button")).to_be_disabled()  # no clear to take back


def test_the_eraser_removes_ink_until_it_is_put_down(app):
    app.open()
    app.expect_eraser(is_on=False)
    expect(app.part("eraser").locator("button")).to_be_disabled()  # there is nothing to erase
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.click("eraser")
    app.expect_eraser(is_on=True)
    app.draw(BAR)
    app.expect_prediction("1")
    assert app.brightness(*ON_BAR) == 0
    app.click("undo")
    app.expect_prediction("7")
    assert app.brightness(*ON_BAR) == 255
    app.click("redo")
    app.expect_prediction("1")
    assert app.brightness(*ON_BAR) == 0
    app.click("eraser")
    app.expect_eraser(is_on=False)
    app.draw(BAR)
    app.expect_prediction("7")
    assert app.brightness(*ON_BAR) == 255


def test_what_is_erased_stays_erased_and_an_empty_canvas_has_the_pen(app):
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.click("eraser")
    app.draw(BAR)
    app.expect_prediction("1")
    app.tab("Train")
    app.tab("Draw")
    app.expect_prediction("1")
    app.page.get_by_role("radio", name="Upload").click()
    expect(app.page.get_by_test_id("stFileUploader")).to_be_visible()
    app.page.get_by_role("radio", name="Draw").click()
    app.expect_prediction("1")
    app.expect_eraser(is_on=False)
    assert app.brightness(*ON_BAR) == 0
    app.click("eraser")
    app.draw(SEVEN)
    expect(app.part("top")).to_contain_text("The eraser is on")
    app.click("clear")
    app.expect_eraser(is_on=False)
    app.click("undo")  # brings back the cleared drawing, all of it erased
    expect(app.part("clear").locator("button")).to_be_enabled()
    app.expect_prediction("")
    app.click("undo")
    app.expect_prediction("1")
    app.expect_eraser(is_on=False)
    assert app.brightness(*ON_BAR) == 0


def test_the_eraser_is_twice_as_wide_as_the_brush(app):
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.click("eraser")
    app.draw([[(100, 45), (150, 45)]])  # its lower edge is at 65, the bar's upper edge is at 59
    app.settle()
    assert app.brightness(120, 62) == 0
    assert app.brightness(120, 68) == 255


FEW_POINTS = """
from mnist_app.ui import page
from mnist_app.ui.draw import canvas, strokes
strokes.MOST_POINTS = canvas.MOST_POINTS = 45
page.render()
"""
SCRIBBLE = [[(60, 90), (220, 90), (60, 200), (220, 200)]]


@pytest.mark.slow
def test_what_is_too_long_can_be_undone_and_cleared(chromium, tmp_path):
    script = tmp_path / "few_points.py"
    script.write_text(FEW_POINTS, encoding="utf-8")
    with serve.served(tmp_path, script) as (url, weights):
        app = App(chromium.new_page(), url, weights).open()
        told = app.page.get_by_text("Only 45 points of this drawing are kept")
        app.draw(ONE)
        app.expect_prediction("1")
        for button, leaves in (("undo", "1"), ("clear", ""), ("undo", "")):
            app.draw(SCRIBBLE)
            expect(told).to_be_visible()
            app.click(button)
            expect(told).to_have_count(0)
            app.expect_prediction(leaves)
        app.page.close()


def test_switching_the_network_keeps_the_drawing_and_predicts_again(app):
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    before = app.part("probabilities").inner_text()
    app.choose("network", "mlp-784")
    expect(app.page).to_have_url(re.compile("network=mlp-784"))
    expect(app.part("probabilities")).not_to_have_text(before, use_inner_text=True)
    app.expect_prediction("7")
    app.page.reload()
    app.expect_chosen("network", "mlp-784")


def test_the_drawing_survives_a_look_at_another_tab(app):
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.tab("Train")
    expect(app.part("train")).to_be_visible()
    expect(app.page).to_have_url(re.compile("tab=Train"))
    app.tab("Draw")
    app.expect_prediction("7")
    app.draw([[(120, 150), (190, 150)]])  # a bar: it joins the strokes that were there
    app.expect_prediction("7")


def test_a_wider_brush_draws_wider(app):
    app.open()
    slider = app.part("brush").get_by_role("slider")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    told = app.part("canvas").locator(".dc-scroll")
    expect(told).to_have_attribute("style", re.compile("1040px"))  # the canvas has the new width
    app.settle()
    app.draw(ONE)
    app.expect_prediction("1")
    assert app.brightness(140 + 17, 140) == 255


def test_the_sidebar_tells_what_the_network_is(app):
    app.open("?network=lenet5")
    sidebar = app.page.get_by_test_id("stSidebar")
    expect(sidebar).to_contain_text("61,706")
    expect(sidebar).to_contain_text("of 10,000")
    expect(sidebar).to_contain_text("98.22%")
    app.panel("architecture")
    expect(app.part("architecture")).to_contain_text("Conv 5x5")
    expect(app.part("architecture")).to_contain_text("120 × 1 × 1")


def test_networks_are_listed_best_first(app):
    app.open()
    app.part("network").locator("input").click()
    texts = app.page.get_by_role("option").all_inner_texts()
    accuracies = [float(re.search(r"([\d.]+)%", text)[1]) for text in texts]
    assert len(texts) >= 8
    assert accuracies == sorted(accuracies, reverse=True)


def test_a_broken_file_in_the_folder_is_said_and_harms_nothing(app):
    path = app.weights / "broken.safetensors"
    path.write_bytes(b"nothing")
    try:
        app.open()
        expect(app.page.get_by_test_id("stSidebar")).to_contain_text("broken.safetensors")
        app.draw(ONE)
        app.expect_prediction("1")
    finally:
        path.unlink()


def test_a_network_that_is_deleted_while_chosen_is_said(app):
    path = app.weights / "spare.safetensors"
    shutil.copy(app.weights / "mlp-784.safetensors", path)
    app.open("?network=spare")
    app.expect_chosen("network", "spare")
    app.draw(ONE)
    app.expect_prediction("1")
    path.unlink()
    said = app.page.get_by_test_id("stToast")
    expect(said).to_have_text(re.compile("The network spare was deleted; now using canvas."))
    app.expect_chosen("network", "canvas")
    app.expect_prediction("1")


def test_on_a_phone_a_finger_draws_and_the_page_stays(phone):
    phone.open()
    width = phone.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    canvas = phone.part("canvas").locator("canvas").last
    box = canvas.bounding_box()
    assert box["width"] >= 278
    Finger(phone).draw(ONE[0])
    phone.expect_prediction("1")
    assert canvas.bounding_box()["y"] == box["y"]
    places = {
        key: phone.part(key).locator("> *").first.bounding_box()
        for key in ("undo", "top", "seen", "brush", "probabilities")
    }
    top, seen = places["top"], places["seen"]
    assert top["x"] + top["width"] <= seen["x"] + 1  # side by side, without overlap
    buttons = [phone.part(key).bounding_box() for key in ("undo", "redo", "eraser", "clear")]
    assert len({button["y"] for button in buttons}) == 1  # in one row, as wide as the canvas
    for button, following in pairwise(buttons):
        assert button["x"] + button["width"] <= following["x"]
    assert following["x"] + following["width"] <= box["x"] + box["width"] + 1
    heights = [places[key]["y"] for key in ("undo", "top", "brush", "probabilities")]
    assert heights == sorted(heights)  # the answer is right under the canvas


# The element around the canvas that scrolls, and the page itself, as an overscroll reaches both.
OVERSCROLLS = """() => {
  let scroller = document.querySelector(".st-key-canvas");
  while (scroller && !(scroller.scrollHeight > scroller.clientHeight
                       && getComputedStyle(scroller).overflowY === "auto"))
    scroller = scroller.parentElement;
  return [scroller, document.body, document.documentElement].map(
    (each) => getComputedStyle(each).overscrollBehaviorY);
}"""


def test_a_pull_from_above_the_canvas_does_not_reload_the_page(phone):
    phone.open()
    finger = Finger(phone)
    finger.draw(SEVEN[0])
    phone.expect_prediction("7")
    finger.draw([(140, y) for y in range(-40, 300, 20)])
    assert phone.page.evaluate(OVERSCROLLS) == ["none"] * 3
    phone.settle()
    phone.expect_prediction("7")
    assert phone.brightness(140, 280 - 12) == 0  # the pull drew nothing


@pytest.mark.slow
@pytest.mark.mnist
def test_real_digits_drawn_with_the_mouse(app, real_data):
    digits = load_pen_digits()
    if not digits:
        pytest.skip("needs the UCI pen digits")
    app.open()
    right, labels = 0, scaled([2, 5, 8], [*range(10)])
    for label in labels:
        digit = next(d for d in digits[500:] if d.label == label)
        app.draw([stroke.tolist() for stroke in pen.placed(digit.strokes, size=0.6)])
        app.page.wait_for_timeout(600)  # until the last stroke is answered
        right += app.prediction() == str(label)
        app.click("clear")
        app.expect_prediction("")
    assert right >= len(labels) - 1


# Numbers, non-digits, pictures


TWO = [[(0, 25), (10, 5), (30, 0), (45, 12), (42, 30), (20, 60), (0, 90), (25, 88), (52, 90)]]
ZERO = [[(25, 0), (5, 20), (0, 50), (10, 82), (28, 90), (45, 75), (50, 45), (42, 12), (27, 0)]]
SIX = [[(42, 0), (18, 22), (4, 55), (10, 82), (28, 90), (44, 75), (40, 56), (22, 52), (6, 64)]]
YEAR = [
    [(x + 12 + 68 * place, y + 95) for x, y in stroke]
    for place, digit in enumerate((TWO, ZERO, TWO, SIX))
    for stroke in digit
]
SCRIBBLE = [
    [
        *[(60, 60), (200, 80), (70, 120), (210, 140), (60, 160), (220, 190), (80, 220), (180, 60)],
        *[(150, 230), (60, 140), (230, 100), (100, 70), (220, 230), (50, 100), (160, 200)],
    ]
]
LETTER_M = [[(60, 220), (70, 70), (140, 170), (210, 70), (220, 220)]]


def test_a_number_is_read_with_a_box_and_a_probability_for_each_digit(app):
    app.open()
    app.draw(YEAR)
    app.expect_prediction("2026")
    cards = app.part("probabilities").locator(".card")
    expect(cards).to_have_count(4)
    expect(app.part("seen").locator(".boxes i")).to_have_count(4)
    assert [card.split()[0] for card in cards.all_inner_texts()] == ["2", "0", "2", "6"]


LETTER_A = [[(60, 220), (140, 50), (220, 220)], [(95, 150), (185, 150)]]


def test_what_is_no_digit_is_refused_and_the_slider_decides_how_sure_is_sure_enough(app):
    app.open()
    for strokes in scaled([LETTER_A, SCRIBBLE], [LETTER_M, LETTER_A, SCRIBBLE]):
        app.draw(strokes)
        app.expect_prediction("not a digit")
        expect(app.part("top")).to_contain_text("Most likely ")  # the nearest guess
        expect(app.part("probabilities").locator(".bars.refused")).to_be_visible()
        app.click("clear")
        app.expect_prediction("")
    app.click("undo")
    app.expect_prediction("not a digit")
    meaning = app.page.get_by_text("right on")
    expect(meaning).to_contain_text("validation digits")
    slider = app.part("threshold-canvas").get_by_role("slider")
    slider.focus()
    slider.press("Home")
    expect(app.part("prediction")).to_have_text(re.compile(r"^\d+$"))
    expect(meaning).to_contain_text("Answers 100.0% of digits")


def test_a_photo_is_read_and_a_picture_that_is_none_is_said_in_a_sentence(app, tmp_path):
    photo, broken = tmp_path / "photo.jpg", tmp_path / "broken.png"
    photographed(YEAR).save(photo, quality=85)
    broken.write_bytes(b"no picture at all")
    app.open()
    app.page.get_by_role("radio", name="Upload").click()
    app.part("upload").locator("input[type=file]").set_input_files(photo)
    app.expect_prediction("2026")
    app.part("upload").locator("input[type=file]").set_input_files(broken)
    expect(app.page.get_by_role("alert")).to_contain_text("broken.png is not a readable picture")


def photographed(strokes: list[list[tuple[float, float]]]) -> Image.Image:
    """Simulate a photo of dark ink on lined paper in uneven light."""
    random = np.random.default_rng(0)
    side = 1000
    bigger = [np.array(stroke) * side / 280 for stroke in strokes]
    ink = pen.draw(bigger, brush=18, side=side) / 255
    down, across = np.mgrid[:side, :side] / side
    paper = 225 - 70 * across - 40 * down
    paper[60::90] *= 0.88
    grey = paper * (1 - 0.75 * ink) + random.normal(0, 4, (side, side))
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def test_the_camera_is_offered_only_where_browsers_give_it(chromium, tmp_path):
    others = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with serve.served(tmp_path, variables=others) as (url, weights):
        for address in (url, url.replace("127.0.0.1", "localhost")):
            app = App(chromium.new_page(), address, weights).open()
            assert app.page.evaluate("isSecureContext")
            app.page.get_by_role("radio", name="Camera").click()
            expect(app.page.get_by_test_id("stCameraInput")).to_be_visible()
            app.page.close()
        app = App(chromium.new_page(), url.replace("127.0.0.1", serve.LAPTOP), weights).open()
        assert not app.page.evaluate("isSecureContext")
        app.page.get_by_role("radio", name="Camera").click()
        expect(
            app.page.get_by_text("Browsers give a page the camera only over https")
        ).to_be_visible()
        expect(app.page.get_by_test_id("stCameraInput")).to_have_count(0)
        app.page.get_by_role("radio", name="Upload").click()
        expect(app.page.get_by_test_id("stFileUploader")).to_be_visible()
        app.page.close()


PLACES = (250, 12), (170, 6), (272, 20), (8, 8)


def test_a_stroke_may_begin_anywhere(app):
    """The canvas component has an invisible toolbar over the upper right of the canvas."""
    app.open()
    rests = 0, 150, 400  # ms that the mouse rests there before the stroke
    few = [*zip(PLACES, (400, 150, 0, 400), strict=True)]
    for (x, y), rest in scaled(few, [*product(PLACES, rests)]):
        app.part("canvas").locator("canvas").last.hover(position={"x": x, "y": y})
        app.page.wait_for_timeout(rest)
        app.draw([[(x, y), (140, 100), (130, 160), (120, 240)]])
        app.prediction()
        app.click("clear")
        app.expect_prediction("")


def test_a_drawing_is_there_again_after_a_look_at_a_picture(app):
    app.open()
    app.draw([[(140, 40), (140, 100), (140, 160), (140, 240)]])
    app.expect_prediction("1")
    app.page.get_by_role("radio", name="Upload").click()
    expect(app.page.get_by_test_id("stFileUploader")).to_be_visible()
    app.expect_prediction("")
    app.page.get_by_role("radio", name="Draw").click()
    app.expect_prediction("1")
    app.click("undo")
    app.expect_prediction("")
