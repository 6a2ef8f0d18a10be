"""Discs that are full, read-only or gone, and clocks that jump."""

import os
import time

import faults
import pytest
from effort import scaled
from faults import LONG, QUICK, SAVING, everything_is_right, left_over

from mnist_app.common.errors import InputError
from mnist_app.results import weights
from mnist_app.runs import lifecycle
from mnist_app.runs.run import Run, find_run, list_runs, runs_folder


@pytest.mark.parametrize("free", scaled([0, 3_000_000], [0, 4096, 20_000, 400_000, 3e6, 9e6]))
def test_a_full_disc_ends_a_run_with_a_reason_and_harms_nothing(free, disk, folder, before):
    disk.fill(int(free))
    run, refusal = _start_or_refuse()
    if run:
        faults.wait_until(lambda: not run.is_live)
        assert run.state == "died"
        assert faults.one_sentence(run.why_it_died)
        assert "free space" in run.why_it_died or "not write any more" in run.why_it_died
    else:
        assert faults.one_sentence(refusal)
        assert "free space" in refusal
        assert list(runs_folder().glob("[0-9]*")) == []
    assert left_over(folder) == []
    everything_is_right(before, folder)
    disk.empty()
    run = run or lifecycle.start(SAVING, "full")
    faults.finish(run)
    assert weights.load("full")[1].epochs == SAVING.epochs
    everything_is_right(before, folder)
    faults.report(
        f"disk full except for {int(free):,} bytes while saving",
        1,
        "ended with a clear message; resumed once there was room",
    )


def _start_or_refuse() -> tuple[Run | None, str]:
    try:
        return lifecycle.start(SAVING, "full"), ""
    except InputError as error:
        return None, str(error)


def test_a_disc_that_fills_up_during_a_run_leaves_it_resumable(disk, folder, before):
    run = lifecycle.start(SAVING.changed(epochs=200), "full")
    faults.wait_until(lambda: len(run.log.epochs) >= 3)
    faults.wait_until(lambda: disk.fill(0) or not run.is_live)
    disk.fill(0)
    assert run.state == "died"
    assert faults.one_sentence(run.why_it_died)
    done = len(run.log.epochs)
    with pytest.raises(InputError, match="free space"):
        lifecycle.resume(run)
    assert run.state == "died"
    everything_is_right(before, folder)
    disk.empty()
    lifecycle.resume(run)
    faults.wait_until(lambda: run.log.is_started)
    assert len(run.log.epochs) >= done - 1
    faults.finish(run)
    assert left_over(folder) == []
    everything_is_right(before, folder)
    faults.report("disk that fills up during a run", 1, "resumed from the last epoch")


def test_a_limit_on_the_size_of_files_ends_a_run_with_a_reason(folder, before, injected):
    """This needs no right to mount: writes beyond the limit fail like writes to a full disc."""
    injected("import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000,) * 2)")
    run = lifecycle.start(SAVING, "limited")
    faults.wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert faults.one_sentence(run.why_it_died)
    assert "free space" in run.why_it_died
    assert left_over(folder) == []
    everything_is_right(before, folder)
    injected("")
    faults.finish(run)
    faults.report(
        "file size limit while saving", 1, "ended with a clear message; resumed without the limit"
    )


def test_a_folder_that_may_only_be_read_starts_nothing_and_lists_everything(disk, folder, before):
    done = lifecycle.start(QUICK, "done")
    faults.finish(done)
    killed = lifecycle.start(LONG, "killed")
    faults.wait_until(lambda: killed.log.epochs)
    faults.kill(killed)
    before = faults.remembered(folder)
    disk.protect()
    for action in (lambda: lifecycle.start(QUICK, "no"), lambda: lifecycle.resume(killed)):
        with pytest.raises(InputError, match="can be written") as told:
            action()
        assert faults.one_sentence(str(told.value))
    model, info = weights.load("lenet5")
    with pytest.raises(InputError, match="can be written"):
        weights.save("copy", model, info)
    assert [(run.id, run.state) for run in list_runs()] == [
        (killed.id, "died"),
        (done.id, "finished"),
    ]
    everything_is_right(before, folder)
    disk.unprotect()
    lifecycle.resume(killed)
    faults.wait_until(lambda: killed.log.is_started)
    everything_is_right(before, folder)
    faults.report(
        "read-only weights folder", 3, "a clear message; every result is listed and loads"
    )


