"""Networks that all sessions share, and their limit."""

import threading
import time

import pytest

from mnist_app.networks.models import from_recipe
from mnist_app.recipes.presets import RECIPES
from mnist_app.recognition.predictor import Predictor
from mnist_app.ui.network_cache import NetworkCache

RECIPE = RECIPES["mlp-128-64"]


def load() -> Predictor:
    return Predictor(from_recipe(RECIPE), RECIPE)


@pytest.fixture(scope="module")
def size() -> int:
    return load().nbytes


def test_a_network_is_loaded_once_and_again_when_its_file_changes(tmp_path):
    cache = NetworkCache()
    first = cache.get(tmp_path, 1, load)
    assert cache.get(tmp_path, 1, load) is first
    assert cache.get(tmp_path, 2, load) is not first


def test_sixty_networks_take_no_more_memory_than_all_sessions_may(tmp_path, size):
    """As one curve of \"your digit while it learns\" asks for."""
    cache = NetworkCache(most_bytes=10 * size)
    for number in range(60):
        cache.get(tmp_path / str(number), 1, load)
        assert cache.nbytes <= 10 * size


def test_those_unused_for_longest_go_first(tmp_path, size):
    cache = NetworkCache(most_bytes=2 * size)
    kept = cache.get(tmp_path / "a", 1, load)
    cache.get(tmp_path / "b", 1, load)
    cache.get(tmp_path / "a", 1, load)
    cache.get(tmp_path / "c", 1, load)
    assert cache.get(tmp_path / "a", 1, load) is kept


def test_one_network_larger_than_the_limit_can_still_be_used(tmp_path):
    cache = NetworkCache(most_bytes=1)
    assert cache.get(tmp_path, 1, load) is cache.get(tmp_path, 1, load)


def test_sessions_that_ask_for_the_same_at_once_load_it_once(tmp_path):
    cache, loaded = NetworkCache(), []

    def slowly() -> Predictor:
        time.sleep(0.05)
        loaded.append(1)
        return load()

    threads = [threading.Thread(target=cache.get, args=(tmp_path, 1, slowly)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1
