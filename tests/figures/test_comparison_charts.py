import math

import pytest

from mnist_app.figures.colors import run_color
from mnist_app.figures.comparison_charts import (
    accuracies_over_epochs,
    accuracy_against_cost,
    losses_over_epochs,
    trials_figure,
)
from mnist_app.recipes.recipe import FIELDS
from mnist_app.recognition.comparison import Point


def epochs(count: int) -> list[dict]:
    return [
        {
            "epoch": epoch,
            "train_accuracy": 1 - 0.2 / epoch,
            "val_accuracy": 1 - 0.1 / epoch,
            "train_loss": 1 / epoch,
            "val_loss": 2 / epoch,
        }
        for epoch in range(1, count + 1)
    ]


HISTORIES = {"lenet5": epochs(10), "mlp-784": epochs(8)}
POINTS = [
    Point("lenet5", "mnist", 61_706, 0.986, 0.001, 3, 10_000),
    Point("mlp-784", "mnist", 623_290, 0.92, None, 1, 10_000),
    Point("mine", "digits", 109_386, 1.0, None, 1, 359),
]
VALUES = [
    {"learning_rate": 1e-4, "batch_size": 16, "optimizer": "sgd", "batch_norm": False},
    {"learning_rate": 1e-1, "batch_size": 64, "optimizer": "adam", "batch_norm": True},
    {"learning_rate": 1e-2, "batch_size": 16, "optimizer": "sgd", "batch_norm": True},
]


@pytest.mark.parametrize("draw", [accuracies_over_epochs, losses_over_epochs])
def test_each_result_is_named_once_in_the_legend(draw):
    figure = draw(HISTORIES)
    assert [t.name for t in figure.data if t.showlegend] == list(HISTORIES)
    assert len(figure.data) == 4
    assert {t.line.color for t in figure.data if t.name == "lenet5"} == {run_color("lenet5")}
    assert "Epoch" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.layout.uirevision == draw({}).layout.uirevision


def test_accuracies_are_drawn_by_their_errors_and_told_as_accuracies():
    figure = accuracies_over_epochs(HISTORIES)
    validation = next(t for t in figure.data if t.name == "lenet5" and t.showlegend)
    assert validation.y[0] == pytest.approx(0.1)
    assert validation.text[0] == "90.00%"
    below, above = figure.layout.yaxis.range
    assert below > above
    ticks = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert ticks["99%"] == pytest.approx(0.01)


def test_a_training_without_errors_can_be_drawn():
    perfect = [event | {"train_accuracy": 1.0, "val_accuracy": 1.0} for event in epochs(3)]
    figure = accuracies_over_epochs({"mine": perfect})
    assert all(y > 0 for trace in figure.data for y in trace.y)
    assert all(text == "100.00%" for trace in figure.data for text in trace.text)


def test_a_training_much_longer_than_the_others_makes_the_epochs_logarithmic():
    assert accuracies_over_epochs(HISTORIES).layout.xaxis.type != "log"
    long = HISTORIES | {"mlp-300": epochs(100)}
    figure = accuracies_over_epochs(long)
    assert figure.layout.xaxis.type == "log"
    assert "logarithmic" in figure.layout.xaxis.title.text


def test_points_have_their_costs_errors_and_deviations():
    figure = accuracy_against_cost(POINTS, "Parameters", "parameters")
    mnist, digits = figure.data
    assert (mnist.name, digits.name) == ("mnist", "digits")
    assert list(mnist.x) == [61_706, 623_290]
    assert list(mnist.y) == pytest.approx([0.014, 0.08])
    assert list(mnist.error_y.array) == [0.001, 0]
    assert list(mnist.text) == ["lenet5", "mlp-784"]
    assert list(mnist.marker.color) == [run_color("lenet5"), run_color("mlp-784")]
    assert digits.marker.symbol != mnist.marker.symbol
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "Parameters" in figure.layout.xaxis.title.text


def test_a_point_tells_its_n_and_its_seeds():
    lenet, mlp = accuracy_against_cost(POINTS, "Parameters", "parameters").data[0].hovertext
    assert "98.60% ± 0.10% (n = 3 seeds)" in lenet
    assert "10,000 test images of mnist" in lenet
    assert "one seed" in mlp
    assert "±" not in mlp


def test_all_points_lie_within_the_axes():
    figure = accuracy_against_cost(POINTS, "Parameters", "parameters")
    left, right = figure.layout.xaxis.range
    below, above = figure.layout.yaxis.range
    for trace in figure.data:
        assert all(left < math.log10(x) < right for x in trace.x)
        assert all(above < math.log10(y) < below for y in trace.y)


def test_a_deviation_greater_than_the_errors_leaves_no_errors_below_none():
    wild = [Point("cnn-simple", "mnist", 934_798, 0.66, 0.47, 3, 10_000)]
    trace = accuracy_against_cost(wild, "Parameters", "parameters").data[0]
    assert trace.y[0] - trace.error_y.arrayminus[0] > 0


def test_no_points_make_an_empty_chart():
    assert accuracy_against_cost([], "Parameters", "parameters").layout.xaxis.title.text


def axes_of(values, accuracies) -> dict:
    return {axis.label: axis for axis in trials_figure(values, accuracies).data[0].dimensions}


def test_each_field_of_the_trials_has_an_axis_and_so_has_their_accuracy():
    axes = axes_of(VALUES, [0.5, 0.9, 0.7])
    assert list(axes) == [
        "Learning rate",
        "Batch size",
        "Optimizer",
        "Batch norm",
        "validation, %",
    ]
    assert list(axes["validation, %"]["values"]) == pytest.approx([50, 90, 70])
    assert list(axes["Batch size"]["values"]) == [16, 64, 16]


def test_rates_are_drawn_by_their_logarithms_and_named_as_they_are():
    rates = axes_of(VALUES, [0.5, 0.9, 0.7])["Learning rate"]
    assert list(rates["values"]) == pytest.approx([-4, -1, -2])
    assert dict(zip(rates.ticktext, rates.tickvals, strict=True))["0.01"] == pytest.approx(-2)


def test_many_rates_are_named_by_powers_of_ten():
    values = [{"learning_rate": 10 ** (-4 + i / 4)} for i in range(12)]
    rates = axes_of(values, [0.5] * 12)["Learning rate"]
    assert list(rates.ticktext) == ["0.0001", "0.001", "0.01", "0.1"]


@pytest.mark.parametrize(("field", "names"), [("optimizer", ("sgd", "adam")), ("batch_norm", None)])
def test_choices_are_named_on_their_axes(field, names):
    axis = axes_of(VALUES, [0.5, 0.9, 0.7])[FIELDS[field].label]
    assert tuple(axis.ticktext) == (names or ("off", "on"))
    named = [axis.ticktext[place] for place in axis["values"]]
    assert len(set(named)) == 2


def test_a_number_beside_all_is_named_as_a_number():
    values = [{"batches_per_epoch": 1}, {"batches_per_epoch": None}]
    assert tuple(axes_of(values, [0.5, 0.9])["Batches per epoch"].ticktext) == ("1", "all")


def test_better_trials_have_another_colour():
    line = trials_figure(VALUES, [0.5, 0.9, 0.7]).data[0].line
    assert (line.cmin, line.cmax) == (50, 90)
    assert list(line.color) == pytest.approx([50, 90, 70])
