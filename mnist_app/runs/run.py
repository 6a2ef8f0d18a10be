"""A training in its own process, described by the files in its folder.

A run is a folder under weights/.runs: recipe.json, events.jsonl (one JSON object per line),
checkpoint.safetensors, epochs/ (the weights after each epoch, or after the first and every second,
third, ... if all would take too much space), process.json, log.txt, owner, and stop (once the run
is asked to stop). Everything is derived from these files, so any browser and any server can find a
run again. A trial also has a file `search` with the id of its search. It saves its result in its
own folder, in result/, and keeps no checkpoint and no epochs/.
"""

import json
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mnist_app.common.files import write_text
from mnist_app.common.settings import weights_folder
from mnist_app.recipes.recipe import Recipe
from mnist_app.runs import failure_reasons, processes
from mnist_app.runs.event_log import RunLog, read_log
from mnist_app.runs.file_cache import FileCache

State = Literal["queued", "starting", "running", "stopping", "finished", "stopped", "died"]
LIVE: tuple[State, ...] = ("queued", "starting", "running", "stopping")
_SECONDS_TO_START = 60  # a run without a process after this long never got one
ID_PATTERN = r"^[0-9]{1,9}-[A-Za-z0-9_-]{1,64}$"  # of a run or a search: a number and a name
_ID = re.compile(ID_PATTERN)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Run:
    """A run's folder and recipe. Everything else is read from the files when it is asked for.

    Callers that need all runs again and again use the `RunStatus` objects of the `run_board`.
    """

    folder: Path
    recipe: Recipe

    @property
    def id(self) -> str:
        """The folder's name: a number and the name of the result, such as 0007-lenet5."""
        return self.folder.name

    @property
    def name(self) -> str:
        """The name the result should get."""
        return self.id.split("-", 1)[1]

    @property
    def checkpoint(self) -> Path:
        """The file with the last complete state of the training, which need not exist."""
        return self.folder / "checkpoint.safetensors"

    @property
    def stop_request(self) -> Path:
        """The file whose existence asks the run to stop."""
        return self.folder / "stop"

    @property
    def search(self) -> str | None:
        """The id of the search if the run is a trial, else None."""
        return _word_in(self.folder / "search")

    @property
    def owner(self) -> str | None:
        """The id of the browser that started it; None if it was started without one."""
        return _word_in(self.folder / "owner")

    @property
    def result_folder(self) -> Path:
        """Where its result is saved. A trial's result stays out of the list of networks."""
        return self.folder / "result" if self.search else weights_folder()

    @property
    def log(self) -> RunLog:
        """What the event log says so far."""
        return read_log(self.folder)

    @property
    def state(self) -> State:
        """The run's state."""
        return self.status().state

    @property
    def is_live(self) -> bool:
        """Whether it is training or will be. Cheaper to find out than its state."""
        log, alive = self.log_and_life()
        return alive and not log.error

    @property
    def why_it_died(self) -> str:
        """The reason why it died, in one sentence."""
        return _why_it_died(self.log)

    def status(self) -> "RunStatus":
        """Return the run's status now."""
        log, alive = self.log_and_life()
        waits = alive and not log.is_started
        return self.status_with(log, alive, len(runs_ahead_of(self)) if waits else 0)

    def status_with(self, log: RunLog, alive: bool, ahead: int) -> "RunStatus":
        """Return its status, given its log, whether it is alive, and how many runs are ahead."""
        state = self._state(log, alive, ahead)
        return RunStatus(self, state, log, ahead, self.owner, self.search)

    def _state(self, log: RunLog, alive: bool, ahead: int) -> State:
        if log.end:
            return "stopped" if log.end["reason"] == "stopped" else "finished"
        if log.error or not alive:
            return "died"
        if self.stop_request.exists():
            return "stopping"
        if log.is_started:
            return "running"
        return "queued" if ahead else "starting"

    def log_and_life(self) -> tuple[RunLog, bool]:
        """Return the log, and whether the process is alive and has not logged its end yet."""
        log = self.log
        alive = not log.end and self.is_alive()
        if not (log.end or alive):
            log = self.log  # it may have logged its end and exited between the two checks
        return log, alive

    def is_alive(self) -> bool:
        """Return whether its process is alive; a run that was just started counts as alive."""
        pid = self.process_facts().get("pid")
        if pid is None:
            return _age(self.folder) < _SECONDS_TO_START
        return processes.is_running(pid, self.id)

    @property
    def ticket(self) -> int | None:
        """Its place in the order of starting and resuming; None until it has one."""
        return self.process_facts().get("ticket")

    @property
    def place_in_line(self) -> tuple[int, str]:
        """The key by which the queue is sorted."""
        return self.ticket or sys.maxsize, self.id

    def process_facts(self) -> dict[str, int]:
        """Return the id of its process and its ticket; it gets the ticket before the process."""
        try:
            return _PROCESS_FACTS.read(self.folder / "process.json")
        except (OSError, ValueError, RecursionError):
            return {}

    def write_process_facts(self, facts: Mapping[str, int | None]) -> None:
        """Record the id of its process and its ticket, or the ticket alone."""
        write_text(self.folder / "process.json", json.dumps(facts))

    def sign_in(self, pid: int) -> None:
        """Record the id of the run's process.

        The worker does this itself, too: the process that starts it may be killed before it can.
        """
        self.write_process_facts({"pid": pid, "ticket": self.ticket})

    def snapshots(self) -> dict[int, Path]:
        """Return the files with the network's weights after each kept epoch, by epoch."""
        files = sorted((self.folder / "epochs").glob("*.safetensors"))
        return {int(path.stem): path for path in files if re.fullmatch("[0-9]+", path.stem)}


