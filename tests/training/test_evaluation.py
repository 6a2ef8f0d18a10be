import math

import numpy as np
import pytest
import torch
from torch import nn

from mnist_app.data.labelled_images import Digits
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.evaluation import (
    EVALUATION_BATCH,
    RunningMetrics,
    evaluate,
    logits_of,
    loss_of,
    probabilities,
)

RECIPES = [Recipe(), Recipe(loss="mse"), Recipe(loss="mse", target_margin=0.1)]
N = 2 * EVALUATION_BATCH + 100  # the last batch is smaller than the others


@pytest.fixture
def digits() -> Digits:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 28, 28), generator=generator).to(torch.uint8)
    labels = torch.randint(0, 10, (N,), generator=generator)
    labels[-100:] = 3  # so that batches differ in what is right
    return Digits(images, labels, "noise")


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))


def by_hand(network: nn.Sequential, digits: Digits, recipe: Recipe) -> tuple[float, float]:
    weight, bias = (p.detach().double().numpy() for p in network[-1].parameters())
    pixels = digits.images.numpy().reshape(N, 784) / 255
    labels = digits.labels.numpy()
    logits = pixels @ weight.T + bias
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    if recipe.loss == "cross_entropy":
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return accuracy, float(-np.log(shares[np.arange(N), labels]).mean())
    margin = recipe.target_margin
    targets = np.where(np.arange(10) == labels[:, None], 1 - margin, margin)
    return accuracy, float(((1 / (1 + np.exp(-logits)) - targets) ** 2).mean())


@pytest.mark.parametrize("recipe", RECIPES, ids=["cross-entropy", "mse", "mse-margin"])
@pytest.mark.parametrize("training", [False, True])
def test_accuracy_and_loss_are_those_of_a_computation_by_hand(network, digits, recipe, training):
    metrics = evaluate(network.train(training), digits, recipe)
    accuracy, loss = by_hand(network, digits, recipe)
    assert metrics.n == N
    assert metrics.accuracy == accuracy
    assert metrics.loss == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_evaluation_leaves_the_network_as_it_was(digits, training):
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Linear(784, 10)).train(training)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    evaluate(network, digits, Recipe())
    assert all(module.training is training for module in network.modules())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_cross_entropy_of_known_logits():
    logits = torch.zeros(2, 10)
    logits[1, 4] = math.log(11)
    loss = loss_of(logits, torch.tensor([0, 4]), Recipe())
    assert loss.item() == pytest.approx((math.log(10) + math.log(20 / 11)) / 2)


def test_squared_error_of_known_outputs_with_a_margin():
    logits = torch.full((1, 10), -math.log(4))  # sigmoid 0.2
    logits[0, 7] = math.log(4)  # sigmoid 0.8
    recipe = Recipe(loss="mse", target_margin=0.1)
    right = loss_of(logits, torch.tensor([7]), recipe)
    wrong = loss_of(logits, torch.tensor([0]), recipe)
    assert right.item() == pytest.approx(0.01, rel=1e-4)
    assert wrong.item() == pytest.approx((0.7**2 + 0.7**2 + 8 * 0.01) / 10, rel=1e-4)


def test_a_margin_of_zero_asks_for_zeros_and_ones():
    logits = torch.full((1, 10), -100.0)
    logits[0, 2] = 100
    recipe = Recipe(loss="mse")
    assert loss_of(logits, torch.tensor([2]), recipe).item() == 0
    assert loss_of(logits, torch.tensor([3]), recipe).item() == pytest.approx(0.2)


@pytest.mark.parametrize("recipe", RECIPES, ids=["cross-entropy", "mse", "mse-margin"])
def test_a_loss_can_be_learned_from(recipe):
    logits = torch.zeros(3, 10, requires_grad=True)
    loss_of(logits, torch.tensor([1, 2, 3]), recipe).backward()
    assert logits.grad[0].argmin() == 1
    assert (logits.grad[0, [0, 2, 3]] > 0).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_probabilities_sum_to_one_and_keep_the_order_of_the_logits(loss):
    logits = 3 * torch.randn(200, 10, generator=torch.Generator().manual_seed(0))
    shares = probabilities(logits, Recipe(loss=loss))
    assert torch.allclose(shares.sum(dim=1), torch.ones(200))
    assert (shares >= 0).all()
    assert torch.equal(shares.argsort(dim=1), logits.argsort(dim=1))


