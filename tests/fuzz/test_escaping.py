"""Names and texts from outside in what a browser shows: none of them is ever HTML."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fuzz import limits
from fuzz.mutations import HTML
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from mnist_app.data import bundled
from mnist_app.data.labelled_images import Digits
from mnist_app.figures import comparison_charts, fragments, training_charts
from mnist_app.figures import dataset_charts as data_charts
from mnist_app.networks import models
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition import comparison
from mnist_app.recognition.assessment import Assessment
from mnist_app.report import html_report
from mnist_app.results import weights
from mnist_app.runs import training_runs

ROOT = Path(__file__).resolve().parent.parent.parent
TEXTS = HTML, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<a href='x'>x</a>"
TAGS = "<img src=x", "<script>alert", "<a href='x'"
PICTURE = "![x](https://example.org/x.png)"  # a page that showed it would call that address


def is_free_of_tags(html: str) -> bool:
    return not any(tag in html for tag in TAGS)


@pytest.fixture
def hostile(weights_folder: Path) -> weights.WeightsInfo:
    """A result whose facts are all HTML, where they may be any text."""
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    model, info = weights.load("lenet5")
    texts = dict.fromkeys(
        ("reason", "dataset", "fingerprint", "trained_on", "device", "date"), HTML + PICTURE
    )
    recipe = info.recipe.changed(dataset=HTML + PICTURE)
    changes = {**texts, "recipe": recipe, "versions": {HTML: TEXTS[2]}}
    return weights.save("hostile", model, info.model_copy(update=changes))


@pytest.mark.parametrize("text", TEXTS)
def test_fragments_of_html_escape_what_they_are_given(text):
    layer = models.Layer(text, (1, 2), 3)
    assert is_free_of_tags(fragments.facts({text: text}))
    assert is_free_of_tags(fragments.architecture([layer]))
    from mnist_app.recognition.predictor import BLANK

    assert is_free_of_tags(fragments.top_three(BLANK, text))


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
    assert is_free_of_tags(page[page.index("<body>") :])
    assert "&lt;img src=x" in page


# The page


def html_of(app: AppTest) -> list[str]:
    """All that the page hands to the browser as HTML, and not as text."""
    found = [element.proto.body for element in app.get("html")]
    return found + [
        element.proto.body for element in app.get("markdown") if element.proto.allow_html
    ]


def markdown_of(app: AppTest) -> list[str]:
    """All that the page hands to the browser to be set as Markdown, but the labels of widgets."""
    kinds = "markdown", "caption", "error", "warning", "info", "success", "toast", "subheader"
    bodies = [element.proto.body for kind in kinds for element in app.get(kind)]
    return bodies + [element.proto.text for element in app.get("progress")]


def sent(app: AppTest) -> list[str]:
    """The figures as they are sent."""
    return [element.proto.spec for element in app.get("plotly_chart")]


@pytest.fixture
def app(weights_folder: Path) -> AppTest:
    weights_folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)


@pytest.mark.parametrize("tab", ["Draw", "Train", "Evaluate", "Compare"])
def test_the_page_escapes_what_is_in_a_file(hostile, app, tab):
    app.query_params["network"], app.query_params["tab"] = "hostile", tab
    _run_of(hostile.recipe)
    app.run()
    assert not app.exception
    assert app.selectbox(key="network").value == "hostile"
    assert all(map(is_free_of_tags, [*html_of(app), *sent(app)]))
    assert any("&lt;img" in html for html in html_of(app))
    assert not any(PICTURE in text for text in markdown_of(app))
    is_told = any("example.org" in text for text in markdown_of(app))
    assert is_told == (tab in ("Train", "Compare"))  # elsewhere as HTML, or after a while


def _run_of(recipe: Recipe) -> None:
    folder = training_runs.runs_folder() / "0001-mine"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    (folder / "process.json").write_text('{"pid": 999999999, "ticket": 1}')
    for event in (
        {"event": "queued"},
        {"event": "error", "message": f"It {HTML}{PICTURE} failed."},
    ):
        training_runs.append_event(folder, event)


ODD = (
    *TEXTS,
    *("", " ", "../..", "../../etc/passwd", "run:..", "run:0001-../..", "a\0b", "a\nb\x1b[2J"),
    *("x" * 5000, "\u202e", "%00", "{}", f"**b** {PICTURE}", "[/red]"),
)


PARAMETERS = "network", "preset", "dataset", "tab"
TEXT = st.one_of(st.sampled_from(ODD), st.text(max_size=60), st.sampled_from(["Train", "lenet5"]))


def opened(values: dict[str, str]) -> None:
    """The page at an address; then its Train tab, where most of the address is looked at."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    for key, value in values.items():
        app.query_params[key] = value
    for tab in (values.get("tab", ""), "Train"):
        app.query_params["tab"] = tab
        app.run()
        assert not app.exception
        assert app.selectbox(key="network").value == "lenet5"
        assert all(map(is_free_of_tags, html_of(app)))
        assert not any(PICTURE in text for text in markdown_of(app))
    assert app.selectbox(key="preset").value in RECIPES


def test_nothing_in_the_url_does_harm(app):
    app.run()  # no case is to answer for the memory of what it loads
    with limits.tallied("addresses: network, preset, dataset, tab") as judge:
        for text in ODD:
            judge(lambda text=text: opened(dict.fromkeys(PARAMETERS, text)))

        @limits.settings(300, 10)
        @given(st.dictionaries(st.sampled_from(PARAMETERS), TEXT))
        def look(values: dict[str, str]) -> None:
            judge(lambda: opened(values))

        look()


def test_what_is_html_is_seen(app):
    """Otherwise the page could send whatever it liked."""
    app.run()
    assert any("<div" in html for html in html_of(app))
    assert not is_free_of_tags(f"<div>{HTML}</div>")
