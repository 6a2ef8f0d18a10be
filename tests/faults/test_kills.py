"""Runs that are killed, at random moments or in the middle of a save, and logs that are cut off."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import faults
import pytest
from effort import scaled
from faults import LONG, QUICK, SAVING, everything_is_right, left_over

from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.runs import lifecycle
from mnist_app.runs.run import Run, find_run


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_as_if_left_in_peace(folder, before):
    kills, chance = scaled(2, 20), random.Random(1)
    recipe = SAVING.changed(epochs=kills * scaled(15, 25))
    run, done, hits = lifecycle.start(recipe, "killed"), 0, 0
    while done < kills:
        if done % 2:
            time.sleep(chance.uniform(0, 4.5))
        else:  # while it trains, however long loading takes
            faults.wait_until(lambda run=run: run.log.batch or not run.is_live)
            time.sleep(chance.uniform(0, 1.5))
        if not faults.kill(run):  # it finished first: start another one
            faults.ends_as_unbroken(run, recipe)
            run = lifecycle.start(recipe, "killed")
            continue
        done += 1
        hits += _was_saving(folder)
        _is_right_after_a_kill(run, before, folder)
        lifecycle.resume(run)
    faults.finish(run)
    faults.ends_as_unbroken(run, recipe)
    everything_is_right(before, folder)
    assert left_over(folder) == []
    faults.report(
        "kill -9 of a run at a random moment",
        done,
        f"resumed; weights bit-identical to an uninterrupted run's; {hits} hit a save",
    )


# A save takes only a few hundredths of a second. To hit one with few kills, saves are slowed down.
# With many kills they are not: some kills come too late and do not count.
SLOW_SAVES = """
import os, time
sync = os.fsync
def wait_and_sync(file):
    time.sleep(0.5)
    sync(file)
os.fsync = wait_and_sync
"""


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_saves_ends_as_if_left_in_peace(folder, before, injected):
    injected(scaled(SLOW_SAVES, ""))
    kills, chance = scaled(1, 20), random.Random(3)
    recipe = SAVING.changed(epochs=8 + kills * 8)
    run, done, hits = lifecycle.start(recipe, "killed"), 0, 0
    while hits < kills and done < 2 * kills + 2:
        if not _wait_for_save(run, chance.randrange(4)):
            break
        time.sleep(chance.choice((0, 0.003, 0.01)))  # at its start, in the middle, near its end
        if not faults.kill(run):
            break
        done += 1
        hits += _was_saving(folder)
        _is_right_after_a_kill(run, before, folder)
        lifecycle.resume(run)
    faults.finish(run)
    assert hits >= max(1, kills // 2)
    faults.ends_as_unbroken(run, recipe)
    everything_is_right(before, folder)
    assert left_over(folder) == []
    faults.report(
        "kill -9 of a run in the middle of a save",
        hits,
        "resumed; weights bit-identical to an uninterrupted run's; no temporary file is left"
        + ("" if hits == kills else f"; {done - hits} of {done} kills came too late"),
    )


def test_a_run_killed_while_its_result_is_saved_keeps_the_result_once(folder, before, injected):
    injected(scaled(SLOW_SAVES, ""))
    kills, hits = scaled(1, 10), 0
    for number in range(kills + 2):
        if hits == kills:
            break
        run = lifecycle.start(SAVING.changed(epochs=1), f"result-{number}")
        _wait_for(lambda run=run: _is_saving(folder, run) or not run.is_live)
        faults.kill(run)
        hits += _was_saving(folder)
        everything_is_right(before, folder)
        faults.finish(run)
        assert run.log.end["name"] == f"result-{number}"
        weights.load(f"result-{number}")
        before |= faults.remembered(folder)
    assert hits >= 1
    assert left_over(folder) == []
    faults.report(
        "kill -9 of a run while it saves its result", hits, "resumed; the result is there once"
    )


SLOW = """
import os, time
link = os.link
def link_and_wait(*args, **options):
    link(*args, **options)
    time.sleep(60)
