import pytest
import torch
from torch import nn
from torch.nn import functional

from mnist_app.common.errors import InputError
from mnist_app.networks import layers
from mnist_app.networks.models import (
    Network,
    count_parameters,
    create_model,
    from_recipe,
    list_models,
)
from mnist_app.recipes.layer_tables import describe
from mnist_app.recipes.layers import count_multiply_adds
from mnist_app.recipes.presets import ENSEMBLES, RECIPES
from mnist_app.recipes.recipe import SCALINGS, Recipe

every_model = pytest.mark.parametrize("name", list_models())


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def pictures(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@every_model
@pytest.mark.parametrize("n", [1, 3])
def test_ten_logits_come_out_for_every_picture(name, n):
    logits = create_model(name).eval()(pictures(n))
    assert logits.shape == (n, 10)
    assert logits.dtype == torch.float32


def test_the_views_of_an_image_are_itself_turned_and_scaled():
    image = functional.pad(torch.ones(1, 1, 12, 4), (12, 12, 8, 8))  # a standing bar
    views = layers.Views(len(layers.VIEWS)).eval()(image)
    assert views.shape == (5, 1, 28, 28)
    assert torch.allclose(views[0], image[0], atol=1e-6)
    rows, columns = views.sum(dim=(1, 3)), views.sum(dim=(1, 2))  # (5, 28)
    place = torch.arange(28.0) - 13.5
    centres = (columns @ place / columns.sum(dim=1)).tolist()
    assert centres == pytest.approx([0] * 5, abs=0.01)
    ink = views.sum(dim=(1, 2, 3)).tolist()
    assert ink[3] < 0.92 * ink[0] < ink[0] < 0.92 * ink[4]
    lean = [((v[0] * place).sum(dim=1) @ place).item() for v in views[1:3]]
    assert lean[0] * lean[1] < 0
    assert rows[1].count_nonzero() > 12


def test_a_network_with_views_answers_with_the_mean_of_its_views():
    torch.manual_seed(0)
    plain = create_model("lenet5", scaling="shifted").eval()
    torch.manual_seed(0)
    model = create_model("lenet5", scaling="shifted", views=5).eval()
    x = pictures(3)
    each = [plain(layers.Views(5).eval()(image[None])).mean(dim=0) for image in x]
    assert torch.allclose(model(x), torch.stack(each), atol=1e-5)
    assert not torch.allclose(model(x), plain(x), atol=1e-3)
    assert torch.allclose(model.train()(x), plain.train()(x))
    assert describe(model.layers)[-1].shape == (10,)
    assert count_parameters(model) == count_parameters(plain)


@every_model
@pytest.mark.parametrize("non_digits", [0, 5])
def test_a_network_that_learns_what_is_no_digit_has_one_output_more(name, non_digits):
    model = from_recipe(Recipe(model=name, non_digits=non_digits)).eval()
    outputs = 11 if non_digits else 10
    assert model(pictures(3)).shape == (3, outputs)
    assert describe(model.layers)[-1].shape == (outputs,)
    inputs = model[-1].in_features
    ten = count_parameters(create_model(name))
    assert count_parameters(model) == ten + (inputs + 1 if non_digits else 0)


@every_model
def test_logits_are_raw(name):
    model = create_model(name).eval()
    before = model(pictures())
    with torch.no_grad():
        model[-1].weight *= -3
        model[-1].bias *= -3
    assert torch.allclose(model(pictures()), -3 * before, rtol=1e-4, atol=1e-5)


@every_model
def test_a_picture_is_recognised_the_same_alone_and_in_company(name):
    model = create_model(name, dropout=0.5, batch_norm=True).eval()
    together = model(pictures(3))
    alone = torch.cat([model(picture[None]) for picture in pictures(3)])
    assert torch.allclose(together, alone, atol=1e-5)


@every_model
@pytest.mark.parametrize(
    ("scaling", "dropout", "batch_norm"),
    [
        ("unit", 0.0, False),
        ("standardized", 0.5, False),
        ("starved", 0.0, True),
        ("shifted", 0.5, True),
    ],
)
def test_every_parameter_learns_whatever_the_options(name, scaling, dropout, batch_norm):
    model = create_model(name, scaling=scaling, dropout=dropout, batch_norm=batch_norm)
    functional.cross_entropy(model(pictures(4)), torch.tensor([1, 2, 3, 4])).backward()
    still = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@every_model
def test_dropout_drops_in_training_only(name):
    model = create_model(name, dropout=0.5)
    assert not torch.equal(model(pictures()), model(pictures()))
    model.eval()
    assert torch.equal(model(pictures()), model(pictures()))


@every_model
def test_no_dropout_and_no_batch_norm_leave_training_deterministic(name):
    model = create_model(name)
    assert torch.equal(model(pictures()), model(pictures()))
    assert torch.allclose(model(pictures(3))[:2], model(pictures(3)[:2]), atol=1e-5)


@every_model
def test_batch_norm_normalises_over_the_batch_in_training(name):
    model = create_model(name, batch_norm=True)
    assert not torch.allclose(model(pictures(3))[:2], model(pictures(3)[:2]), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lenet5", 61_706),
        ("cnn-2x32", 90_678),
        ("mlp-784", 623_290),
        ("mlp-128-64", 109_386),
        ("mlp-300", 238_510),
        ("cnn-simple", 934_798),
        ("canvas", 380_650),
    ],
)
def test_a_network_is_as_large_as_its_source_says(name, parameters):
    assert count_parameters(create_model(name)) == parameters


