import os

import pytest
import torch
from rights import without_rights

from mnist_app.results import cache
from mnist_app.results.cache import Entry


@pytest.fixture
def entry() -> Entry:
    return Entry({"logits": torch.arange(6.0).view(2, 3)}, {"n": 2, "curves": {"blur": [[0, 1]]}})


def test_what_was_kept_is_found_by_what_it_came_from(weights_folder, entry):
    path = cache.path_of("kind", {"network": "a", "seed": 0})
    assert cache.load(path) is None
    cache.save(path, entry)
    found = cache.load(cache.path_of("kind", {"seed": 0, "network": "a"}))
    assert torch.equal(found.tensors["logits"], entry.tensors["logits"])
    assert found.facts == entry.facts


@pytest.mark.parametrize("other", [("kind", {"seed": 1}), ("other", {"seed": 0})])
def test_another_kind_or_argument_is_another_entry(weights_folder, entry, other):
    cache.save(cache.path_of("kind", {"seed": 0}), entry)
    assert cache.load(cache.path_of(*other)) is None


def test_a_broken_entry_is_none_and_goes(weights_folder, entry):
    path = cache.path_of("kind", {})
    cache.save(path, entry)
    path.write_bytes(path.read_bytes()[:40])
    assert cache.load(path) is None
    assert not path.exists()


def test_an_entry_of_another_user_is_found(open_folder, entry, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(open_folder))
    path = cache.path_of("kind", {})
    cache.save(path, entry)
    with without_rights():  # its time of use cannot be noted
        assert cache.load(path)


def test_where_there_are_too_many_the_oldest_go(weights_folder, entry, monkeypatch):
    paths = [cache.path_of("kind", {"number": number}) for number in range(4)]
    for age, path in enumerate(paths):
        cache.save(path, entry)
        os.utime(path, (1000 + age, 1000 + age))
    monkeypatch.setattr(cache, "MOST_BYTES", 3 * paths[0].stat().st_size)
    newest = cache.path_of("kind", {"number": 4})
    cache.save(newest, entry)
    assert [path.exists() for path in [*paths, newest]] == [False, False, True, True, True]


def test_what_was_used_last_goes_last(weights_folder, entry, monkeypatch):
    paths = [cache.path_of("kind", {"number": number}) for number in range(3)]
    for age, path in enumerate(paths):
        cache.save(path, entry)
        os.utime(path, (1000 + age, 1000 + age))
    assert cache.load(paths[0])
    monkeypatch.setattr(cache, "MOST_BYTES", 3 * paths[0].stat().st_size)
    cache.save(cache.path_of("kind", {"number": 4}), entry)
    assert [path.exists() for path in paths] == [True, False, True]


def test_memory_holds_few_large_entries(weights_folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_IN_MEMORY", 2500)
    for number in range(5):
        path = cache.path_of("kind", {"number": number})
        cache.save(path, Entry({"x": torch.zeros(250)}, {}))
        assert cache.load(path).tensors["x"].shape == (250,)
    held = [path for path in cache._MEMORY if path.parent == cache.folder()]
    assert held == [cache.path_of("kind", {"number": number}) for number in (3, 4)]


def test_an_entry_replaced_meanwhile_is_read_anew(weights_folder, entry):
    path = cache.path_of("kind", {})
    cache.save(path, entry)
    assert cache.load(path).facts["n"] == 2
    cache.save(path, Entry({"logits": torch.zeros(5)}, {"n": 5}))
    assert cache.load(path).facts["n"] == 5
