"""A hyper-parameter search: its trials are runs, one after the other; what it has found so far.

A search is a file under weights/.searches: the space that it looks through, the values of each
trial, and the runs that try them. One trial more than may train at once has a process, which waits;
the next one is started when that gets its turn, so a search goes on when the page is closed, and
other trainings need not wait for all of it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from filelock import FileLock

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import checked_name
from mnist_app.common.settings import parallel_runs, weights_folder
from mnist_app.recipes.search_space import Space
from mnist_app.runs import lifecycle
from mnist_app.runs.event_log import Event
from mnist_app.runs.file_cache import FileCache
from mnist_app.runs.run import LIVE, Run, RunStatus, read_statuses

if TYPE_CHECKING:  # torch comes with it, which a run that waits its turn does not need
    from mnist_app.results.weights import WeightsInfo

State = Literal["running", "stopping", "finished", "stopped", "interrupted"]
MOST_AT_ONCE = 5  # searches that are under way
_FILES: FileCache[dict[str, Any]] = FileCache(json.loads)


@dataclass(frozen=True)
class Trial:
    """One recipe of a search, and how far it is."""

    number: int  # from 1
    values: dict[str, Any]  # what it changes in the search's recipe
    status: RunStatus | None  # of its run; None before it is started

    @property
    def run(self) -> Run | None:
        """Its run; None before it is started."""
        return self.status.run if self.status else None

    @property
    def state(self) -> str:
        """A run's state; "waiting" before it has one."""
        return self.status.state if self.status else "waiting"

    @property
    def is_live(self) -> bool:
        """Whether it is training, or has a process that waits its turn."""
        return self.state in LIVE

    @property
    def epochs(self) -> Mapping[int, Event]:
        """The epoch events, by epoch."""
        return self.status.log.epochs if self.status else {}

    @property
    def last(self) -> Event | None:
        """The epoch whose weights are kept; while it trains, the last complete one."""
        if not self.epochs:
            return None
        end = self._end
        return self.epochs.get(end.get("best_epoch") or end.get("epochs") or max(self.epochs))

    @property
    def has_diverged(self) -> bool:
        """Whether it ended before its time, with the last good epoch kept."""
        return self._end.get("reason") == "diverged"

    @property
    def val_accuracy(self) -> float | None:
        """Accuracy on the validation images, 0..1; None before the first epoch has ended."""
        last = self.last
        accuracy: float | None = last["val_accuracy"] if last else None
        return accuracy

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        seconds: float = sum(event["seconds"] for event in self.epochs.values())
        return seconds

    @property
    def _end(self) -> Event:
        return (self.status.log.end if self.status else None) or {}


class Kept(NamedTuple):
    """A trial that was kept among the results."""

    trial: int  # its number
    name: str  # of the result
    version: str  # the fingerprint of the result's file


@dataclass(frozen=True)
class Search:
    """A search as its file tells it."""

    id: str  # a number and the name of the recipe, as 0003-lenet5
    space: Space
    values: list[dict[str, Any]]  # of each trial
    runs: list[str | None]  # the id of each trial's run
    is_stopped: bool
    kept: Kept | None  # the trial that was kept last
    # Of all runs, by id, when the search was looked up.
    statuses: Mapping[str, RunStatus] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, as they stood when the search was looked up."""
        pairs = zip(self.values, self.runs, strict=True)
        return [
            Trial(number, values, self.statuses.get(run) if run else None)
            for number, (values, run) in enumerate(pairs, 1)
        ]

    @property
    def state(self) -> State:
        """How the search stands, told from its trials."""
        if any(trial.is_live for trial in self.trials):
            return "stopping" if self.is_stopped else "running"
        if all(trial.state in ("finished", "died") for trial in self.trials):
            return "finished"
        return "stopped" if self.is_stopped else "interrupted"

    @property
    def is_live(self) -> bool:
        """Whether some trial is training, or will by itself."""
        return self.state in ("running", "stopping")

    @property
    def best(self) -> Trial | None:
        """Of the trials that were trained to their end, the best on the validation images.

        Of equals it is the one with the smaller validation loss. The test images have no say.
        """
        ended = [trial for trial in self.trials if trial.state == "finished"]
        finished = [(trial, last) for trial in ended if (last := trial.last)]
        best, _last = max(
            finished,
            key=lambda pair: (pair[1]["val_accuracy"], -pair[1]["val_loss"]),
            default=(None, None),
        )
        return best

    def result_of(self, trial: Trial) -> "WeightsInfo | None":
        """The facts of a trial's result; None if it has none."""
        from mnist_app.results import weights

        found = weights.scan(trial.run.result_folder).weights if trial.run else []
        return found[0] if found else None


