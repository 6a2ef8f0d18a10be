"""The index of training images, and the nearest of them."""

import pytest
import torch

from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.data.labelled_images import to_input
from mnist_app.networks import models
from mnist_app.recognition import neighbours
from mnist_app.results import weights
from mnist_app.runs.jobs import Job, compute_now


@pytest.fixture
def committed(weights_folder, request):
    weights_folder.mkdir()
    for name in ("lenet5", "canvas"):
        file = request.config.rootpath / "weights" / f"{name}.safetensors"
        (weights_folder / file.name).symlink_to(file)
    return weights_folder


@pytest.fixture(scope="module")
def train():
    return bundled.load_bundled().train


def test_features_are_what_the_last_layer_takes():
    torch.manual_seed(0)
    model = models.create_model("lenet5", batch_norm=True).eval()
    x = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        features = neighbours.features_of(model)(x)
        torch.testing.assert_close(model[-1](features), model(x), rtol=1e-3, atol=1e-4)
    assert features.shape == (3, 84)


@pytest.mark.parametrize(("name", "width"), [("canvas", 192), ("canvas-large", 768)])
def test_features_are_of_the_image_without_other_views(name, width):
    torch.manual_seed(0)
    model = models.create_model(name, views=5, outputs=11).eval()
    x = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        features = neighbours.features_of(model)(x)
        one_view = torch.nn.Sequential(*list(model)[1:-1])(x)
        torch.testing.assert_close(model[-2](features), one_view, rtol=1e-3, atol=1e-4)
    assert features.shape == (2, width)


def test_the_index_finds_each_training_image_itself_and_then_its_like(committed, train):
    model, _ = weights.load("lenet5")
    told = []
    job = Job("neighbours", neighbours.job_arguments("lenet5", "digits", train))
    entry = compute_now(job, lambda text, share: told.append((text, share)))
    index = entry.tensors["features"]
    assert index.shape == (len(train), 84)
    assert index.dtype == torch.float16
    assert [share for _, share in told] == sorted(share for _, share in told)
    for place in (0, 700, len(train) - 1):
        image = to_input(train.images[place : place + 1])
        places, distances = neighbours.nearest(index, model, image)
        assert places[0] == place
        assert distances[0] < 0.05
        assert distances == sorted(distances)
        assert len(places) == len(set(places)) == neighbours.NEAREST
        same = (train.labels[places] == train.labels[place]).float().mean()
        assert same > 0.7
    assert compute_now(job, lambda *_: pytest.fail("it is in the cache")).facts == entry.facts


def test_the_nearest_are_those_of_all_compared_one_by_one(committed, train, monkeypatch):
    model, _ = weights.load("canvas")
    part = train.subset(torch.arange(0, 300))
    with torch.no_grad():
        index = neighbours.features_of(model)(to_input(part.images)).half()
        image = to_input(train.images[400:401])
        feature = neighbours.features_of(model)(image).half().float()
    wanted = torch.cdist(index.float(), feature)[:, 0].sort()
    monkeypatch.setattr(neighbours, "_COMPARED", 64)
    places, distances = neighbours.nearest(index, model, image, 5)
    assert distances == pytest.approx(wanted.values[:5].tolist(), rel=1e-4)
    assert places == wanted.indices[:5].tolist()


def test_what_changed_meanwhile_is_refused_in_a_sentence(committed, train):
    right = neighbours.job_arguments("lenet5", "digits", train)
    for wrong in ({"version": "0" * 16}, {"images": "0" * 16}):
        with pytest.raises(InputError, match="changed in the meantime"):
            neighbours.build_index(lambda *_: None, **(right | wrong))
    with pytest.raises(InputError, match="is gone"):
        neighbours.job_arguments("no-such", "digits", train)
