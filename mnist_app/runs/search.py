"""A hyper-parameter search: its trials are runs, one after the other; what it has found so far.

A search is a file under weights/.searches: the space that it looks through, the values of each
trial, and the runs that try them. `search_lifecycle` starts, stops and removes it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mnist_app.recipes.search_space import Space
from mnist_app.runs import search_files
from mnist_app.runs.event_log import Event
from mnist_app.runs.file_cache import FileCache
from mnist_app.runs.run import LIVE, Run, RunStatus, read_statuses

if TYPE_CHECKING:  # torch comes with it, which a run that waits its turn does not need
    from mnist_app.results.weights import WeightsInfo

State = Literal["running", "stopping", "finished", "stopped", "interrupted"]
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


def find(search_id: str, statuses: Iterable[RunStatus] | None = None) -> Search | None:
    """The search of that id, None if there is none or its file is broken.

    Args:
        search_id: a number and the name of the recipe.
        statuses: how all runs stand; by default they are looked up now.
    """
    statuses = read_statuses() if statuses is None else statuses
    try:
        return from_file(search_id, _FILES.read(search_files.path_of(search_id)), statuses)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def list_searches(statuses: Iterable[RunStatus] | None = None) -> list[Search]:
    """All searches, the newest first.

    Args:
        statuses: how all runs stand; by default they are looked up now.
    """
    statuses = read_statuses() if statuses is None else statuses
    found = (find(path.stem, statuses) for path in sorted(search_files.list_files(), reverse=True))
    return [search for search in found if search]


def without_trials(statuses: Iterable[RunStatus]) -> list[RunStatus]:
    """Those that are no trials; the trials of a search that cannot be read are among them."""
    statuses = list(statuses)
    named = {status.search for status in statuses if status.search}
    readable = {search_id for search_id in named if find(search_id, ())}
    return [status for status in statuses if status.search not in readable]


def from_file(search_id: str, found: dict[str, Any], statuses: Iterable[RunStatus]) -> Search:
    """The search whose file holds this."""
    return Search(
        search_id,
        Space.from_json(found["space"]),
        found["values"],
        found["runs"],
        found["is_stopped"],
        Kept(*found["kept"]) if found["kept"] else None,
        {status.id: status for status in statuses},
    )
