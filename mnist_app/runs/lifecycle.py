"""Start a training as a run, stop it, resume it, remove it."""

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import checked_name
from mnist_app.common.settings import result_folders
from mnist_app.recipes.recipe import Recipe
from mnist_app.runs import failure_reasons, processes, queue_limits, run_board
from mnist_app.runs.event_log import append_event, forget_log
from mnist_app.runs.run import (
    Run,
    RunStatus,
    find_run,
    list_runs,
    read_statuses,
    run_folders,
    runs_folder,
)

_SECONDS_TO_WAIT = 10  # for another process that starts, resumes or removes a run


def start(
    recipe: Recipe, name: str | None = None, search: str | None = None, owner: str | None = None
) -> Run:
    """Start a training in a process of its own; it queues behind those that are under way.

    Args:
        recipe: what to train.
        name: of the result, by default that of the recipe.
        search: the id of the search that it is a trial of.
        owner: a mark of who starts it, who may have a few in the queue only.
    Raises:
        InputError: the name is not allowed, the queue is full, or the folder cannot be written.
    """
    name = checked_name(name or recipe.name)
    try:
        with _lock():  # of many who start one at once each sees those before it
            live = _live_runs()
            if owner:
                queue_limits.check(owner, live)
            return _start_in_new_folder(recipe, _free_name(name, live), search, owner)
    except OSError as error:
        raise _cannot("be started", error) from None
    finally:
        run_board.invalidate()


def stop(run: Run) -> None:
    """Ask a run to stop between two batches; it keeps what is trained so far.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        run.stop_request.touch()
    except OSError as error:
        raise _cannot("be stopped", error) from None
    finally:
        run_board.invalidate()


def resume(run: Run, owner: str | None = None) -> None:
    """Go on from the last checkpoint, or from the beginning if there is none.

    Args:
        run: one that is over; it keeps its owner.
        owner: a mark of who resumes it, who may have a few in the queue only.
    Raises:
        InputError: the run is still under way, or the queue is full.
    """
    try:
        with _lock():  # of many browsers one resumes it
            if find_run(run.id) is None:
                raise InputError(f"The run {run.id} was removed: start a new one.")
            _check_is_over(run)
            if owner:
                queue_limits.check(owner, _live_runs())
            run.stop_request.unlink(missing_ok=True)
            _launch(run)
    except OSError as error:
        raise _cannot("be resumed", error) from None
    finally:
        run_board.invalidate()


def remove(run: Run) -> None:
    """Forget a run that is over; its result under weights/ stays.

    Raises:
        InputError: the run is still under way, or the folder cannot be written.
    """
    try:
        with _lock():  # nobody resumes it meanwhile
            _check_is_over(run)
            if run.folder.exists():  # another browser may have been quicker
                shutil.rmtree(run.folder)
    except OSError as error:
        raise _cannot("be removed", error) from None
    finally:
        run_board.invalidate()
    forget_log(run.folder)  # a new run may get this folder


def note_exit(run: Run, code: int) -> None:
    """Log how a run's process ended, if not in order.

    Args:
        run: whose process it was.
        code: its exit code; a signal that ended it counts as its negative number.
    """
    if code == 0:
        return
    with suppress(OSError):  # the run may be removed meanwhile
        last_words = (run.folder / "log.txt").read_text(errors="replace").strip().splitlines()
        message = failure_reasons.of_exit(code, last_words)
        append_event(run.folder, {"event": "exit", "message": message})
    run_board.invalidate()


# How many, and under which names


def _lock() -> FileLock:
    """For what only one of all may do at a time; an OSError, if it takes longer than that."""
    return FileLock(runs_folder() / ".lock", timeout=_SECONDS_TO_WAIT)


def _live_runs() -> list[RunStatus]:
    """As they stand now, not as they stood when somebody last looked."""
    return [status for status in read_statuses() if status.is_live]


def _check_is_over(run: Run) -> None:
    if run.is_live:
        raise InputError(f"The run {run.id} is still under way: stop it first.")


def _free_name(name: str, live: list[RunStatus]) -> str:
    """`name`, or with the first suffix that neither a result nor a living run has."""
    taken = {path.stem for place in result_folders() for path in place.glob("*.safetensors")}
    taken |= {status.name for status in live}
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name[: 63 - len(str(number))]}-{number}"
    return candidate


def _cannot(what: str, error: OSError) -> InputError:
    if isinstance(error, Timeout):
        return InputError("Many trainings are being started just now: try again in a moment.")
    return InputError(
        f"A run cannot {what} in {runs_folder()} ({error.strerror or error}): "
        "free space or set MNIST_APP_WEIGHTS to a folder that can be written."
    )


# Its folder and its process


def _start_in_new_folder(recipe: Recipe, name: str, search: str | None, owner: str | None) -> Run:
    """A run in a folder of its own, with its process; no folder where that fails."""
    folder = _new_folder(name)
    run = Run(folder, recipe)
    try:
        run.write_process_facts({})
        if search:
            write_text(folder / "search", search)
        if owner:
            write_text(folder / "owner", owner)
        write_text(folder / "recipe.json", recipe.model_dump_json(indent=1))
        _launch(run)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def _new_folder(name: str) -> Path:
    runs_folder().mkdir(parents=True, exist_ok=True)
    while True:
        numbers = [int(path.name.split("-")[0]) for path in run_folders()]
        folder = runs_folder() / f"{max(numbers, default=0) + 1:04d}-{name}"
        try:
            folder.mkdir()
        except FileExistsError:  # another server was quicker: take the next number
            continue
        return folder


def _launch(run: Run) -> None:
    """Give a run a process; it counts as living from the moment that it has a new ticket."""
    before = run.process_facts()
    ticket = 1 + max((other.ticket or 0 for other in list_runs()), default=0)
    try:
        run.write_process_facts({"ticket": ticket})
        append_event(run.folder, {"event": "queued"})
        _start_worker(run)
    except OSError:
        with suppress(OSError):
            run.write_process_facts(before)
        raise


def _start_worker(run: Run) -> None:
    process = processes.start_process("mnist_app.runs.worker", run.folder, run.folder / "log.txt")
    try:
        run.sign_in(process.pid)
    except OSError:
        process.kill()
        process.wait()
        raise
    processes.wait_in_background(process, then=lambda code: note_exit(run, code))
