import numpy as np
import pytest

from mnist_app.drawing.segmentation import Box
from mnist_app.figures.readings import reading_cards
from mnist_app.recognition.predictor import Found, Prediction
from mnist_app.results import weights

IMAGE = np.zeros((28, 28), dtype=np.float32)


@pytest.fixture
def infos() -> list[weights.WeightsInfo]:
    return weights.list_weights()[:3]


def found(digit: int, sure: float, *, refused: bool = False) -> Found:
    chances = np.full(10, (1 - sure) / 9)
    chances[digit] = sure
    prediction = Prediction(None if refused else digit, digit, chances, sure, IMAGE)
    return Found(Box(0, 0, 10, 10), prediction)


def test_each_network_has_a_card_with_its_answer_and_how_sure_it_is(infos):
    readings = {info.name: [found(7, 0.75)] for info in infos}
    html = reading_cards(infos, readings)
    assert html.count("<article") == 3
    assert html.count('<div class="read">7</div>') == 3
    assert html.count("75.0% sure") == 3
    assert all(f"<b>{info.name}</b>" in html for info in infos)
    assert html.count("width:75.00%") == 3
    assert "other" not in html


def test_a_network_that_was_not_tested_shows_its_validation_accuracy(infos):
    update = {"test_accuracy": None, "test_loss": None, "n": 0}
    info = infos[0].model_copy(update=update)
    html = reading_cards([info], {info.name: [found(7, 0.75)]})
    assert f"validation {info.val_accuracy:.1%}" in html
    assert "test " not in html
    assert f"test {infos[1].test_accuracy:.1%}" in reading_cards(
        infos[1:2], {infos[1].name: [found(7, 0.75)]}
    )


def test_who_reads_something_else_is_marked(infos):
    readings = {info.name: [found(7, 0.9)] for info in infos[:2]}
    readings[infos[2].name] = [found(1, 0.6)]
    cards = reading_cards(infos, readings).split("<article")[1:]
    assert ["other" in card for card in cards] == [False, False, True]


def test_a_refusal_is_said_and_a_number_is_read_whole(infos):
    readings = {
        infos[0].name: [found(7, 0.2, refused=True)],
        infos[1].name: [found(4, 0.99), found(2, 0.8)],
    }
    refused, number = reading_cards(infos, readings).split("<article")[1:]
    assert "not a digit" in refused
    assert "refused" in refused
    assert ">42<" in number
    assert "2 digits, lowest confidence 80.0%" in number


def test_a_network_that_found_nothing_has_no_card(infos):
    assert reading_cards(infos, {infos[0].name: [found(7, 0.9)]}).count("<article") == 1
    assert "<article" not in reading_cards(infos, {})
