"""Replay digits with the mouse in the real app, in Chromium: python benchmarks/browser.py.

Draws real pen strokes on the canvas, at random size and place, and compares the page's answer with
the digit that was meant. The network was not fitted to these writers in any way. The result goes
into drawings.json and drawings.md in docs/.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import report  # noqa: E402
from chromium import installed  # noqa: E402
from page import App  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from serve import served  # noqa: E402

from mnist_app.data import rendering, training_data  # noqa: E402
from mnist_app.drawing import pen  # noqa: E402
from mnist_app.recipes.presets import ENSEMBLES  # noqa: E402

REACTION = 250  # ms that a hand takes from the button to the canvas, which clears meanwhile


@click.command()
@click.option("--count", default=200, show_default=True)
@click.option("--network", default="canvas", show_default=True)
@click.option("--fold", default=0, show_default=True, help="The seed of the network.")
@click.option("--seed", default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(count: int, network: str, fold: int, seed: int, output: Path) -> None:
    """Replay pen strokes in the app and count the right answers."""
    if network in ENSEMBLES:
        raise SystemExit(f"No writer is new to {network}, as each of its members held out others.")
    unseen = rendering.split_writers(training_data.load_pen_digits(), fold)[2]
    random = np.random.default_rng(seed)
    digits = [unseen[i] for i in random.choice(len(unseen), count, replace=False)]
    with tempfile.TemporaryDirectory() as folder:
        rows = replay(Path(folder), digits, network, random)
    wrong = [row for row in rows if row["read"] != row["label"]]
    right = count - len(wrong)
    print(f"{right} of {count} right ({right / count:.1%})")
    row = {"network": network, "n": count, "right": right, "wrong": wrong}
    results = report.known(output)
    results["browser"] = report.merged(results.get("browser"), [row], seed)
    report.save(results, output)


def replay(
    folder: Path, digits: list[pen.PenDigit], network: str, random: np.random.Generator
) -> list[dict[str, Any]]:
    """Draw each digit on a cleared canvas; return the digit meant and the page's answer."""
    rows = []
    with served(folder) as (url, weights), sync_playwright() as playwright:
        options = {"executable_path": installed(), "args": ["--no-sandbox", "--disable-gpu"]}
        page = playwright.chromium.launch(**options).new_page()
        app = App(page, url, weights).open(f"/?network={network}")
        app.expect_prediction("")
        for digit in digits:
            size = random.uniform(0.25, 0.85)
            centre = random.uniform(size / 2 + 0.02, 0.98 - size / 2, 2)
            strokes = pen.placed(digit.strokes, size=size, centre=tuple(centre))
            app.draw([[tuple(point) for point in stroke.tolist()] for stroke in strokes])
            said = _said(app)
            rows.append({"label": str(digit.label), "read": said, "size": round(size, 2)})
            app.click("clear")
            app.expect_prediction("")
            page.wait_for_timeout(REACTION)
    return rows


def _said(app: App) -> str:
    """Return the page's answer after the last stroke, or an empty string if it reads nothing."""
    app.page.wait_for_timeout(700)
    for _ in range(10):
        if said := app.part("prediction").inner_text().strip():
            break
        app.page.wait_for_timeout(1000)
    return said


if __name__ == "__main__":
    main()
