"""Maps of images."""

import numpy as np
import pytest
import torch

from mnist_app.common.errors import InputError
from mnist_app.data import catalogue
from mnist_app.data.labelled_images import Digits
from mnist_app.recognition import embedding
from mnist_app.runs import jobs
from mnist_app.runs.jobs import Job


@pytest.fixture(scope="module")
def bundled() -> Digits:
    return catalogue.load_dataset("digits").train


def test_the_sample_has_every_digit_and_is_always_the_same(bundled):
    one, again = embedding.sample(bundled), embedding.sample(bundled)
    assert one.fingerprint == again.fingerprint
    assert len(one) == pytest.approx(embedding.SAMPLE, abs=10)
    shares = torch.bincount(one.labels) / len(one) - torch.bincount(bundled.labels) / len(bundled)
    assert shares.abs().max() < 0.01


def test_principal_components_are_those_of_scikit_learn(bundled):
    from sklearn.decomposition import PCA

    images = bundled.images[:300]
    points, shares = embedding.principal(images, 3)
    theirs = PCA(3, svd_solver="full").fit(images.flatten(1).numpy() / 255)
    expected = theirs.transform(images.flatten(1).numpy() / 255)
    signs = np.sign((points.numpy() * expected).sum(axis=0))
    assert np.abs(points.numpy() - signs * expected).max() < 1e-4
    assert shares == pytest.approx(theirs.explained_variance_ratio_.tolist(), rel=1e-6)
    greatest = np.abs(theirs.components_).argmax(axis=1)
    assert (signs == np.sign(theirs.components_[range(3), greatest])).all()


def test_images_that_are_all_the_same_are_in_one_place():
    points, shares = embedding.principal(torch.full((5, 28, 28), 7, dtype=torch.uint8))
    assert points.abs().max() < 1e-3
    assert all(0 <= share <= 1 for share in shares)


def test_the_same_seed_gives_the_same_map_and_puts_like_to_like(stripes):
    vectors, _ = embedding.principal(stripes.images, 20)
    told = []
    points, divergence, iterations = embedding.tsne(vectors, 0, told.append)
    again, _, _ = embedding.tsne(vectors, 0)
    assert torch.equal(points, again)
    assert points.shape == (200, 2)
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
    assert (stripes.labels[distances.argmin(dim=1)] == stripes.labels).all()
    assert told == sorted(told)
    assert len(told) > 3
    assert 0 < told[0] <= told[-1] <= 1
    assert divergence > 0
    assert 0 < iterations <= embedding.ITERATIONS


def test_few_images_have_a_map_and_too_few_do_not():
    vectors = torch.rand(5, 10, generator=torch.Generator().manual_seed(0))
    assert embedding.tsne(vectors, 0)[0].isfinite().all()
    assert embedding.perplexity(5) == pytest.approx(4 / 3)
    assert embedding.perplexity(1000) == 30
    with pytest.raises(InputError, match="too few"):
        embedding.tsne(vectors[:3], 0)


def test_a_map_is_computed_as_a_job_of_the_sample(bundled, weights_folder, monkeypatch):
    monkeypatch.setattr(embedding, "SAMPLE", 120)
    job = Job("embedding", embedding.job_arguments("digits", bundled))
    told = []
    entry = jobs.compute_now(job, lambda text, share: told.append((text, share)))
    assert len(entry.tensors["points"]) == entry.facts["n"] == len(embedding.sample(bundled))
    assert job.result() is not None
    assert any("Laying out" in text and share > 0.5 for text, share in told)


def test_a_small_map_says_the_perplexity_it_was_made_with(bundled, weights_folder, monkeypatch):
    monkeypatch.setattr(embedding, "SAMPLE", 40)
    job = Job("embedding", embedding.job_arguments("digits", bundled))
    facts = jobs.compute_now(job).facts
    assert facts["perplexity"] == pytest.approx((facts["n"] - 1) / 3)
    assert facts["perplexity"] < 30


def test_a_map_of_data_that_changed_is_refused(bundled):
    with pytest.raises(InputError, match="changed in the meantime"):
        embedding.embed(lambda *_: None, "digits", "0" * 16, 100, 0)
