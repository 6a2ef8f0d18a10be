"""The timeline of a drawing."""

import numpy as np
import pytest

from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.timeline_chart import NOTHING, Moment, timeline


@pytest.fixture
def moments() -> list[Moment]:
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(10), size=8)
    return [
        Moment((i + 1) / 8, row.tolist(), row.max(), "not a digit" if i < 3 else "4", np.eye(28))
        for i, row in enumerate(rows)
    ]


def test_ten_probabilities_are_stacked_in_their_colours(moments):
    figure = timeline(moments)
    areas = figure.data[:10]
    assert [area.name for area in areas] == [str(digit) for digit in range(10)]
    assert [area.fillcolor for area in areas] == list(DIGIT_COLORS)
    assert {area.stackgroup for area in areas} == {"digits"}
    assert np.sum([area.y for area in areas], axis=0) == pytest.approx(np.ones(8))
    assert areas[0].x == tuple(moment.share for moment in moments)
    assert figure.layout.xaxis.title.text == "Share of the drawing"
    assert figure.layout.yaxis.title.text == "Probability"
    assert figure.layout.uirevision == "constant"


def test_each_moment_has_its_frame_with_line_picture_and_answer(moments):
    figure = timeline(moments)
    assert len(figure.frames) == 8
    for moment, frame in zip(moments, figure.frames, strict=True):
        assert list(frame.traces) == list(range(10, len(figure.data)))
        assert len(frame.data) == len(frame.traces)
        black, white, picture, words = frame.data
        assert black.x == white.x == (moment.share, moment.share)
        assert picture.source.startswith("data:image/png")
        assert moment.answer in words.text[0]
    nearest = int(np.argmax(moments[0].probabilities))
    assert f"most likely {nearest}" in figure.frames[0].data[3].text[0]
    assert figure.data[10].x == (1, 1)  # it begins with the finished drawing


def test_a_moment_without_ink_is_like_no_digit(moments):
    moments[3] = moments[3]._replace(answer=NOTHING)
    words = timeline(moments).frames[3].data[3].text[0]
    assert words == "<b>nothing</b><br>50% drawn<br>no ink"


def test_the_slider_leads_to_the_frames(moments):
    figure = timeline(moments)
    (slider,) = figure.layout.sliders
    names = [frame.name for frame in figure.frames]
    assert [step.args[0][0] for step in slider.steps] == names
    assert len(set(names)) == 8
    assert slider.active == 7
    play, pause = figure.layout.updatemenus[0].buttons
    assert play.args[0] is None
    assert list(pause.args[0]) == [None]
