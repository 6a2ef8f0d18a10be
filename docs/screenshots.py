"""Make the screenshots in docs/ from the real app: python docs/screenshots.py [NAME ...].

Without a NAME, make all of them; otherwise those whose file names begin with one of the NAMEs
(draw, evaluate-robustness, ...).
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from chromium import installed  # noqa: E402
from page import App  # noqa: E402
from serve import LAPTOP, served  # noqa: E402

from mnist_app.runs import lifecycle  # noqa: E402
from mnist_app.runs.run import list_runs  # noqa: E402

DOCS = ROOT / "docs"
PRESET = "preset=lenet5&dataset=digits"
FOUR = [
    [(106, 62), (96, 100), (88, 140), (90, 152), (130, 152), (196, 148)],
    [(168, 78), (166, 130), (160, 190), (156, 238)],
]
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
# The height of each tab, on a desktop and on a phone.
TABS = {
    "Draw": (800, 844),
    "Train": (1300, 2250),
    "Data": (1000, 1700),
    "Evaluate": (1250, 1700),
    "Compare": (1500, 1900),
}
# What is not visible when a tab opens: its other views, and the expanders of Draw.
VIEWS = {
    "Data": ("Digits", "Map", "Distortions"),
    "Evaluate": ("Images", "Confidence", "Robustness", "Own pictures"),
    "Compare": ("Your drawing", "Search"),
}
NETWORKS = {"layers": "network=lenet5"}  # whose layers fit into a picture
HIGHEST = 1400  # pixels, the greatest height of a picture of an expander
EXPANDERS = "why", "layers", "xray", "scrubber", "neighbours", "hold"
FILMED = (340, 40, 1200, 640)  # pixels of the page that the film shows
# In the classroom: the parts of the sidebar.
CLASS = {"class-wall": ("light", "join"), "class-phone": ("phone", "teacher")}


def main(names: list[str]) -> None:
    """Serve the app on copies of the weights, train a little, and take the screenshots."""

    def is_wanted(name: str) -> bool:
        return not names or any(name.startswith(wanted) for wanted in names)

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        served(Path(folder)) as (url, weights),
        sync_playwright() as playwright,
    ):
        options = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {LAPTOP} 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=installed(), args=options)
        try:
            if is_wanted("train"):
                start_training(App(browser.new_page(), url, weights))
            if is_wanted("draw-film"):
                film_drawing(browser, url, weights)
            for look in LOOKS:
                photograph_tabs(look, browser, url, weights, is_wanted)
            photograph_views(browser, url, weights, is_wanted)
            photograph_expanders(browser, url, weights, is_wanted)
            photograph_class(browser, is_wanted)
        finally:
            browser.close()
            end_runs(weights)


def start_training(app: App) -> None:
    """Train LeNet-5 on the bundled digits, long enough to be photographed while training."""
    app.open(f"/?tab=Train&{PRESET}")
    epochs = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("400")
    epochs.press("Enter")
    app.page.wait_for_timeout(1500)
    app.click("train")
    app.part("digit_while_learning").wait_for()


def opened(browser: Browser, look: str, url: str, weights: Path, query: str) -> App:
    """Open a page and draw a 4 on it."""
    width, scheme = LOOKS[look]
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    app = App(page, url, weights).open(f"/?{query}")
    app.part("network").wait_for(state="attached")
    page.wait_for_timeout(1500)
    app.draw(FOUR)
    page.mouse.move(5, 5)
    app.expect_prediction("4")
    return app


def film_drawing(browser: Browser, url: str, weights: Path) -> None:
    """Film how a 4 is drawn and read, as draw.gif."""
    page = browser.new_page(viewport={"width": 1200, "height": 640})
    app = App(page, url, weights).open("/")
    app.part("network").wait_for(state="attached")
    app.draw(FOUR)  # so that everything is loaded
    app.expect_prediction("4")
    app.click("clear")
    app.expect_prediction("")
    page.mouse.move(5, 5)
    page.wait_for_timeout(1000)
    frames = [page.screenshot()]
    for stroke in FOUR:
        points = app.on_screen(stroke)
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=10)
            frames.append(page.screenshot())
        page.mouse.up()
        page.wait_for_timeout(1500)
        frames.append(page.screenshot())
    page.close()
    save_film([Image.open(io.BytesIO(frame)) for frame in frames], DOCS / "draw.gif")


def save_film(frames: list[Image.Image], path: Path) -> None:
    """Save frames as a GIF without the sidebar, small enough for a README."""
    left, top, right, bottom = FILMED
    size = (right - left) * 3 // 4, (bottom - top) * 3 // 4
    small = [frame.crop(FILMED).convert("RGB").resize(size).quantize(64) for frame in frames]
    times = [600, *[160] * (len(small) - 2), 2500]  # ms
    small[0].save(path, save_all=True, append_images=small[1:], duration=times, loop=0)


def photograph_tabs(
    look: str, browser: Browser, url: str, weights: Path, is_wanted: Callable[[str], bool]
) -> None:
    """Photograph each tab as it opens, as NAME-LOOK.png."""
    app = opened(browser, look, url, weights, PRESET)
    for tab, heights in TABS.items():
        if not is_wanted(f"{tab.lower()}-{look}"):
            continue
        size = {"width": LOOKS[look][0], "height": heights[look == "phone"]}
        app.page.set_viewport_size(size)
        app.tab(tab)
        if tab == "Train":
            app.part("digit_while_learning").locator(".js-plotly-plot").wait_for()
        keep(app.page, f"{tab.lower()}-{look}")
    app.page.close()


def photograph_views(
    browser: Browser, url: str, weights: Path, is_wanted: Callable[[str], bool]
) -> None:
    """Photograph the other views of the tabs, as TAB-VIEW.png."""
    app = opened(browser, "light", url, weights, "network=lenet5")
    for tab, views in VIEWS.items():
        for view in views:
            name = f"{tab}-{view}".lower().replace(" ", "-")
            if is_wanted(name):
                app.page.set_viewport_size({"width": 1280, "height": 1150})
                app.tab(tab)
                app.part(f"{tab.lower()}_view").get_by_text(view, exact=True).click()
                keep(app.page, name)
    app.page.close()


def photograph_expanders(
    browser: Browser, url: str, weights: Path, is_wanted: Callable[[str], bool]
) -> None:
    """Photograph each expander below the canvas, as draw-NAME.png."""
    for name in EXPANDERS:
        if is_wanted(f"draw-{name}"):
            app = opened(browser, "light", url, weights, NETWORKS.get(name, ""))
            app.page.set_viewport_size({"width": 1280, "height": 2400})
            panel = app.part(f"reasons_{name}")
            panel.locator("summary").first.click()
            settle(app.page)
            ACTS.get(name, lambda _panel: None)(panel)
            settle(app.page)
            box = panel.bounding_box()
            box["height"] = min(box["height"], HIGHEST)
            app.page.screenshot(path=DOCS / f"draw-{name}.png", clip=box)
            app.page.close()


def photograph_class(browser: Browser, is_wanted: Callable[[str], bool]) -> None:
    """Photograph an app in teacher mode, opened over the network on the wall and on a phone."""
    if not any(map(is_wanted, CLASS)):
        return
    everywhere = "0.0.0.0"  # noqa: S104, as in a class room
    os.environ |= {"MNIST_APP_TEACHER_CODE": "blackboard", "STREAMLIT_SERVER_ADDRESS": everywhere}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, weights):
        address = url.replace("127.0.0.1", LAPTOP)
        for name, (look, part) in CLASS.items():
            app = opened(browser, look, address, weights, "")
            if look == "phone":
                app.page.get_by_test_id("stExpandSidebarButton").click()
            app.part(part).locator("summary").click()
            app.page.set_viewport_size({"width": LOOKS[look][0], "height": 1010})
            keep(app.page, name)
            app.page.close()


def turn(panel: Locator) -> None:
    """Turn the digit, so that there is something to see."""
    slider = panel.get_by_role("slider", name="Rotation")
    for _ in range(9):
        slider.press("ArrowLeft")


# What to do in an expander before photographing it.
ACTS = {"xray": lambda panel: panel.get_by_text("Crop", exact=True).click(), "hold": turn}


def keep(page: Page, name: str) -> None:
    """Photograph the page once it is still."""
    settle(page)
    page.screenshot(path=DOCS / f"{name}.png")


def settle(page: Page) -> None:
    """Wait until all computations are done and everything is drawn."""
    page.wait_for_timeout(2500)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid="stProgress"]')
          || document.querySelector(".st-key-progress")""",
        timeout=120_000,
    )
    page.wait_for_timeout(2500)


def end_runs(weights: Path) -> None:
    """Stop the run, which outlives the app, before its folder is deleted."""
    os.environ["MNIST_APP_WEIGHTS"] = str(weights)
    for run in list_runs():
        lifecycle.stop(run)
        while run.is_alive():
            time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1:])
