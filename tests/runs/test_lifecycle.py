"""Runs as real processes, killed with real signals."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from rights import without_rights

from mnist_app.common.errors import InputError
from mnist_app.data import bundled, training_data
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.runs import failure_reasons, lifecycle, queue_limits, worker
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import Run, find_run, list_runs, runs_ahead_of, runs_folder
from mnist_app.training.evaluation import evaluate
from mnist_app.training.loop import train

pytestmark = pytest.mark.usefixtures("weights_folder", "fork_server")

QUICK = RECIPES["mlp-128-64-adam"].changed(dataset="digits", epochs=3)
LONG = QUICK.changed(epochs=1000)


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def start():
    """A function that starts runs; those still alive at the end of the test are killed."""
    started = []

    def begin(recipe: Recipe, name: str | None = None, **more: str) -> Run:
        started.append(lifecycle.start(recipe, name, **more))
        return started[-1]

    yield begin
    for run in started:
        if run.is_alive():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid_of(run), signal.SIGKILL)
            wait_until(lambda run=run: not run.is_alive())


def pid_of(run: Run) -> int:
    return json.loads((run.folder / "process.json").read_text())["pid"]


def kill(run: Run) -> None:
    os.kill(pid_of(run), signal.SIGKILL)
    wait_until(lambda: not run.is_alive())


def uninterrupted(recipe: Recipe) -> list[tuple[float, float]]:
    parts, threads = training_data.prepare(recipe), torch.get_num_threads()
    torch.set_num_threads(worker.training_threads())
    end = list(train(recipe, parts.train, parts.val))[-1]
    torch.set_num_threads(threads)
    return [(e.train_loss, e.val_accuracy) for e in end.history]


def test_a_run_trains_to_its_end_and_saves_its_result(start):
    run = start(QUICK, "mine")
    assert run.id == "0001-mine"
    assert run.is_live
    wait_until(lambda: not run.is_live)
    assert run.state == "finished"
    assert sorted(run.log.epochs) == [1, 2, 3]
    _model, info = weights.load("mine")
    assert info.epochs == 3
    assert info.run == run.id
    assert run.log.end["name"] == "mine"
    assert run.log.end["test_accuracy"] == info.test_accuracy
    assert sorted(run.snapshots()) == [1, 2, 3]
    wait_until(lambda: not psutil.pid_exists(pid_of(run)))  # no zombie is left


def test_a_run_is_found_again_from_its_files_alone(start):
    run = start(LONG)
    wait_until(lambda: run.log.epochs)
    found = find_run(run.id)
    assert found == run
    assert [r.id for r in list_runs()] == [run.id]
    assert found.state == "running"
    assert found.recipe == LONG


def test_a_stopped_run_keeps_what_is_trained_and_resumes(start):
    recipe = QUICK.changed(epochs=40)
    run = start(recipe, "mine")
    wait_until(lambda: len(run.log.epochs) >= 2)
    lifecycle.stop(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "stopped"
    _model, info = weights.load("mine")
    assert info.reason == "stopped"
    assert 2 <= info.epochs < 40
    assert (info.test_accuracy, info.test_loss, info.n) == (None, None, 0)
    assert (run.log.end["test_accuracy"], run.log.end["n"]) == (None, 0)
    assert (run.log.end["val_accuracy"], run.log.end["val_n"]) == (info.val_accuracy, 287)

    lifecycle.resume(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "finished"
    assert [i.name for i in weights.list_weights()] == ["mine"]
    model, info = weights.load("mine")
    measured = evaluate(model, bundled.load_bundled().test, recipe)
    assert (info.test_accuracy, info.n) == (measured.accuracy, 359)
    assert run.log.end["test_accuracy"] == info.test_accuracy
    events = run.log.epochs
    curve = [(events[e]["train_loss"], events[e]["val_accuracy"]) for e in sorted(events)]
    assert curve == uninterrupted(recipe)


def test_a_killed_run_says_so_and_resumes_from_its_last_checkpoint(start):
    run = start(QUICK.changed(epochs=60), "mine")
    wait_until(lambda: len(run.log.epochs) >= 3)
    kill(run)
    wait_until(lambda: run.log.exit)
    done = len(run.log.epochs)
    assert run.state == "died"
    assert "killed" in run.why_it_died
    assert "signal 9" in run.why_it_died
    assert weights.list_weights() == []

    lifecycle.resume(run)
    wait_until(lambda: run.log.is_started)
    assert len(run.log.epochs) >= done - 1
    wait_until(lambda: not run.is_live)
    assert run.state == "finished"
    assert sorted(run.log.epochs) == list(range(1, 61))
    assert weights.load("mine")[1].epochs == 60


def test_a_second_run_waits_for_the_first_and_can_be_stopped_while_it_waits(start):
    first, second, third = start(LONG), start(QUICK), start(QUICK)
    wait_until(lambda: first.log.epochs)
    assert second.state == "queued"
    assert [r.id for r in runs_ahead_of(third)] == [second.id, first.id]
    lifecycle.stop(second)
    wait_until(lambda: second.state == "stopped")
    assert second.log.end["name"] is None
    kill(first)
    wait_until(lambda: third.state == "finished")
    assert first.state == "died"


@pytest.mark.parametrize(
    ("facts", "ticket"),
    [('{"ticket": 7}', 7), ('{"pid": "x", "ticket": 7}', 7), ("{}", None), ("[7]", None)],
)
def test_a_run_has_its_place_in_line_before_its_process(facts, ticket, weights_folder):
    folder = weights_folder / ".runs" / "0001-mine"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(QUICK.model_dump_json())
    (folder / "process.json").write_text(facts)
    run = find_run("0001-mine")
    assert run.is_alive()
    assert run.ticket == ticket


def test_several_may_run_at_once_if_allowed(start, monkeypatch):
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "2")
    first, second = start(LONG), start(LONG)
    wait_until(lambda: first.log.epochs and second.log.epochs)
    assert first.state == second.state == "running"


def test_names_of_living_runs_and_of_results_are_not_given_twice(start):
    first, second = start(LONG, "mine"), start(LONG, "mine")
    assert (first.name, second.name) == ("mine", "mine-2")


def test_one_owner_has_a_few_runs_in_the_queue_and_all_together_not_many(start, monkeypatch):
    monkeypatch.setattr(queue_limits, "MOST_OF_ONE", 2)
    monkeypatch.setattr(queue_limits, "MOST_OF_ALL", 3)
    first, second = start(LONG, owner="a"), start(LONG, owner="a")
    assert (first.owner, first.name, second.name) == ("a", LONG.name, f"{LONG.name}-2")
    with pytest.raises(InputError, match="2 of your trainings are running or waiting"):
        start(LONG, owner="a")
    start(LONG, owner="b")
    with pytest.raises(InputError, match="3 trainings are running or waiting, which is the most"):
        start(LONG, owner="c")
    assert len(list_runs()) == 3  # the refused runs left nothing behind
    lifecycle.stop(second)
    wait_until(lambda: not second.is_live)
    assert start(LONG, owner="a").owner == "a"
    with pytest.raises(InputError, match="2 of your trainings are running or waiting"):
        lifecycle.resume(second, owner="a")
    assert second.state == "stopped"


def test_who_waits_too_long_is_told_to_try_again(start, monkeypatch):
    run = start(QUICK)
    monkeypatch.setattr(lifecycle, "_SECONDS_TO_WAIT", 0.1)
    wait_until(lambda: not run.is_live)
    with lifecycle._lock():
        for action in (
            lambda: start(QUICK),
            lambda: lifecycle.resume(run),
            lambda: lifecycle.remove(run),
        ):
            with pytest.raises(InputError, match="Many trainings are being started just now"):
                action()
    assert list_runs() == [run]


def test_of_many_who_start_at_once_each_gets_a_name_and_nobody_too_many(start, monkeypatch):
    monkeypatch.setattr(queue_limits, "MOST_OF_ONE", 3)

    def begin(_number: int) -> Run | str:
        try:
            return start(LONG, "same", owner="a")
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(begin, range(10)))
    begun = [run for run in found if isinstance(run, Run)]
    assert sum("3 of your trainings" in str(told) for told in found) == 7
    assert sorted(run.name for run in begun) == ["same", "same-2", "same-3"]
    assert sorted(run.ticket for run in begun) == [1, 2, 3]


def test_an_error_in_a_run_is_told_in_its_own_words(start):
    run = start(QUICK.changed(dataset="no-such-folder"))
    wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert "no-such-folder" in run.why_it_died
    assert "sub-folder per digit" in run.why_it_died


def test_out_of_memory_is_told_with_a_remedy(start, monkeypatch, tmp_path):
    """A real allocation fails in a real run, because its address space is limited."""
    limiter = tmp_path / "sitecustomize.py"
    limiter.write_text(
        "import sys\n"
        "if 'mnist_app.runs.worker' in sys.orig_argv:\n"
        "    import torch, sklearn.datasets\n"
        "    import resource, psutil\n"
        "    now = psutil.Process().memory_info().vms\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (now + 150_000_000,) * 2)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    recipe = RECIPES["cnn-simple-fixed"].changed(dataset="digits", batch_size=8192, epochs=1)
    run = start(recipe)
    wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert "memory" in run.why_it_died


def test_data_that_changed_are_not_mixed_into_a_resumed_run(start, tmp_path):
    folder = tmp_path / "pictures"
    _write_pictures(folder)
    run = start(QUICK.changed(dataset=str(folder), epochs=1000, batch_size=8))
    wait_until(lambda: run.log.epochs)
    lifecycle.stop(run)
    wait_until(lambda: not run.is_live)
    next((folder / "3").iterdir()).unlink()
    lifecycle.resume(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert "changed since" in run.why_it_died


def test_pen_strokes_that_came_in_between_are_not_mixed_into_a_resumed_run(
    start, tmp_path, monkeypatch
):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    run = start(QUICK.changed(epochs=1000, pen_copies=1))
    wait_until(lambda: run.log.epochs)
    lifecycle.stop(run)
    wait_until(lambda: not run.is_live)
    (tmp_path / "pendigits").mkdir()
    seven = {"label": 7, "strokes": [[[0, 0], [60, 0], [20, 100]]]}
    lines = [json.dumps(seven | {"writer": f"w{number}"}) for number in range(10)]
    (tmp_path / "pendigits" / "strokes.jsonl").write_text("\n".join(lines))
    lifecycle.resume(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert "changed since" in run.why_it_died


def _write_pictures(folder: Path) -> None:
    from PIL import Image

    digits = bundled.load_bundled().train
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for i, image in enumerate(digits.images[digits.labels == digit][:8]):
            Image.fromarray(image.numpy()).save(folder / str(digit) / f"{i}.png")


def test_a_line_cut_off_in_the_log_costs_only_itself(start):
    run = start(QUICK)
    wait_until(lambda: not run.is_alive())
    path = run.folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    assert sorted(run.log.epochs) == [1, 2, 3]
    assert run.state == "died"  # its end was never written
    append_event(run.folder, json.loads(lines[-1]))
    assert run.state == "finished"


@pytest.mark.parametrize("half", [rb"\ud800", b"\xed\xa0\x80"], ids=["escaped", "raw"])
def test_a_line_with_half_a_character_costs_only_itself(half, start):
    run = start(QUICK)
    wait_until(lambda: not run.is_alive())
    with (run.folder / "events.jsonl").open("ab") as log:
        log.write(b'{"event": "error", "message": "half %b."}\n' % half)
    assert run.log.error is None
    append_event(run.folder, {"event": "error", "message": "whole \U0001f600."})
    assert run.log.error == "whole \U0001f600."


@pytest.mark.parametrize(
    ("last_words", "message"),
    [
        ("", "It ended with exit code 3: it could not write why, free space."),
        ("Traceback\nOSError: no.", "It ended with exit code 3: OSError: no."),
    ],
)
def test_how_a_process_ended_is_one_sentence_whatever_it_could_write(last_words, message, tmp_path):
    run = Run(tmp_path, QUICK)
    (tmp_path / "log.txt").write_text(last_words)
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    lifecycle.note_exit(run, process.wait())
    assert run.why_it_died == message


def test_a_living_run_is_neither_resumed_nor_removed(start):
    run = start(LONG)
    with pytest.raises(InputError, match="stop it first"):
        lifecycle.resume(run)
    with pytest.raises(InputError, match="stop it first"):
        lifecycle.remove(run)


def test_removing_a_run_keeps_its_result(start):
    run = start(QUICK, "mine")
    wait_until(lambda: run.state == "finished")
    lifecycle.remove(run)
    assert list_runs() == []
    assert weights.load("mine")[1].name == "mine"


def test_a_run_that_cannot_be_removed_is_said_and_stays(open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(open_folder))
    folder = open_folder / ".runs" / "0001-mine"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(QUICK.model_dump_json())
    append_event(folder, {"event": "queued"})
    append_event(folder, {"event": "error", "message": "It failed."})
    (run,) = list_runs()
    (folder.parent / ".lock").touch()
    (folder.parent / ".lock").chmod(0o666)
    with without_rights(), pytest.raises(InputError, match=r"cannot be removed in .* denied"):
        lifecycle.remove(run)
    assert list_runs() == [run]


@pytest.mark.parametrize("name", ["../x", "a b", "x" * 65])
def test_a_run_with_a_bad_name_is_not_begun(name):
    with pytest.raises(InputError, match="letters, digits"):
        lifecycle.start(QUICK, name)
    assert list_runs() == []


def test_a_process_that_breaks_before_it_can_log_is_told_by_its_last_words(start, monkeypatch):
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "many")  # the app's own environment is wrong
    run = start(QUICK)
    wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert "MNIST_APP_PARALLEL_RUNS" in run.why_it_died


def test_of_many_browsers_that_resume_at_once_one_does(start):
    run = start(LONG)
    wait_until(lambda: run.log.epochs)
    kill(run)
    together, answers = threading.Barrier(6), []

    def press_resume() -> None:
        together.wait()
        try:
            lifecycle.resume(run)
            answers.append("resumed")
        except InputError as error:
            answers.append(str(error))

    browsers = [threading.Thread(target=press_resume) for _ in range(6)]
    for browser in browsers:
        browser.start()
    for browser in browsers:
        browser.join()
    assert answers.count("resumed") == 1
    assert len(answers) == 6


def test_a_number_is_not_mistaken_for_the_log_of_a_removed_run(start):
    first = start(QUICK, "mine")
    wait_until(lambda: not first.is_alive())
    lifecycle.remove(first)
    weights.path_of("mine").unlink()
    second = start(QUICK.changed(epochs=1), "mine")
    assert second.id == first.id
    wait_until(lambda: not second.is_live)
    assert sorted(second.log.epochs) == [1]


def test_an_id_cannot_lead_out_of_the_folder(weights_folder, tmp_path):
    outside = tmp_path / "0001-x"
    outside.mkdir()
    (outside / "recipe.json").write_text(QUICK.model_dump_json())
    runs_folder().mkdir(parents=True)
    assert find_run("../../0001-x") is None


def test_a_terminated_run_stops_in_order(start):
    run = start(LONG, "mine")
    wait_until(lambda: run.log.epochs)
    os.kill(pid_of(run), signal.SIGTERM)
    wait_until(lambda: not run.is_live)
    assert run.state == "stopped"
    assert weights.load("mine")[1].epochs >= 1


def test_the_interpreter_of_the_app_is_that_of_the_run(start):
    run = start(LONG)
    process = psutil.Process(pid_of(run))
    wait_until(process.cmdline)  # empty while the process replaces itself (exec)
    assert process.cmdline()[0] == sys.executable


def test_a_reason_is_not_mistaken_for_another(weights_folder):
    said = "There is no data set at /home/ann/allocations: choose another."
    assert failure_reasons.of_error(InputError(said), runs_folder()) == said
    assert "out of memory" in failure_reasons.of_error(
        RuntimeError("can't allocate 8 GB"), runs_folder()
    )
    missing = FileNotFoundError(2, "No such file or directory", "/home/ann/allocations/a.png")
    assert "could not read or write /home/ann/alloc" in failure_reasons.of_error(
        missing, runs_folder()
    )
    by_safetensors = FileNotFoundError("No such file or directory: /home/ann/cannot allocate/a")
    assert "out of memory" not in failure_reasons.of_error(by_safetensors, runs_folder())
    assert "out of memory" in failure_reasons.of_error(
        OSError(12, "Cannot allocate memory"), runs_folder()
    )
    assert "out of memory" in failure_reasons.of_error(
        OSError("libtorch.so: failed to map segment from shared object"), runs_folder()
    )
    elsewhere = PermissionError(13, "Permission denied", "/data/MNIST/raw")
    assert "/data/MNIST/raw (Permission denied)" in failure_reasons.of_error(
        elsewhere, runs_folder()
    )
    assert str(runs_folder()) in failure_reasons.of_error(
        OSError(28, "No space left on device"), runs_folder()
    )
