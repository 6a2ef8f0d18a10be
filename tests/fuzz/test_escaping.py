"""Names and texts from outside are shown in the browser, but never as HTML."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from effort import scaled
from fuzz import limits
from fuzz.mutations import HTML
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from streamlit.testing.v1 import AppTest

from mnist_app.data import bundled
from mnist_app.data.labelled_images import Digits
from mnist_app.drawing.segmentation import Box
from mnist_app.figures import (
    comparison_charts,
    fragments,
    heatmaps,
    layer_fragments,
    training_charts,
)
from mnist_app.figures import dataset_charts as data_charts
from mnist_app.figures.readings import reading_cards
from mnist_app.figures.templating import from_template
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.recipes.layer_tables import LayerSummary
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition import comparison
from mnist_app.recognition.assessment import Assessment
from mnist_app.recognition.explain import LayerOutput
from mnist_app.recognition.predictor import BLANK, Found, Prediction
from mnist_app.report import html_report
from mnist_app.results import weights
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import runs_folder
from mnist_app.ui.server.application import PAGE

ROOT = Path(__file__).resolve().parent.parent.parent
TEXTS = (
    *(HTML, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<a href='x'>x</a>"),
    *("' onclick='alert(1)", '" onclick="alert(1)', "{{ 7 * 7 }}<b onclick=alert(1)>"),
)
TAGS = "<img src=x", "<script>alert", "<a href='x'", "<b onclick"
PICTURE = "![x](https://example.org/x.png)"  # to show it, a page would request that address


def is_free_of_tags(html: str) -> bool:
    return not any(tag in html for tag in TAGS)


class Harm(HTMLParser):
    """Finds what in our HTML could only have come from outside."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [(tag, name) for name in values if name.startswith("on")]
        if tag in ("a", "script") or not (values.get("src") or "data:").startswith("data:"):
            self.found.append((tag, str(values)))


def harm_in(html: str) -> list[tuple[str, str]]:
    return Harm(html).found


@pytest.fixture
def committed(weights_folder: Path) -> Path:
    """A weights folder that contains lenet5."""
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    return weights_folder


@pytest.fixture
def hostile(committed) -> weights.WeightsInfo:
    """A result with HTML in all facts that may be any text."""
    model, info = weights.load("lenet5")
    texts = dict.fromkeys(
        ("reason", "dataset", "fingerprint", "trained_on", "device", "date"), HTML + PICTURE
    )
    recipe = info.recipe.changed(dataset=HTML + PICTURE)
    changes = {**texts, "recipe": recipe, "versions": {HTML: TEXTS[2]}}
    return weights.save("hostile", model, info.model_copy(update=changes))


@pytest.mark.parametrize("text", TEXTS)
def test_fragments_of_html_escape_what_they_are_given(text, committed):
    info = weights.load("lenet5")[1].model_copy(update={"recipe": Recipe(), "name": text})
    seven = Found(Box(0, 0, 9, 9), Prediction(7, 7, np.full(10, 0.1), 0.5, BLANK.image))
    picture = np.zeros((1, 28, 28), dtype=np.uint8)
    for html in (
        fragments.facts({text: text}),
        fragments.architecture([LayerSummary(text, (1, 2), 3)]),
        fragments.top_three(BLANK, text),
        reading_cards([info], {text: [seven]}),
        tiles(picture, [Tile(text, text, text, text)]),
        heatmaps.color_bar(1.0, text, signed=True),
        heatmaps.captioned([heatmaps.Captioned(text, text, "data:", text)]),
        heatmaps.variants([heatmaps.Variant(text, seven.prediction)]),
        layer_fragments.layer(LayerOutput(text, torch.zeros(10)), is_last=False),
        from_template("figures/templates/loading.html", hint=text),
        from_template("figures/templates/join.html", address=text, picture="data:"),
    ):
        assert not harm_in(html)
        assert str(escape(text)) in html


def test_harm_is_found():
    assert all(map(harm_in, (HTML, TEXTS[1], TEXTS[3], "<b onclick='alert(1)'>")))


@pytest.mark.parametrize("text", TEXTS)
def test_figures_escape_what_they_are_given(text):
    epochs = [{"epoch": 1} | dict.fromkeys(FIGURES, 0.5)]
    point = comparison.Point(text, text, 100.0, 0.9, None, 1, 10)
    figures = (
        training_charts.accuracy_curves({text: epochs}),
        training_charts.loss_curves({text: epochs}),
        comparison_charts.accuracies_over_epochs({text: epochs}),
        comparison_charts.losses_over_epochs({text: epochs}),
        comparison_charts.accuracy_against_cost([point], "Parameters", "parameters"),
        comparison_charts.trials_figure([{"dataset": text}, {"dataset": "b"}], [0.1, 0.2]),
        data_charts.distribution({text: [1] * 10}),
    )
    for figure in figures:
        assert is_free_of_tags(json.dumps(figure.to_plotly_json(), default=str))


