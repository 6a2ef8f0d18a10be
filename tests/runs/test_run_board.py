"""Many sessions ask for the runs at once: each file is read once, and the answer is current."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mnist_app.recipes.presets import RECIPES
from mnist_app.runs import lifecycle, processes, run_board
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import RunStatus, list_runs

pytestmark = pytest.mark.usefixtures("weights_folder")

RECIPE = RECIPES["mlp-128-64-adam"].changed(dataset="digits", epochs=3)
EPOCH = {
    "event": "epoch",
    "epoch": 1,
    "seconds": 1.0,
    "train_loss": 0.5,
    "train_accuracy": 0.8,
    "val_loss": 0.6,
    "val_accuracy": 0.7,
    "learning_rate": 0.1,
    "images_per_second": 1000.0,
}
_opened: list[list[str]] = []  # lists that collect the names of opened files


def _note(event: str, args: tuple) -> None:
    if event == "open" and isinstance(args[0], str | os.PathLike):
        for names in _opened:
            names.append(os.fspath(args[0]))


sys.addaudithook(_note)


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """Yield a list that collects the names of files opened within the block."""
    names: list[str] = []
    _opened.append(names)
    yield names
    _opened.remove(names)


@pytest.fixture
def runs(weights_folder: Path) -> list[Path]:
    """The folders of three runs that are alive, as they name this process as theirs."""
    folders = []
    for number in (1, 2, 3):
        folder = weights_folder / ".runs" / f"000{number}-mine"
        folder.mkdir(parents=True)
        (folder / "recipe.json").write_text(RECIPE.model_dump_json())
        (folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "ticket": number}))
        append_event(folder, {"event": "queued"})
        folders.append(folder)
    append_event(folders[0], {"event": "start"})
    append_event(folders[0], EPOCH)
    return folders


_asked: list[str] = []  # the marks of the processes that were checked for being alive


@pytest.fixture(autouse=True)
def _alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_this_process(pid: int, mark: str) -> bool:
        _asked.append(mark)
        return pid == os.getpid()

    _asked.clear()
    monkeypatch.setattr(processes, "is_running", is_this_process)


def states() -> list[str]:
    return [status.state for status in run_board.statuses()]


def test_twenty_who_look_at_once_read_each_log_once(runs):
    together = threading.Barrier(20)

    def look(_number: int) -> tuple[RunStatus, ...]:
        together.wait()
        return run_board.statuses()

    with opened_files() as names, ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(look, range(20)))
    logs = [name for name in names if name.endswith("events.jsonl")]
    assert sorted(logs) == sorted(str(folder / "events.jsonl") for folder in runs)
    assert sorted(_asked) == [folder.name for folder in runs]  # each process was checked once
    assert all(statuses is seen[0] for statuses in seen)


def test_what_did_not_change_is_not_read_again(runs):
    assert len(run_board.statuses()) == 3
    run_board.invalidate()
    with opened_files() as names:
        assert states() == ["queued", "queued", "running"]
    assert not [name for name in names if str(runs[0].parent) in name and Path(name).is_file()]
    append_event(runs[0], {**EPOCH, "epoch": 2})
    run_board.invalidate()
    with opened_files() as names:
        assert sorted(run_board.statuses()[-1].log.epochs) == [1, 2]
    assert [name for name in names if name.endswith(".jsonl")] == [str(runs[0] / "events.jsonl")]


def test_who_has_looked_keeps_what_was_seen(runs):
    seen = run_board.statuses()[-1]
    append_event(runs[0], {**EPOCH, "epoch": 2})
    run_board.invalidate()
    assert sorted(run_board.statuses()[-1].log.epochs) == [1, 2]
    assert sorted(seen.log.epochs) == [1]


def test_the_board_says_of_each_run_what_the_run_says_of_itself(runs):
    (runs[1] / "stop").touch()
    (runs[2] / "process.json").write_text('{"pid": 1, "ticket": 3}')
    (runs[2] / "owner").write_text("ann")
    assert [status.ahead for status in run_board.statuses()] == [0, 1, 0]
    assert states() == ["died", "stopping", "running"]
    assert [run.status() for run in list_runs()] == list(run_board.statuses())
    assert run_board.statuses()[0].owner == "ann"


def test_what_is_done_here_is_seen_at_the_next_look(runs):
    run = run_board.statuses()[-1].run
    lifecycle.stop(run)
    assert states()[-1] == "stopping"
    (run.folder / "process.json").write_text("{}")
    os.utime(run.folder, (0, 0))
    lifecycle.remove(run)
    assert len(states()) == 2
    started = lifecycle.start(RECIPE, "new")
    assert run_board.statuses()[0].id == started.id
    lifecycle.stop(started)


def test_what_others_do_is_seen_after_a_moment(runs, monkeypatch):
    assert states()[-1] == "running"
    append_event(runs[0], {"event": "error", "message": "The disc is full."})
    monkeypatch.setattr(run_board, "SECONDS_BETWEEN_LOOKS", 0)
    assert states()[-1] == "died"
    assert run_board.statuses()[-1].why_it_died == "The disc is full."


def test_another_weights_folder_has_a_board_of_its_own(runs, tmp_path, monkeypatch):
    assert len(states()) == len(runs)
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "other"))
    assert states() == []


def test_a_log_that_cannot_be_read_harms_no_other_run(runs):
    log = runs[0] / "events.jsonl"
    log.unlink(missing_ok=True)
    log.mkdir()
    assert len(run_board.statuses()) == len(runs)
