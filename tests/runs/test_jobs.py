import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.recognition import assessment
from mnist_app.results import weights
from mnist_app.runs import jobs
from mnist_app.runs.jobs import Job

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def job(weights_folder, fork_server) -> Job:
    """The job that computes lenet5's answers to the bundled digits."""
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    info = weights.load("lenet5")[1]
    return Job("assessment", assessment.job_arguments(info, "digits", bundled.load_bundled().test))


def wait(job: Job) -> jobs.State:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        state = job.state()
        if state.is_done or state.problem:
            return state
        time.sleep(0.1)
    raise AssertionError("the job does not end")


def test_a_job_is_computed_by_a_process_of_its_own_and_found_afterwards(job):
    assert job.result() is None
    job.start()
    job.start()  # as a second browser does: it follows the same process
    assert wait(job).is_done
    assert job.result().tensors["logits"].shape == (359, 10)
    assert not list(job.path.parent.glob("*.json"))


def test_computed_here_is_what_is_computed_there(job):
    told = []
    here = jobs.compute_now(job, lambda text, share: told.append((text, share)))
    assert told[0] == ("Reading 359 test images", 0.0)
    assert job.state().is_done
    assert jobs.compute_now(job).tensors["logits"].equal(here.tensors["logits"])


def test_a_result_that_cannot_be_kept_says_why(job, monkeypatch):
    def save(_path, _entry):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(jobs.cache, "save", save)
    job._write_first_note()
    assert jobs.main(job._note_file) == 1
    assert "Nothing can be kept in" in job.state().problem
    assert "(Permission denied)" in job.state().problem


def test_on_a_full_disc_a_job_that_ends_unheard_says_so(job, monkeypatch):
    def refuse(*_args):
        raise OSError(28, "No space left on device")

    job._write_first_note()
    job._pid_file.write_text("1")  # the pid of another process: the job counts as ended
    monkeypatch.setattr(jobs.cache, "save", refuse)
    monkeypatch.setattr(jobs, "write_text", refuse)
    assert jobs.main(job._note_file) == 1
    assert "it could not write any more" in job.state().problem


def test_what_cannot_be_computed_says_why_and_can_be_tried_again(job):
    other = Job("assessment", job.arguments | {"version": "of another file"})
    other.start()
    assert "changed in the meantime" in wait(other).problem
    other.start()  # as when the page is redrawn: that does not start it again
    assert "changed in the meantime" in other.state().problem
    other.retry()
    assert other.state().problem is None
    assert "changed in the meantime" in wait(other).problem


def test_a_killed_job_says_so_and_can_be_tried_again(job):
    job.start()
    os.kill(int(job._pid_file.read_text()), signal.SIGKILL)
    assert "killed" in wait(job).problem
    job.retry()
    assert wait(job).is_done


@pytest.mark.parametrize("left", ["", "[]"])
def test_a_job_without_a_whole_note_can_be_tried_again(job, left):
    """Its starter was killed after it created the file, or somebody changed the file."""
    job._note_file.parent.mkdir(parents=True)
    job._note_file.write_text(left)
    assert not job.state().problem  # the note may still be written
    hour_ago = time.time() - 3600
    os.utime(job._note_file, (hour_ago, hour_ago))
    job.start()
    assert "killed" in job.state().problem
    job.retry()
    assert wait(job).is_done


def test_jobs_take_turns(job):
    first = Job("robustness", job.arguments)
    first.start()
    assert until(lambda: '"text"' in first.path.with_suffix(".json").read_text())
    pid = int(first.path.with_suffix(".pid").read_text())
    os.kill(pid, signal.SIGSTOP)  # so that it lasts until the other job waits
    job.start()
    waits = until(lambda: "Waiting for another" in job.state().text)
    os.kill(pid, signal.SIGCONT)
    assert waits
    assert wait(first).is_done
    assert wait(job).is_done


def until(condition: Callable[[], bool]) -> bool:
    """Wait for a condition; return whether it came true within four minutes."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_where_nothing_can_be_written_a_job_is_an_input_error(job, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set MNIST_APP_WEIGHTS"):
        Job("assessment", job.arguments).start()


def test_every_kind_of_job_can_be_called():
    assert all(callable(jobs._function_of(kind)) for kind in jobs.KINDS)
