"""How good a saved network is, in words: on the test images, or else on the validation images."""

from typing import TYPE_CHECKING

from mnist_app.common.translation import _

if TYPE_CHECKING:  # torch comes with it, which a text does not need
    from mnist_app.results.weights import WeightsInfo


def short_text(info: "WeightsInfo") -> str:
    """Return the test accuracy, or else the validation accuracy, labelled as such."""
    if info.test_accuracy is not None:
        return f"{info.test_accuracy:.2%}"
    if info.val_accuracy is None:
        return _("not tested")
    return _("{accuracy:.2%} (validation)").format(accuracy=info.val_accuracy)


def full_text(info: "WeightsInfo") -> str:
    """Return the accuracy with its images and interval, and if it was not tested, why not."""
    if info.test_accuracy is not None and info.test_interval:
        test_images = _("{n:,} test images").format(n=info.n)
        return _measured(info.test_accuracy, test_images, info.test_interval)
    missing = not_tested(info.reason)
    if info.val_accuracy is None or info.val_interval is None:
        return missing
    images = _("{n:,} validation images").format(n=info.calibration.n)
    return f"{_measured(info.val_accuracy, images, info.val_interval)}; {missing}"


def _measured(accuracy: float, images: str, interval: tuple[float, float]) -> str:
    low, high = interval
    text = _("{accuracy:.2%} of {images} right ({level} interval {low:.2%} to {high:.2%})")
    return text.format(accuracy=accuracy, images=images, level="95%", low=low, high=high)


def not_tested(reason: str) -> str:
    """Say that the test images were not read, and why.

    Args:
        reason: why the training ended, as in `EndEvent`.
    """
    if reason == "stopped":
        return _("not measured on the test images: the training was stopped")
    return _("not measured on the test images")


def caution(info: "WeightsInfo") -> str:
    """Return a warning to show with the test results of a stopped training; "" for others."""
    if info.test_accuracy is not None or info.reason != "stopped":
        return ""
    return _(
        "The training was stopped, so the test images were not read at its end. If you look at "
        "these results and then resume it, you have chosen by the test images, and its final test "
        "accuracy is too optimistic."
    )