def test_softmax_outputs_become_known_probabilities():
    shares = torch.arange(1.0, 11)[None] / 55
    assert torch.allclose(probabilities(shares.log() + 5, Recipe()), shares)


def test_sigmoid_outputs_are_divided_by_their_sum():
    outputs = torch.tensor([[0.1, 0.9, 0.5, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.5]])
    shares = probabilities(outputs.logit(), Recipe(loss="mse"))
    assert torch.allclose(shares, outputs / 5)


def test_hopeless_sigmoid_outputs_still_sum_to_one():
    rows = probabilities(torch.full((1, 10), -60.0), Recipe(loss="mse"))
    assert rows.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_probabilities_of_eleven_outputs_sum_to_one_and_keep_the_order_of_the_logits(loss):
    logits = 3 * torch.randn(200, 11, generator=torch.Generator().manual_seed(0))
    shares = probabilities(logits, Recipe(loss=loss, non_digits=5))
    assert shares.shape == (200, 11)
    assert torch.allclose(shares.sum(dim=1), torch.ones(200))
    assert torch.equal(shares.argsort(dim=1), logits.argsort(dim=1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_divides_the_logits(temperature):
    logits = torch.tensor([[2.0, 1.0] + [-50.0] * 8])
    shares = probabilities(logits, Recipe(), temperature)
    assert (shares[0, 0] / shares[0, 1]).log().item() == pytest.approx(1 / temperature)


def test_label_smoothing_spreads_a_share_over_all():
    logits = torch.zeros(1, 10)
    logits[0, 4] = math.log(11)
    loss = loss_of(logits, torch.tensor([4]), Recipe(label_smoothing=0.2))
    by_hand = 0.8 * math.log(20 / 11) + 0.2 * (0.1 * math.log(20 / 11) + 0.9 * math.log(20))
    assert loss.item() == pytest.approx(by_hand)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_network_learns_that_something_is_no_digit(loss):
    logits = torch.zeros(2, 11, requires_grad=True)
    loss_of(logits, torch.tensor([10, 2]), Recipe(loss=loss, non_digits=5)).backward()
    assert logits.grad[0].argmin() == 10
    assert logits.grad[1].argmin() == 2


def test_on_digits_the_eleventh_output_does_not_take_part(digits):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 11))
    with torch.no_grad():
        network[1].bias[10] = 100
    accuracy, _ = by_hand(nn.Sequential(nn.Flatten(), _first_ten(network[1])), digits, Recipe())
    assert evaluate(network, digits, Recipe(non_digits=5)).accuracy == accuracy > 0.05


def _first_ten(layer: nn.Linear) -> nn.Linear:
    ten = nn.Linear(784, 10)
    ten.load_state_dict({"weight": layer.weight[:10], "bias": layer.bias[:10]})
    return ten


def test_logits_come_in_batches_as_one_float_tensor(network, digits):
    logits = logits_of(network.eval(), digits.images)
    assert logits.shape == (N, 10)
    assert logits.dtype == torch.float32
    one = network(digits.images[7].float().view(1, 1, 28, 28) / 255)
    assert torch.allclose(logits[7], one[0], atol=1e-5)


@pytest.mark.parametrize(
    "batches", [1, RunningMetrics.MOST_WAITING, 2 * RunningMetrics.MOST_WAITING + 3]
)
def test_running_metrics_are_sums_over_all_images_of_batches_of_any_size(batches):
    torch.manual_seed(0)
    running, loss, right = RunningMetrics(loss=5.0, right=2), 5.0, 2
    for number in range(batches):
        size = 3 + number % 4
        logits, labels = torch.randn(size, 10), torch.randint(0, 10, (size,))
        mean = nn.functional.cross_entropy(logits, labels)
        running.add(mean, logits, labels)
        loss += mean.item() * size
        right += (logits.argmax(dim=1) == labels).sum().item()
    running.settle()
    assert running.loss == pytest.approx(loss, rel=1e-12)
    assert running.right == right
