import pytest
import torch

from mnist_app.layers import Dropout

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
