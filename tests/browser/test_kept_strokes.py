"""No stroke is lost, however late the server answers and whatever the page does meanwhile."""

import re
from itertools import product

import pytest
from effort import scaled
from page import BAR, FOUR, ON_BAR, ONE, PATIENCE, SEVEN, App, Finger, Stylus
from playwright.sync_api import WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

pytestmark = pytest.mark.browser


def test_a_stroke_is_sent_when_the_pen_is_lifted(fresh_app):
    """The component itself waits 200 ms before it sends a stroke. Here, that time never ends."""
    app = fresh_app
    app.page.add_init_script(
        "const wait = setTimeout; "
        "window.setTimeout = (then, ms, ...more) => wait(then, ms === 200 ? 1e9 : ms, ...more);"
    )
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")


def late(milliseconds: int) -> str:
    """Return a script that delays the server's messages, as if many people were drawing at once."""
    return f"""
const listens = EventTarget.prototype.addEventListener;
const late = (listener) => (event) => setTimeout(() => listener(event), {milliseconds});
window.WebSocket = class extends WebSocket {{
  set onmessage(listener) {{ listens.call(this, "message", late(listener)); }}
  addEventListener(name, listener, ...more) {{
    listens.call(this, name, name === "message" ? late(listener) : listener, ...more);
  }}
}};"""


LATER_THAN_STROKES_WAIT = 6000
STYLUS_IS_STILL = 2500
LONGER_THAN_A_TAP = 800


def test_a_stroke_on_the_heels_of_a_button_is_not_lost(fresh_app):
    app = fresh_app
    app.page.add_init_script(late(500))
    app.open()
    # A slow stroke, during which the canvas is redrawn, and a quick one.
    few = [("undo", 2)]
    for button, step in scaled(few, [*product(("clear", "undo"), (2, 200))]):
        app.draw(SEVEN)
        app.expect_prediction("7")
        app.click(button)
        app.draw(ONE, step=step)
        app.expect_prediction("1")
        app.click("clear")
        app.expect_prediction("")


def test_the_eraser_erases_from_the_moment_its_button_is_pressed(fresh_app):
    app = fresh_app
    app.page.add_init_script(late(1000))
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.click("eraser")
    app.draw(BAR)
    app.expect_prediction("1")
    app.click("eraser")
    app.draw(BAR)
    app.expect_prediction("7")
    app.click("eraser")
    app.draw(BAR)
    app.click("eraser")
    app.draw(BAR)
    app.click("undo")
    app.expect_prediction("1")
    app.expect_eraser(is_on=False)


@pytest.mark.slow
def test_buttons_wait_in_line_behind_strokes(fresh_app):
    app = fresh_app
    app.page.add_init_script(late(1000))
    app.open()
    app.draw(FOUR[:1])
    first = app.prediction()
    app.draw(FOUR[1:])
    app.expect_prediction("4")
    app.click("undo")
    app.draw(SEVEN)
    app.click("undo")
    app.click("redo")
    app.click("undo")
    app.expect_prediction(first)
    app.settle()
    app.click("undo")
    app.expect_prediction("")


def test_undo_takes_back_the_stroke_that_is_not_answered_yet(fresh_app):
    app = fresh_app
    app.page.add_init_script(late(1000))
    app.open()
    app.draw(FOUR[:1])
    first = app.prediction()
    app.draw(FOUR[1:])
    app.click("undo")
    app.page.wait_for_timeout(4000)
    app.expect_prediction(first)
    app.click("redo")
    app.expect_prediction("4")


def clear_on_a_slow_line(phone: App) -> None:
    """Draw a 7 and tap Clear, which takes effect with a delay."""
    phone.page.add_init_script(late(500))
    phone.open()
    Finger(phone).draw(SEVEN[0])
    phone.expect_prediction("7")
    phone.part("clear").locator("button").tap()


def test_a_finger_on_the_heels_of_clear_is_not_lost(fresh_phone):
    phone = fresh_phone
    clear_on_a_slow_line(phone)
    finger = Finger(phone)
    finger.draw(ONE[0])
    phone.expect_prediction("1")


