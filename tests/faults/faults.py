"""Helpers of the fault tests: results that must survive, runs and ways to end them, reports."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import committed_weights
import torch

from mnist_app.data import training_data
from mnist_app.data.bundled import load_bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.runs import lifecycle, worker
from mnist_app.runs.run import Run, list_runs
from mnist_app.training.evaluation import logits_of
from mnist_app.training.loop import train

ROOT = Path(__file__).resolve().parent.parent.parent
THERE_BEFORE = ("lenet5", "mlp-128-64", "speedrun")

# Trains within seconds, with checkpoints of 7 MB: much of the time goes into saving.
SAVING = RECIPES["mlp-784"].changed(
    dataset="digits", optimizer="adam", learning_rate=0.001, subset=200, epochs=60
)
QUICK = RECIPES["mlp-128-64-adam"].changed(dataset="digits", subset=200, epochs=5)
LONG = RECIPES["cnn-2x32"].changed(dataset="digits", epochs=1000)  # outlasts any test


def report(fault: str, count: int, outcome: str) -> None:
    """Add a line for docs/reliability.md. Tests only get here if nothing was lost."""
    if path := os.environ.get("MNIST_APP_TORTURE_REPORT"):
        line = {"fault": fault, "count": count, "lost": 0, "outcome": outcome}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def wait_until(condition: Callable[[], object], seconds: float = 300, pause: float = 0.02) -> None:
    """Wait for a condition; after `seconds`, fail with a message that lists the runs' states."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come about in {seconds:g} s; {_how_runs_stand()}")
        time.sleep(pause)


def _how_runs_stand() -> str:
    lines = [f"{run.id}: {run.state}, epochs {len(run.log.epochs)}" for run in list_runs()]
    return "the runs: " + ("; ".join(lines) or "none")


# Results that existed before the fault


@dataclass(frozen=True)
class Result:
    """A record of a result: the digest of its file, and its answers (logits) to a few images."""

    digest: str
    answers: torch.Tensor


def put_results(folder: Path) -> dict[str, Result]:
    """Copy some of the committed results into a weights folder; return their records by name."""
    return remembered(committed_weights.copy_to(folder, THERE_BEFORE))


def remembered(folder: Path) -> dict[str, Result]:
    """Return the records of the results in a folder, by name."""
    return {path.stem: _result(folder, path.stem) for path in folder.glob("*.safetensors")}


def _result(folder: Path, name: str) -> Result:
    content = (folder / f"{name}.safetensors").read_bytes()
    model, _info = weights.load(name, folder)
    return Result(hashlib.sha256(content).hexdigest(), logits_of(model, _images()))


@cache
def _images() -> torch.Tensor:
    return load_bundled().test.images[:20]


def everything_is_right(before: dict[str, Result], folder: Path) -> None:
    """Check that each earlier result is listed, loads, and has the same bytes and answers."""
    listing = weights.scan(folder)
    assert not listing.broken
    assert set(before) <= {info.name for info in listing.weights}
    for name, result in before.items():
        now = _result(folder, name)
        assert now.digest == result.digest, name
        assert torch.equal(now.answers, result.answers), name


def left_over(folder: Path) -> list[str]:
    """Return the temporary files in a weights folder and all its sub-folders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.tmp"))


# Runs


def pid_of(run: Run) -> int | None:
    with suppress(OSError, ValueError):
        return json.loads((run.folder / "process.json").read_text()).get("pid")
    return None


def kill(run: Run, number: int = signal.SIGKILL) -> bool:
    """Send a run's process a signal and wait for its end; return False if the run ended first."""
    if pid := pid_of(run):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    wait_until(lambda: not run.is_alive())
    return run.state == "died"


def kill_all() -> None:
    """Kill the runs that a test leaves behind."""
    for run in list_runs():
        if run.is_alive() and pid_of(run):
            kill(run)


def finish(run: Run) -> None:
    """Resume a run if it died or was stopped, and wait until it has finished."""
    if run.state in ("died", "stopped"):
        lifecycle.resume(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "finished", run.why_it_died


KEYS = "train_loss", "train_accuracy", "val_loss", "val_accuracy"  # what a curve is made of


def ends_as_unbroken(run: Run, recipe: Recipe) -> None:
    """Check that a run has exactly the curve and weights of the same training, uninterrupted.

    Only the first `recipe.epochs` epochs are compared: a run that diverges goes on beyond its last
    good epoch.
    """
    curve, tensors = _unbroken(recipe.model_dump_json())
    events = [event for _, event in sorted(run.log.epochs.items())][: recipe.epochs]
    assert [tuple(event[key] for key in KEYS) for event in events] == curve
    model, _info = weights.load(run.log.end["name"])
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in model.state_dict().items())


@cache
def _unbroken(recipe: str) -> tuple[list[tuple[float, ...]], dict[str, torch.Tensor]]:
    """Train in this process, the way a run does; return the curve and the weights."""
    made, threads = Recipe.model_validate_json(recipe), torch.get_num_threads()
    parts = training_data.prepare(made)
    torch.set_num_threads(worker.training_threads())
    end = list(train(made, parts.train, parts.val))[-1]
    torch.set_num_threads(threads)
    curve = [tuple(getattr(event, key) for key in KEYS) for event in end.history]
    return curve, end.network.state_dict()


def one_sentence(text: str) -> bool:
    """Return whether a message suits users: a single short line with a full stop, no traceback."""
    return text.endswith(".") and "Traceback" not in text and "\n" not in text and len(text) < 400


# Code that a run's process executes before it begins


def inject(folder: Path, code: str) -> str:
    """Return a folder for PYTHONPATH that makes each run's process execute `code` first."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    text = f"import sys\nif 'mnist_app.runs.worker' in sys.orig_argv:\n{body}"
    (folder / "sitecustomize.py").write_text(text)
    return str(folder)
