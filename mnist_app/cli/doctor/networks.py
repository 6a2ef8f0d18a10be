"""Checks that each saved network loads and is as accurate as its header says."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from mnist_app.cli.doctor.check import Check, Note, sentence
from mnist_app.common.errors import InputError
from mnist_app.common.settings import result_folders

if TYPE_CHECKING:
    from mnist_app.data.labelled_images import Dataset
    from mnist_app.results.weights import Listing
    from mnist_app.training.evaluation import Metrics

# The last digits of a logit may depend on the processor and the number of threads. That can change
# the answer for an image on the border between two digits.
IMAGES_ON_THE_BORDER = 2


def check_networks(*, quick: bool = False, note: Note | None = None) -> Iterator[Check]:
    """Check that each network is as accurate as its header says; report which one reads drawings.

    Args:
        quick: only load the networks.
        note: called with what is being checked.
    """
    from mnist_app.results import weights

    listing = weights.scan()
    yield _check_default(listing)
    for item in listing.broken:
        yield Check(f"network {item.file}", "fail", item.problem.rstrip("."))
    dataset_of = cache(_dataset)
    for info in listing.weights:
        if note:
            note(f"Testing {info.name}")
        yield check_network(info.name, None if quick else dataset_of)


def _check_default(listing: "Listing") -> Check:
    from mnist_app.recognition.predictor import DEFAULT, default_network

    try:
        reads = default_network()
    except InputError as error:
        return Check("networks", "fail", sentence(error))
    places = " and ".join(str(folder) for folder in result_folders())
    text = f"{len(listing.weights)} in {places}; {reads} reads drawings"
    if reads == DEFAULT:
        return Check("networks", "ok", text)
    remedy = f"{DEFAULT}, which is made for drawings, is missing: restore it"
    return Check("networks", "warn", text, remedy)


def check_network(name: str, dataset_of: "Callable[[str], Dataset] | None") -> Check:
    """Check that a network loads and is right on as many test images as its header says.

    A network whose header has no test accuracy is only loaded.

    Args:
        name: of the result.
        dataset_of: loads a data set by its name, or raises InputError; None: only load the network.
    """
    from mnist_app.results import accuracy_text, weights
    from mnist_app.training.evaluation import evaluate

    title = f"network {name}"
    try:
        model, info = weights.load(name)
    except (InputError, OSError) as error:
        return Check(title, "fail", sentence(error))
    if info.test_accuracy is None:  # the test images are read at the end of its training, not here
        return Check(title, "ok", f"loads; {accuracy_text.full_text(info)}")
    loads = f"loads; {info.test_accuracy:.2%} right according to its header"
    if dataset_of is None:
        return Check(title, "ok", loads)
    try:
        dataset = dataset_of(info.recipe.dataset)
    except InputError as error:
        return Check(title, "warn", f"{loads}, not measured", sentence(error))
    if dataset.train.fingerprint != info.fingerprint or len(dataset.test) != info.n:
        text = f"{loads}, not measured: its data set {info.recipe.dataset} has changed since"
        return Check(title, "warn", text, "train it again")
    return _check_accuracy(title, evaluate(model, dataset.test, info.recipe), info.test_accuracy)


def _check_accuracy(title: str, measured: "Metrics", by_header: float) -> Check:
    right = f"{measured.accuracy:.2%} of {measured.n:,} test images right"
    if abs(measured.accuracy - by_header) * measured.n < IMAGES_ON_THE_BORDER + 0.5:
        return Check(title, "ok", f"{right}, as its header says")
    text = f"{right}, but {by_header:.2%} according to its header"
    return Check(
        title, "fail", text, "its file was changed: restore it, or train the network again"
    )


def _dataset(name: str) -> "Dataset":
    """Load a data set by its name; unlike training, this downloads nothing."""
    from mnist_app.data import catalogue, mnist

    if name == "mnist" and not mnist.is_downloaded():
        raise InputError("MNIST is not in the data folder")
    return catalogue.load_dataset(name)