def test_parameters_that_do_not_learn_are_not_counted():
    model = create_model("mlp-300")
    model[-1].weight.requires_grad_(False)
    assert count_parameters(model) == 238_510 - 3_000


@every_model
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_diagram_ends_with_ten_outputs_and_counts_every_parameter(name, batch_norm):
    model = create_model(name, dropout=0.2, batch_norm=batch_norm)
    layers = describe(model.layers)
    assert layers[0].shape == (1, 28, 28)
    assert layers[-1].shape == (10,)
    assert len(layers) == len(model)
    assert all(layer.label for layer in layers)
    assert sum(layer.parameters for layer in layers) == count_parameters(model)


@every_model
@pytest.mark.parametrize("views", [1, 5])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_diagram_has_the_shapes_and_parameters_of_the_modules(name, views, batch_norm):
    model = create_model(name, dropout=0.2, batch_norm=batch_norm, views=views).eval()
    x = pictures(1)
    for module, line in zip(model, describe(model.layers), strict=True):
        x = module(x)
        assert tuple(x.shape[1:]) == line.shape
        assert count_parameters(module) == line.parameters


def test_the_diagram_of_lenet5_is_that_of_1998():
    layers = [(layer.label, layer.shape) for layer in describe(create_model("lenet5").layers)]
    assert layers[1:] == [
        ("Conv 5x5", (6, 28, 28)),
        ("tanh", (6, 28, 28)),
        ("Average-pool 2", (6, 14, 14)),
        ("Conv 5x5", (16, 10, 10)),
        ("tanh", (16, 10, 10)),
        ("Average-pool 2", (16, 5, 5)),
        ("Conv 5x5", (120, 1, 1)),
        ("tanh", (120, 1, 1)),
        ("Flatten", (120,)),
        ("Dense", (84,)),
        ("tanh", (84,)),
        ("Dense", (10,)),
    ]


@pytest.mark.parametrize(
    ("scaling", "label"),
    [("unit", "x 1 + 0"), ("standardized", "x 3.25 - 0.424"), ("shifted", "x 0.99 + 0.01")],
)
def test_the_diagram_says_how_pixels_are_scaled(scaling, label):
    assert describe(create_model("lenet5", scaling=scaling).layers)[0].label == label


@every_model
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_network_scales_its_own_input(name, scaling):
    plain, scaled = create_model(name).eval(), create_model(name, scaling=scaling).eval()
    scaled.load_state_dict(plain.state_dict())
    scale, offset = SCALINGS[scaling]
    transformed = pictures() * scale + offset
    assert torch.allclose(scaled(pictures()), plain(transformed), atol=1e-5)


def test_standardized_pixels_of_average_are_zero_and_one_deviation_above_is_one():
    scale = create_model("lenet5", scaling="standardized")[0]
    assert torch.allclose(scale(torch.tensor([0.1307, 0.4388])), torch.tensor([0.0, 1.0]))


def test_scaling_does_not_touch_the_pictures_that_went_in():
    images = pictures()
    create_model("lenet5", scaling="standardized")(images)
    assert torch.equal(images, pictures())


@every_model
def test_glorot_weights_allow_for_the_scaling(name):
    logits = []
    for scaling in ("unit", "starved"):
        torch.manual_seed(3)
        model = from_recipe(Recipe(model=name, scaling=scaling, initialization="glorot"))
        logits.append(model.eval()(pictures()))
    assert torch.allclose(*logits, rtol=1e-3, atol=1e-4)


@every_model
def test_glorot_weights_carry_starved_pixels_through_where_default_ones_lose_them(name):
    def spread(initialization: str) -> float:
        model = from_recipe(Recipe(model=name, scaling="starved", initialization=initialization))
        return model.eval()(pictures(8)).std(dim=0).mean().item()

    assert spread("glorot") > 30 * spread("default")