class LineThatSwaps:
    """A connection that, on request, delivers the end of a rerun before the rerun's canvas.

    Streamlit's page then removes the canvas of the previous rerun and puts it up again later. The
    same happens without this class when reruns follow each other closely.
    """

    def __init__(self, app: App) -> None:
        self._held: list[str | bytes] | None = None
        app.page.route_web_socket(re.compile("_stcore/stream"), self._carry)

    def hold(self) -> None:
        """Hold back the server's messages from now on."""
        self._held = []

    def has_run(self) -> bool:
        """Return whether the held messages include a complete rerun with the canvas."""
        self._canvas = None
        for place, data in enumerate(self._held):
            kind = _kind(data)
            if kind == "new_session":  # the previous rerun may have been interrupted
                self._canvas = None
            elif kind == "bidi_component" and self._canvas is None:
                self._canvas = place
            elif kind == "script_finished" and self._canvas is not None:
                self._end = place
                return True
        return False

    def kinds(self) -> list[str]:
        """Return the kinds of the held messages."""
        return [_kind(data) for data in self._held]

    def send_end(self) -> None:
        """Deliver the messages before the canvas, and the one that ends the rerun."""
        for data in [*self._held[: self._canvas], self._held.pop(self._end)]:
            self._page.send(data)

    def send_all(self) -> None:
        """Deliver all held messages in order, and stop holding messages back."""
        self._canvas = 0
        self.send_rest()

    def send_rest(self) -> None:
        """Deliver the canvas and everything after it, and stop holding messages back."""
        held, self._held = self._held, None
        for data in held[self._canvas :]:
            self._page.send(data)

    def _carry(self, page: WebSocketRoute) -> None:
        self._page = page
        server = page.connect_to_server()
        page.on_message(lambda data: self._ask(server, data))
        server.on_message(lambda data: self._send(data))

    def _ask(self, server: WebSocketRoute, data: str | bytes) -> None:
        """Forward a message from the page, except polls while messages are held back.

        Each poll causes a rerun, and the page forgets messages after a few reruns.
        """
        if self._held is None or not BackMsg.FromString(data).rerun_script.is_auto_rerun:
            server.send(data)

    def _send(self, data: str | bytes) -> None:
        if self._held is None:
            self._page.send(data)
        else:
            self._held.append(data)


def _kind(data: str | bytes) -> str:
    """Return the type of a server message or, if it adds an element, the type of the element."""
    message = ForwardMsg.FromString(data)
    if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
        return "broken off"
    return message.delta.new_element.WhichOneof("type") or message.WhichOneof("type")


