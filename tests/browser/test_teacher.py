"""Teacher mode, as a teacher uses it and as a student tries to get around it."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import serve
from page import App
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mnist_app.common import network_address
from mnist_app.recipes.presets import RECIPES
from mnist_app.runs import lifecycle
from mnist_app.runs.run import list_runs

pytestmark = pytest.mark.browser

CODE = "Kreide-4711"
FORM_NOTICE = "To change settings and to start, you need the teacher code"
# Keeps the page's web socket so that a test can send messages through it.
KEEP_SOCKET = """
const Real = WebSocket;
window.WebSocket = class extends Real {
  constructor(...all) { super(...all); if (this.url.includes("_stcore")) window.socket = this; }
};"""
SEND = "(bytes) => socket.send(new Uint8Array(bytes))"


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """Serve the app in teacher mode, then check its log: no traceback, and no teacher code."""
    folder = tmp_path_factory.mktemp("app")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_APP_TEACHER_CODE", CODE)
        with serve.served(folder) as place:
            patch.setenv("MNIST_APP_WEIGHTS", str(place[1]))  # the app sees runs started here
            yield place
    text = (folder / "log.txt").read_text()
    assert "Traceback" not in text, text[-3000:]
    assert CODE not in text


@pytest.fixture(autouse=True)
def no_run_is_left(served) -> Iterator[None]:
    yield
    serve.clean(served[1])


@pytest.fixture
def student(served, another_computer) -> Iterator[App]:
    page = another_computer.new_page()
    page.add_init_script(KEEP_SOCKET)
    yield App(page, *served)
    another_computer.wipe(page)


def unlock(app: App, code: str = CODE) -> None:
    app.panel("teacher")
    give(app, code)


def give(app: App, code: str) -> None:
    box = app.part("teacher_code").locator("input")
    box.fill(code)
    box.press("Enter")


def listening(app: App) -> list[bytes]:
    """Return a list that collects the messages that the page sends from now on."""
    sent: list[bytes] = []
    app.page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
    return sent


def replay(app: App, messages: list[bytes]) -> None:
    for message in messages:
        app.page.evaluate(SEND, list(message))
        app.page.wait_for_timeout(500)
        app.settle()


def live(state: Callable[[], bool]) -> bool:
    """Wait up to `serve.PATIENCE` seconds for a state; return whether it was reached."""
    deadline = time.monotonic() + serve.PATIENCE
    while time.monotonic() < deadline:
        if state():
            return True
        time.sleep(0.2)
    return False


LONG = RECIPES["cnn-2x32"].changed(dataset="digits", epochs=1000)


def test_without_the_code_one_draws_and_looks(student):
    lifecycle.start(LONG, "going-on")
    student.open("?tab=Train")
    expect(student.part("train_tab")).to_contain_text(FORM_NOTICE)
    expect(student.part("train")).to_have_count(0)
    expect(student.part("progress")).to_contain_text("Epoch")
    expect(student.part("stop")).to_have_count(0)
    student.tab("Evaluate")
    student.page.get_by_text("Own pictures", exact=True).click()
    expect(student.page.get_by_text("The teacher code is needed for this").last).to_be_visible()
    expect(student.page.locator("input[type=file]")).to_have_count(0)
    student.tab("Draw")
    student.draw([[(140, 50), (140, 110), (140, 170), (140, 230)]])
    student.expect_prediction("1")


def test_a_form_says_first_that_it_needs_the_code_and_only_shows_its_values(student):
    """Only the preset can be chosen, so that a class can look at the recipes."""
    student.open("?tab=Train")
    expect_read_only(student, "train_tab")
    student.choose("preset", "mlp-300")
    expect(student.page.get_by_role("spinbutton", name="Epochs", exact=True)).to_have_value("100")
    student.tab("Compare")
    student.page.get_by_text("Search", exact=True).first.click()
    expect(student.part("search_preset")).to_be_visible()
    expect_read_only(student, "search_tab")
    expect(student.part("search_start")).to_have_count(0)


def expect_read_only(student: App, tab: str) -> None:
    """Check that the notice is above all inputs, and that only one of these works."""
    notice = student.part(tab).get_by_text(FORM_NOTICE)
    inputs = student.part(tab).locator("input:visible:not([type=hidden])")
    expect(student.part(tab).locator("input:visible:enabled")).to_have_count(1)
    assert inputs.count() > 4
    assert notice.bounding_box()["y"] < inputs.first.bounding_box()["y"]


def test_the_code_opens_everything_until_it_is_locked_again(app):
    app.open("?tab=Train&preset=mlp-128-64-adam&dataset=digits")
    unlock(app, "guess")
    expect(app.part("teacher")).to_contain_text("Wrong teacher code")
    expect(app.part("train")).to_have_count(0)
    unlock_again(app)
    app.part("train").get_by_role("button", name="Start training").click()
    expect(app.part("progress")).to_contain_text(re.compile("Starting|Epoch|Finished"))
    assert CODE not in app.page.url
    assert CODE not in app.page.content()
    app.part("teacher_lock").locator("button").click()
    expect(app.part("train")).to_have_count(0)
    assert list_runs()


def unlock_again(app: App) -> None:
    give(app, CODE)
    expect(app.part("teacher")).to_contain_text("You can start, stop, delete and upload.")


@pytest.mark.slow
def test_the_teachers_messages_do_nothing_for_a_student(app, student):
    address = "?tab=Train&preset=cnn-2x32&dataset=digits"
    sent = listening(app)
    app.open(address)
    unlock(app)
    start = app.part("train").get_by_role("button", name="Start training")
    expect(start).to_be_visible()
    app.type("spinbutton", "Epochs", "1000")  # so that there is time to stop it
    app.page.wait_for_timeout(1000)
    before = len(sent)
    start.click()
    stop = app.part("stop").locator("button")
    expect(stop).to_be_visible()
    started = sent[before:]
    before = len(sent)
    stop.click()
    assert live(lambda: not any(run.is_live for run in list_runs()))
    stopped = sent[before:]

    known = {run.id for run in list_runs()}
    student.open(address)
    expect(student.part("train_tab")).to_contain_text(FORM_NOTICE)
    replay(student, started)
    student.page.wait_for_timeout(1000)
    assert {run.id for run in list_runs()} == known
    run = lifecycle.start(LONG, "not-to-be-stopped")
    assert live(lambda: run.state == "running")
    student.open(address)
    expect(student.part("progress")).to_contain_text("Epoch")
    replay(student, stopped)
    student.page.wait_for_timeout(1000)
    assert run.state == "running"
    lifecycle.stop(run)
    assert live(lambda: not run.is_live)

    known = {run.id for run in list_runs()}
    unlock(student)  # the same messages work once the code is entered
    expect(student.part("teacher")).to_contain_text("You can start, stop, delete and upload.")
    replay(student, started)
    assert live(lambda: {run.id for run in list_runs()} - known)


def test_guessing_has_to_wait_also_in_a_new_session(app, student):
    app.open()
    student.open()
    unlock(app, "wrong")
    unlock(student, "wrong")
    refusal = re.compile("Wrong teacher code|Too many")
    for _ in range(4):  # on a busy machine, a minute may pass before the last guess
        for number in range(8):
            give(app, f"guess {number}")
            expect(app.part("teacher")).to_contain_text(refusal)
        # what Streamlit's menu sends to clear the cache
        replay(student, [BackMsg(clear_cache=True).SerializeToString()])
        give(student, "another guess")
        expect(student.part("teacher")).to_contain_text(refusal)
        if "Too many" in student.part("teacher").inner_text():
            break
    for one in (app, student):
        expect(one.part("teacher")).to_contain_text("Too many wrong codes: try again in")


def test_a_page_whose_name_was_turned_to_this_machine_finds_nothing(student):
    student.open()
    port = urlsplit(student.url).port
    for name, is_let_in in (("evil.example", False), ("localhost", True), ("127.0.0.1", True)):
        assert _is_let_in(f"{name}:{port}", port) == is_let_in, name


def _is_let_in(host: str, port: int) -> bool:
    """Return whether the server opens a web socket for a page under this host name."""
    address = f"ws://{host}/_stcore/stream"
    options = {"origin": f"http://{host}", "subprotocols": ["streamlit"]}
    try:
        with connect(address, sock=socket.create_connection(("127.0.0.1", port)), **options):
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != 403


@pytest.mark.slow
def test_others_find_their_way_by_a_qr_code(chromium, tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    monkeypatch.delenv("MNIST_APP_TEACHER_CODE", raising=False)
    with serve.served(tmp_path) as (url, weights):
        app = App(chromium.new_page(), url, weights).open()
        expect(app.page.get_by_text("set MNIST_APP_TEACHER_CODE to a code")).to_be_visible()
        panel = app.panel("join")
        address = network_address.for_others(url)
        expect(panel).to_contain_text(address or "This machine is not on a network")
        if address:
            code = panel.locator("img")
            expect(code).to_have_attribute("alt", f"QR code of {address}")
            assert code.evaluate("image => image.naturalWidth") > 100
            code.click()  # it grows, for people in the last row
            assert code.bounding_box()["height"] > 0.8 * app.page.viewport_size["height"]
            text = panel.get_by_text(address, exact=True)
            assert text.evaluate("text => parseFloat(getComputedStyle(text).fontSize)") > 30
            app.page.get_by_text("Digits", exact=True).click()
            assert code.bounding_box()["height"] < 300
        app.page.close()


@pytest.mark.slow
def test_the_address_cannot_open_it(student):
    names = "teacher_code", "teacher_pass", "teacher", "MNIST_APP_TEACHER_CODE"
    student.open("?tab=Train&" + "&".join(f"{name}={CODE}" for name in names))
    expect(student.part("train_tab")).to_contain_text(FORM_NOTICE)
