"""Searches with real runs, stopped and killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from rights import without_rights

from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.search_space import Space
from mnist_app.results import weights
from mnist_app.runs import search, search_lifecycle
from mnist_app.runs.run import Run, list_runs
from mnist_app.runs.search import Search
from mnist_app.training.evaluation import evaluate
from mnist_app.ui.compare import search_results

QUICK = RECIPES["mlp-128-64-adam"].changed(dataset="digits", epochs=1)
LONG = QUICK.changed(epochs=1000)


@pytest.fixture(autouse=True)
def _end_what_is_left(weights_folder, fork_server) -> Iterator[None]:
    yield
    for found in search.list_searches():
        search_lifecycle.stop(found)
    for run in list_runs():
        if run.is_alive():
            kill(run)


def kill(run: Run) -> None:
    os.kill(json.loads((run.folder / "process.json").read_text())["pid"], signal.SIGKILL)


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def now(found: Search) -> Search:
    return search.find(found.id)


def states(found: Search) -> list[str]:
    return [trial.state for trial in now(found).trials]


def grid(base=QUICK, **fields) -> Space:
    return Space(base, "grid", fields)


def test_a_search_tries_everything_and_keeps_the_best_by_validation():
    found = search_lifecycle.start(grid(learning_rate=(1e-5, 0.01), batch_size=(64,)))
    assert found.id == "0001-mlp-128-64-adam"
    wait_until(lambda: not now(found).is_live)
    found = now(found)
    assert found.state == "finished"
    assert [t.values["learning_rate"] for t in found.trials] == [1e-5, 0.01]
    slow, quick = found.trials
    assert quick.val_accuracy > slow.val_accuracy
    assert found.best == quick
    assert quick.seconds > 0
    assert found.result_of(quick).recipe == QUICK.changed(**quick.values)
    assert found.result_of(quick).calibration.n == 287

    # The trials are not listed as networks, and keep neither checkpoints nor snapshots
    assert weights.list_weights() == []
    assert not quick.run.checkpoint.exists()
    assert quick.run.snapshots() == {}

    # No trial reads the test images. The one that is kept does
    assert [trial.status.log.end["test_accuracy"] for trial in found.trials] == [None, None]
    assert [found.result_of(trial).test_accuracy for trial in found.trials] == [None, None]
    kept = search_lifecycle.keep_best(found, "mine")
    assert weights.list_weights() == [kept]
    assert kept.recipe == QUICK.changed(**quick.values)
    measured = evaluate(weights.load("mine")[0], bundled.load_bundled().test, kept.recipe)
    assert (kept.test_accuracy, kept.test_loss, kept.n) == measured
    assert now(found).kept == (quick.number, "mine", weights.fingerprint_of("mine"))
    assert search_lifecycle.keep_best(found, "mine").name == "mine-2"

    search_lifecycle.remove(found)
    assert search.list_searches() == []
    assert list_runs() == []
    assert {info.name for info in weights.list_weights()} == {"mine", "mine-2"}


def test_what_was_kept_early_is_told_from_a_better_one_that_came_later():
    found = search_lifecycle.start(grid(learning_rate=(1e-5, 0.01), batch_size=(64,)))
    wait_until(lambda: now(found).best)
    first = now(found).best
    search_lifecycle.keep_best(now(found), "early")
    wait_until(lambda: not now(found).is_live)
    found = now(found)
    assert found.kept.trial == first.number == 1
    assert found.best.number == 2
    assert search_lifecycle.keep_best(found, "late").recipe.learning_rate == 0.01
    assert now(found).kept[:2] == (2, "late")


def test_the_best_is_not_kept_without_the_data_set_that_measures_it(tmp_path):
    data = tmp_path / "pictures"
    digits = bundled.load_bundled().train
    for label in range(10):
        (data / str(label)).mkdir(parents=True)
        for number, image in enumerate(digits.images[digits.labels == label][:10]):
            Image.fromarray(image.numpy()).save(data / str(label) / f"{number}.png")
    base = QUICK.changed(dataset=str(data), batch_size=16)
    found = search_lifecycle.start(grid(base, learning_rate=(0.01,)))
    wait_until(lambda: not now(found).is_live)
    data.rename(tmp_path / "away")
    with pytest.raises(InputError, match="put the data set back"):
        search_lifecycle.keep_best(now(found), "mine")
    (tmp_path / "away").rename(data)
    (data / "0" / "0.png").unlink()
    with pytest.raises(InputError, match="has changed since the training"):
        search_lifecycle.keep_best(now(found), "mine")
    assert weights.list_weights() == []


def test_one_trial_trains_and_one_waits_however_many_ask():
    found = search_lifecycle.start(grid(LONG, learning_rate=(0.1, 0.01, 0.001, 0.0001)))
    wait_until(lambda: "running" in states(found))
    wait_until(lambda: "queued" in states(found))
    together = [
        threading.Thread(target=search_lifecycle.advance, args=(found.id,)) for _ in range(6)
    ]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert sorted(states(found)) == ["queued", "running", "waiting", "waiting"]
    assert len(list_runs()) == 2
    assert {run.search for run in list_runs()} == {found.id}

    with pytest.raises(InputError, match="stop it first"):
        search_lifecycle.resume(found)
    with pytest.raises(InputError, match="stop it first"):
        search_lifecycle.remove(found)

    search_lifecycle.stop(found)
    wait_until(lambda: not now(found).is_live)
    assert now(found).state == "stopped"
    assert states(found).count("waiting") == 2
    assert now(found).best is None  # a trial that was cut short does not count
    with pytest.raises(InputError, match="No trial"):
        search_lifecycle.keep_best(now(found), "mine")

    search_lifecycle.resume(now(found))
    wait_until(lambda: "running" in states(found))
    assert now(found).state == "running"


def test_a_trial_that_is_killed_does_not_end_the_search():
    found = search_lifecycle.start(grid(LONG, learning_rate=(0.1, 0.01, 0.001)))
    wait_until(lambda: states(found)[:2] == ["running", "queued"])
    kill(now(found).trials[0].run)
    wait_until(lambda: states(found) == ["died", "running", "queued"])


def test_a_trial_that_diverges_counts_as_such_and_shows_its_last_good_epoch():
    base = RECIPES["cnn-2x32"].changed(
        dataset="digits", subset=300, epochs=8, momentum=0.9, l2=0.1, mixed_precision=False
    )
    base = base.changed(schedule="steps", steps=((3, 1.0),))  # absurdly high
    found = search_lifecycle.start(grid(base, batch_size=(32,)))
    wait_until(lambda: not now(found).is_live)
    (trial,) = now(found).trials
    assert trial.state == "finished"
    assert trial.has_diverged
    assert trial.last["epoch"] == trial.run.log.end["epochs"]
    assert search_results._state(trial, None) == "diverged"


def test_a_search_whose_processes_were_all_ended_says_so_and_goes_on():
    found = search_lifecycle.start(grid(LONG, learning_rate=(0.1, 0.01, 0.001)))
    wait_until(lambda: states(found)[:2] == ["running", "queued"])
    for trial in reversed(now(found).trials[:2]):
        kill(trial.run)
    wait_until(lambda: not now(found).is_live)
    assert now(found).state == "interrupted"
    search_lifecycle.resume(now(found))
    wait_until(lambda: states(found)[:2] == ["running", "queued"])


def test_only_so_many_searches_are_under_way(monkeypatch):
    monkeypatch.setattr(search_lifecycle, "MOST_AT_ONCE", 1)
    first = search_lifecycle.start(grid(LONG, learning_rate=[0.1]))
    with pytest.raises(InputError, match="1 searches are under way, which is the most"):
        search_lifecycle.start(grid(LONG, learning_rate=[0.2]))
    assert [found.id for found in search.list_searches()] == [first.id]
    search_lifecycle.stop(first)
    wait_until(lambda: not now(first).is_live)
    second = search_lifecycle.start(grid(LONG, learning_rate=[0.2]))
    with pytest.raises(InputError, match="1 searches are under way, which is the most"):
        search_lifecycle.resume(first)
    assert now(second).is_live


def test_of_many_who_search_at_once_only_so_many_do(monkeypatch):
    monkeypatch.setattr(search_lifecycle, "MOST_AT_ONCE", 2)

    def begin(_number: int) -> Search | str:
        try:
            return search_lifecycle.start(grid(LONG, learning_rate=[0.1]))
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(begin, range(6)))
    assert sum("2 searches are under way" in str(told) for told in found) == 4
    assert len(search.list_searches()) == 2


def test_a_search_whose_first_trial_cannot_start_leaves_nothing_behind(monkeypatch):
    def refuse(*_args: object) -> None:
        raise InputError("There is no room.")

    monkeypatch.setattr(search_lifecycle.lifecycle, "start", refuse)
    with pytest.raises(InputError, match="no room"):
        search_lifecycle.start(grid(LONG, learning_rate=[0.1]))
    assert search.list_searches() == []


def test_a_search_goes_on_whose_second_trial_cannot_start_yet(monkeypatch):
    start, full = search_lifecycle.lifecycle.start, [False]

    def start_one(*arguments):
        if full[0]:
            raise InputError("There is no room.")
        full[0] = True
        return start(*arguments)

    monkeypatch.setattr(search_lifecycle.lifecycle, "start", start_one)
    found = search_lifecycle.start(grid(LONG, learning_rate=[0.1, 0.2]))
    assert [run is None for run in found.runs] == [False, True]
    assert now(found).state == "running"
    full[0] = False
    search_lifecycle.advance(found.id)
    assert None not in now(found).runs


def test_a_search_that_cannot_be_removed_is_said_and_stays(open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(open_folder))
    found = search_lifecycle._new(grid(learning_rate=[0.1, 0.2]))
    found.is_stopped = True
    path = open_folder / ".searches" / "0001-mine.json"
    path.parent.mkdir()
    path.write_text(found.to_text())
    with without_rights(), pytest.raises(InputError, match=r"cannot be removed in .* denied"):
        search_lifecycle.remove(search.find("0001-mine"))
    assert search.find("0001-mine")
    search_lifecycle.remove(search.find("0001-mine"))
    assert not search.find("0001-mine")


def test_a_space_that_is_refused_leaves_nothing_behind():
    with pytest.raises(InputError, match="larger batch size"):
        search_lifecycle.start(grid(QUICK.changed(batch_norm=True), batch_size=(1, 16)))
    assert search.list_searches() == []
    assert list_runs() == []


@pytest.mark.parametrize("name", ["../evil", "a b"])
def test_the_best_is_kept_under_a_proper_name_alone(name):
    space = grid(learning_rate=(0.01,))
    found = Search("0001-x", space, space.trials(), [None], False, None)
    with pytest.raises(InputError, match="letters, digits"):
        search_lifecycle.keep_best(found, name)


def test_files_that_are_no_searches_are_passed_over(weights_folder, tmp_path):
    folder = weights_folder / ".searches"
    folder.mkdir(parents=True)
    (folder / "0001-broken.json").write_text('{"space": ')
    (folder / "0002-foreign.json").write_text("[]")
    (folder / "notes.json").write_text("{}")
    (weights_folder / "0003-x.json").write_text("{}")
    assert search.list_searches() == []
    assert search.find("../0003-x") is None
