"""Draw a digit, see what a neural network makes of it, train such networks live.

This is the stable interface; everything else in the package may change. Importing it is cheap:
torch is loaded only when a name that needs it is first used.

    from mnist_app import Predictor, list_weights
    [info.name for info in list_weights()]   # best first
    reader = Predictor.load("canvas")
    prediction = reader.predict(rgba)        # uint8 (H, W, 4), light ink on a dark background
    prediction.digit, prediction.confidence  # 7, 0.98; digit is None if blank or not a digit

    from mnist_app import RECIPES, train
    recipe = RECIPES["lenet5"].changed(epochs=2)
    for event in train(recipe, digits_train, digits_val):
        ...

`Recipe` holds everything that a training run depends on. `RECIPES` has the presets by name. `load`
returns a saved network in eval mode, along with its facts. `to_mnist` converts a drawing to the
normal form of MNIST's digits. A `Prediction` also has the ten probabilities and the image that the
network saw.
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
    """Return a public name; its module is imported on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