FIGURES = "train_accuracy", "val_accuracy", "train_loss", "val_loss"


def test_a_report_escapes_what_is_in_a_file(hostile):
    test = bundled.load_bundled().test
    named = Digits(test.images, test.labels, HTML)
    chances = np.full((len(test), 10), 0.1)
    page = html_report.render_report("hostile", Assessment(test.labels.numpy(), chances), named)
    body = page[page.index("<body>") :]
    assert is_free_of_tags(body)
    assert {tag for tag, _ in harm_in(body)} == {"script"}  # the charts' own
    assert "&lt;img src=x" in page


# The page


def html_of(app: AppTest) -> list[str]:
    """Return everything that the page sends to the browser as HTML rather than text."""
    found = [element.proto.body for element in app.get("html")]
    return found + [
        element.proto.body for element in app.get("markdown") if element.proto.allow_html
    ]


def markdown_of(app: AppTest) -> list[str]:
    """Return everything that the page sends to the browser as Markdown, except widget labels."""
    kinds = "markdown", "caption", "error", "warning", "info", "success", "toast", "subheader"
    bodies = [element.proto.body for kind in kinds for element in app.get(kind)]
    return bodies + [element.proto.text for element in app.get("progress")]


def sent(app: AppTest) -> list[str]:
    """Return the figures as they are sent to the browser."""
    return [element.proto.spec for element in app.get("plotly_chart")]


@pytest.fixture
def app(committed) -> AppTest:
    return AppTest.from_file(str(PAGE), default_timeout=180)


@pytest.mark.parametrize("tab", ["Draw", "Train", "Evaluate", "Compare"])
def test_the_page_escapes_what_is_in_a_file(hostile, app, tab):
    app.query_params["network"], app.query_params["tab"] = "hostile", tab
    _run_of(hostile.recipe)
    app.run()
    assert not app.exception
    assert app.selectbox(key="network").value == "hostile"
    assert not any(map(harm_in, html_of(app)))
    assert all(map(is_free_of_tags, sent(app)))
    assert any("&lt;img" in html for html in html_of(app))
    assert not any(PICTURE in text for text in markdown_of(app))
    is_told = any("example.org" in text for text in markdown_of(app))
    assert is_told == (tab in ("Train", "Compare"))  # elsewhere it is shown as HTML, or later


def _run_of(recipe: Recipe) -> None:
    folder = runs_folder() / "0001-mine"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    (folder / "process.json").write_text('{"pid": 999999999, "ticket": 1}')
    for event in (
        {"event": "queued"},
        {"event": "error", "message": f"It {HTML}{PICTURE} failed."},
    ):
        append_event(folder, event)


ODD = (
    *TEXTS,
    *("", " ", "../..", "../../etc/passwd", "run:..", "run:0001-../..", "a\0b", "a\nb\x1b[2J"),
    *("x" * 5000, "\u202e", "%00", "{}", f"**b** {PICTURE}", "[/red]"),
)


PARAMETERS = "network", "preset", "dataset", "tab"
TEXT = st.one_of(st.sampled_from(ODD), st.text(max_size=60), st.sampled_from(["Train", "lenet5"]))


def opened(values: dict[str, str]) -> None:
    """Open the page at an address, then its Train tab, which uses most of the address."""
    app = AppTest.from_file(str(PAGE), default_timeout=180)
    for key, value in values.items():
        app.query_params[key] = value
    for tab in (values.get("tab", ""), "Train"):
        app.query_params["tab"] = tab
        app.run()
        assert not app.exception
        assert app.selectbox(key="network").value == "lenet5"
        assert not any(map(harm_in, html_of(app)))
        assert not any(PICTURE in text for text in markdown_of(app))
    assert app.selectbox(key="preset").value in RECIPES


def test_nothing_in_the_url_does_harm(app):
    app.run()  # so that no case is charged for the memory of what this loads
    with limits.tallied("page addresses: network, preset, dataset, tab") as judge:
        for text in scaled(ODD[::12], ODD):
            judge(lambda text=text: opened(dict.fromkeys(PARAMETERS, text)))

        @limits.settings(300, 5)
        @given(st.dictionaries(st.sampled_from(PARAMETERS), TEXT))
        def look(values: dict[str, str]) -> None:
            judge(lambda: opened(values))

        look()


def test_what_is_html_is_seen(app):
    """Otherwise the other tests would pass whatever the page sent."""
    app.run()
    assert any("<div" in html for html in html_of(app))
    assert harm_in(f"<div>{HTML}</div>")
