"""Start, stop, resume and remove a search, and keep its best trial.

A search has one more live trial than may train at the same time. That trial waits, and when its
turn comes, it starts the next one. So a search continues when the page is closed, and other
trainings do not have to wait for the whole search.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import checked_name
from mnist_app.common.settings import parallel_runs
from mnist_app.recipes.search_space import Space
from mnist_app.runs import lifecycle, search_files
from mnist_app.runs.run import read_statuses
from mnist_app.runs.search import Search, find, from_file, list_searches
from mnist_app.runs.search_files import Kept, SearchFile

if TYPE_CHECKING:  # it loads torch, which a run waiting for its turn does not need
    from mnist_app.results.weights import WeightsInfo

MOST_AT_ONCE = 5  # searches under way


def start(space: Space) -> Search:
    """Start a search. Its first trials queue behind the runs that are under way.

    Raises:
        InputError: a trial's recipe is not allowed, too many searches are under way, or the folder
            cannot be written to.
    """
    found = _new(space)
    try:
        search_files.folder().mkdir(parents=True, exist_ok=True)
        with search_files.lock():
            _check_room()
            path = (
                search_files.folder() / f"{search_files.next_number():04d}-{space.base.name}.json"
            )
            write_text(path, found.to_text())
            _start_first_trials(path)
    except OSError as error:
        raise _cannot("be started", error) from None
    search = find(path.stem)
    if search is None:
        raise InputError(f"The search {path.stem} was removed as it began: start it again.")
    return search


def _new(space: Space) -> SearchFile:
    """Return what the file of a search holds before its first trial starts."""
    values = space.trials()
    return SearchFile(space, values, [None] * len(values))


def _start_first_trials(path: Path) -> None:
    """Start the first trials of a new search; if none can start, delete the search and raise.

    If only some can start, the next is tried again when one of these gets its turn.
    """
    try:
        with search_files.rewritten(path) as found:
            _start_trials(path.stem, found)
    except InputError:
        if not any(found.runs):
            path.unlink(missing_ok=True)
            raise


def _check_is_over(search: Search) -> None:
    if search.is_live:
        raise InputError(f"The search {search.id} is still under way: stop it first.")


def _check_room() -> None:
    """Raise InputError if the maximum number of searches is under way."""
    live = sum(search.is_live for search in list_searches())
    if live >= MOST_AT_ONCE:
        raise InputError(f"{live} searches are under way, which is the most: stop one of them.")


def advance(search_id: str) -> None:
    """Start trials until a search has one more live trial than may train at the same time.

    Do nothing if the search was stopped or removed.

    Raises:
        InputError: a run cannot be started.
    """
    try:
        with search_files.changed(search_id) as found:
            _start_trials(search_id, found)
    except FileNotFoundError:
        return  # the search was removed meanwhile


def _start_trials(search_id: str, found: SearchFile) -> None:
    """Do the same for a search whose file the caller has locked and read."""
    search = from_file(search_id, found, read_statuses())
    missing = parallel_runs() + 1 - sum(trial.is_live for trial in search.trials)
    waiting = [trial for trial in search.trials if trial.run is None]
    for trial in waiting[: 0 if search.is_stopped else max(missing, 0)]:
        recipe = search.space.base.changed(**trial.values)
        name = f"search-{search_id.split('-')[0]}-{trial.number}"
        found.runs[trial.number - 1] = lifecycle.start(recipe, name, search_id).id


def stop(search: Search) -> None:
    """Stop the live trials and start no others; finished ones stay.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        with search_files.changed(search.id) as found:
            found.is_stopped = True
            trials = from_file(search.id, found, read_statuses()).trials
    except OSError as error:
        raise _cannot("be stopped", error) from None
    for trial in trials:
        if trial.run and trial.is_live:
            lifecycle.stop(trial.run)


def resume(search: Search) -> None:
    """Resume a search: trials that were stopped, died or never started are trained from scratch.

    Raises:
        InputError: it is still under way, too many others are, or the folder cannot be written to.
    """
    try:
        with search_files.changed(search.id) as found:
            now = from_file(search.id, found, read_statuses())
            _check_is_over(now)
            _check_room()
            for trial in now.trials:
                if trial.run and trial.state != "finished":
                    lifecycle.remove(trial.run)
                    found.runs[trial.number - 1] = None
            found.is_stopped = False
            _start_trials(search.id, found)
    except OSError as error:
        raise _cannot("go on", error) from None


def remove(search: Search) -> None:
    """Delete a search that is over, with all its runs; results that were kept from it stay.

    Raises:
        InputError: it is still under way, or the folder cannot be written to.
    """
    try:
        with search_files.lock():
            now = find(search.id)
            if now is None:
                return
            _check_is_over(now)
            for trial in now.trials:
                if trial.run:
                    lifecycle.remove(trial.run)
            search_files.path_of(search.id).unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("be removed", error) from None


def keep_best(search: Search, name: str) -> "WeightsInfo":
    """Save the best trial's network among the results; if the name is taken, add a number.

    It is measured on the test images first, which the trials do not read.

    Raises:
        InputError: no trial has finished yet, the name is not allowed, its data set cannot be
            loaded or has changed, or the folder cannot be written to.
    """
    from mnist_app.results import final_test, weights

    checked_name(name)
    best = search.best
    if best is None or best.run is None:
        raise InputError("No trial was trained to its end yet: wait for the first one.")
    model, info = weights.load(best.run.name, best.run.result_folder)
    measured = final_test.with_test_accuracy(model, info)
    kept = weights.save(name, model, measured.model_copy(update={"run": None}))
    with (
        suppress(OSError, InputError),  # the result is saved even so
        search_files.changed(search.id) as found,
    ):
        found.kept = Kept(best.number, kept.name, weights.fingerprint_of(kept.name))
    return kept


def _cannot(what: str, error: OSError) -> InputError:
    return InputError(
        f"The search cannot {what} in {search_files.folder()} ({error.strerror or error}): "
        "free space or set MNIST_APP_WEIGHTS to a folder that can be written."
    )
