"""What the fault tests share: results that must survive, runs and how to end them, reports."""

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

# Trained in seconds, with checkpoints of 7 MB: a great part of the time is spent on saving.
SAVING = RECIPES["mlp-784"].changed(
    dataset="digits", optimizer="adam", learning_rate=0.001, subset=200, epochs=60
)
QUICK = RECIPES["mlp-128-64-adam"].changed(dataset="digits", subset=200, epochs=5)
LONG = RECIPES["cnn-2x32"].changed(dataset="digits", epochs=1000)  # outlasts any test


def report(fault: str, count: int, outcome: str) -> None:
    """Add a line for docs/reliability.md; it is reached only where nothing was lost."""
    if path := os.environ.get("MNIST_APP_TORTURE_REPORT"):
        line = {"fault": fault, "count": count, "lost": 0, "outcome": outcome}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def wait_until(condition: Callable[[], object], seconds: float = 300, pause: float = 0.02) -> None:
    """Wait, with a limit; what did not come about is told with how the runs stand by then."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come about in {seconds:g} s; {_how_runs_stand()}")
        time.sleep(pause)


def _how_runs_stand() -> str:
    lines = [f"{run.id}: {run.state}, epochs {len(run.log.epochs)}" for run in list_runs()]
    return "the runs: " + ("; ".join(lines) or "none")


# Results that were there before


@dataclass(frozen=True)
class Result:
    """What a result was like: the bytes of its file, and its answers to a few images."""

    digest: str
    answers: torch.Tensor


def put_results(folder: Path) -> dict[str, Result]:
    """Put some of the committed results into a weights folder; what they are like."""
    return remembered(committed_weights.copy_to(folder, THERE_BEFORE))


def remembered(folder: Path) -> dict[str, Result]:
    """What the results in a folder are like, by name."""
    return {path.stem: _result(folder, path.stem) for path in folder.glob("*.safetensors")}


def _result(folder: Path, name: str) -> Result:
    content = (folder / f"{name}.safetensors").read_bytes()
    model, _info = weights.load(name, folder)
    return Result(hashlib.sha256(content).hexdigest(), logits_of(model, _images()))


@cache
def _images() -> torch.Tensor:
    return load_bundled().test.images[:20]


def everything_is_right(before: dict[str, Result], folder: Path) -> None:
    """Each result that was there is listed, the same to the byte, loads and answers as it did."""
    listing = weights.scan(folder)
    assert not listing.broken
    assert set(before) <= {info.name for info in listing.weights}
    for name, result in before.items():
        now = _result(folder, name)
        assert now.digest == result.digest, name
        assert torch.equal(now.answers, result.answers), name


def left_over(folder: Path) -> list[str]:
    """The temporary files in a weights folder, however deep."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.tmp"))


# Runs


def pid_of(run: Run) -> int | None:
    with suppress(OSError, ValueError):
        return json.loads((run.folder / "process.json").read_text()).get("pid")
    return None


def kill(run: Run, number: int = signal.SIGKILL) -> bool:
    """Send the run's process a signal and wait for its end; False if it had ended by itself."""
    if pid := pid_of(run):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    wait_until(lambda: not run.is_alive())
    return run.state == "died"


def kill_all() -> None:
    """End what a test leaves behind."""
    for run in list_runs():
        if run.is_alive() and pid_of(run):
            kill(run)


def finish(run: Run) -> None:
    """Resume a run, if it is over before its time, and wait for its end."""
    if run.state in ("died", "stopped"):
        lifecycle.resume(run)
    wait_until(lambda: not run.is_live)
    assert run.state == "finished", run.why_it_died


KEYS = "train_loss", "train_accuracy", "val_loss", "val_accuracy"  # what a curve is made of


def ends_as_unbroken(run: Run, recipe: Recipe) -> None:
    """A run has the curve and the weights, to the last bit, of the same training left in peace.

    What comes after the recipe's epochs is left aside: the last good epoch need not be the last.
    """
    curve, tensors = _unbroken(recipe.model_dump_json())
    events = [event for _, event in sorted(run.log.epochs.items())][: recipe.epochs]
    assert [tuple(event[key] for key in KEYS) for event in events] == curve
    model, _info = weights.load(run.log.end["name"])
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in model.state_dict().items())


@cache
def _unbroken(recipe: str) -> tuple[list[tuple[float, ...]], dict[str, torch.Tensor]]:
    """The curve and the weights of a training in this process, computed as a run does."""
    made, threads = Recipe.model_validate_json(recipe), torch.get_num_threads()
    parts = training_data.prepare(made)
    torch.set_num_threads(worker.training_threads())
    end = list(train(made, parts.train, parts.val))[-1]
    torch.set_num_threads(threads)
    curve = [tuple(getattr(event, key) for key in KEYS) for event in end.history]
    return curve, end.network.state_dict()


def one_sentence(text: str) -> bool:
    """Whether a message is meant to be read: no traceback, an end, not endless."""
    return text.endswith(".") and "Traceback" not in text and "\n" not in text and len(text) < 400


# Things that are done to the process of a run before it begins


def inject(folder: Path, code: str) -> str:
    """A folder for PYTHONPATH that makes each run's process execute `code` first."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    text = f"import sys\nif 'mnist_app.runs.worker' in sys.orig_argv:\n{body}"
    (folder / "sitecustomize.py").write_text(text)
    return str(folder)
