import pytest
import torch
from torch import nn

from mnist_app.networks.layers import Dropout, Tanh, WholeConv2d
from mnist_app.networks.models import build
from mnist_app.recipes.layers import MaxPool, Relu

FORMATS = [torch.contiguous_format, torch.channels_last]


def pictures(layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(20, 10, 28, 28).contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.9])
def test_dropout_drops_its_share_and_scales_the_rest(share, layout):
    x = pictures(layout) + 1
    y = Dropout(share)(x)
    dropped = y == 0
    assert dropped.float().mean().item() == pytest.approx(share, abs=0.005)
    assert torch.allclose(y[~dropped], x[~dropped] / (1 - share), rtol=1e-3)
    assert y.stride() == x.stride()


def test_neighbours_are_dropped_independently():
    dropped = (Dropout(0.3)(torch.ones(200_000)) == 0).float()
    for lag in (1, 2, 3, 4):
        both = (dropped[lag:] * dropped[:-lag]).mean().item()
        assert both == pytest.approx(0.09, abs=0.005)


def test_dropout_is_the_same_for_the_same_seed_and_another_each_time():
    layer, x = Dropout(0.5), pictures()
    torch.manual_seed(1)
    first, second = layer(x), layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_nothing_is_dropped_outside_training():
    x = pictures()
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_tanh_is_torchs_and_so_is_its_slope():
    x = torch.linspace(-30, 30, 10_001, requires_grad=True)
    (slope,) = torch.autograd.grad(Tanh()(x).sum(), x)
    (wanted,) = torch.autograd.grad(torch.tanh(x).sum(), x)
    assert torch.allclose(Tanh()(x), torch.tanh(x), rtol=0, atol=2e-7)
    assert torch.allclose(slope, wanted, rtol=0, atol=5e-7)


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_as_large_as_its_input_is_torchs(bias, layout):
    torch.manual_seed(0)
    layer = WholeConv2d(10, 7, (28, 20), bias=bias).to(memory_format=layout)
    x = pictures(layout)[..., :20]
    wanted = nn.functional.conv2d(x, layer.weight, layer.bias)
    assert torch.allclose(layer(x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [None, 1])
def test_pooling_before_the_relu_gives_the_same_numbers_and_slopes(stride):
    x = (pictures() - 0.7).requires_grad_()
    ours = build((MaxPool(2, stride), Relu()), (10, 28, 28))(x)
    usual = nn.functional.max_pool2d(torch.relu(x), 2, stride)
    assert torch.equal(ours, usual)
    factor = torch.rand_like(ours)
    slopes = [torch.autograd.grad((y * factor).sum(), x)[0] for y in (ours, usual)]
    assert torch.equal(*slopes)
