import numpy as np
import pytest

from mnist_app.data.corruptions import CORRUPTIONS
from mnist_app.figures import evaluation_charts as charts
from mnist_app.training import metrics

MATRIX = np.diag(np.arange(10, 20)) + np.eye(10, k=1, dtype=int)
CONFIDENCE = np.linspace(0.11, 0.999, 1000)
RIGHT = np.arange(1000) % 4 > 0


def test_the_heat_map_shows_every_count_and_names_its_axes():
    figure = charts.confusion_heatmap(MATRIX)
    np.testing.assert_array_equal(figure.data[0].text, MATRIX)
    assert figure.layout.yaxis.title.text == "Digit"
    assert figure.layout.xaxis.title.text == f"Answer (n = {MATRIX.sum()})"
    assert figure.layout.yaxis.autorange == "reversed"  # a 0 on top, as in a table


def test_the_reliability_diagram_shows_accuracy_by_confidence_and_the_count_of_each_bin():
    found = metrics.reliability(CONFIDENCE, RIGHT)
    bars, line = charts.reliability_diagram(found).data
    assert list(bars.x) == pytest.approx(np.arange(0.05, 1, 0.1))
    assert bars.y[5] == found.accuracy[5]
    assert bars.text[0] == ""
    assert sum(int(text) for text in bars.text if text) == 1000
    assert list(line.x) == list(line.y) == [0, 1]


def test_the_coverage_curve_is_short_and_marks_the_threshold():
    found = metrics.coverage_curve(CONFIDENCE, RIGHT)
    curve, mark = charts.coverage_figure(found, 0.5, 1000).data
    assert len(curve.x) <= 300
    assert curve.x[0] == 1
    assert mark.x[0] == (CONFIDENCE >= 0.5).mean()
    assert mark.y[0] == pytest.approx(RIGHT[CONFIDENCE >= 0.5].mean())


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_beyond_all_confidences_is_marked_at_the_end(threshold):
    found = metrics.coverage_curve(CONFIDENCE, RIGHT)
    mark = charts.coverage_figure(found, threshold, 1000).data[1]
    assert mark.x[0] == (1 if threshold == 0 else found.coverage[-1])


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_curve_of_robustness_names_kind_unit_and_n(kind):
    levels = CORRUPTIONS[kind].levels
    figure = charts.robustness_curve(kind, [(level, 0.5) for level in levels], 1000)
    assert list(figure.data[0].x) == list(levels)
    assert kind in figure.layout.xaxis.title.text.lower()
    assert CORRUPTIONS[kind].unit in figure.layout.xaxis.title.text
    assert "1,000" in figure.layout.yaxis.title.text
