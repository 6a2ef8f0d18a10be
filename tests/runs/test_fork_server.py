"""Runs and jobs that a fork server forks behave like those in newly started processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import warm_starts
from warm_starts import is_listening

from mnist_app.data import bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.search_space import Space
from mnist_app.recognition import assessment
from mnist_app.results import weights
from mnist_app.runs import fork_client, lifecycle, processes, search, search_lifecycle
from mnist_app.runs.jobs import Job
from mnist_app.runs.run import Run, find_run, list_runs

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server"),
    pytest.mark.usefixtures("weights_folder"),
]
ROOT = Path(__file__).resolve().parents[2]
QUICK = RECIPES["mlp-128-64-adam"].changed(dataset="digits", subset=200, epochs=3)
LONG = QUICK.changed(epochs=1000)


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def _fork_server_of_this_module() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fork_client, "_SERVER", fork_client._Server())
        patch.setattr(fork_client, "_SECONDS_BETWEEN_STARTS", 0)
        yield
        if pid := fork_client._SERVER.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def server() -> Iterator[psutil.Process]:
    """This process's fork server, or a new one if it was killed; kill leftover runs afterwards."""
    with warm_starts.shared(fork_client._SERVER):
        yield psutil.Process(fork_client._SERVER.pid)
        for run in list_runs():
            if run.is_alive():
                kill(run)


def process_of(run: Run) -> psutil.Process:
    wait_until(lambda: "pid" in run.process_facts())
    return psutil.Process(run.process_facts()["pid"])


def kill(run: Run, number: int = signal.SIGKILL) -> None:
    process_of(run).send_signal(number)
    wait_until(lambda: not run.is_alive())


def is_nice(process: psutil.Process) -> bool:
    """Return whether a process is nice, and its session too where Linux has autogroups."""
    session = Path(f"/proc/{process.pid}/autogroup")
    text = session.read_text() if session.exists() else ""
    return process.nice() >= 5 and text[-7:] in ("", "nice 5\n")


