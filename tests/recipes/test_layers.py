import pytest

from mnist_app.recipes.layer_tables import completed, describe
from mnist_app.recipes.layers import (
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPool,
    Layers,
    Logits,
    MaxPool,
    Relu,
    Residual,
    SideBySide,
    count_multiply_adds,
    count_parameters,
    output_shape,
)

UNIT = (1.0, 0.0)


def network(body: Layers, **options) -> Layers:
    usual = {"scaling": UNIT, "dropout": 0.0, "batch_norm": False, "outputs": 10, "views": 1}
    return completed(body, **{**usual, **options})


def biases(layers: Layers) -> list[bool]:
    return [layer.bias for layer in layers if isinstance(layer, Conv | Dense)]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ((Conv(6, 5),), (6, 24, 24)),
        ((Conv(6, 5, padding=2),), (6, 28, 28)),
        ((Conv(6, 5, stride=2),), (6, 12, 12)),
        ((MaxPool(2),), (1, 14, 14)),
        ((MaxPool(3),), (1, 9, 9)),
        ((MaxPool(2, stride=1),), (1, 27, 27)),
        ((AveragePool(2),), (1, 14, 14)),
        ((Conv(6, 5), GlobalMaxPool()), (6, 1, 1)),
        ((Flatten(), Dense(7)), (7,)),
        ((SideBySide((Flatten(), Dense(7)), 3),), (21,)),
        ((Residual((Conv(1, 3, padding=1),)),), (1, 28, 28)),
    ],
)
def test_shapes_are_known_before_anything_is_built(layers, shape):
    assert output_shape(layers) == shape


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((Dense(5),), "Dense needs features"),
        ((Flatten(), Conv(5, 3)), "Conv 3x3 needs maps"),
        ((Flatten(), GlobalMaxPool()), "Max over the image needs maps"),
        ((MaxPool(8), Conv(5, 5)), "Conv 5x5 is larger than its maps of 3 x 3"),
        ((Residual((Conv(5, 3, padding=1),)),), "cannot be added"),
    ],
)
def test_layers_that_do_not_fit_are_refused_with_the_reason(layers, words):
    with pytest.raises(ValueError, match=words):
        output_shape(layers)


def test_norms_and_dropout_are_there_only_if_the_recipe_asks_for_them():
    body = (Flatten(), Dense(5), BatchNorm(), Relu(), Dropout())
    plain = network(body)[1:]
    assert plain == (Flatten(), Dense(5), Relu(), Logits(10))
    full = network(body, dropout=0.3, batch_norm=True)[1:]
    dense = Dense(5, bias=False)
    assert full == (Flatten(), dense, BatchNorm(), Relu(), Dropout(0.3), Logits(10))


def test_a_share_of_dropout_that_the_body_gives_stays():
    assert Dropout(0.5) in network((Flatten(), Dropout(0.5)), dropout=0.1)


def test_a_bias_that_a_norm_takes_away_is_left_out():
    body = (Conv(4, 3), Relu(), Conv(4, 3), MaxPool(2), BatchNorm(), Relu(), Flatten())
    assert biases(network(body)) == [True, True, True]
    assert biases(network(body, batch_norm=True)) == [True, False, True]


def test_blocks_are_fitted_too():
    block = Residual((Conv(1, 3, padding=1), BatchNorm()))
    for body in ((block, Flatten()), (SideBySide((block, Flatten()), 2),)):
        assert "BatchNorm" not in repr(network(body))
        fitted = repr(network(body, batch_norm=True))
        assert "BatchNorm" in fitted
        assert "bias=False" in fitted


def test_views_go_around_all_layers_and_each_is_counted():
    layers = network((Flatten(), Dense(5)), views=3)
    assert [line.label for line in describe(layers)] == [
        *("3 views of the image", "x 1 + 0", "Flatten", "Dense", "Dense", "Mean of the views"),
    ]
    assert count_multiply_adds(layers) == 3 * (784 * 5 + 5 * 10)
    assert count_parameters(layers) == 784 * 5 + 5 + 5 * 10 + 10


def test_the_diagram_says_what_each_layer_is():
    body = (
        Conv(4, 3, padding=1),
        BatchNorm(),
        Residual((Conv(4, 3, padding=1), Relu(), Conv(4, 3, padding=1))),
        MaxPool(2),
        AveragePool(2),
        GlobalMaxPool(),
        Flatten(),
        Dropout(),
    )
    lines = describe(network(body, dropout=0.25, batch_norm=True))
    assert [line.label for line in lines] == [
        "x 1 + 0",
        "Conv 3x3",
        "Batch norm",
        "Residual 2 x (3x3)",
        "Max-pool 2, stride 2",
        "Average-pool 2",
        "Max over the image",
        "Flatten",
        "Dropout 0.25",
        "Dense",
    ]
