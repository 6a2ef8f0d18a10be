"""Garbage collection goes through the libraries' objects once, and skips them afterwards."""

import gc
import sys
import types
import weakref

import pytest

from mnist_app.ui.server import garbage_collection


@pytest.fixture(autouse=True)
def _unfrozen(monkeypatch):
    monkeypatch.setattr(garbage_collection, "_looked_at", 0)
    yield
    gc.unfreeze()


def test_what_is_loaded_is_set_aside_and_what_comes_later_is_still_collected():
    garbage_collection.freeze_library_objects()
    assert gc.get_freeze_count() > 100_000
    cycle = types.SimpleNamespace()
    cycle.itself = cycle
    del cycle
    assert gc.collect() >= 1


def test_what_is_garbage_already_is_freed():
    cycle = types.ModuleType("cycle")
    cycle.itself = cycle
    reference = weakref.ref(cycle)
    del cycle
    garbage_collection.freeze_library_objects()
    gc.collect()
    assert reference() is None


def test_only_many_new_modules_are_worth_it_again(monkeypatch):
    garbage_collection.freeze_library_objects()
    before = gc.get_freeze_count()
    kept = [[] for _ in range(10_000)]
    garbage_collection.freeze_library_objects()
    assert gc.get_freeze_count() <= before
    for number in range(150):
        monkeypatch.setitem(sys.modules, f"new_{number}", types.ModuleType(f"new_{number}"))
    garbage_collection.freeze_library_objects()
    assert gc.get_freeze_count() >= before + len(kept)
