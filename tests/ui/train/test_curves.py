"""The curves of a run: everyone who looks at the same curves shares one figure."""

import pytest

from mnist_app.common import translation
from mnist_app.ui.train.curves import Curve, Point, figures_of

EPOCHS = (Point(1, 0.9, 0.7, 0.8, 0.75), Point(2, 0.5, 0.8, 0.4, 0.85))


def test_who_looks_at_the_same_curves_gets_the_same_figures():
    first = figures_of((Curve("0001-mine", EPOCHS), Curve("lenet5", EPOCHS[:1])))
    again = figures_of((Curve("0001-mine", tuple(EPOCHS)), Curve("lenet5", EPOCHS[:1])))
    assert first is again


def test_one_more_epoch_is_another_figure():
    accuracy, loss = figures_of((Curve("0001-mine", EPOCHS[:1]),))
    later, later_loss = figures_of((Curve("0001-mine", EPOCHS),))
    assert [len(trace.x) for trace in accuracy.data] == [1, 1]
    assert [list(trace.y) for trace in later.data] == [[0.7, 0.8], [0.75, 0.85]]
    assert [list(trace.y) for trace in later_loss.data] == [[0.9, 0.5], [0.8, 0.4]]
    assert loss is not later_loss


def test_another_language_is_another_figure():
    curves = (Curve("lenet5", EPOCHS),)
    english = figures_of(curves)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "_language", lambda: "de")
        german = figures_of(curves)
    assert german is not english
    assert figures_of(curves) is english