# Start, stop, go on, remove


def start(space: Space) -> Search:
    """Start a search: its first trial trains, or queues behind what is under way.

    Raises:
        InputError: a trial's recipe is not allowed, too many searches are under way, or the folder
            cannot be written.
    """
    found = _new(space)
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        with _lock():
            _check_room()
            path = _folder() / f"{_next_number():04d}-{space.base.name}.json"
            write_text(path, json.dumps(found))
            _start_first_trials(path)
    except OSError as error:
        raise _cannot("be started", error) from None
    search = find(path.stem)
    if search is None:
        raise InputError(f"The search {path.stem} was removed as it began: start it again.")
    return search


def _new(space: Space) -> dict[str, Any]:
    """What the file of a search holds before its first trial is started."""
    values = space.trials()
    return {
        "space": space.to_json(),
        "values": values,
        "runs": [None] * len(values),
        "is_stopped": False,
        "kept": None,
    }


def _start_first_trials(path: Path) -> None:
    """Start the first trials of a new search; nothing is left of it if there is none."""
    try:
        with _rewritten(path) as found:
            _start_trials(path.stem, found)
    except InputError:
        if not any(found["runs"]):
            path.unlink(missing_ok=True)
        raise


def _check_is_over(search: Search) -> None:
    if search.is_live:
        raise InputError(f"The search {search.id} is still under way: stop it first.")


def _check_room() -> None:
    """Raise InputError if as many searches as may be are under way."""
    live = sum(search.is_live for search in list_searches())
    if live >= MOST_AT_ONCE:
        raise InputError(f"{live} searches are under way, which is the most: stop one of them.")


def advance(search_id: str) -> None:
    """Start trials until one more lives than may train at once; nothing if it was stopped.

    Raises:
        InputError: a run cannot be started.
    """
    try:
        with _changed(search_id) as found:
            _start_trials(search_id, found)
    except FileNotFoundError:
        return  # removed meanwhile


def _start_trials(search_id: str, found: dict[str, Any]) -> None:
    """The same, of a search whose file is open to be changed."""
    search = _search(search_id, found, read_statuses())
    missing = parallel_runs() + 1 - sum(trial.is_live for trial in search.trials)
    waiting = [trial for trial in search.trials if trial.run is None]
    for trial in waiting[: 0 if search.is_stopped else max(missing, 0)]:
        recipe = search.space.base.changed(**trial.values)
        name = f"search-{search_id.split('-')[0]}-{trial.number}"
        found["runs"][trial.number - 1] = lifecycle.start(recipe, name, search_id).id


