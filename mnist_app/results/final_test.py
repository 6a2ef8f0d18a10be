"""The measurement on the test images of a network whose training left it out."""

from torch import nn

from mnist_app.common.errors import InputError
from mnist_app.data.catalogue import load_dataset
from mnist_app.results.weights import WeightsInfo
from mnist_app.training.evaluation import evaluate


def with_test_accuracy(model: nn.Module, info: WeightsInfo) -> WeightsInfo:
    """Return a network's facts with its test accuracy; read the test images if it has none yet.

    Args:
        model: the network, in eval mode.
        info: its facts.
    Raises:
        InputError: its data set cannot be loaded, or has changed since the training.
    """
    if info.test_accuracy is not None:
        return info
    try:
        dataset = load_dataset(info.recipe.dataset)
    except InputError as error:
        raise InputError(
            f"The network cannot be measured on the test images of {info.recipe.dataset}: put the "
            f"data set back. ({error})"
        ) from None
    if dataset.train.fingerprint != info.fingerprint:
        raise InputError(
            f"The data set {info.recipe.dataset} has changed since the training, so its test "
            "images may be others: put it back, or train again."
        )
    test = evaluate(model, dataset.test, info.recipe)
    return info.model_copy(
        update={"test_accuracy": test.accuracy, "test_loss": test.loss, "n": test.n}
    )