os.link = link_and_wait
"""


@pytest.mark.slow
def test_a_run_killed_when_its_result_is_just_there_keeps_it_once(folder, before, injected):
    injected(SLOW)
    run = lifecycle.start(SAVING.changed(epochs=1), "once")
    faults.wait_until(lambda: (folder / "once.safetensors").exists())
    assert faults.kill(run)
    injected("")
    faults.finish(run)
    assert run.log.end["name"] == "once"
    assert set(faults.remembered(folder)) == {*before, "once"}
    everything_is_right(before, folder)
    assert left_over(folder) == []
    faults.report(
        "kill -9 of a run right after its result appears", 1, "resumed; the result is there once"
    )


def test_a_run_killed_before_it_could_do_anything_begins_anew(folder, before):
    for _ in range(scaled(1, 10)):
        run = lifecycle.start(QUICK, "early")
        faults.kill(run)
        assert run.state == "died"
        faults.finish(run)
        assert weights.load(run.log.end["name"])[1].epochs == QUICK.epochs
        lifecycle.remove(run)
    everything_is_right(before, folder)


def test_a_resume_that_was_cut_off_can_be_repeated(folder):
    run = lifecycle.start(QUICK)
    faults.kill(run)
    (run.folder / "process.json").unlink()
    hour_ago = time.time() - 3600
    os.utime(run.folder, (hour_ago, hour_ago))
    assert run.state == "died"
    faults.finish(run)


def test_a_run_signs_in_by_itself(folder, injected):
    """The starter records no pid here, as if it were killed right after it started the process."""
    injected("import time\ntime.sleep(1)")
    run = lifecycle.start(LONG)
    (run.folder / "process.json").write_text('{"ticket": 7}')
    faults.wait_until(lambda: faults.pid_of(run))
    assert run.is_alive()
    assert run.ticket == 7


@pytest.mark.parametrize("damage", scaled(["cut"], ["cut", "zeros"]))
def test_a_log_cut_in_the_middle_of_a_line_costs_that_line_alone(damage, folder, before):
    recipe = QUICK.changed(epochs=40)
    run = _killed_after_epochs(recipe, 5)
    log, chance = run.folder / "events.jsonl", random.Random(2)
    whole, cuts = log.read_bytes(), scaled(20, 400)
    for _ in range(cuts):
        place = chance.randrange(len(whole))
        log.write_bytes(whole[:place] + bytes(len(whole) - place) * (damage == "zeros"))
        assert len(run.log.epochs) == whole[:place].count(
            b'"event": "epoch"', 0, _lines(whole, place)
        )
        assert run.state == "died"
    faults.finish(run)
    assert sorted(run.log.epochs) == list(range(1, 41))
    faults.ends_as_unbroken(run, recipe)
    everything_is_right(before, folder)
    faults.report(
        f"event log {'cut off' if damage == 'cut' else 'filled with zeros'} from a random byte on",
        cuts,
        "whole lines are still read; resumed; the log is complete again",
    )


def _lines(text: bytes, place: int) -> int:
    """Return where the last whole line before a position ends."""
    return text.rfind(b"\n", 0, place) + 1


def _killed_after_epochs(recipe: Recipe, epochs: int) -> Run:
    run = lifecycle.start(recipe, "cut")
    faults.wait_until(lambda: len(run.log.epochs) >= epochs)
    assert faults.kill(run)
    faults.wait_until(lambda: run.log.exit)
    return run


def _is_right_after_a_kill(run: Run, before: dict, folder: Path) -> None:
    everything_is_right(before, folder)
    assert find_run(run.id) == run
    assert run.state == "died"
    assert faults.one_sentence(run.why_it_died.split(" (signal")[0])
    places = [Path(name).parent for name in left_over(folder)]
    assert len(set(places)) == len(places)  # the next save in a folder removes leftovers


def _is_saving(folder: Path, run: Run) -> bool:
    """Return whether the run's process is writing a weights file in a folder right now."""
    mark = f".safetensors.{faults.pid_of(run)}-"
    return any(mark in path.name for path in folder.iterdir())


def _was_saving(folder: Path) -> bool:
    return any(".safetensors." in name for name in left_over(folder))


def _wait_for(condition: Callable[[], object]) -> None:
    """Wait without pauses between checks, unless saves are slowed down: real ones end quickly."""
    faults.wait_until(condition, pause=scaled(0.01, 0.0))


def _wait_for_save(run: Run, epochs: int) -> bool:
    """Wait for a save after `epochs` more epochs; return False if the run ends first."""
    faults.wait_until(lambda: run.log.is_started or not run.is_live)
    least = len(run.log.epochs) + epochs
    _wait_for(lambda: len(run.log.epochs) >= least or run.log.end)
    _wait_for(lambda: _is_saving(run.folder, run) or run.log.end)
    return not run.log.end


def test_a_run_that_is_paused_and_goes_on_ends_as_if_left_in_peace(folder, before):
    recipe = QUICK.changed(epochs=40)
    run = lifecycle.start(recipe, "paused")
    faults.wait_until(lambda: len(run.log.epochs) >= 3)
    os.kill(faults.pid_of(run), signal.SIGSTOP)
    time.sleep(1)
    assert run.state == "running"
    os.kill(faults.pid_of(run), signal.SIGCONT)
    faults.finish(run)
    faults.ends_as_unbroken(run, recipe)
