"""One self-contained HTML file about a result: what it is, how it learned, what it gets wrong."""

from functools import cache
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from mnist_app.common import translation
from mnist_app.common.translation import _
from mnist_app.data import catalogue
from mnist_app.data.labelled_images import Digits, Progress
from mnist_app.figures import evaluation_charts, training_charts
from mnist_app.figures.fragments import architecture
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.figures.templating import from_template
from mnist_app.recipes import layer_tables
from mnist_app.recognition import assessment
from mnist_app.recognition.assessment import Assessment
from mnist_app.report import facts
from mnist_app.report.training_command import training_command
from mnist_app.results import accuracy_text, weights
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job, compute_now
from mnist_app.training import metrics


def report_for(name: str, dataset: str | None = None, tell: Progress | None = None) -> str:
    """Return the report about a result. The test images are read unless the cache has the answers.

    Args:
        name: of the result.
        dataset: mnist, digits, a folder or a ZIP; by default the one it was trained on.
        tell: called with what is being done and the share done, 0..1.
    Raises:
        InputError: the result or the data set cannot be loaded.
    """
    info = weights.load(name)[1]
    chosen = dataset or info.recipe.dataset
    test = catalogue.load_dataset(chosen, tell).test
    entry = compute_now(Job("assessment", assessment.job_arguments(info, chosen, test)), tell)
    return render_report(name, assessment.from_entry(entry, info, test), test)


def render_report(name: str, result: Assessment, test: Digits) -> str:
    """Return the report about the result `name`, given its answers to these test images.

    It is in the language of the page.

    Raises:
        InputError: there is no such result.
    """
    info = weights.load(name)[1]
    source = facts.source_of(info)
    return from_template(
        "report/templates/report.html",
        language=translation.language(),
        title=name,
        style=_style(),
        plotly=Markup(get_plotlyjs()),  # noqa: S704, it is the library's
        info=info,
        about=_(source.about) if source else "",
        summary=facts.summary(info, result, test),
        caution=accuracy_text.caution(info),
        learning=learning_curves(info),
        per_digit=facts.per_digit(result),
        confusion=_chart(evaluation_charts.confusion_heatmap(result.confusion)),
        result=result,
        mistakes=facts.worst_mistakes(result, test),
        most_mistakes=facts.MOST_MISTAKES,
        confidence=_confidence(info, result),
        architecture=architecture(layer_tables.describe(info.recipe.layers)),
        recipe=facts.recipe_fields(info.recipe),
        environment=facts.environment(info),
        command=training_command(info),
    )


def learning_curves(info: WeightsInfo) -> list[Markup]:
    """Return charts of accuracy and loss over the epochs; none for a network joined from others."""
    if not info.history:
        return []
    runs = {info.name: info.history}
    curves = training_charts.accuracy_curves(runs), training_charts.loss_curves(runs)
    return list(map(_chart, curves))


def _confidence(info: WeightsInfo, result: Assessment) -> list[Markup]:
    reliability = metrics.reliability(result.confidence, result.right)
    coverage = metrics.coverage_curve(result.confidence, result.right)
    threshold = info.calibration.threshold
    return [
        _chart(evaluation_charts.reliability_diagram(reliability)),
        _chart(evaluation_charts.coverage_figure(coverage, threshold, result.n)),
    ]


def _chart(figure: go.Figure) -> Markup:
    """Return a figure as HTML that needs plotly.js on the page."""
    figure = go.Figure(figure).update_layout(template="plotly_white")
    html = pio.to_html(figure, full_html=False, include_plotlyjs=False, config=PLOTLY_CONFIG)
    return Markup(html)  # noqa: S704, the charts escape their texts


@cache
def _style() -> Markup:
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return Markup(css)  # noqa: S704, it is a file of ours