def take_canvas_down(app: App, line: LineThatSwaps) -> None:
    """Make the page remove the canvas as soon as a rerun has ended."""
    for _ in range(PATIENCE // 20):
        if line.has_run():
            break
        app.page.wait_for_timeout(20)
    else:
        raise AssertionError(f"no run with the canvas has ended: {line.kinds()}")
    line.send_end()
    expect(app.part("canvas").locator("canvas")).to_have_count(0)


def put_canvas_up(app: App, line: LineThatSwaps) -> None:
    line.send_rest()
    expect(app.part("canvas").locator("canvas").last).to_be_attached()


def test_a_canvas_put_up_anew_has_all_strokes_and_the_one_in_progress(fresh_app):
    app, line = fresh_app, LineThatSwaps(fresh_app)
    app.open()
    app.settle()
    places = app.on_screen(FOUR[1])
    line.hold()
    app.draw(FOUR[:1])
    app.page.mouse.move(*places[0])
    app.page.mouse.down()
    app.page.mouse.move(*places[1], steps=10)
    take_canvas_down(app, line)
    put_canvas_up(app, line)
    for place in places[2:]:
        app.page.mouse.move(*place, steps=5)
    app.page.mouse.up()
    app.expect_prediction("4")
    for place in (FOUR[0][1], FOUR[1][0], FOUR[1][2]):
        assert app.brightness(*place) == 255
    app.click("undo")
    app.click("undo")
    app.expect_prediction("")


@pytest.mark.parametrize("canvas", scaled(["put up anew"], ["the same", "put up anew"]))
def test_a_stroke_is_not_lost_however_late_a_button_is_answered(canvas, fresh_app):
    app, line = fresh_app, LineThatSwaps(fresh_app)
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    line.hold()
    app.click("clear")
    app.draw(ONE)
    app.page.wait_for_timeout(LATER_THAN_STROKES_WAIT)
    if canvas == "the same":
        line.send_all()
    else:
        take_canvas_down(app, line)
        put_canvas_up(app, line)
    app.expect_prediction("1")


@pytest.mark.parametrize("canvas", scaled(["put up anew"], ["the same", "put up anew"]))
def test_the_eraser_erases_however_late_its_button_is_answered(canvas, fresh_app):
    app, line = fresh_app, LineThatSwaps(fresh_app)
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    line.hold()
    app.click("eraser")
    app.draw(BAR)
    app.page.wait_for_timeout(LATER_THAN_STROKES_WAIT)
    if canvas == "the same":
        line.send_all()
    else:
        take_canvas_down(app, line)
        put_canvas_up(app, line)
    app.expect_prediction("1")
    assert app.brightness(*ON_BAR) == 0


@pytest.mark.slow
def test_a_canvas_put_up_anew_has_what_was_erased_and_what_is_being_erased(fresh_app):
    app, line = fresh_app, LineThatSwaps(fresh_app)
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")
    app.click("eraser")
    app.expect_eraser(is_on=True)
    app.page.wait_for_timeout(1000)  # until the canvas has sent what it was redrawn with
    app.settle()
    mouse, (begin, middle, end) = app.page.mouse, app.on_screen([(110, 70), (140, 70), (175, 70)])
    line.hold()
    app.draw([[(80, 70), (100, 69)]])
    mouse.move(*begin)
    mouse.down()
    mouse.move(*middle, steps=5)
    take_canvas_down(app, line)
    put_canvas_up(app, line)
    mouse.move(*end, steps=5)
    mouse.up()
    app.expect_prediction("1")
    for x in (80, 110, 140, 170):
        assert app.brightness(x, 69) == 0
    app.click("undo")
    app.click("undo")
    app.expect_prediction("7")


FINGERS = ["while there is none", "on the new canvas"]


@pytest.mark.parametrize("ends", FINGERS[: scaled(1, 2)])
def test_a_finger_goes_on_where_the_canvas_is_put_up_anew(ends, fresh_phone):
    phone, line = fresh_phone, LineThatSwaps(fresh_phone)
    phone.open()
    phone.settle()
    finger = Finger(phone)
    line.hold()
    finger.draw(FOUR[0])
    finger.down(FOUR[1][0])
    finger.move(FOUR[1][1:2])
    take_canvas_down(phone, line)
    if ends == "on the new canvas":
        put_canvas_up(phone, line)
    finger.move(FOUR[1][2:])
    finger.up()
    if ends == "while there is none":
        put_canvas_up(phone, line)
    phone.expect_prediction("4")


BESIDE, ON_CANVAS = (140, 330), (30, 250)


PALMS = [(None, BESIDE), (BESIDE, None), (None, ON_CANVAS)]


@pytest.mark.parametrize(("first", "then"), PALMS[: scaled(1, 3)])
def test_a_palm_that_rests_harms_no_stroke_on_the_heels_of_clear(first, then, fresh_phone):
    phone = fresh_phone
    clear_on_a_slow_line(phone)
    finger = Finger(phone)
    if first:
        finger.rest_palm(first)
    finger.down(ONE[0][0])
    if then:
        finger.rest_palm(then)
    finger.move(ONE[0][1:])
    finger.up()
    phone.expect_prediction("1")
    assert phone.brightness(*ONE[0][-1]) == 255


@pytest.mark.parametrize("place", scaled([ON_CANVAS], [BESIDE, ON_CANVAS]))
def test_a_palm_that_rests_while_a_stylus_draws_harms_no_stroke(place, fresh_phone):
    phone = fresh_phone
    clear_on_a_slow_line(phone)
    stylus = Stylus(phone)
    first, second = FOUR
    stylus.down(first[0])
    stylus.rest_palm(place)
    stylus.move(first[1:])
    stylus.up()
    stylus.down(second[0])
    stylus.move(second[1:2])
    stylus.lift_palm()
    stylus.move(second[2:])
    stylus.up()
    phone.expect_prediction("4")
    for stroke in FOUR:
        assert phone.brightness(*stroke[-1]) == 255


def a_palm_rests(phone: App, hand: Finger, place: tuple[float, float]) -> None:
    """Rest a palm on the screen, and let it settle by a few pixels."""
    hand.rest_palm(place)
    hand.slide_palm((place[0] + 3, place[1] - 2))
    phone.page.wait_for_timeout(LONGER_THAN_A_TAP)


@pytest.mark.parametrize("place", [BESIDE, ON_CANVAS])
def test_a_palm_that_rests_before_a_finger_draws_harms_no_stroke(place, fresh_phone):
    phone = fresh_phone.open()
    finger = Finger(phone)
    a_palm_rests(phone, finger, place)
    for stroke in FOUR:
        finger.draw(stroke)
    phone.expect_prediction("4")
    finger.lift_palm()
    phone.settle()
    for stroke in FOUR:
        assert phone.brightness(*stroke[-1]) == 255
    assert phone.brightness(*ON_CANVAS) == 0
    phone.click("undo")
    phone.click("undo")
    phone.expect_prediction("")


@pytest.mark.parametrize("place", scaled([ON_CANVAS], [BESIDE, ON_CANVAS]))
def test_a_palm_that_rests_before_a_stylus_draws_harms_no_stroke(place, fresh_phone):
    phone = fresh_phone.open()
    stylus = Stylus(phone)
    a_palm_rests(phone, stylus, place)
    stylus.draw(FOUR[0])
    stylus.down(FOUR[1][0])
    stylus.move(FOUR[1][1:2])
    stylus.lift_palm()
    stylus.move(FOUR[1][2:])
    stylus.up()
    phone.expect_prediction("4")
    for stroke in FOUR:
        assert phone.brightness(*stroke[-1]) == 255
    assert phone.brightness(*ON_CANVAS) == 0


def test_a_palm_that_slides_before_a_finger_draws_leaves_no_stroke(fresh_phone):
    phone = fresh_phone.open()
    finger = Finger(phone)
    finger.rest_palm(ON_CANVAS)
    slid = ON_CANVAS[0] + 8, ON_CANVAS[1] - 8
    finger.slide_palm(slid)
    finger.draw(SEVEN[0])
    phone.expect_prediction("7")
    finger.lift_palm()
    phone.settle()
    for place in (ON_CANVAS, slid):
        assert phone.brightness(*place) == 0


def test_a_stylus_takes_over_from_a_hand_that_draws(fresh_phone):
    phone = fresh_phone.open()
    stylus = Stylus(phone)
    stylus.rest_palm((30, 250))
    for x in range(60, 250, 10):
        stylus.slide_palm((x, 250))
    stylus.draw(SEVEN[0])
    phone.expect_prediction("7")
    stylus.lift_palm()
    phone.settle()
    assert phone.brightness(*SEVEN[0][-1]) == 255
    assert phone.brightness(200, 250) == 0


def test_a_tap_draws_a_dot_and_a_hand_at_rest_draws_nothing(fresh_phone):
    phone = fresh_phone.open()
    finger = Finger(phone)
    a_palm_rests(phone, finger, ON_CANVAS)
    finger.lift_palm()
    phone.part("canvas").locator("canvas").last.tap(position={"x": 140, "y": 140})
    expect(phone.part("undo").locator("button")).to_be_enabled()  # the dot has arrived
    assert phone.brightness(140, 140) == 255
    assert phone.brightness(*ON_CANVAS) == 0
    phone.click("undo")
    expect(phone.part("undo").locator("button")).to_be_disabled()  # it was the only stroke


def test_a_finger_draws_after_a_stylus_of_which_nothing_more_is_heard(fresh_phone):
    phone = fresh_phone.open()
    Stylus(phone).down(ONE[0][0])
    phone.page.wait_for_timeout(STYLUS_IS_STILL)
    Finger(phone).draw(SEVEN[0])
    phone.expect_prediction(re.compile("[1-9]"))
    assert phone.brightness(*SEVEN[0][-1]) == 255


@pytest.mark.slow
def test_a_button_that_is_pressed_in_mid_stroke_ends_the_stroke(app):
    app.open()
    app.draw(ONE)
    app.expect_prediction("1")
    mouse, (begin, corner, end) = app.page.mouse, app.on_screen([(60, 60), (200, 60), (200, 200)])
    mouse.move(*begin)
    mouse.down()
    mouse.move(*corner, steps=10)
    app.part("clear").locator("button").press("Enter")
    mouse.move(*end, steps=10)
    mouse.up()
    app.expect_prediction("")
    app.draw(SEVEN)
    app.expect_prediction("7")


@pytest.mark.slow
def test_a_new_brush_width_draws_the_stroke_in_progress_anew(app):
    app.open()
    app.settle()
    mouse, (begin, middle, end) = app.page.mouse, app.on_screen([(140, 50), (140, 140), (140, 230)])
    mouse.move(*begin)
    mouse.down()
    mouse.move(*middle, steps=10)
    slider = app.part("brush").get_by_role("slider")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    told = app.part("canvas").locator(".dc-scroll")
    expect(told).to_have_attribute("style", re.compile("1040px"))  # the canvas has the new width
    mouse.move(*end, steps=10)
    mouse.up()
    app.expect_prediction("1")
    for height in (60, 140, 220):
        assert app.brightness(140 + 17, height) == 255
