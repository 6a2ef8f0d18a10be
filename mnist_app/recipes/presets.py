"""The presets: the recipe of each, and what its source reports."""

from typing import Any, NamedTuple

from mnist_app.recipes.recipe import Recipe


class Source(NamedTuple):
    """What a preset stands for and what its source reports (accuracy, 0..1)."""

    key: str
    about: str
    reported: str = ""
    test: float | None = None
    train: float | None = None
    validation: float | None = None
    is_flawed: bool = False  # kept as written, to show what its slip does


def _preset(name: str, **fields: Any) -> Recipe:
    return Recipe(name=name, model=fields.pop("model", name), **fields)


# The sources of S0 and S1 train on all 60,000 images and name no validation split: they
# keep 5% for it, so that there is an honest validation curve and little less to learn from.
_SMALL_SPLIT = 0.05


# Large products and convolutions are computed in bfloat16 where that is quicker and costs no
# accuracy over three seeds; cnn-simple, which starves, is at the mercy of chance either way.
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _preset(
            "cnn-2x32",
            optimizer="sgd",
            learning_rate=0.01,
            momentum=0.9,
            batch_size=64,
            mixed_precision=True,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "mlp-784",
            scaling="unit",
            optimizer="sgd",
            learning_rate=0.01,
            mixed_precision=True,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "cnn-simple",
            scaling="starved",
            dropout=0.2,
            learning_rate=0.01,
            mixed_precision=True,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "cnn-simple-fixed",
            model="cnn-simple",
            dropout=0.2,
            mixed_precision=True,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "lenet5",
            scaling="starved",
            initialization="glorot",
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset("mlp-128-64", scaling="unit", optimizer="sgd", learning_rate=0.01, batch_size=32),
        _preset("mlp-128-64-adam", model="mlp-128-64", scaling="unit", batch_size=32),
        _preset(
            "mlp-300",
            scaling="shifted",
            initialization="glorot",
            dropout=0.6,
            loss="mse",
            target_margin=0.01,
            schedule="steps",
            steps=((15, 1e-4), (40, 1e-5), (60, 5e-6)),
            batch_size=96,
            batches_per_epoch=500,
            epochs=100,
        ),
        _preset(
            "resnet",
            batch_norm=True,
            optimizer="adamw",
            learning_rate=0.004,
            schedule="one_cycle",
            l2=0.01,
            rotation=12,
            shift=2,
            zoom=0.12,
            mixed_precision=True,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "speedrun",
            batch_norm=True,
            label_smoothing=0.1,
            optimizer="adamw",
            learning_rate=0.025,
            beta1=0.7,
            beta2=0.9,
            schedule="one_cycle",
            l2=0.01,
            mixed_precision=True,
            batch_size=400,
            batches_per_epoch=110,
            epochs=1,
            validation_fraction=_SMALL_SPLIT,
        ),
        _preset(
            "canvas",
            batch_norm=True,
            dropout=0.25,
            views=5,
            optimizer="adamw",
            learning_rate=0.004,
            schedule="one_cycle",
            l2=0.02,
            averaging=0.998,
            mixed_precision=True,
            batch_size=128,
            epochs=14,
            rotation=12,
            shift=2,
            zoom=0.1,
            stretch=0.15,
            shear=10,
            elastic=0.4,
            thickness=0.35,
            gaps=0.05,
            pen_copies=6,
            redrawn=0.3,
            non_digits=24_000,
            validation_fraction=_SMALL_SPLIT,
        ),
    )
}


# What is not trained but joined of the seeds of a preset.
ENSEMBLES: dict[str, Recipe] = {
    "canvas-large": RECIPES["canvas"].changed(name="canvas-large", model="canvas-large")
}


def is_preset(recipe: Recipe) -> bool:
    """Whether it is the preset of its name, with any seed and data set, and not a changed one."""
    preset = (RECIPES | ENSEMBLES).get(recipe.name)
    return preset == recipe.changed(seed=0, dataset="mnist")


SOURCES: dict[str, Source] = {
    "cnn-2x32": Source("S0", "Two 3x3 convolutions, the classic first CNN.", "98.98%", 0.9898),
    "mlp-784": Source("S1a", "One hidden layer as wide as the image.", "91.96%", 0.9196),
    "cnn-simple": Source(
        "S1b",
        "One convolution, fed pixels divided by 128 once too often: it starves.",
        "88.75%",
        0.8875,
        is_flawed=True,
    ),
    "cnn-simple-fixed": Source("S1b, fixed", "The same network, fed properly."),
    "lenet5": Source("S1c", "LeNet-5 of 1998, tanh and average pooling.", "98.22%", 0.9822),
    "mlp-128-64": Source("S2", "Two hidden layers, plain SGD.", "92 to 96% expected", 0.92),
    "mlp-128-64-adam": Source(
        "S3",
        "Two hidden layers, Adam.",
        "test > 97%, train > 98%",
        0.97,
        train=0.98,
    ),
    "mlp-300": Source(
        "S4",
        "Sigmoid outputs, squared error, strong dropout, 100 epochs.",
        "97.2% validation",
        validation=0.972,
    ),
    "speedrun": Source("own", "99% in a few seconds: made to be trained while one looks on."),
    "canvas": Source(
        "own",
        "For drawings: trained on real pen strokes and on what is no digit, too.",
    ),
    "canvas-large": Source("own", "Four networks canvas in one: slower, and right more often."),
    "resnet": Source("own", "A small residual network, trained on turned and shifted digits."),
}
