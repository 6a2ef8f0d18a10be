"""The public interface, as others import it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mnist_app

ROOT = Path(__file__).resolve().parent.parent


def test_importing_the_package_loads_nothing_of_it():
    code = (
        "import sys, mnist_app\n"
        "dir(mnist_app), mnist_app.__version__\n"
        "print([name for name in sys.modules if name.startswith(('torch', 'numpy', 'mnist_app.'))])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_name_is_there_and_documented():
    assert set(mnist_app.__all__) <= set(dir(mnist_app))
    for name in mnist_app.__all__:
        assert getattr(mnist_app, name) is not None
        assert name in mnist_app.__doc__


def test_an_unknown_name_is_said():
    with pytest.raises(AttributeError, match=r"'mnist_app' has no attribute 'nothing'"):
        _ = mnist_app.nothing


def test_a_drawing_is_read_and_a_network_trained(stripes, monkeypatch):
    from mnist_app import (
        RECIPES,
        Prediction,
        Predictor,
        Recipe,
        list_weights,
        load,
        to_mnist,
        train,
    )

    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(ROOT / "weights"))
    rgba = np.zeros((280, 280, 4), dtype=np.uint8)
    rgba[..., 3] = 255
    rgba[40:240, 130:150] = 255
    assert to_mnist(rgba).shape == (1, 1, 28, 28)
    prediction = Predictor.load("lenet5").predict(rgba)
    assert isinstance(prediction, Prediction)
    assert prediction.digit == 1
    model, info = load(list_weights()[0].name)
    assert not model.training
    assert isinstance(info.recipe, Recipe)
    events = list(train(RECIPES["mlp-128-64"].changed(epochs=1), stripes, stripes))
    assert events[-1].epochs == 1
