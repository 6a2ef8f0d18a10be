"""The real server: killed, sharing a folder, losing its folder or the right to write, cut off."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import faults
import numpy as np
import pytest
import serve
from effort import scaled
from faults import ROOT, everything_is_right
from page import LASTING, PATIENCE, App, begin
from PIL import Image
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from mnist_app.drawing import pen
from mnist_app.results import weights
from mnist_app.runs import lifecycle
from mnist_app.runs.run import Run, list_runs, runs_folder

SEVEN = [[(80, 70), (200, 70), (130, 230)]]


class Place:
    """Servers on one weights folder, and pages that show them."""

    def __init__(self, folder: Path, chromium: Browser) -> None:
        self.folder, self.chromium = folder, chromium
        self.log = folder.parent / "server.txt"
        self.servers: list[serve.Server] = []

    def serve(self, *options: str, port: int | None = None) -> serve.Server:
        server = serve.start(self.folder, self.log, ROOT / "app.py", *options, port=port)
        self.servers.append(server)
        return server

    def new_page(self) -> Page:
        return self.chromium.new_page(viewport={"width": 1280, "height": 900})

    def look(self, server: "serve.Server", query: str = "", page: Page | None = None) -> App:
        return App(page or self.new_page(), server.url, self.folder).open(query)

    def end(self) -> None:
        for page in [page for context in self.chromium.contexts for page in context.pages]:
            page.close()
        for server in self.servers:
            server.process.kill()
            server.process.wait()


@pytest.fixture
def place(folder: Path, chromium: Browser) -> Iterator[Place]:
    made = Place(folder, chromium)
    yield made
    made.end()
    text = made.log.read_text()
    assert "Traceback" not in text, text[-3000:]


def expect_progress(app: App, text: str) -> None:
    expect(app.part("progress")).to_contain_text(text)


def the_run() -> Run:
    faults.wait_until(list_runs)
    return list_runs()[0]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("ends", ["goes on", "is killed too", "ends meanwhile"])
def test_a_server_killed_during_a_run_finds_it_again(ends, place, folder, before):
    server = place.serve()
    app = place.look(server)
    begin(app, "survivor", 40 if ends == "ends meanwhile" else LASTING)
    run = the_run()
    faults.wait_until(lambda: len(run.log.epochs) >= 2)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    if ends == "is killed too":
        faults.kill(run)
    if ends == "ends meanwhile":
        faults.wait_until(lambda: not run.is_live)
    app = place.look(place.serve(), "?tab=Train")
    app.expect_chosen("run", run.id)
    if ends == "ends meanwhile":
        expect_progress(app, "Finished after 40 of 40 epochs")
        assert weights.load("survivor")[1].epochs == 40
    else:
        if ends == "is killed too":
            expect_progress(app, "died after")
            app.click("resume")
        expect_progress(app, "of 1000")
        app.click("stop")
        expect_progress(app, "Saved as survivor")
    everything_is_right(before, folder)
    faults.report(
        f"kill -9 of the server during a run that {ends}", 1, "the next server finds the run"
    )


@pytest.mark.slow
@pytest.mark.browser
def test_two_servers_on_one_folder_show_the_same_also_when_one_is_killed(place, folder, before):
    first, second = place.serve(), place.serve()
    one = place.look(first)
    begin(one, "shared")
    expect_progress(one, "of 1000")
    two = place.look(second, "?tab=Train")
    two.expect_chosen("run", "shared")
    two.click("stop")
    for app in (one, two):
        expect_progress(app, "Saved as shared")
    two.click("resume")
    expect_progress(one, "of 1000")
    first.process.kill()
    first.process.wait()
    two.click("stop")
    expect_progress(two, "Saved as shared")
    two.choose("network", "shared")
    assert [info.name for info in weights.list_weights()].count("shared") == 1
    everything_is_right(before, folder)
    faults.report(
        "two servers on one weights folder, one is killed", 1, "the other one stops its run"
    )


@pytest.mark.slow
@pytest.mark.browser
def test_a_weights_folder_removed_under_the_app_is_said_and_comes_back(place, folder, before):
    app = place.look(place.serve())
    app.draw(SEVEN)
    app.expect_prediction("7")
    away = folder.with_name("away")
    folder.rename(away)
    expect(app.page.get_by_text("There is no network yet")).to_be_visible()
    look_at_tabs(app, "Train", "Evaluate", "Compare", "Draw")
    away.rename(folder)
    expect(app.part("network")).to_be_visible()
    app.draw(SEVEN)
    app.expect_prediction("7")
    everything_is_right(before, folder)
    faults.report(
        "weights folder moved away under a running app", 1, "reported; moved back: all there"
    )


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("what", scaled(["protected"], ["protected", "full"]))
def test_an_app_that_cannot_write_reads_drawings_and_says_why_it_cannot_train(
    what, disk, place, folder, before
):
    app = place.look(place.serve())
    if what == "full":
        disk.fill(0)
    else:
        disk.protect()
    app.draw(SEVEN)
    app.expect_prediction("7")
    begin(app, "refused", 2)
    reason = "free space" if what == "full" else "can be written"
    expect(app.page.get_by_test_id("stAlert").filter(has_text=reason)).to_be_visible()
    look_at_tabs(app, "Evaluate", "Compare", "Draw")
    everything_is_right(before, folder)
    if what == "full":
        disk.empty()
    else:
        disk.unprotect()
    begin(app, "allowed", 2)
    expect_progress(app, "Saved as allowed")
    faults.report(
        f"app with a {what} weights folder", 1, "reads drawings; says why it cannot train"
    )


def look_at_tabs(app: App, *names: str) -> None:
    """Open tabs one after the other, and check that none fails."""
    for name in names:
        app.tab(name)
        expect(app.page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        app.settle()
        expect(app.page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.browser
def test_a_browser_that_was_away_for_longer_than_its_session_finds_everything(
    place, folder, before
):
    """Sessions expire after a second here, so a few seconds stand for a long absence."""
    server = place.serve("--server.disconnectedSessionTTL=1")
    page = place.new_page()
    line = Line(page)
    app = place.look(server, page=page)
    begin(app, "while-away")
    expect_progress(app, "of 1000")
    run = the_run()
    line.cut()
    expect(page.get_by_test_id("stApp")).not_to_have_attribute(*CONNECTED)
    done = len(run.log.epochs)
    page.wait_for_timeout(4000)
    faults.wait_until(lambda: len(run.log.epochs) >= done + 3)
    assert run.state == "running"
    line.mend()
    expect(page.get_by_test_id("stApp")).to_have_attribute(*CONNECTED)
    app.expect_chosen("run", run.id)
    expect_progress(app, "of 1000")
    while run.is_live:  # a click may get lost while the page is redrawn
        app.settle()
        if (stop := app.part("stop").locator("button")).is_visible():
            stop.click()
        page.wait_for_timeout(500)
    expect_progress(app, "Saved as while-away")
    app.choose("network", "while-away")
    app.tab("Draw")
    app.draw(SEVEN)
    app.prediction()
    everything_is_right(before, folder)
    faults.report("browser away until its session has expired", 1, "finds run and results again")


CONNECTED = "data-test-connection-state", "CONNECTED"


class Line:
    """The connection from a page to the server, which can be cut and restored."""

    def __init__(self, page: Page) -> None:
        self.is_cut, self.ends = False, []
        page.route_web_socket(re.compile("_stcore/stream"), self._carry)

    def cut(self) -> None:
        self.is_cut = True
        for end in self.ends:
            end.close()

    def mend(self) -> None:
        self.is_cut = False

    def _carry(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
        else:
            self.ends = [socket, socket.connect_to_server()]


@pytest.mark.browser
def test_a_page_that_lost_its_server_goes_on_with_the_next_one(place, folder, before):
    """The server is killed and restarted at the same address; the page is not reloaded."""
    server = place.serve()
    app = place.look(server)
    app.draw(SEVEN)
    app.expect_prediction("7")
    with_picture = place.look(server)
    with_picture.page.get_by_role("radio", name="Upload").click()
    with_picture.part("upload").locator("input").set_input_files(picture_of_a_seven(folder.parent))
    with_picture.expect_prediction("7")
    server.process.kill()
    server.process.wait()
    expect(app.page.get_by_test_id("stApp")).not_to_have_attribute(*CONNECTED)
    place.serve(port=int(server.url.rsplit(":", 1)[1]))
    expect(app.page.get_by_test_id("stApp")).to_have_attribute(*CONNECTED)
    app.page.set_default_timeout(3 * PATIENCE)  # the old page stays until torch is loaded
    app.page.wait_for_timeout(1000)
    expect(app.page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=3 * PATIENCE
    )
    app.choose("network", "speedrun")
    app.draw(SEVEN)
    app.expect_prediction("7")
    expect(with_picture.page.get_by_text("if it does not come, choose it again")).to_be_visible()
    with with_picture.page.expect_file_chooser() as chooser:
        with_picture.page.get_by_role("button", name="Add files").click()
    chooser.value.set_files(picture_of_a_seven(folder.parent))
    with_picture.expect_prediction("7")
    everything_is_right(before, folder)
    faults.report("server killed and restarted under an open page", 1, "the page carries on")


def picture_of_a_seven(folder: Path) -> Path:
    path = folder / "seven.png"
    Image.fromarray(pen.draw([np.array(stroke) for stroke in SEVEN], brush=20)).save(path)
    return path


STARTER = """
import sys
import time
from mnist_app.runs import lifecycle
from mnist_app.recipes.recipe import Recipe
recipe = Recipe.model_validate_json(sys.argv[2])
for _ in range(int(sys.argv[1])):
    print(lifecycle.start(recipe, "same").id)
