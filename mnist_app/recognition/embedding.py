"""Maps of images: each one a point in the plane, those that look alike close together."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial

import torch
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.data import catalogue
from mnist_app.data.labelled_images import Digits, take
from mnist_app.results.cache import Entry

SAMPLE = 1000  # images on a map
SEED = 0
ITERATIONS = 1000
PERPLEXITY = 30.0  # about how many neighbours each image minds
_COMPONENTS = 50  # that t-SNE begins from, as van der Maaten and Hinton (2008) do
_FEWEST = 4  # images on a map
_NOTHING = 1e-12  # a variance below it is an error of rounding


def sample(digits: Digits) -> Digits:
    """The images on a map: about 1,000, a stratified sample, always the same."""
    return take(digits, SAMPLE, SEED)


def principal(images: Tensor, components: int = 2) -> tuple[Tensor, list[float]]:
    """Images on their principal components, in units of the range 0..1.

    Args:
        images: uint8 (N, 28, 28).
        components: how many, the one with the greatest variance first.
    Returns:
        (N, components) float32, each component's greatest weight positive, and their shares of
        the variance, 0..1.
    """
    flat = images.flatten(1).double() / 255
    centred = flat - flat.mean(dim=0)
    variances, directions = torch.linalg.eigh(centred.T @ centred)
    directions = directions.flip(1)[:, :components]
    greatest = directions.abs().argmax(dim=0, keepdim=True)
    directions = directions * directions.gather(0, greatest).sign()
    variances = variances.clamp(min=_NOTHING)
    shares = (variances / variances.sum()).flip(0)[:components].tolist()
    return (centred @ directions).float(), shares


def job_arguments(name: str, train: Digits) -> dict[str, object]:
    """What decides a t-SNE map of the data set `name` with these training images."""
    return {"dataset": name, "fingerprint": train.fingerprint, "count": SAMPLE, "seed": SEED}


def embed(
    tell: Callable[[str, float], None], dataset: str, fingerprint: str, count: int, seed: int
) -> Entry:
    """A t-SNE map of a stratified sample of training images: "points", float32 (N, 2), no unit.

    Args:
        tell: called with what is being done and the share done, 0..1.
        dataset: name of the data set.
        fingerprint: that its training images must have.
        count: about how many images.
        seed: of the sample and the map.
    Raises:
        InputError: the data set cannot be had, or is another by now.
    """
    train = catalogue.load_dataset(dataset, tell).train
    if train.fingerprint != fingerprint:
        raise InputError(f"{dataset} changed meanwhile: open the page again.")
    images = take(train, count, seed).images
    say = partial(tell, f"Laying out {len(images):,} images")
    say(0.0)
    points, divergence, iterations = tsne(principal(images, _COMPONENTS)[0], seed, say)
    facts = {"n": len(images), "divergence": divergence, "iterations": iterations}
    return Entry({"points": points}, facts | {"perplexity": perplexity(len(images))})


def perplexity(count: int) -> float:
    """Of a map of so many images: 30, less where there are too few for that."""
    return min(PERPLEXITY, (count - 1) / 3)


def tsne(
    vectors: Tensor, seed: int, tell: Callable[[float], None] = lambda _share: None
) -> tuple[Tensor, float, int]:
    """t-SNE (van der Maaten and Hinton 2008), the Barnes-Hut kind, on one thread.

    With more threads the sums are rounded in another order each time, and so is the map.

    Args:
        vectors: float (N, D), at least 4 of them.
        seed: the same one gives the same map.
        tell: called with the share of the iterations that is done, 0..1.
    Returns:
        Points, float32 (N, 2), the Kullback-Leibler divergence, and the number of iterations.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(vectors) < _FEWEST:
        raise InputError(f"{len(vectors)} images are too few for a map: take {_FEWEST} or more.")
    options = {"init": "pca", "max_iter": ITERATIONS, "n_jobs": 1, "verbose": 2}
    layout = TSNE(perplexity=perplexity(len(vectors)), random_state=seed, **options)
    with threadpool_limits(1), redirect_stdout(_Iterations(tell)):
        points = layout.fit_transform(vectors.numpy())
    return torch.from_numpy(points).float(), float(layout.kl_divergence_), int(layout.n_iter_)


class _Iterations(io.TextIOBase):
    """Takes what TSNE prints, every 50 iterations, and tells the share that is done."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell

    def write(self, text: str) -> int:
        found = re.search(r"Iteration (\d+)", text)
        if found:
            self._tell(min(int(found[1]) / ITERATIONS, 1.0))
        return len(text)
