import numpy as np
import pytest
from sklearn import metrics as theirs

from mnist_app.training import metrics
from mnist_app.training.calibration import calibration_error


@pytest.fixture
def predictions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """500 labels, answers that are right three times of four, and how sure they are."""
    random = np.random.default_rng(0)
    labels = random.integers(10, size=500)
    answers = np.where(random.random(500) < 0.75, labels, random.integers(10, size=500))
    return labels, answers, random.uniform(0.1, 1, size=500)


def test_the_confusion_matrix_is_scikit_learns(predictions):
    labels, answers, _ = predictions
    expected = theirs.confusion_matrix(labels, answers, labels=range(10))
    np.testing.assert_array_equal(metrics.confusion(labels, answers), expected)


def test_precision_recall_and_f1_are_scikit_learns(predictions):
    labels, answers, _ = predictions
    ours = metrics.per_digit(metrics.confusion(labels, answers))
    expected = theirs.precision_recall_fscore_support(labels, answers, labels=range(10))
    for mine, yours in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-12)


@pytest.mark.parametrize(("weighted", "name"), [(False, "macro"), (True, "weighted")])
def test_averages_are_scikit_learns(predictions, weighted, name):
    labels, answers, _ = predictions
    ours = metrics.averaged(
        metrics.per_digit(metrics.confusion(labels, answers)), weighted=weighted
    )
    expected = theirs.precision_recall_fscore_support(labels, answers, average=name)[:3]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_a_digit_that_never_comes_and_one_that_is_never_answered_count_as_nought():
    labels, answers = np.array([1, 1, 2]), np.array([1, 3, 3])
    ours = metrics.per_digit(metrics.confusion(labels, answers))
    expected = theirs.precision_recall_fscore_support(
        labels, answers, labels=range(10), zero_division=0
    )
    for mine, yours in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, yours)


def test_reliability_agrees_with_scikit_learns_calibration_curve(predictions):
    from sklearn.calibration import calibration_curve

    labels, answers, confidence = predictions
    right = labels == answers
    ours = metrics.reliability(confidence, right)
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    filled = ours.count > 0
    np.testing.assert_allclose(ours.accuracy[filled], accuracy)
    np.testing.assert_allclose(ours.confidence[filled], mean)
    assert ours.count.sum() == 500


def test_an_answer_that_is_wholly_sure_is_in_the_last_bin():
    ours = metrics.reliability(np.array([1.0, 0.95]), np.array([True, False]))
    assert ours.count.tolist() == [0] * 9 + [2]
    assert np.isnan(ours.accuracy[0])
    assert ours.accuracy[9] == 0.5


def test_coverage_rises_from_the_surest_answer_to_all(predictions):
    labels, answers, confidence = predictions
    right = labels == answers
    curve = metrics.coverage_curve(confidence, right)
    assert curve.coverage[0] == 1
    assert curve.accuracy[0] == right.mean()
    assert (np.diff(curve.coverage) < 0).all()
    assert (np.diff(curve.threshold) > 0).all()
    for place in (0, 100, 499):
        answered = confidence >= curve.threshold[place]
        assert curve.coverage[place] == answered.mean()
        assert curve.accuracy[place] == pytest.approx(right[answered].mean())


def test_answers_equally_sure_are_given_or_kept_together():
    curve = metrics.coverage_curve(np.array([0.5, 0.9, 0.5]), np.array([True, True, False]))
    assert curve.threshold.tolist() == [0.5, 0.9]
    assert curve.coverage.tolist() == [1, pytest.approx(1 / 3)]
    assert curve.accuracy.tolist() == [pytest.approx(2 / 3), 1]


def test_the_worst_mistakes_are_the_surest(predictions):
    labels, answers, confidence = predictions
    places = metrics.worst(labels, answers, confidence)
    assert len(places) == (labels != answers).sum()
    assert (labels[places] != answers[places]).all()
    assert (np.diff(confidence[places]) <= 0).all()


@pytest.mark.parametrize("n", [1, 26, 359, 10_000])
def test_the_interval_of_an_accuracy_is_scipys(n):
    from scipy.stats import binomtest

    for right in {0, 1, n // 2, round(0.97 * n), n}:
        expected = binomtest(right, n).proportion_ci(0.95, method="wilson")
        low, high = metrics.accuracy_interval(right / n, n)
        assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)
        assert 0 <= low <= right / n <= high <= 1


def test_the_calibration_error_is_the_gap_of_the_diagram():
    import torch

    confidence = np.array([0.9, 0.9, 0.9, 0.9])
    right = np.array([True, True, True, False])
    error = calibration_error(torch.from_numpy(confidence), torch.from_numpy(right))
    assert error == pytest.approx(0.15)
