"""A page with the app on it, and what a user does there."""

import re
from contextlib import suppress
from itertools import pairwise
from math import dist
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PATIENCE = 180_000  # ms: long enough that a hang fails a test, but a busy machine does not
expect.set_options(timeout=PATIENCE)

# Pixels between two mouse events. Chromium merges the events of one frame, so if a few points came
# too quickly, only the last would be drawn.
STEP = 6

# Resolves when all animations in an element have ended and its height no longer changes.
ROLLED = """async (one) => {
  await Promise.allSettled(one.getAnimations({subtree: true}).map(
    (each) => Promise.race([each.finished, new Promise((then) => setTimeout(then, 1000))])));
  for (let before = -1; before !== one.offsetHeight;) {
    before = one.offsetHeight;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }
}"""

Stroke = list[tuple[float, float]]
SEVEN = [[(80, 70), (140, 68), (200, 70), (170, 130), (140, 190), (125, 230)]]
BAR = [[(80, 70), (140, 68), (175, 69)]]  # of the SEVEN; erased, a 1 is left
ON_BAR = 110, 69
ONE = [[(140, 50), (140, 110), (140, 170), (140, 230)]]
FOUR = [
    [(100, 60), (90, 110), (85, 150), (130, 152), (190, 150)],
    [(160, 70), (160, 130), (158, 190), (156, 235)],
]


CANVAS_SIDE = 280  # pixels of the canvas, however large it is on the screen