def test_a_forked_run_is_a_nice_process_of_its_own_and_keeps_what_it_trained(server):
    run = lifecycle.start(LONG, "mine")
    process = process_of(run)
    assert process.ppid() == server.pid
    assert process.cmdline()[:3] == [sys.executable, "-m", "mnist_app.runs.worker"]
    assert os.getsid(process.pid) == process.pid
    wait_until(lambda: is_nice(process) or not run.is_live)
    assert is_nice(process)
    wait_until(lambda: run.log.epochs)
    lifecycle.stop(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "stopped", run.why_it_died
    assert weights.load("mine")[1].run == run.id
    wait_until(lambda: not process.is_running())  # no zombie is left


def test_it_computes_what_a_run_without_a_fork_server_does(server, monkeypatch):
    forked = lifecycle.start(QUICK)
    assert process_of(forked).ppid() == server.pid
    wait_until(lambda: not forked.is_live)
    monkeypatch.setenv("OTHER", "environment")
    other = lifecycle.start(QUICK)
    assert process_of(other).ppid() == os.getpid()
    wait_until(lambda: not other.is_live)
    mine, others = (weights.load(run.log.end["name"])[0].state_dict() for run in (forked, other))
    assert all(tensor.equal(others[key]) for key, tensor in mine.items())


def test_a_killed_run_says_so_and_the_next_one_goes_on(server):
    first, second = lifecycle.start(LONG), lifecycle.start(QUICK)
    wait_until(lambda: first.log.epochs)
    assert second.state == "queued"
    kill(first)
    wait_until(lambda: first.log.exit)
    assert "signal 9" in first.why_it_died
    wait_until(lambda: not second.is_live)
    assert second.state == "finished"
    assert server.is_running()


def test_a_terminated_run_stops_in_order(server):
    run = lifecycle.start(LONG, "mine")
    wait_until(lambda: run.log.epochs)
    kill(run, signal.SIGTERM)
    assert run.state == "stopped"
    assert weights.load("mine")[1].epochs >= 1


def test_what_a_process_prints_is_in_the_log_of_its_run(server):
    run = lifecycle.start(QUICK.changed(dataset="no-such-folder"))
    wait_until(lambda: not run.is_live)
    assert "no-such-folder" in run.why_it_died
    wait_until(lambda: "Traceback" in (run.folder / "log.txt").read_text())


def test_a_killed_fork_server_takes_no_run_with_it_and_is_replaced(server):
    run = lifecycle.start(LONG)
    wait_until(lambda: run.log.epochs)
    server.kill()
    wait_until(lambda: not server.is_running())
    done = len(run.log.epochs)
    wait_until(lambda: len(run.log.epochs) > done)
    assert run.state == "running"
    other = lifecycle.start(QUICK)
    assert process_of(other).ppid() == os.getpid()
    processes.prepare_to_start()
    wait_until(lambda: is_listening(fork_client._SERVER.address))
    assert process_of(lifecycle.start(QUICK)).ppid() == fork_client._SERVER.pid != server.pid


APP_SERVER = """
import sys, time
from pathlib import Path
from mnist_app.recipes.recipe import Recipe
from mnist_app.runs import fork_client, lifecycle, processes
processes.prepare_to_start()
while fork_client._SERVER.address not in Path("/proc/net/unix").read_text():
    time.sleep(0.02)
run = lifecycle.start(Recipe.model_validate_json(sys.argv[1]))
print(run.id, fork_client._SERVER.pid, flush=True)
time.sleep(600)
"""


def test_a_fork_server_ends_with_the_app_server_and_the_runs_go_on():
    command = [sys.executable, "-c", APP_SERVER, LONG.model_dump_json()]
    app = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    run_id, pid = app.stdout.readline().split()
    run = find_run(run_id)
    assert process_of(run).ppid() == int(pid)
    wait_until(lambda: run.log.epochs)
    app.kill()
    app.communicate()
    wait_until(lambda: not psutil.pid_exists(int(pid)))
    done = len(run.log.epochs)
    wait_until(lambda: len(run.log.epochs) > done)
    assert run.state == "running"
    kill(run)


def test_what_the_environment_has_a_process_do_first_is_done(server, tmp_path, monkeypatch):
    """Python runs sitecustomize when it starts. A forked process has already started."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nprint('first', sys.orig_argv[-1])\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = lifecycle.start(QUICK)
    wait_until(lambda: not run.is_live)
    assert f"first {run.folder}" in (run.folder / "log.txt").read_text()


def test_a_process_that_nobody_knows_of_does_nothing(server):
    """Its requester is gone, or lost patience and started another process."""
    run = lifecycle.start(QUICK)
    wait_until(lambda: not run.is_live)
    before = [(run.folder / name).read_bytes() for name in ("process.json", "events.jsonl")]
    request = {
        "module": "mnist_app.runs.worker",
        "argument": str(run.folder),
        "log": str(run.folder / "log.txt"),
        "folder": str(ROOT),
        "environment": processes._environment(),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + fork_client._SERVER.address)
        connection.sendall(json.dumps(request).encode() + b"\n")
        pid = int(fork_client.receive_line(connection).removeprefix(b"pid "))
        assert psutil.Process(pid).ppid() == server.pid
    wait_until(lambda: not psutil.pid_exists(pid))
    after = [(run.folder / name).read_bytes() for name in ("process.json", "events.jsonl")]
    assert after == before


@pytest.mark.parametrize("request_", [b"[]", b"{}", b'{"environment": 1}', b"[" * 9999])
def test_a_request_that_is_none_is_refused_and_the_next_one_is_heard(server, request_):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + fork_client._SERVER.address)
        connection.sendall(request_ + b"\n")
        assert fork_client.receive_line(connection) == b""
    assert process_of(lifecycle.start(QUICK)).ppid() == server.pid


def test_a_trial_has_the_next_one_forked(server):
    found = search_lifecycle.start(Space(QUICK, "grid", {"learning_rate": (0.001, 0.002, 0.003)}))
    wait_until(lambda: len(list_runs()) == 3)  # the third is started by the first one
    third = list_runs()[0]
    assert third.search == found.id
    assert process_of(third).ppid() == server.pid
    wait_until(lambda: search.find(found.id).state == "finished")


LOADING = """
import os, torch
def threads():
    return len(os.listdir("/proc/self/task"))
def ask():
    raise SystemExit("CUDA is asked for, and cannot be used after a fork")
torch.cuda.is_available = torch.cuda.device_count = ask
before = threads()
from mnist_app.runs import fork_server
fork_server._load()
assert threads() == before, "a thread was started, and does not survive a fork"
"""


def test_to_load_everything_starts_nothing_that_a_fork_would_break():
    command = [sys.executable, "-c", LOADING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


IDLE = """
import sys
from mnist_app.runs import fork_server
fork_server._SECONDS_IDLE = 0.2
fork_server._load = lambda: None
fork_server.main(sys.argv[1])
"""


def test_a_fork_server_that_nobody_asks_ends():
    command = [sys.executable, "-c", IDLE, "mnist-app-test", "." * fork_client.TITLE_ROOM]
    idle = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    assert idle.wait(timeout=120) == 0
    idle.stdin.close()


def test_a_job_is_forked_and_a_killed_one_says_so(server, weights_folder):
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    info = weights.load("lenet5")[1]
    arguments = assessment.job_arguments(info, "digits", bundled.load_bundled().test)
    job = Job("assessment", arguments)
    job.start()
    pid = int(job._pid_file.read_text())
    assert psutil.Process(pid).ppid() == server.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: job.state().problem)
    assert "killed" in job.state().problem
    job.retry()
    wait_until(lambda: job.state().is_done)
    assert job.result().tensors["logits"].shape == (359, 10)
