"""Which lines of a log count as events."""

import pytest

from mnist_app.training.events import is_valid_event

END = {
    "event": "end",
    "reason": "stopped",
    "epochs": 2,
    "seconds": 4.5,
    "val_accuracy": 0.971,
    "val_n": 287,
    "test_accuracy": None,
    "test_loss": None,
    "n": 0,
    "name": "mine",
}
OLD = {key: value for key, value in END.items() if not key.startswith("val")}


@pytest.mark.parametrize(
    "event", [END, END | {"test_accuracy": 0.94, "n": 359}, OLD | {"test_accuracy": 0.94, "n": 359}]
)
def test_an_end_has_an_accuracy_on_test_images_or_none_of_both(event):
    assert is_valid_event(event)


@pytest.mark.parametrize(
    "change",
    [{"n": 359}, {"n": None}, {"test_accuracy": "0.9"}, {"val_n": None}, {"val_accuracy": "x"}],
)
def test_an_end_whose_figures_do_not_fit_together_is_no_event(change):
    assert not is_valid_event(END | change)
