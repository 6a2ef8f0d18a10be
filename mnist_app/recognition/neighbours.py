"""Find the training images most similar to a drawing: the nearest in a network's feature space."""

import torch
from torch import Tensor, nn

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.data import catalogue
from mnist_app.data.labelled_images import Digits, Progress, to_input
from mnist_app.networks.layers import MeanOfViews, Views, folded
from mnist_app.results import weights
from mnist_app.results.cache import Entry

NEAREST = 12
_BATCH = 100  # images that go through the network at once
_IMAGES_PER_STEP = 1000  # images between two progress reports
_COMPARED = 4096  # images that are compared at once


def features_of(model: nn.Sequential) -> nn.Sequential:
    """Return the network without its last layer: images (N, 1, 28, 28) -> features (N, F).

    It uses only the image itself, not several views of it. The given network is not changed.
    """
    layers = [m for m in folded(model) if not isinstance(m, Views | MeanOfViews)]
    return nn.Sequential(*layers[:-1]).eval()


def job_arguments(network: str, dataset: str, train: Digits) -> dict[str, str]:
    """Return what determines an index: the network, the data set `dataset`, the content of both.

    Raises:
        InputError: there is no such network.
    """
    return {
        "network": network,
        "version": weights.fingerprint_of(network),
        "dataset": dataset,
        "images": train.fingerprint,
    }


def build_index(progress: Progress, network: str, version: str, dataset: str, images: str) -> Entry:
    """Compute the features of all training images, float16 (N, F), in the order of the images.

    Args:
        progress: called with the current task and the share done, 0..1.
        network: name of the network.
        version: the fingerprint that the network's file must have.
        dataset: name of the data set.
        images: the fingerprint that the data set's training images must have.
    Raises:
        InputError: the network or the data set is gone or has changed.
    """
    model, _ = weights.load(network)
    train = catalogue.load_dataset(dataset, progress).train
    if weights.fingerprint_of(network) != version or train.fingerprint != images:
        raise InputError(
            message(
                "{network} or {dataset} has changed in the meantime: reload the page.",
                network=network,
                dataset=dataset,
            )
        )
    extract, parts = features_of(model), []
    for begin in range(0, len(train), _IMAGES_PER_STEP):
        progress(message("Comparing {n:,} training images", n=len(train)), begin / len(train))
        parts.append(_features(extract, train.images[begin : begin + _IMAGES_PER_STEP]))
    return Entry({"features": torch.cat(parts)}, {"n": len(train)})


def is_index(entry: Entry) -> bool:
    """Return whether an entry of the cache is what `build_index` computes."""
    features = entry.tensors.get("features")
    if features is None or not features.is_floating_point() or features.dim() != 2:
        return False
    return entry.facts.get("n") == len(features)


@torch.inference_mode()
def _features(extract: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([extract(to_input(batch)).half() for batch in torch.split(images, _BATCH)])


@torch.inference_mode()
def nearest(
    index: Tensor, model: nn.Sequential, image: Tensor, count: int = NEAREST
) -> tuple[list[int], list[float]]:
    """Find the training images nearest to an image by comparing it with all of them.

    Args:
        index: float16 (N, F), computed with the same network.
        model: the network.
        image: float32 (1, 1, 28, 28) in [0, 1].
        count: how many images to find.
    Returns:
        (their positions in the index, their Euclidean distances), the nearest first.
    """
    features = features_of(model)(image).half().float()
    distances = torch.cat(
        [(c.float() - features).square().sum(dim=1) for c in torch.split(index, _COMPARED)]
    ).sqrt()
    places = distances.argsort(stable=True)[:count]
    return places.tolist(), distances[places].tolist()
