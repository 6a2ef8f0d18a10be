"""Start, stop, resume and remove runs."""

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

_SECONDS_TO_WAIT = 10  # until another process has started, resumed or removed its run


def start(
    recipe: Recipe, name: str | None = None, search: str | None = None, owner: str | None = None
) -> Run:
    """Start a training in its own process. It queues behind the runs that are under way.

    Args:
        recipe: what to train.
        name: of the result, by default the name of the recipe.
        search: the id of the search, if the run is a trial.
        owner: identifies the browser that starts it; each may only have a few runs in the queue.
    Raises:
        InputError: the name is not allowed, the queue is full, or the folder cannot be written to.
    """
    name = checked_name(name or recipe.name)
    try:
        with _lock():  # so that concurrent callers see each other's runs
            live = _live_runs()
            if owner:
                queue_limits.check(owner, live)
            return _start_in_new_folder(recipe, _free_name(name, live), search, owner)
    except OSError as error:
        raise _cannot("be started", error) from None
    finally:
        run_board.invalidate()


def stop(run: Run) -> None:
    """Ask a run to stop between two batches. It keeps what it has trained so far.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        run.stop_request.touch()
    except OSError as error:
        raise _cannot("be stopped", error) from None
    finally:
        run_board.invalidate()


def resume(run: Run, owner: str | None = None) -> None:
    """Resume a run from its last checkpoint, or from the beginning if there is none.

    Args:
        run: one that is over; it keeps its owner.
        owner: identifies the browser that resumes it; each may only have a few runs in the queue.
    Raises:
        InputError: the run is still under way or was removed, the queue is full, or the folder
            cannot be written to.
    """
    try:
        with _lock():  # only one of several browsers resumes it
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
    """Delete a run that is over; its result under weights/ stays.

    Raises:
        InputError: the run is still under way, or the folder cannot be written to.
    """
    try:
        with _lock():  # nobody can resume it meanwhile
            _check_is_over(run)
            if run.folder.exists():  # another browser may have been quicker
                shutil.rmtree(run.folder)
    except OSError as error:
        raise _cannot("be removed", error) from None
    finally:
        run_board.invalidate()
    forget_log(run.folder)  # a new run may get this folder


def note_exit(run: Run, code: int) -> None:
    """Log how a run's process ended, unless its exit code is 0.

    Args:
        run: the run of the process.
        code: the exit code; the negative number of the signal if one ended the process.
    """
    if code == 0:
        return
    with suppress(OSError):  # the run may have been removed meanwhile
        last_words = (run.folder / "log.txt").read_text(errors="replace").strip().splitlines()
        message = failure_reasons.of_exit(code, last_words)
        append_event(run.folder, {"event": "exit", "message": message})
    run_board.invalidate()


# The queue, and free names


def _lock() -> FileLock:
    """Return a lock that only one caller can hold at a time. A long wait ends in an OSError."""
    return FileLock(runs_folder() / ".lock", timeout=_SECONDS_TO_WAIT)


def _live_runs() -> list[RunStatus]:
    """Return the live runs as they are now; the run board's statuses may be a little older."""
    return [status for status in read_statuses() if status.is_live]


def _check_is_over(run: Run) -> None:
    if run.is_live:
        raise InputError(f"The run {run.id} is still under way: stop it first.")


def _free_name(name: str, live: list[RunStatus]) -> str:
    """Return `name`, with a suffix if a result or a live run has that name already."""
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


# The folder and the process of a run


def _start_in_new_folder(recipe: Recipe, name: str, search: str | None, owner: str | None) -> Run:
    """Create a run's folder and start its process; if that fails, delete the folder again."""
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
    """Give a run a process. It counts as alive as soon as it has a new ticket."""
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
