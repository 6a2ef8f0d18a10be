"""Make the screenshots of docs/ from the real app: python docs/screenshots.py."""

import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from chromium import installed  # noqa: E402
from page import App  # noqa: E402
from serve import served  # noqa: E402

from mnist_app import runs  # noqa: E402

DOCS = ROOT / "docs"
PRESET = "preset=lenet5&dataset=digits"
FOUR = [
    [(106, 62), (96, 100), (88, 140), (90, 152), (130, 152), (196, 148)],
    [(168, 78), (166, 130), (160, 190), (156, 238)],
]
# Width, height of the Draw tab, height of the Train tab, colour scheme.
LOOKS = {
    "light": (1280, 800, 1300, "light"),
    "dark": (1280, 800, 1300, "dark"),
    "phone": (390, 844, 2250, "light"),
}


def main() -> None:
    """Serve the app on copies of the weights, train a little, photograph both tabs."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        served(Path(folder)) as (url, weights),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=installed(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            start_training(App(browser.new_page(), url, weights))
            for look in LOOKS:
                photograph(look, browser, url, weights)
        finally:
            browser.close()
            end_runs(weights)


def start_training(app: App) -> None:
    """Train LeNet-5 on the bundled digits, long enough to be seen in the middle of it."""
    app.open(f"/?tab=Train&{PRESET}")
    epochs = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("400")
    epochs.press("Enter")
    app.page.wait_for_timeout(1500)
    app.click("train")
    app.part("digit_while_learning").wait_for()


def photograph(look: str, browser: Browser, url: str, weights: Path) -> None:
    """Draw a 4 and save pictures of both tabs beside this file."""
    width, draw_height, train_height, scheme = LOOKS[look]
    page = browser.new_page(viewport={"width": width, "height": draw_height}, color_scheme=scheme)
    app = App(page, url, weights).open(f"/?{PRESET}")
    page.wait_for_timeout(1500)
    app.draw(FOUR)
    page.mouse.move(5, 5)
    app.expect_prediction("4")
    page.screenshot(path=DOCS / f"draw-{look}.png")
    page.set_viewport_size({"width": width, "height": train_height})
    app.tab("Train")
    app.part("digit_while_learning").locator(".js-plotly-plot").wait_for()
    page.wait_for_timeout(2500)
    page.screenshot(path=DOCS / f"train-{look}.png")
    page.close()


def end_runs(weights: Path) -> None:
    """Stop the training, which outlives the app, before its folder goes."""
    os.environ["MNIST_APP_WEIGHTS"] = str(weights)
    for run in runs.list_runs():
        runs.stop(run)
        while run.is_alive():
            time.sleep(0.1)


if __name__ == "__main__":
    main()