def stop(search: Search) -> None:
    """End the trial that is training and start no other; finished ones stay.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        with _changed(search.id) as found:
            found["is_stopped"] = True
            trials = _search(search.id, found, read_statuses()).trials
    except OSError as error:
        raise _cannot("be stopped", error) from None
    for trial in trials:
        if trial.run and trial.is_live:
            lifecycle.stop(trial.run)


def resume(search: Search) -> None:
    """Start again what was stopped, died or never had its turn.

    Raises:
        InputError: it is still under way, too many others are, or the folder cannot be written.
    """
    try:
        with _changed(search.id) as found:
            now = _search(search.id, found, read_statuses())
            _check_is_over(now)
            _check_room()
            for trial in now.trials:
                if trial.run and trial.state != "finished":
                    lifecycle.remove(trial.run)
                    found["runs"][trial.number - 1] = None
            found["is_stopped"] = False
            _start_trials(search.id, found)
    except OSError as error:
        raise _cannot("go on", error) from None


def remove(search: Search) -> None:
    """Forget a search that is over, with all its runs; what was kept of it stays.

    Raises:
        InputError: it is still under way, or the folder cannot be written.
    """
    try:
        with _lock():
            now = find(search.id)
            if now is None:
                return
            _check_is_over(now)
            for trial in now.trials:
                if trial.run:
                    lifecycle.remove(trial.run)
            _path(search.id).unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("be removed", error) from None


def keep_best(search: Search, name: str) -> "WeightsInfo":
    """Save the best trial's network among the results; a taken name gets a number.

    Raises:
        InputError: there is none yet, the name is not allowed, or the folder cannot be written.
    """
    from mnist_app.results import weights

    checked_name(name)
    best = search.best
    if best is None or best.run is None:
        raise InputError("No trial was trained to its end yet: wait for the first one.")
    model, info = weights.load(best.run.name, best.run.result_folder)
    kept = weights.save(name, model, info.model_copy(update={"run": None}))
    with suppress(OSError), _changed(search.id) as found:  # the result is there all the same
        found["kept"] = Kept(best.number, kept.name, weights.fingerprint_of(kept.name))
    return kept


def _cannot(what: str, error: OSError) -> InputError:
    return InputError(
        f"The search cannot {what} in {_folder()} ({error.strerror or error}): "
        "free space or set MNIST_APP_WEIGHTS to a folder that can be written."
    )


# Find


def find(search_id: str, statuses: Iterable[RunStatus] | None = None) -> Search | None:
    """The search of that id, None if there is none or its file is broken.

    Args:
        search_id: a number and the name of the recipe.
        statuses: how all runs stand; by default they are looked up now.
    """
    statuses = read_statuses() if statuses is None else statuses
    try:
        return _search(search_id, _FILES.read(_path(search_id)), statuses)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def list_searches(statuses: Iterable[RunStatus] | None = None) -> list[Search]:
    """All searches, the newest first.

    Args:
        statuses: how all runs stand; by default they are looked up now.
    """
    statuses = read_statuses() if statuses is None else statuses
    found = (find(path.stem, statuses) for path in sorted(_files(), reverse=True))
    return [search for search in found if search]


def without_trials(statuses: Iterable[RunStatus]) -> list[RunStatus]:
    """Those that are no trials; the trials of a search that cannot be read are among them."""
    statuses = list(statuses)
    named = {status.search for status in statuses if status.search}
    readable = {search_id for search_id in named if find(search_id, ())}
    return [status for status in statuses if status.search not in readable]


def _search(search_id: str, found: dict[str, Any], statuses: Iterable[RunStatus]) -> Search:
    return Search(
        search_id,
        Space.from_json(found["space"]),
        found["values"],
        found["runs"],
        found["is_stopped"],
        Kept(*found["kept"]) if found["kept"] else None,
        {status.id: status for status in statuses},
    )


def _folder() -> Path:
    return weights_folder() / ".searches"


def _path(search_id: str) -> Path:
    return _folder() / f"{Path(search_id).name}.json"


def _files() -> list[Path]:
    files = _folder().glob("[0-9]*-*.json")
    return [path for path in files if re.fullmatch(r"[0-9]+-[A-Za-z0-9_-]+", path.stem)]


def _next_number() -> int:
    return 1 + max((int(path.stem.split("-")[0]) for path in _files()), default=0)


def _lock() -> FileLock:
    """Of all searches: what reads and then writes one waits for the others that do."""
    return FileLock(_folder() / ".lock")


@contextmanager
def _changed(search_id: str) -> Iterator[dict[str, Any]]:
    """What a search's file holds, written back as it is afterwards, also after an error.

    Raises:
        FileNotFoundError: there is no such search.
    """
    path = _path(search_id)
    if not path.exists():
        raise FileNotFoundError(2, "there is no such search", str(path))
    with _lock(), _rewritten(path) as found:
        yield found


@contextmanager
def _rewritten(path: Path) -> Iterator[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    try:
        yield found
    finally:
        write_text(path, json.dumps(found))
