"""Maps of images: each image is a point in the plane, and similar images are close together."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.data import catalogue
from mnist_app.data.labelled_images import Digits, Progress, take
from mnist_app.results.cache import Entry

if TYPE_CHECKING:
    from sklearn.manifold import TSNE

SAMPLE = 1000  # images on a map
SEED = 0
ITERATIONS = 1000
PERPLEXITY = 30.0  # about how many neighbours count for each image
_COMPONENTS = 50  # principal components given to t-SNE, as in van der Maaten and Hinton (2008)
_FEWEST = 4  # images on a map


def sample(digits: Digits) -> Digits:
    """Return the images on a map: a stratified sample of about 1,000, always the same."""
    return take(digits, SAMPLE, SEED)


def principal(images: Tensor, components: int = 2) -> tuple[Tensor, list[float]]:
    """Project images, with pixels scaled to 0..1, onto their principal components.

    Args:
        images: uint8 (N, 28, 28).
        components: how many, greatest variance first; at most one per image.
    Returns:
        (N, components) float32, and each component's share of the variance, 0..1. The sign of a
        component is chosen so that its greatest weight is positive.
    """
    from sklearn.decomposition import PCA

    vectors = images.flatten(1).double().numpy() / 255
    analysis = PCA(min(components, len(vectors)), svd_solver="covariance_eigh")
    with np.errstate(invalid="ignore", divide="ignore"):  # if all images are the same
        points = analysis.fit_transform(vectors)
    shares = np.nan_to_num(analysis.explained_variance_ratio_).tolist()
    return torch.from_numpy(points).float(), shares


def job_arguments(name: str, train: Digits) -> dict[str, object]:
    """Return what determines a t-SNE map of the data set `name` with these training images."""
    return {"dataset": name, "fingerprint": train.fingerprint, "count": SAMPLE, "seed": SEED}


def embed(progress: Progress, dataset: str, fingerprint: str, count: int, seed: int) -> Entry:
    """Compute a t-SNE map of a stratified sample of training images.

    The map is the tensor "points", float32 (N, 2), without a unit.

    Args:
        progress: called with the current task and the share done, 0..1.
        dataset: name of the data set.
        fingerprint: the fingerprint that its training images must have.
        count: about how many images.
        seed: of the sample and the map.
    Raises:
        InputError: the data set cannot be loaded, or has changed.
    """
    train = catalogue.load_dataset(dataset, progress).train
    if train.fingerprint != fingerprint:
        raise InputError(
            message("{dataset} has changed in the meantime: reload the page.", dataset=dataset)
        )
    images = take(train, count, seed).images

    def report(share: float) -> None:
        progress(message("Laying out {n:,} images", n=len(images)), share)

    report(0.0)
    layout = tsne(principal(images, _COMPONENTS)[0], seed, report)
    facts = {"n": len(images), "perplexity": perplexity(len(images)), **layout.facts}
    return Entry({"points": layout.points}, facts)


class _Facts(BaseModel):
    """The facts that `embed` computes."""

    model_config = ConfigDict(strict=True)

    n: int = Field(ge=1)
    iterations: int = Field(ge=0)
    perplexity: float | None = Field(None, gt=0, allow_inf_nan=False)


def is_map(entry: Entry) -> bool:
    """Return whether an entry of the cache is what `embed` computes."""
    points = entry.tensors.get("points")
    try:
        facts = _Facts.model_validate(entry.facts)
    except ValidationError:
        return False
    return points is not None and points.is_floating_point() and points.shape == (facts.n, 2)


def perplexity(count: int) -> float:
    """Return the perplexity for a map of `count` images: 30, or less if there are too few."""
    return min(PERPLEXITY, (count - 1) / 3)


class Layout(NamedTuple):
    """Points, float32 (N, 2), and the divergence and iterations with which t-SNE ended."""

    points: Tensor
    divergence: float  # Kullback-Leibler
    iterations: int

    @property
    def facts(self) -> dict[str, float]:
        """The facts that are stored with the points."""
        return {"divergence": self.divergence, "iterations": self.iterations}


def tsne(
    vectors: Tensor, seed: int, progress: Callable[[float], None] = lambda _share: None
) -> Layout:
    """Run Barnes-Hut t-SNE (van der Maaten and Hinton 2008) on one thread.

    With more threads the order of the sums, and so the rounding and the map, would vary.

    Args:
        vectors: float (N, D), at least 4 of them.
        seed: the same seed gives the same map.
        progress: called with the share of the iterations done, 0..1.
    Raises:
        InputError: there are fewer than 4 vectors.
    """
    from threadpoolctl import threadpool_limits

    if len(vectors) < _FEWEST:
        raise InputError(
            message(
                "There are too few images for a map ({n}): it needs at least {fewest}.",
                n=len(vectors),
                fewest=_FEWEST,
            )
        )
    method = _method(len(vectors), seed)
    with threadpool_limits(1), redirect_stdout(_Iterations(progress)):
        points = method.fit_transform(vectors.numpy())
    return Layout(
        torch.from_numpy(points).float(), float(method.kl_divergence_), int(method.n_iter_)
    )


def _method(count: int, seed: int) -> "TSNE":
    from sklearn.manifold import TSNE

    return TSNE(
        perplexity=perplexity(count),
        max_iter=ITERATIONS,
        init="pca",
        random_state=seed,
        n_jobs=1,
        verbose=2,  # prints what `_Iterations` reads
    )


class _Iterations(io.TextIOBase):
    """Reads what TSNE prints every 50 iterations, and reports the share done."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress

    def write(self, text: str) -> int:
        found = re.search(r"Iteration (\d+)", text)
        if found:
            self._progress(min(int(found[1]) / ITERATIONS, 1.0))
        return len(text)
