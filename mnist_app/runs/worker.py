"""The process of one run: python -m mnist_app.runs.worker FOLDER. Waits, trains, saves."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_app.common.errors import InputError
from mnist_app.common.settings import parallel_runs
from mnist_app.runs import failure_reasons, processes, search_lifecycle
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import Run, find_run, runs_ahead_of, runs_folder
from mnist_app.training.events import is_valid_event

if TYPE_CHECKING:  # torch is imported when the run's turn comes: waiting runs stay small
    from torch import Tensor

    from mnist_app.data.training_data import TrainingData
    from mnist_app.training.checkpoint import Checkpoint
    from mnist_app.training.events import EndEvent

SNAPSHOT_BYTES = 200_000_000  # for all epochs together; long runs keep every second, third, ...
_SECONDS_BETWEEN_LOOKS = 0.3


def main(folder: Path) -> int:
    """Carry out one run. However it ends, an event in its log says so."""
    run = find_run(folder.name)
    if run is None:
        print(f"{folder} is no run.", file=sys.stderr)  # noqa: T201
        return 2
    should_stop = _stop_request(run)
    try:
        run.sign_in(os.getpid())
        if _wait_for_turn(run, should_stop):
            _advance_search(run)
            _work(run, should_stop)
        else:
            _log(run, {"event": "end", "reason": "stopped", "name": None, "epochs": 0})
    except Exception as error:  # noqa: BLE001, the boundary of the process: all goes to the log
        with suppress(OSError):  # if nothing can be written, nothing can be reported
            traceback.print_exc()
            _log(run, {"event": "error", "message": failure_reasons.of_error(error, runs_folder())})
        return 1
    finally:
        _advance_search(run)
    return 0


def _advance_search(run: Run) -> None:
    """If this run is a trial, start the next trial of its search, which then waits."""
    with suppress(InputError, OSError, ValueError):  # the page says if the search has stalled
        if run.search:
            search_lifecycle.advance(run.search)


def _work(run: Run, should_stop: Callable[[], bool]) -> None:
    import torch

    from mnist_app.data import training_data
    from mnist_app.training.events import EndEvent, EpochEvent, to_json
    from mnist_app.training.loop import Trainer

    torch.set_num_threads(training_threads())
    parts = training_data.prepare(run.recipe, lambda text, share: _note(run, text, share))
    checkpoint = read_checkpoint(run, parts.train.fingerprint)
    _log(run, {"event": "start"})
    for entry in checkpoint.facts["history"] if checkpoint else []:
        _log(run, entry)
    # Only the trial that is kept is measured on the test images: see `search_lifecycle.keep_best`.
    test = None if run.search else parts.test
    trainer = Trainer(
        run.recipe, parts.train, parts.val, test, should_stop=should_stop, resume=checkpoint
    )
    for event in trainer.events():
        if isinstance(event, EndEvent):
            name = _save_result(run, event, parts)
            _log(run, to_json(event) | {"name": name})
            continue
        if isinstance(event, EpochEvent) and not run.search:
            _save_checkpoint(run, trainer.checkpoint(), parts.train.fingerprint)
            _save_snapshot(run, event.epoch, trainer.network.state_dict())
        _log(run, to_json(event))


def training_threads() -> int:
    """Return the number of threads to use: all cores but one, which stays free for the app."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (available or 2) - 1)


def _wait_for_turn(run: Run, should_stop: Callable[[], bool]) -> bool:
    """Wait for the run's turn; return False if it was stopped meanwhile."""
    while len(runs_ahead_of(run)) >= parallel_runs():
        if should_stop():
            return False
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _stop_request(run: Run) -> Callable[[], bool]:
    """Return a function that says whether the file `stop` exists or SIGTERM came.

    It checks the disk at most 20 times a second.
    """
    request = run.stop_request
    asked, next_look = False, 0.0

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal asked
        asked = True

    def should_stop() -> bool:
        nonlocal asked, next_look
        if not asked and time.monotonic() >= next_look:
            asked, next_look = request.exists(), time.monotonic() + 0.05
        return asked

    signal.signal(signal.SIGTERM, on_signal)
    return should_stop


def read_checkpoint(run: Run, fingerprint: str) -> "Checkpoint | None":
    """Return the checkpoint to resume from, or None if there isn't one yet.

    Args:
        run: the run to resume.
        fingerprint: of all images it trains on, including drawings.

    Raises:
        InputError: the checkpoint is damaged, or was made with different data.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from mnist_app.results import tensors
    from mnist_app.training.checkpoint import Checkpoint

    if not run.checkpoint.exists():
        return None
    facts = tensors.read_facts(run.checkpoint)
    if not _has_history(facts):
        raise _damaged_checkpoint(run)
    if facts.get("fingerprint") != fingerprint:
        raise InputError(
            f"The data set {run.recipe.dataset} or the pen strokes beside it changed since the run "
            "began: start a new run."
        )
    try:
        return Checkpoint(load_file(run.checkpoint), facts)
    except SafetensorError:
        raise _damaged_checkpoint(run) from None


def _has_history(facts: dict[str, Any]) -> bool:
    """Whether the facts of a checkpoint list the epochs that were trained."""
    history = facts.get("history")
    return isinstance(history, list) and all(
        is_valid_event(event) and event["event"] == "epoch" for event in history
    )


def _damaged_checkpoint(run: Run) -> InputError:
    return InputError(
        f"{run.checkpoint} is damaged: remove it, and resume to train from the beginning."
    )


def _save_checkpoint(run: Run, checkpoint: "Checkpoint", fingerprint: str) -> None:
    from mnist_app.results.tensors import write_tensors

    facts = checkpoint.facts | {"fingerprint": fingerprint}
    write_tensors(run.checkpoint, checkpoint.tensors, facts, replace=True)


def _save_snapshot(run: Run, epoch: int, tensors: "dict[str, Tensor]") -> None:
    from mnist_app.results.tensors import write_tensors

    size = sum(t.numel() * t.element_size() for t in tensors.values())
    every = -(-size * run.recipe.epochs // SNAPSHOT_BYTES)
    if epoch % every == 0 or epoch == 1:
        folder = run.folder / "epochs"
        folder.mkdir(exist_ok=True)
        path = folder / f"{epoch:04d}.safetensors"
        write_tensors(path, tensors, {}, replace=True)


def _save_result(run: Run, end: "EndEvent", parts: "TrainingData") -> str | None:
    """Save the trained network. Return the result's name, or None if nothing was trained."""
    from mnist_app.results import weights

    if not end.is_trained:
        return None
    if end.reason == "stopped" and not run.search:
        _save_checkpoint(run, end.checkpoint, parts.train.fingerprint)
    info = weights.info_of(end, parts, run=run.id)
    return weights.save(run.name, end.network, info, folder=run.result_folder).name


def _note(run: Run, text: str, share: float) -> None:
    _log(run, {"event": "note", "text": text, "share": share})


def _log(run: Run, event: dict[str, Any]) -> None:
    append_event(run.folder, event)


if __name__ == "__main__":
    processes.be_nice()
    sys.exit(main(Path(sys.argv[1])))
