"""Attributions and the look inside of networks."""

import subprocess
import sys
from pathlib import Path

import committed_weights
import pytest
import torch
from effort import scaled
from torch import nn

from mnist_app.data.bundled import load_bundled
from mnist_app.data.labelled_images import to_input
from mnist_app.networks import models
from mnist_app.networks.layers import Residual, WholeConv2d
from mnist_app.recipes.presets import MEMBERS
from mnist_app.recognition import explain
from mnist_app.results import weights

ROOT = Path(__file__).resolve().parents[2]
IMAGES = to_input(load_bundled().test.images)
LABELS = load_bundled().test.labels.tolist()


def built(name: str, views: int = 1, outputs: int = 10) -> models.Network:
    torch.manual_seed(0)
    return models.create_model(name, views=views, outputs=outputs).eval()


class Chosen(nn.Module):
    """The logit of a digit is the sum of some pixels, times a factor."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = (x[:, 0] * self.mask).sum(dim=(1, 2))
        return total[:, None] * torch.arange(10.0)


@pytest.mark.parametrize("name", scaled(("canvas", "mlp-784"), committed_weights.NETWORKS))
def test_integrated_gradients_of_committed_networks_sum_to_the_difference_of_logits(name):
    model, _ = weights.load(name)
    for place in range(scaled(1, 3 if name == "canvas-large" else 8)):
        image, target = IMAGES[place : place + 1], LABELS[place]
        with torch.no_grad():
            here, blank = model(torch.cat([image, torch.zeros_like(image)]))[:, target].double()
        found = explain.integrated_gradients(model, image, target)
        assert found.difference == pytest.approx((here - blank).item(), abs=1e-3)
        assert found.values.shape == (28, 28)
        assert found.total == pytest.approx(found.difference, rel=0.01, abs=0.005)
        assert found.is_complete


def test_each_pixel_of_a_linear_network_gets_what_it_adds():
    mask = torch.zeros(28, 28)
    mask[3, 4], mask[10, 20] = 2.0, -1.0
    image = torch.rand(1, 1, 28, 28)
    found = explain.integrated_gradients(Chosen(mask), image, 7)
    torch.testing.assert_close(found.values, 7 * mask * image[0, 0])
    torch.testing.assert_close(explain.saliency(Chosen(mask), image, 7), 7 * mask.abs())
    assert explain.saliency(Chosen(mask), image, 0).count_nonzero() == 0


def test_more_steps_are_taken_until_the_sum_is_right():
    class Late(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            mean = x.mean(dim=(1, 2, 3))
            return torch.relu(mean - 0.97)[:, None].repeat(1, 10) * 1e4

    found = explain.integrated_gradients(Late(), torch.ones(1, 1, 28, 28), 0)
    assert found.steps > explain.STEPS[0]
    assert found.is_complete


def test_incomplete_ones_say_so():
    values = torch.full((28, 28), 1 / 784)
    assert explain.Integrated(values, 1.005, 64).is_complete
    assert not explain.Integrated(values, 1.02, 64).is_complete


@pytest.mark.parametrize("name", models.list_models())
def test_grad_cam_of_every_network(name):
    model = built(name, views=5 if name.startswith("canvas") else 1)
    cam = explain.grad_cam(model, IMAGES[:1], 3)
    if name.startswith("mlp"):
        assert cam is None
    else:
        assert cam.shape == (28, 28)
        assert cam.min() >= 0


def test_the_last_convolution_has_maps_and_not_single_numbers():
    (last,) = explain.last_convolutions(built("lenet5"))
    assert not isinstance(last, WholeConv2d)
    assert last.out_channels == 16
    assert isinstance(explain.last_convolutions(built("resnet"))[0], Residual)
    assert len(explain.last_convolutions(built("canvas-large"))) == MEMBERS


def test_grad_cam_is_that_of_the_channels_weighted_by_their_mean_gradient():
    model = built("cnn-2x32")
    (layer,) = explain.last_convolutions(model)
    at = list(model).index(layer) + 1
    maps = model[:at](IMAGES[:1]).detach().requires_grad_()
    model[at:](maps)[0, 5].backward()
    wanted = (maps.grad.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).relu()
    wanted = nn.functional.interpolate(wanted.detach(), (28, 28), mode="bilinear")
    torch.testing.assert_close(explain.grad_cam(model, IMAGES[:1], 5), wanted[0, 0])


def test_what_the_views_show_is_turned_back():
    """A turned image gives the map of the image itself, turned, wherever the network looks."""
    model = built("canvas", views=5)
    spot = torch.zeros(1, 1, 28, 28)
    spot[..., 6:9, 18:21] = 1
    shown = model[0](spot)  # all views of it
    back = explain._turned_back(model, shown)
    places = back.flatten(2).softmax(dim=2).flatten(1).argmax(dim=1)
    rows, columns = places // 28, places % 28
    assert (rows - 7).abs().max() <= 1
    assert (columns - 19).abs().max() <= 1
    moved = shown.flatten(1).argmax(dim=1)
    assert (moved % 28 - 19).abs().max() > 1


@pytest.mark.parametrize("name", ["lenet5", "canvas-large"])
def test_the_network_is_left_as_it_is(name):
    model = built(name, views=5)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    explain.saliency(model, IMAGES[:1], 1)
    explain.grad_cam(model, IMAGES[:1], 1)
    explain.layer_outputs(model, IMAGES[:1])
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(before[key].equal(tensor) for key, tensor in model.state_dict().items())


def test_what_each_layer_makes_of_an_image():
    model = built("lenet5")
    seen = explain.layer_outputs(model, IMAGES[:1])
    assert [tuple(layer.values.shape) for layer in seen if layer.filters is not None] == [
        (6, 28, 28),
        (16, 10, 10),
        (120,),
    ]
    with torch.no_grad():
        torch.testing.assert_close(seen[-1].values, model(IMAGES[:1])[0])
        torch.testing.assert_close(seen[0].values, model[:2](IMAGES[:1])[0])
    assert seen[0].filters.equal(model[1].weight)
    assert not any("Flatten" in layer.label for layer in seen)


def test_the_weights_of_a_dense_layer_that_sees_the_image():
    model = built("mlp-784")
    seen = explain.layer_outputs(model, IMAGES[:1])
    assert [layer.templates is not None for layer in seen].count(True) == 1
    first = next(layer for layer in seen if layer.templates is not None)
    linear = next(m for m in model if isinstance(m, nn.Linear))
    assert first.templates.flatten(1).equal(linear.weight)
    second = [layer for layer in seen if layer.label == "Dense"][1]
    assert second.templates is None  # 784 inputs too, but they are no pixels


def test_a_member_of_networks_side_by_side_is_looked_into():
    model = built("canvas-large", views=5, outputs=11)
    assert explain.members_of(model) == 4
    assert explain.members_of(built("lenet5")) == 1
    first, second = (explain.layer_outputs(model, IMAGES[:1], member) for member in (0, 1))
    assert [layer.label for layer in first] == [layer.label for layer in second]
    assert first[0].values.shape == (5, 28, 28)  # the views
    assert first[0].values[0].allclose(IMAGES[0, 0], atol=1e-6)
    convolutions = [layer for layer in first if layer.filters is not None]
    others = [layer for layer in second if layer.filters is not None]
    assert not convolutions[0].filters.equal(others[0].filters)
    assert any(layer.label == "Residual: Conv 3x3" for layer in first)
    assert first[-1].values.shape == (11,)


def test_captum_is_loaded_for_an_attribution_alone():
    code = "import mnist_app.recognition.explain, sys; sys.exit('captum' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
