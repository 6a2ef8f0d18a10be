"""A hyper-parameter search: its trials, each of them a run, and what it has found so far.

A search is a file under weights/.searches. It holds the space to search, the values of each trial,
and the ids of the trials' runs. `search_lifecycle` starts, stops, resumes and removes a search.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mnist_app.recipes.search_space import Space
from mnist_app.runs import search_files
from mnist_app.runs.event_log import Event
from mnist_app.runs.run import LIVE, Run, RunStatus, read_statuses
from mnist_app.runs.search_files import Kept, SearchFile

if TYPE_CHECKING:  # it loads torch, which a run waiting for its turn does not need
    from mnist_app.results.weights import WeightsInfo

State = Literal["running", "stopping", "finished", "stopped", "interrupted"]


@dataclass(frozen=True)
class Trial:
    """One recipe of a search, and the status of its run."""

    number: int  # from 1
    values: dict[str, Any]  # what it changes in the search's recipe
    status: RunStatus | None  # of its run; None before it has one

    @property
    def run(self) -> Run | None:
        """Its run; None before it has one."""
        return self.status.run if self.status else None

    @property
    def state(self) -> str:
        """The state of its run; "waiting" before it has one."""
        return self.status.state if self.status else "waiting"

    @property
    def is_live(self) -> bool:
        """Whether it is training, or has a process that waits for its turn."""
        return self.state in LIVE

    @property
    def epochs(self) -> Mapping[int, Event]:
        """The epoch events, by epoch."""
        return self.status.log.epochs if self.status else {}

    @property
    def last(self) -> Event | None:
        """The event of the epoch whose weights are kept; in training, of the last complete one."""
        if not self.epochs:
            return None
        end = self._end
        return self.epochs.get(end.get("best_epoch") or end.get("epochs") or max(self.epochs))

    @property
    def has_diverged(self) -> bool:
        """Whether the training diverged and so ended early, with the last good epoch kept."""
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


@dataclass(frozen=True)
class Search:
    """A search, as its file describes it."""

    id: str  # a number and the name of the recipe, such as 0003-lenet5
    space: Space
    values: list[dict[str, Any]]  # of each trial
    runs: list[str | None]  # the id of each trial's run
    is_stopped: bool
    kept: Kept | None  # the trial that was kept last
    # Of all runs, by id, from when the search was read.
    statuses: Mapping[str, RunStatus] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, with their statuses from when the search was read."""
        pairs = zip(self.values, self.runs, strict=True)
        return [
            Trial(number, values, self.statuses.get(run) if run else None)
            for number, (values, run) in enumerate(pairs, 1)
        ]

    @property
    def state(self) -> State:
        """The state of the search, derived from its trials."""
        if any(trial.is_live for trial in self.trials):
            return "stopping" if self.is_stopped else "running"
        if all(trial.state in ("finished", "died") for trial in self.trials):
            return "finished"
        return "stopped" if self.is_stopped else "interrupted"

    @property
    def is_live(self) -> bool:
        """Whether any trial is training, or will train without being asked to."""
        return self.state in ("running", "stopping")

    @property
    def best(self) -> Trial | None:
        """The trial with the highest validation accuracy among the finished ones, or None.

        The smaller validation loss breaks ties. The test images play no part.
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
        """Return the facts of a trial's result, or None if it has no result."""
        from mnist_app.results import weights

        found = weights.scan(trial.run.result_folder).weights if trial.run else []
        return found[0] if found else None


def find(search_id: str, statuses: Iterable[RunStatus] | None = None) -> Search | None:
    """Return the search with that id, or None if there isn't one or its file is damaged.

    Args:
        search_id: a number and the name of the recipe.
        statuses: of all runs; by default they are read now.
    """
    statuses = read_statuses() if statuses is None else statuses
    try:
        return from_file(search_id, search_files.read(search_id), statuses)
    except (OSError, ValueError):
        return None


def list_searches(statuses: Iterable[RunStatus] | None = None) -> list[Search]:
    """Return all searches, newest first; `problems` says which files are damaged.

    Args:
        statuses: of all runs; by default they are read now.
    """
    statuses = read_statuses() if statuses is None else statuses
    found = (find(path.stem, statuses) for path in search_files.list_files())
    return [search for search in found if search]


def problems() -> list[str]:
    """Return a sentence for each search whose file cannot be read, newest first."""
    found = map(search_files.problem_of, search_files.list_files())
    return [problem for problem in found if problem]


def without_trials(statuses: Iterable[RunStatus]) -> list[RunStatus]:
    """Return the statuses without those of trials, but keep trials whose search cannot be read."""
    statuses = list(statuses)
    named = {status.search for status in statuses if status.search}
    readable = {search_id for search_id in named if find(search_id, ())}
    return [status for status in statuses if status.search not in readable]


def from_file(search_id: str, found: SearchFile, statuses: Iterable[RunStatus]) -> Search:
    """Build a search from the contents of its file."""
    return Search(
        search_id,
        found.space,
        found.values,
        found.runs,
        found.is_stopped,
        found.kept,
        {status.id: status for status in statuses},
    )