def test_a_folder_that_turns_read_only_ends_the_run_and_leaves_it_resumable(disk, folder, before):
    run = lifecycle.start(SAVING.changed(epochs=100), "protected")
    faults.wait_until(lambda: len(run.log.epochs) >= 3)
    disk.protect()
    faults.wait_until(lambda: not run.is_alive())
    assert run.state == "died"
    assert faults.one_sentence(run.why_it_died)
    everything_is_right(before, folder)
    disk.unprotect()
    faults.finish(run)
    assert weights.load("protected")[1].epochs == 100
    assert left_over(folder) == []
    faults.report("weights folder made read-only during a run", 1, "died; resumed to its end")


def test_a_folder_that_is_gone_ends_the_run_alone_and_comes_back_whole(folder, before):
    run = lifecycle.start(LONG, "gone")
    faults.wait_until(lambda: len(run.log.epochs) >= 3)
    pid, away = faults.pid_of(run), folder.with_name("away")
    folder.rename(away)
    assert weights.list_weights() == []
    assert list_runs() == []
    faults.wait_until(lambda: _is_gone(pid))
    assert not folder.exists()  # nothing was created in its place
    away.rename(folder)
    assert find_run(run.id).state == "died"
    assert faults.one_sentence(run.why_it_died)
    everything_is_right(before, folder)
    lifecycle.resume(run)
    faults.wait_until(lambda: run.log.is_started)
    lifecycle.stop(run)
    faults.wait_until(lambda: not run.is_live)
    assert run.state == "stopped"
    faults.report("weights folder moved away during a run", 1, "moved back: all there, resumed")


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# Clocks

JUMP = """
import time
begin, real = time.monotonic(), time.time
def jumped():
    return real() + ({seconds} if time.monotonic() > begin + 2.5 else 0)
time.time = jumped
time.time_ns = lambda: int(jumped() * 1e9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("hours", scaled([-1], [-1, 1, -24 * 365]))
def test_a_clock_that_jumps_during_a_run_changes_nothing(hours, folder, before, injected):
    recipe = SAVING.changed(epochs=80)
    injected(JUMP.format(seconds=hours * 3600))
    run, waiting = lifecycle.start(recipe, "jumped"), lifecycle.start(QUICK, "waiting")
    faults.wait_until(lambda: run.log.epochs)
    assert run.state == "running"
    assert waiting.state == "queued"
    faults.finish(run)
    faults.finish(waiting)
    injected("")
    faults.ends_as_unbroken(run, recipe)
    assert run.log.end["seconds"] > 0
    everything_is_right(before, folder)
    faults.report(
        f"clock that jumps by {hours:+,} hours", 1, "the run ends like an uninterrupted one"
    )


@pytest.mark.parametrize("hours", scaled([-1], [-1, 1, -24 * 365]))
def test_a_clock_that_jumps_under_the_app_changes_no_state(hours, folder, before, monkeypatch):
    run, killed = lifecycle.start(LONG, "living"), lifecycle.start(LONG, "killed")
    faults.kill(killed)
    faults.wait_until(lambda: run.log.epochs)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    assert run.state == "running"
    assert killed.state == "died"
    assert lifecycle.start(QUICK, "third").state == "queued"
    with pytest.raises(InputError, match="under way"):
        lifecycle.resume(run)
    everything_is_right(before, folder)


@pytest.mark.parametrize("hours", scaled([1000], [-10_000, 1000]))
def test_files_from_another_time_are_listed_and_told_apart_as_ever(hours, folder, before):
    finished, killed = lifecycle.start(QUICK, "finished"), lifecycle.start(LONG, "killed")
    faults.finish(finished)
    faults.wait_until(lambda: killed.log.epochs)
    faults.kill(killed)
    before = faults.remembered(folder)
    then = time.time() + hours * 3600
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (then, then))
    assert [run.state for run in list_runs()] == ["died", "finished"]
    everything_is_right(before, folder)
    lifecycle.resume(killed)
    assert killed.is_live
    faults.wait_until(lambda: killed.log.is_started)
    faults.kill(killed)
    everything_is_right(before, folder)