"""


@pytest.fixture
def starter(folder: Path) -> Callable[[int], subprocess.Popen]:
    """A function that launches a process which starts runs, as a server does."""

    def begin_to_start(count: int) -> subprocess.Popen:
        recipe = faults.QUICK.changed(epochs=1).model_dump_json()
        return subprocess.Popen(
            [sys.executable, "-c", STARTER, str(count), recipe],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    return begin_to_start


def test_two_processes_that_start_runs_at_once_lose_none(starter, folder, before):
    each = scaled(2, 6)
    started = [starter(each), starter(each)]
    ids = [line for process in started for line in process.communicate(timeout=120)[0].split()]
    assert [process.returncode for process in started] == [0, 0]
    assert len(set(ids)) == 2 * each
    faults.wait_until(lambda: not any(run.is_live for run in list_runs()), 60 * each)
    assert {run.state for run in list_runs()} == {"finished"}
    names = [run.log.end["name"] for run in list_runs()]
    assert len(set(names)) == 2 * each
    for run in list_runs():
        assert weights.load(run.log.end["name"])[1].run == run.id
    everything_is_right(before, folder)
    faults.report(
        "two processes that start runs at the same time", 2 * each, "each run has its own result"
    )


def test_runs_whose_starter_was_killed_end_by_themselves(starter, folder, before):
    process = starter(2)
    faults.wait_until(lambda: len(list_runs()) == 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for run in list_runs():
        with suppress(AssertionError):  # without a pid by then, it never gets one
            faults.wait_until(lambda run=run: faults.pid_of(run), seconds=5)
        if not faults.pid_of(run):  # a minute old, it counts as dead
            os.utime(run.folder, (time.time() - 61,) * 2)
        faults.wait_until(lambda run=run: not run.is_live)
        if run.state == "died":  # it never had a process
            lifecycle.resume(run)
            faults.wait_until(lambda run=run: not run.is_live)
        assert run.state == "finished"
    everything_is_right(before, folder)


def test_a_process_file_is_whole_at_any_moment(starter, folder, before):
    """The files are read without a pause while runs start and end: none is ever half written."""
    process = starter(2)
    texts = set()
    while process.poll() is None:
        for path in runs_folder().glob("*/process.json"):
            texts.add(path.read_text())
    assert texts
    assert all(isinstance(json.loads(text), dict) for text in texts)
