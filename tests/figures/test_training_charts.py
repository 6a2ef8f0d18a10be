import pytest

from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.training_charts import (
    accuracy_curves,
    digit_while_learning,
    loss_curves,
    thinned,
    tick_distance,
)


def epochs(count: int, start: float = 0.5) -> list[dict]:
    return [
        {
            "epoch": epoch,
            "train_accuracy": start + epoch / 100,
            "val_accuracy": start + epoch / 200,
            "train_loss": 1 / epoch,
            "val_loss": 2 / epoch,
        }
        for epoch in range(1, count + 1)
    ]


RUNS = {"lenet5": epochs(3), "mlp-784": epochs(2, 0.6)}
PROBABILITIES = {
    2: [0.05] * 9 + [0.55],
    1: [0.1] * 10,
    3: [0.01] * 9 + [0.91],
}
FIGURES = {
    "accuracy": (accuracy_curves, RUNS, "Epoch", "Accuracy"),
    "loss": (loss_curves, RUNS, "Epoch", "Loss per image"),
    "digit": (digit_while_learning, PROBABILITIES, "Epoch", "Probability"),
}
every_figure = pytest.mark.parametrize("kind", FIGURES)
every_curve = pytest.mark.parametrize("curves", [accuracy_curves, loss_curves])


@every_figure
def test_both_axes_say_what_they_show(kind):
    draw, shown, x, y = FIGURES[kind]
    figure = draw(shown)
    assert figure.layout.xaxis.title.text == x
    assert figure.layout.yaxis.title.text == y


@every_figure
def test_a_zoom_stays_when_new_points_come(kind):
    draw, shown, *_ = FIGURES[kind]
    fewer = dict(list(shown.items())[:1])
    assert draw(shown).layout.uirevision
    assert draw(shown).layout.uirevision == draw(fewer).layout.uirevision


@every_figure
def test_a_figure_depends_on_nothing_but_what_it_shows(kind):
    draw, shown, *_ = FIGURES[kind]
    assert draw(shown).to_json() == draw(shown).to_json()


@every_figure
def test_before_the_first_epoch_there_are_axes_and_no_points(kind):
    draw, _, x, _ = FIGURES[kind]
    figure = draw({})
    assert figure.layout.xaxis.title.text == x
    assert not any(trace.x for trace in figure.data)


@pytest.mark.parametrize(
    ("curves", "train", "val"),
    [
        (accuracy_curves, "train_accuracy", "val_accuracy"),
        (loss_curves, "train_loss", "val_loss"),
    ],
)
def test_every_run_has_a_curve_of_training_and_one_of_validation(curves, train, val):
    traces = {trace.name: trace for trace in curves(RUNS).data}
    assert set(traces) == {f"{run}, {part}" for run in RUNS for part in ("training", "validation")}
    for run, events in RUNS.items():
        for part, key in (("training", train), ("validation", val)):
            trace = traces[f"{run}, {part}"]
            assert list(trace.x) == [event["epoch"] for event in events]
            assert list(trace.y) == [event[key] for event in events]


@pytest.mark.parametrize("count", [149, 150, 151, 500, 10_000])
def test_a_long_curve_is_sent_in_few_points_that_end_with_the_last(count):
    shown = [event["epoch"] for event in thinned(epochs(count))]
    assert 75 <= len(shown) <= 150
    assert shown == sorted(set(shown))
    assert shown[-1] == count


@every_curve
def test_a_single_epoch_is_seen_as_a_point(curves):
    assert all("markers" in trace.mode for trace in curves({"lenet5": epochs(1)}).data)


@every_curve
def test_training_and_validation_of_a_run_differ_in_their_dashes_not_their_colour(curves):
    training, validation = curves({"lenet5": epochs(2)}).data
    assert training.line.color == validation.line.color
    assert training.line.dash != validation.line.dash


@every_curve
def test_a_run_keeps_its_colour_whatever_the_order_and_the_company(curves):
    def color(runs: dict) -> set[str]:
        return {t.line.color for t in curves(runs).data if t.name.startswith("lenet5,")}

    alone = color({"lenet5": epochs(1)})
    assert len(alone) == 1
    assert color(RUNS) == alone
    assert color(dict(reversed(RUNS.items()))) == alone
    assert color({f"run-{i}": epochs(1) for i in range(9)} | {"lenet5": epochs(5)}) == alone


@every_curve
def test_runs_are_told_apart_by_more_than_one_colour(curves):
    figure = curves({f"run-{i}": epochs(1) for i in range(9)})
    assert len({trace.line.color for trace in figure.data}) >= 4


def test_accuracies_are_shown_per_cent_and_losses_from_zero():
    assert accuracy_curves(RUNS).layout.yaxis.tickformat.endswith("p")
    assert loss_curves(RUNS).layout.yaxis.rangemode == "tozero"


def test_a_digit_while_learning_is_a_stack_of_ten_digits_in_their_colours():
    figure = digit_while_learning(PROBABILITIES)
    assert figure.layout.barmode == "stack"
    assert [trace.name for trace in figure.data] == [str(digit) for digit in range(10)]
    assert [trace.marker.color for trace in figure.data] == list(DIGIT_COLORS)
    assert len(set(DIGIT_COLORS)) == 10


def test_a_digit_while_learning_shows_the_epochs_in_order_with_their_probabilities():
    figure = digit_while_learning(PROBABILITIES)
    assert all(list(trace.x) == [1, 2, 3] for trace in figure.data)
    assert list(figure.data[9].y) == [0.1, 0.55, 0.91]
    assert list(figure.data[0].y) == [0.1, 0.05, 0.01]
    assert list(figure.layout.yaxis.range) == [0, 1]


@pytest.mark.parametrize(
    ("last", "distance"),
    [(1, 1), (7, 1), (8, 2), (14, 2), (15, 5), (35, 5), (137, 20), (700, 100), (701, 200)],
)
def test_epochs_are_ticked_at_round_numbers(last, distance):
    assert tick_distance(last) == distance
    axis = accuracy_curves({"lenet5": epochs(last)}).layout.xaxis
    assert (axis.tick0, axis.dtick) == (0, distance)
