"""One self-contained HTML file about a result: what it is, how it learned, what it gets wrong."""

import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from mnist_app.data.labelled_images import Digits
from mnist_app.figures import evaluation_charts, training_charts
from mnist_app.figures.fragments import architecture, png_url
from mnist_app.recipes import architectures
from mnist_app.recipes.fields import value_text
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES, is_preset
from mnist_app.recipes.recipe import FIELDS, Recipe
from mnist_app.recognition import assessment
from mnist_app.recognition.assessment import Assessment
from mnist_app.results import weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.training import metrics

MOST_MISTAKES = 48
NEAREST_PRESET = "cnn-2x32"  # whose recipe is changed where a result has none of the presets
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1c23; background: #fff; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15rem 1.2rem .15rem 0; vertical-align: top; }
th { font-weight: 600; } td.n, th.n { text-align: right; }
pre { background: #f3f4f8; padding: .8rem; border-radius: .4rem; overflow-x: auto; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; text-align: center; }
figure img { width: 64px; height: 64px; image-rendering: pixelated; border-radius: .3rem; }
figcaption { font-size: .8rem; } .note { color: #555; }
.net { max-width: 26rem; display: flex; flex-direction: column; font-size: .9rem; }
.net div { display: flex; justify-content: space-between; padding: .2rem .6rem; border: 1px solid
  #ccd; border-radius: .4rem; } .net .learns { background: #e6ecfb; } .net i { text-align: center;
  opacity: .5; font-style: normal; line-height: 1; }
@media print { h2 { break-after: avoid; } }
"""


def render_report(name: str, result: Assessment, test: Digits) -> str:
    """The page about the result `name`, from its answers to these test images.

    Raises:
        InputError: there is no such result.
    """
    _, info = weights.load(name)
    sections = {
        "": _summary(info, result, test),
        "Learning": _curves(info),
        "Per digit": _per_digit(result),
        "Confusion matrix": _figure(evaluation_charts.confusion_heatmap(result.confusion)),
        "The worst mistakes": _mistakes(result, test),
        "Confidence": _confidence(info, result),
        "Network": architecture(architectures.describe(info.recipe.layers)),
        "Recipe": _table(_recipe_facts(info.recipe)),
        "Environment": _table(_environment(info)),
        "How to get it again": _again(info),
    }
    body = "".join(
        f"{f'<h2>{escape(title)}</h2>' if title else ''}<section>{content}</section>"
        for title, content in sections.items()
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{body}</body></html>"
    )


def training_command(info: WeightsInfo) -> str:
    """The commands that train a result again, for a POSIX shell."""
    recipe = info.recipe
    if recipe.name in ENSEMBLES:
        return "python -m mnist_app reproduce canvas --seeds 4\npython -m mnist_app join"
    name = recipe.name if recipe.name in RECIPES else NEAREST_PRESET
    words = ["python", "-m", "mnist_app", "train", name, "--seed", str(recipe.seed)]
    for field, value in recipe.model_dump().items():
        if field not in ("name", "seed") and value != getattr(RECIPES[name], field):
            words += _option(field, value)
    return shlex.join([*words, "--threads", str(info.threads), "--name", info.name])


def _option(field: str, value: Any) -> list[str]:
    flag = field.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if field == "steps":
        value = value_text(value).replace(" ", "")
    return [f"--{flag}", "all" if value is None else str(value)]


def _summary(info: WeightsInfo, result: Assessment, test: Digits) -> str:
    low, high = result.interval
    source = SOURCES[info.recipe.name] if is_preset(info.recipe) else None
    facts = {
        "Test accuracy": f"{result.accuracy:.2%} of {result.n:,} images of {test.name}",
        "95% interval": f"{low:.2%} to {high:.2%}",
        "Reported by its source": source.reported if source else "",
        "Trained on": info.trained_on or info.dataset,
        "Training": f"{info.epochs} epochs, {info.seconds:.1f} s, seed {info.seed}",
        "Parameters": f"{info.parameters:,} ({info.bytes / 1e6:.1f} MB)",
        "Fingerprints": f"network {weights.fingerprint_of(info.name)}, training data "
        f"{info.fingerprint}, test images {test.fingerprint}",
        "Date": info.date,
    }
    about = f"<p>{escape(source.about)}</p>" if source else ""
    return f"<h1>{escape(info.name)}</h1>{about}{_table(facts)}"


def _curves(info: WeightsInfo) -> str:
    if not info.history:
        return '<p class="note">No curves: it was joined of other networks.</p>'
    runs = {info.name: info.history}
    return _figure(training_charts.accuracy_curves(runs)) + _figure(
        training_charts.loss_curves(runs)
    )


def _per_digit(result: Assessment) -> str:
    scores = metrics.per_digit(result.confusion)
    rows = [
        (str(digit), *(f"{s[digit]:.2%}" for s in scores[:3]), f"{scores.support[digit]:,}")
        for digit in range(10)
    ]
    mean = metrics.averaged(scores)
    rows.append(("mean", *(f"{value:.2%}" for value in mean), f"{result.n:,}"))
    head = "".join(
        f'<th class="n">{title}</th>' for title in ("Digit", "Precision", "Recall", "F1", "Images")
    )
    body = "".join(
        "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _mistakes(result: Assessment, test: Digits) -> str:
    places = result.mistakes[:MOST_MISTAKES]
    figures = "".join(_mistake(result, test, int(place)) for place in places)
    words = f"{len(result.mistakes):,} of {result.n:,} are wrong; the surest {len(places)} first."
    return f'<p class="note">{words}</p><div class="tiles">{figures}</div>'


def _mistake(result: Assessment, test: Digits, place: int) -> str:
    label, answer = result.labels[place], result.answers[place]
    words = f"{label} → {answer}<br>{result.confidence[place]:.1%}"
    picture = png_url(test.images[place].numpy() / 255)
    return f'<figure><img alt="a {label}" src="{picture}"><figcaption>{words}</figcaption></figure>'


def _confidence(info: WeightsInfo, result: Assessment) -> str:
    diagram = evaluation_charts.reliability_diagram(
        metrics.reliability(result.confidence, result.right)
    )
    curve = metrics.coverage_curve(result.confidence, result.right)
    coverage = evaluation_charts.coverage_figure(curve, info.calibration.threshold, result.n)
    words = f"The mean gap between confidence and accuracy is {result.calibration_error:.2%}."
    return f'<p class="note">{words}</p>{_figure(diagram)}{_figure(coverage)}'


def _recipe_facts(recipe: Recipe) -> dict[str, str]:
    return {FIELDS[field].label_with_unit: value_text(value) or "–" for field, value in recipe}


def _environment(info: WeightsInfo) -> dict[str, str]:
    return {**info.versions, "device": info.device, "threads": str(info.threads)}


def _again(info: WeightsInfo) -> str:
    note = (
        "The same seed, thread count and versions give the same network; other processors may "
        "round otherwise."
    )
    return f"<pre>{escape(training_command(info))}</pre><p class='note'>{note}</p>"


def _table(facts: Mapping[str, str]) -> str:
    return "<table>" + "".join(_rows(facts)) + "</table>"


def _rows(facts: Mapping[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        if value:
            yield f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"


def _figure(figure: go.Figure) -> str:
    figure = go.Figure(figure).update_layout(template="plotly_white")
    return pio.to_html(
        figure, full_html=False, include_plotlyjs=False, config={"displayModeBar": False}
    )


def report_for(name: str, dataset: str | None = None, tell: Any = None) -> str:
    """The page about a result, its test images read now, or before.

    Args:
        name: of the result.
        dataset: mnist, digits, a folder or a ZIP; by default the one it was trained on.
        tell: called with what is being done and the share done, 0..1.
    Raises:
        InputError: the result or the data set cannot be had.
    """
    from mnist_app.data import catalogue
    from mnist_app.runs.jobs import Job, compute_now

    _, info = weights.load(name)
    chosen = dataset or info.recipe.dataset
    test = catalogue.load_dataset(chosen, tell).test
    entry = compute_now(Job("assessment", assessment.job_arguments(info, chosen, test)), tell)
    return render_report(name, assessment.from_entry(entry, info, test), test)
