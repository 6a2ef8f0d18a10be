"""Draw a digit, see what a neural network makes of it, train such networks live.

This is the stable interface; whatever else is in the package may change. Importing it is cheap:
what needs torch is loaded when it is first used.

    from mnist_app import Predictor, list_weights
    [info.name for info in list_weights()]   # best first
    reader = Predictor.load("canvas")
    prediction = reader.predict(rgba)        # uint8 (H, W, 4), light ink on a dark ground
    prediction.digit, prediction.confidence  # 7, 0.98; the digit is None if there is none

    from mnist_app import RECIPES, train
    recipe = RECIPES["lenet5"].changed(epochs=2)
    for event in train(recipe, digits_train, digits_val):
        ...

`Recipe` holds all that a training depends on, `RECIPES` the presets by name. `load` returns a saved
network in eval mode with its facts. `to_mnist` brings a drawing into the normal form of MNIST's
digits. A `Prediction` also has the ten probabilities and the image that the network saw.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.4.0"
__all__ = [
    "RECIPES",
    "Prediction",
    "Predictor",
    "Recipe",
    "list_weights",
    "load",
    "to_mnist",
    "train",
]

if TYPE_CHECKING:
    from mnist_app.drawing.normal_form import to_mnist
    from mnist_app.recipes.presets import RECIPES
    from mnist_app.recipes.recipe import Recipe
    from mnist_app.recognition.predictor import Prediction, Predictor
    from mnist_app.results.weights import list_weights, load
    from mnist_app.training.loop import train

_MODULES = {
    "RECIPES": "mnist_app.recipes.presets",
    "Prediction": "mnist_app.recognition.predictor",
    "Predictor": "mnist_app.recognition.predictor",
    "Recipe": "mnist_app.recipes.recipe",
    "list_weights": "mnist_app.results.weights",
    "load": "mnist_app.results.weights",
    "to_mnist": "mnist_app.drawing.normal_form",
    "train": "mnist_app.training.loop",
}


def __getattr__(name: str) -> Any:
    """Load a name of the interface when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