@dataclass(frozen=True)
class RunStatus:
    """The status of a run at one moment."""

    run: Run
    state: State
    log: RunLog
    ahead: int  # live runs before it in the queue, if it waits
    owner: str | None
    search: str | None

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def name(self) -> str:
        """The name the result should get."""
        return self.run.name

    @property
    def recipe(self) -> Recipe:
        """What it trains."""
        return self.run.recipe

    @property
    def is_live(self) -> bool:
        """Whether it was training or was going to."""
        return self.state in LIVE

    @property
    def why_it_died(self) -> str:
        """The reason why it died, in one sentence."""
        return _why_it_died(self.log)


def runs_folder() -> Path:
    """Return the folder that holds the runs."""
    return weights_folder() / ".runs"


def run_folders() -> list[Path]:
    """Return the folders whose names look like a run's id, newest first."""
    folders = runs_folder().glob("[0-9]*-*")
    return sorted((path for path in folders if _ID.fullmatch(path.name)), reverse=True)


def find_run(run_id: str) -> Run | None:
    """Return the run with that id, or None if there isn't one."""
    if not _ID.fullmatch(name := Path(run_id).name):
        return None
    folder = runs_folder() / name
    try:
        return Run(folder, _RECIPES.read(folder / "recipe.json"))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def list_runs() -> list[Run]:
    """Return all runs, newest first. Damaged ones are skipped; `problems` says which these are."""
    found = (find_run(path.name) for path in run_folders())
    return [run for run in found if run]


def problems() -> list[str]:
    """Return a sentence for each run whose recipe cannot be read, newest first."""
    damaged = (folder for folder in run_folders() if _is_damaged(folder))
    return [f"The run {folder.name} cannot be read: remove {folder}." for folder in damaged]


def _is_damaged(folder: Path) -> bool:
    if find_run(folder.name):
        return False
    is_new = not (folder / "recipe.json").exists() and _age(folder) < _SECONDS_TO_START
    return folder.exists() and not is_new  # else it is being started or removed


def runs_ahead_of(run: Run) -> list[Run]:
    """Return the live runs whose turn comes before this one's."""
    mine = run.place_in_line
    others = (other for other in list_runs() if other.id != run.id)
    return [
        other
        for other in others
        if other.place_in_line < mine and not other.log.end and other.is_alive()
    ]


def read_statuses() -> list[RunStatus]:
    """Return the status of every run, newest first, checking each run's files only once."""
    looks = [(run, *run.log_and_life()) for run in list_runs()]
    line = sorted(run.place_in_line for run, _log, alive in looks if alive)
    return [
        run.status_with(log, alive, bisect_left(line, run.place_in_line) if alive else 0)
        for run, log, alive in looks
    ]


def _why_it_died(log: RunLog) -> str:
    return log.error or log.exit or failure_reasons.SILENT


def _word_in(path: Path) -> str | None:
    """Return the id in a file, or None if there isn't one or it is damaged."""
    try:
        return _WORDS.read(path)
    except (OSError, ValueError):
        return None


def _parse_word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError("the file holds no id")
    return text


def _parse_process_facts(text: str) -> dict[str, int]:
    facts = json.loads(text)
    known = facts if isinstance(facts, dict) else {}
    numbers = {key: known.get(key) for key in ("pid", "ticket")}
    return {key: n for key, n in numbers.items() if type(n) is int and 0 < n < 2**31}


def _age(path: Path) -> float:
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return float("inf")


_RECIPES = FileCache(lambda text: Recipe(**json.loads(text)))
_PROCESS_FACTS = FileCache(_parse_process_facts)
_WORDS = FileCache(_parse_word)