def test_glorot_weights_start_from_biases_of_zero():
    model = from_recipe(Recipe(model="lenet5", initialization="glorot"))
    layers = [m for m in model if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 5
    assert not any(layer.bias.any() for layer in layers)


@pytest.mark.parametrize("key", RECIPES)
def test_every_preset_builds_the_network_that_it_asks_for(key):
    recipe = RECIPES[key]
    model = from_recipe(recipe)
    drops = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    scale = next(m for m in model if isinstance(m, layers.Scale))
    assert (scale.scale, scale.offset) == SCALINGS[recipe.scaling]
    assert set(drops) == ({recipe.dropout} if recipe.dropout else set())
    assert bool(norms) is recipe.batch_norm
    kinds = [type(m) for m in model]
    options = {"dropout": recipe.dropout, "batch_norm": recipe.batch_norm, "views": recipe.views}
    assert kinds == [type(m) for m in create_model(recipe.model, **options)]
    assert describe(model.layers)[-1].shape == (11 if recipe.non_digits else 10,)
    views = [len(m.views) for m in model if isinstance(m, layers.Views)]
    assert views == ([recipe.views] if recipe.views > 1 else [])


def test_the_same_seed_gives_the_same_first_weights_and_another_seed_others():
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(create_model("lenet5")[-1].weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("outputs", [10, 11])
def test_weights_are_drawn_layer_by_layer_the_logits_of_ten_digits_first(outputs):
    """So the seeds of committed and documented networks stay theirs."""
    torch.manual_seed(5)
    model = create_model("cnn-2x32", batch_norm=True, outputs=outputs)
    torch.manual_seed(5)
    by_hand = [
        nn.Conv2d(1, 32, 3, bias=False),
        nn.Conv2d(32, 32, 3, bias=False),
        nn.Linear(800, 100, bias=False),
        nn.Linear(100, 10),
    ]
    if outputs == 11:
        by_hand[-1] = nn.Linear(100, 11)
    built = [m for m in model if isinstance(m, nn.Conv2d | nn.Linear)]
    for one, other in zip(built, by_hand, strict=True):
        assert torch.equal(one.weight, other.weight)


def test_a_slice_of_a_network_is_a_network():
    model = create_model("lenet5").eval()
    assert isinstance(model[:2], Network)
    assert model[:2](pictures()).shape == (2, 6, 28, 28)


def test_an_unknown_network_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="'alexnet'") as caught:
        create_model("alexnet")
    assert all(name in str(caught.value) for name in list_models())


def test_an_unknown_scaling_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="'bytes'") as caught:
        create_model("lenet5", scaling="bytes")
    assert all(name in str(caught.value) for name in SCALINGS)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("views", [1, 3])
def test_folded_it_answers_the_same_in_fewer_steps(name, views):
    torch.manual_seed(0)
    model = create_model(name, dropout=0.2, batch_norm=True, views=views)
    x = pictures(16)
    with torch.no_grad():
        for _ in range(5):
            model(x)  # the norms learn what is usual
        folded = layers.folded(model.eval())
        assert torch.allclose(folded(x), model(x), atol=1e-4, rtol=1e-4)
    norms = nn.BatchNorm1d | nn.BatchNorm2d
    left, all_of_it = (
        sum(isinstance(module, norms) for module in m.modules()) for m in (folded, model)
    )
    assert left == (1 if name == "speedrun" else 0) < all_of_it  # behind a pooling it stays


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mlp-784", 784 * 784 + 784 * 10),
        ("mlp-128-64", 784 * 128 + 128 * 64 + 64 * 10),
        ("cnn-2x32", 26 * 26 * 32 * 9 + 11 * 11 * 32 * 32 * 9 + 800 * 100 + 100 * 10),
        (
            "lenet5",
            28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25 + 120 * 16 * 25 + 120 * 84 + 84 * 10,
        ),
        ("speedrun", 12 * 12 * 16 * 25 + 10 * 10 * 32 * 16 * 9 + 800 * 128 + 128 * 10),
    ],
)
def test_multiplications_are_those_of_the_layers_by_hand(name, expected):
    model = create_model(name, batch_norm=True, dropout=0.5)
    assert count_multiply_adds(model.layers) == expected


@pytest.mark.parametrize("name", [*RECIPES, *ENSEMBLES])
def test_multiplications_are_those_that_the_modules_do(name):
    recipe = (RECIPES | ENSEMBLES)[name]
    model, counts = from_recipe(recipe).eval(), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(
                lambda m, _, out: counts.append(out.numel() * m.weight[0].numel())
            )
    model(pictures(1))
    assert count_multiply_adds(recipe.layers) == sum(counts)


def test_every_view_of_an_image_and_every_network_side_by_side_is_counted():
    one = count_multiply_adds(create_model("canvas").layers)
    assert count_multiply_adds(create_model("canvas", views=5).layers) == 5 * one
    assert count_multiply_adds(create_model("canvas-large").layers) == 4 * one