class App:
    """A page with the app on it, and what a user does there."""

    def __init__(self, page: Page, url: str, weights: Path) -> None:
        self.page, self.url, self.weights = page, url, weights
        page.set_default_timeout(PATIENCE)

    def open(self, query: str = "") -> "App":
        self.page.goto(self.url + query)
        expect(self.page.locator(".st-key-canvas canvas").last).to_be_attached()
        return self

    def part(self, key: str) -> Locator:
        return self.page.locator(f".st-key-{key}")

    def tab(self, name: str) -> None:
        tab = self.page.get_by_role("tab", name=name)
        tab.click()
        self.page.wait_for_timeout(300)
        self.settle()
        expect(tab).to_have_attribute("aria-selected", "true")

    def draw(self, strokes: list[Stroke], step: float = STEP) -> None:
        """Draw with the mouse, in canvas pixels; each event takes about 16 ms."""
        self.part("canvas").locator("canvas").last.scroll_into_view_if_needed()
        for stroke in strokes:
            points = self.on_screen(stroke)
            self.page.mouse.move(*points[0])
            self.page.mouse.down()
            for start, end in pairwise(points):
                steps = max(1, round(dist(start, end) / step))
                self.page.mouse.move(*end, steps=steps)
            self.page.mouse.up()

    def on_screen(self, points: Stroke) -> Stroke:
        """Return where points of the canvas, in its own pixels, are on the screen."""
        box = self.part("canvas").locator("canvas").last.bounding_box()
        scale = box["width"] / CANVAS_SIDE
        return [(box["x"] + scale * x, box["y"] + scale * y) for x, y in points]

    def brightness(self, x: int, y: int) -> int:
        """Return the brightness of a pixel on the canvas, 0..255."""
        canvas = self.part("canvas").locator("canvas.dc-canvas.lower-canvas")
        return canvas.evaluate(f"one => one.getContext('2d').getImageData({x}, {y}, 1, 1).data[0]")

    def click(self, key: str) -> None:
        self.part(key).locator("button").click()

    def expect_eraser(self, *, is_on: bool) -> None:
        kind = "primary" if is_on else "secondary"
        expect(self.part("eraser").get_by_test_id(f"stBaseButton-{kind}")).to_be_visible()

    def panel(self, key: str, *, is_open: bool = True) -> Locator:
        """Open or close an expander; click again if the page moved under the click."""
        panel = self.part(key)
        details = panel.locator("details").first
        for _ in range(8):
            self.settle()
            if details.evaluate("one => one.open") != is_open:
                panel.locator("summary").first.click()
            with suppress(AssertionError):
                expect(details).to_have_js_property("open", is_open, timeout=5000)
                details.evaluate(ROLLED)
                self.settle()
                if details.evaluate("one => one.open") == is_open:
                    return panel
        raise AssertionError(f"the expander {key} does not stay {'open' if is_open else 'closed'}")

    def type(self, role: str, label: str, text: str) -> None:
        """Fill in a box until it keeps the text: a rerun in progress may undo the input."""
        box = self.page.get_by_role(role, name=label, exact=True)
        for _ in range(3):
            self.settle()
            box.fill(text)
            box.press("Enter")
            self.page.wait_for_timeout(300)
            self.settle()
            if box.input_value() == text:
                return
        raise AssertionError(f"the box {label} does not keep {text!r}")

    def settle(self) -> None:
        """Wait until the app's script is not running."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")

    def choose(self, key: str, text: str) -> None:
        """Choose an option of a select box by (part of) its text.

        If the list is redrawn just then, it closes. Then open it again, as a user would.
        """
        options = self.page.get_by_role("option")
        for _ in range(8):
            self.settle()
            self.part(key).locator("input").click()
            try:
                return options.filter(has_text=text).first.click(timeout=15_000)
            except PlaywrightTimeout:
                seen = options.all_inner_texts()
                self.page.keyboard.press("Escape")
        raise AssertionError(f"{text} cannot be chosen from the list {key}: {seen}")

    def add(self, key: str, text: str) -> None:
        """Choose one more option of a multiselect.

        If the list gets a new option just then, it closes. Then open it again, as a user would.
        """
        for _ in range(8):
            self.settle()
            self.part(key).locator("input").click()
            with suppress(PlaywrightTimeout):
                option = self.page.get_by_role("option", name=text, exact=True)
                option.click(timeout=15_000)
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(1500)  # until a redrawn list has appeared
            if text in self.part(key).inner_text():
                return
        raise AssertionError(f"{text} cannot be chosen from the list {key}")

    def expect_chosen(self, key: str, text: str) -> None:
        box = self.part(key).locator("input").last  # the previous one may stay for a moment
        expect(box).to_have_value(re.compile(re.escape(text)))

    def expect_prediction(self, text: str) -> None:
        expect(self.part("prediction")).to_have_text(text)

    def prediction(self) -> str:
        """Return the digit, once there is one."""
        expect(self.part("prediction")).to_have_text(re.compile(r"\S"))
        return self.part("prediction").inner_text().strip()


FINGER, PALM = 1, 2  # touch ids


class Finger:
    """A finger on a phone's screen, which draws in canvas pixels. A palm may rest beside it."""

    def __init__(self, app: App) -> None:
        (self._left, self._top), (right, _bottom) = app.on_screen([(0, 0), (1, 1)])
        self._scale = right - self._left
        self._client = app.page.context.new_cdp_session(app.page)
        self._touches: dict[int, tuple[float, float]] = {}  # where each touch is, by id

    def rest_palm(self, point: tuple[float, float]) -> None:
        """Touch the screen at this point too, until the palm is lifted."""
        self._touch("touchStart", PALM, point)

    def slide_palm(self, point: tuple[float, float]) -> None:
        """Move the resting palm to this point."""
        self._touch("touchMove", PALM, point)

    def lift_palm(self) -> None:
        self._lift(PALM)

    def draw(self, stroke: Stroke) -> None:
        self.down(stroke[0])
        self.move(stroke[1:])
        self.up()

    def down(self, point: tuple[float, float]) -> None:
        self._touch("touchStart", FINGER, point)

    def move(self, points: Stroke) -> None:
        for point in points:
            self._touch("touchMove", FINGER, point)

    def up(self) -> None:
        self._lift(FINGER)

    def _on_screen(self, point: tuple[float, float]) -> dict[str, float]:
        x, y = point
        return {"x": self._left + self._scale * x, "y": self._top + self._scale * y}

    def _touch(self, kind: str, touch: int, point: tuple[float, float]) -> None:
        self._touches[touch] = point
        self._send(kind, self._touches)

    def _lift(self, touch: int) -> None:
        self._send("touchEnd", {touch: self._touches.pop(touch)})

    def _send(self, kind: str, touches: dict[int, tuple[float, float]]) -> None:
        """Dispatch a touch event, with the touches that are down or, at the end, those lifted."""
        places = [{"id": touch, **self._on_screen(point)} for touch, point in touches.items()]
        event = {"type": kind, "touchPoints": places}
        self._client.send("Input.dispatchTouchEvent", event)


class Stylus(Finger):
    """A tablet's stylus, which draws in canvas pixels. The screen also senses a palm beside it."""

    def down(self, point: tuple[float, float]) -> None:
        self._point("mousePressed", point)

    def move(self, points: Stroke) -> None:
        for point in points:
            self._point("mouseMoved", point)

    def up(self) -> None:
        self._point("mouseReleased", self._last)

    def _point(self, kind: str, point: tuple[float, float]) -> None:
        self._last = point
        event = {"type": kind, **self._on_screen(point)}
        event |= {"pointerType": "pen", "button": "left", "buttons": 1, "clickCount": 1}
        self._client.send("Input.dispatchMouseEvent", event)


LASTING = 1000  # epochs; no test waits for all of them


def begin(app: App, name: str, epochs: int = LASTING) -> None:
    """Start a run on the bundled digits: a quick one, or one that outlasts any test."""
    preset = "cnn-2x32" if epochs == LASTING else "mlp-128-64-adam"
    app.open(f"?tab=Train&preset={preset}&dataset=digits")
    expect(app.part("train")).to_be_visible()
    app.type("spinbutton", "Epochs", str(epochs))
    app.type("textbox", "Save as", name)
    app.click("train")
