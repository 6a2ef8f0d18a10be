"""The sliders that degrade images, in the Data tab and below the canvas, when they are set back."""

import logging
from collections.abc import Callable

import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest


def distortions_page() -> None:
    from mnist_app.data.bundled import load_bundled
    from mnist_app.ui.data import distortions

    distortions.render(load_bundled().train, None)


def robustness_page() -> None:
    from drawings import seven

    from mnist_app.drawing.drawing import Drawing
    from mnist_app.recognition.predictor import Predictor
    from mnist_app.ui.draw.reasons import robustness
    from mnist_app.ui.draw.reasons.panels import Subject
    from mnist_app.ui.loaded_networks import ReadyChoice

    predictor = Predictor.load("lenet5")
    (found,) = predictor.read_number(seven())
    choice = ReadyChoice("lenet5", predictor, 0)
    robustness.render(Subject(choice, Drawing(seven()), found, is_alone=True))


@pytest.fixture
def warnings(monkeypatch, caplog) -> pytest.LogCaptureFixture:
    """What Streamlit warns about widgets; usually it does so once only."""
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    logger = logging.getLogger(policies.__name__)
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ("page", "slider", "neutral", "reset"),
    [
        (distortions_page, "distortion_contrast", 1, "distortions_reset"),
        (robustness_page, "hold_rotation", 0, "hold_reset"),
    ],
)
def test_a_slider_is_set_back_and_streamlit_does_not_warn(
    warnings, page: Callable[[], None], slider: str, neutral: float, reset: str
):
    app = AppTest.from_function(page, default_timeout=180).run()
    assert app.slider(key=slider).value == neutral
    app.slider(key=slider).set_value(app.slider(key=slider).max).run()
    assert app.slider(key=slider).value == app.slider(key=slider).max
    app.button(key=reset).click().run()
    assert not app.exception, app.exception
    assert app.slider(key=slider).value == neutral
    assert not [record for record in warnings.records if "Session State" in record.message]
