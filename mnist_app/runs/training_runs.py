"""A training run as a process of its own: start, follow, stop, resume; its event log.

A run is a folder under weights/.runs: recipe.json, events.jsonl (one JSON object per line),
checkpoint.safetensors, epochs/ (the weights after each epoch), process.json, log.txt. Everything
is told from these files, so that any browser and any server finds a run again. A trial of a search
names that in the file `search`; it keeps its result in its own folder and nothing on the way there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import psutil
from filelock import FileLock, Timeout

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import checked_name
from mnist_app.common.settings import result_folders, weights_folder
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.events import is_valid_event

State = Literal["queued", "starting", "running", "stopping", "finished", "stopped", "died"]
LIVE: tuple[State, ...] = ("queued", "starting", "running", "stopping")
MOST_OF_ONE, MOST_OF_ALL = 5, 30  # runs that are not over: of one owner, of all together
_SECONDS_TO_START = 60  # a run without a process for longer never got one
_SECONDS_TO_WAIT = 10  # for another process that resumes or removes a run
_ID = re.compile(r"[0-9]+-[A-Za-z0-9_-]+")
_KILLED = "It was killed from outside: by hand, or by the system because memory ran out."
_SILENT = (
    "It ended without a last word: it was killed, by hand or because memory ran out, or it could "
    "not write any more."
)


@dataclass(frozen=True)
class Run:
    """A run's folder and what it trains."""

    folder: Path
    recipe: Recipe

    @property
    def id(self) -> str:
        """The folder's name: a number and the name of the result, as 0007-lenet5."""
        return self.folder.name

    @property
    def name(self) -> str:
        """The name that the result is meant to have."""
        return self.id.split("-", 1)[1]

    @property
    def checkpoint(self) -> Path:
        """Where the last complete state of the training stands, if there is one."""
        return self.folder / "checkpoint.safetensors"

    @property
    def search(self) -> str | None:
        """The id of the search that it is a trial of; None for a run of its own."""
        try:
            return (self.folder / "search").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    @property
    def owner(self) -> str | None:
        """Whoever started it, as a browser's mark; None where that was not said."""
        try:
            return (self.folder / "owner").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    @property
    def result_folder(self) -> Path:
        """Where its result is saved: a trial's stays out of the list of networks."""
        return self.folder / "result" if self.search else weights_folder()

    @property
    def log(self) -> "RunLog":
        """What the event log says by now."""
        return _follow(self.folder / "events.jsonl")

    @property
    def state(self) -> State:
        """How the run stands, told from its files and its process."""
        log, alive = self._look()
        if log.end:
            return "stopped" if log.end["reason"] == "stopped" else "finished"
        if log.error or not alive:
            return "died"
        if (self.folder / "stop").exists():
            return "stopping"
        if log.is_started:
            return "running"
        return "queued" if runs_ahead_of(self) else "starting"

    @property
    def is_live(self) -> bool:
        """Whether it is training, or will; quicker than to ask for its state."""
        log, alive = self._look()
        return alive and not log.error

    def _look(self) -> tuple["RunLog", bool]:
        """The log, and whether the process lives and has more to say."""
        log = self.log
        alive = not log.end and self.is_alive()
        if not (log.end or alive):
            log = self.log  # it may have written its end between the two looks, and gone
        return log, alive

    @property
    def why_it_died(self) -> str:
        """The reason, as one sentence."""
        return self.log.error or self.log.exit or _SILENT

    def is_alive(self) -> bool:
        """Whether its process lives; one that was just asked for counts as living."""
        pid = self._process().get("pid")
        if pid is None:
            return _age(self.folder) < _SECONDS_TO_START
        try:
            words = psutil.Process(pid).cmdline()  # empty while the process is replacing itself
            return not words or any(self.id in word for word in words)
        except psutil.Error:
            return False

    @property
    def ticket(self) -> int | None:
        """Its place in the order of starting and resuming; None while it gets one."""
        return self._process().get("ticket")

    @property
    def place_in_line(self) -> tuple[int, str]:
        """What runs are queued by."""
        return self.ticket or sys.maxsize, self.id

    def snapshots(self) -> dict[int, Path]:
        """The files with the network's weights after each epoch, by epoch."""
        files = sorted((self.folder / "epochs").glob("*.safetensors"))
        return {int(path.stem): path for path in files if re.fullmatch("[0-9]+", path.stem)}

    def _process(self) -> dict[str, Any]:
        return _read_process(self.folder / "process.json")


@dataclass
class RunLog:
    """An event log, read as far as it is written. Epochs that were trained again count once."""

    epochs: dict[int, dict[str, Any]] = field(default_factory=dict)
    batch: dict[str, Any] | None = None  # the last one
    note: dict[str, Any] | None = None  # what is being prepared: {"text", "share"}
    end: dict[str, Any] | None = None
    error: str | None = None
    exit: str | None = None
    is_started: bool = False

    def add(self, event: dict[str, Any]) -> None:
        """Take the next event of the log, a whole one."""
        kind = event.get("event")
        if kind == "queued":
            self.end = self.error = self.exit = self.batch = self.note = None
            self.is_started = False
        elif kind == "epoch":
            self.epochs[event["epoch"]] = event
        elif kind == "batch":
            self.batch, self.is_started = event, True
        elif kind == "start":
            self.note, self.is_started = None, True
        elif kind == "note":
            self.note = event
        elif kind == "end":
            self.end = event
        elif kind == "error":
            self.error = event["message"]
        elif kind == "exit":
            self.exit = event["message"]


# Start, stop, resume


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
                _check_queue(owner, live)
            return _started(recipe, _free_name(name, live), search, owner)
    except OSError as error:
        raise _cannot("be started", error) from None


def _started(recipe: Recipe, name: str, search: str | None, owner: str | None) -> Run:
    """A run in a folder of its own, with its process; no folder where that fails."""
    folder = _new_folder(name)
    run = Run(folder, recipe)
    try:
        write_text(folder / "process.json", "{}")
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


def _live_runs() -> list[Run]:
    return [run for run in list_runs() if run.is_live]


def _check_queue(owner: str, live: list[Run]) -> None:
    """Raise InputError if this one, or all together, have too many runs that are not over."""
    counted = [run for run in live if run.search is None]
    own = sum(run.owner == owner for run in counted)
    if own >= MOST_OF_ONE:
        raise InputError(
            f"{own} of your trainings are running or waiting: stop one of them, or let one end."
        )
    if len(counted) >= MOST_OF_ALL:
        raise InputError(
            f"{len(counted)} trainings are running or waiting, which is the most: let one end "
            "first."
        )


def _cannot(what: str, error: OSError) -> InputError:
    if isinstance(error, Timeout):
        return InputError("Many trainings are being started just now: try again in a moment.")
    return InputError(
        f"A run cannot {what} in {runs_folder()} ({error.strerror or error}): "
        "free space or set MNIST_APP_WEIGHTS to a folder that can be written."
    )


def stop(run: Run) -> None:
    """Ask a run to stop between two batches; it keeps what is trained so far."""
    try:
        (run.folder / "stop").touch()
    except OSError as error:
        raise _cannot("be stopped", error) from None


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
            if find(run.id) is None:
                raise InputError(f"The run {run.id} was removed: start a new one.")
            if run.is_live:
                raise InputError(f"The run {run.id} is still under way: stop it first.")
            if owner:
                _check_queue(owner, _live_runs())
            (run.folder / "stop").unlink(missing_ok=True)
            _launch(run)
    except OSError as error:
        raise _cannot("be resumed", error) from None


def remove(run: Run) -> None:
    """Forget a run that is over; its result under weights/ stays."""
    try:
        with _lock():  # nobody resumes it meanwhile
            if run.is_live:
                raise InputError(f"The run {run.id} is still under way: stop it first.")
            shutil.rmtree(run.folder, ignore_errors=True)
    except OSError as error:
        raise _cannot("be removed", error) from None
    with _LOGS_LOCK:  # a new run may get this path
        for key in [key for key in _LOGS if run.folder in key[0].parents]:
            del _LOGS[key]


def _lock() -> FileLock:
    """For what only one of all may do at a time; an OSError, if it takes longer than that."""
    return FileLock(runs_folder() / ".lock", timeout=_SECONDS_TO_WAIT)


def _launch(run: Run) -> None:
    """Give a run a process; it counts as living from the moment that it has a new ticket."""
    before = run._process()
    ticket = 1 + max((other.ticket or 0 for other in list_runs()), default=0)
    try:
        _write_process(run, {"ticket": ticket})
        append_event(run.folder, {"event": "queued"})
        process = _new_process(run)
    except OSError:
        with suppress(OSError):
            _write_process(run, before)
        raise
    threading.Thread(target=_wait_for, args=(process, run), daemon=True).start()


def _new_process(run: Run) -> subprocess.Popen:
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with (run.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist_app.runs.worker", str(run.folder.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    try:
        sign_in(run, process.pid)
    except OSError:
        process.kill()
        process.wait()
        raise
    return process


def sign_in(run: Run, pid: int) -> None:
    """Note whose process a run is.

    The run's process does so itself, too: its starter may be killed before it can.
    """
    _write_process(run, {"pid": pid, "ticket": run.ticket})


def _write_process(run: Run, facts: dict[str, Any]) -> None:
    write_text(run.folder / "process.json", json.dumps(facts))


def _wait_for(process: subprocess.Popen, run: Run) -> None:
    """Reap the process, so that no zombie stays, and log how it ended, if not in order."""
    code = process.wait()
    if code == 0:
        return
    message = f"{_KILLED} (signal {-code})" if code < 0 else f"It ended with exit code {code}"
    with suppress(OSError):  # the run may be removed meanwhile
        last_words = (run.folder / "log.txt").read_text(errors="replace").strip().splitlines()
        if code > 0:  # where not even last words can be written, most likely the disc is full
            why = last_words[-1][:300] if last_words else "it could not write why, free space"
            message += f": {why.rstrip('.')}."
        append_event(run.folder, {"event": "exit", "message": message})


# Find


def runs_folder() -> Path:
    """The folder that holds the runs."""
    return weights_folder() / ".runs"


def list_runs() -> list[Run]:
    """All runs, the newest first; folders that are no runs are passed over."""
    found = (find(path.name) for path in sorted(_run_folders(), reverse=True))
    return [run for run in found if run]


def _run_folders() -> list[Path]:
    folders = runs_folder().glob("[0-9]*-*")
    return [path for path in folders if _ID.fullmatch(path.name)]


def find(run_id: str) -> Run | None:
    """The run of that id, None if there is none."""
    if not _ID.fullmatch(name := Path(run_id).name):
        return None
    folder = runs_folder() / name
    try:
        recipe = folder / "recipe.json"
        return Run(folder, _read_recipe(recipe, recipe.stat().st_mtime_ns))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def _read_recipe(path: Path, mtime_ns: int) -> Recipe:  # noqa: ARG001, the cache's key
    return Recipe(**json.loads(path.read_text(encoding="utf-8")))


def runs_ahead_of(run: Run) -> list[Run]:
    """The living runs whose turn comes before this one's."""
    mine = run.place_in_line
    others = (other for other in list_runs() if other.id != run.id)
    return [
        other
        for other in others
        if other.place_in_line < mine and not other.log.end and other.is_alive()
    ]


def _free_name(name: str, live: list[Run]) -> str:
    """`name`, or with the first suffix that neither a result nor a living run has."""
    taken = {path.stem for place in result_folders() for path in place.glob("*.safetensors")}
    taken |= {run.name for run in live}
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name[: 63 - len(str(number))]}-{number}"
    return candidate


def _new_folder(name: str) -> Path:
    runs_folder().mkdir(parents=True, exist_ok=True)
    while True:
        numbers = [int(path.name.split("-")[0]) for path in _run_folders()]
        folder = runs_folder() / f"{max(numbers, default=0) + 1:04d}-{name}"
        try:
            folder.mkdir()
        except FileExistsError:  # another server was quicker: take the next number
            continue
        return folder


# The event log

_LOGS: dict[tuple[Path, int], tuple[int, RunLog]] = {}  # by path and inode: bytes read, log
_LOGS_LOCK = threading.Lock()


def append_event(folder: Path, event: dict[str, Any]) -> None:
    """Add a line to a run's event log, whole even after one that was cut off."""
    with (folder / "events.jsonl").open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(event).encode() + b"\n")


def _follow(path: Path) -> RunLog:
    """Read what was added since the last look; a line that is not finished waits."""
    with _LOGS_LOCK:
        try:
            with path.open("rb") as file:
                key = (path, os.fstat(file.fileno()).st_ino)
                offset, log = _LOGS.get(key, (0, RunLog()))
                if file.seek(0, os.SEEK_END) < offset:
                    offset, log = 0, RunLog()
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return RunLog()
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            _add_line(log, line)
        _LOGS[key] = (offset + len(whole), log)
        return replace(log, epochs=dict(log.epochs))  # other threads read on meanwhile


def _add_line(log: RunLog, line: bytes) -> None:
    try:
        event = json.loads(line.decode())
        if b"\\u" in line:
            json.dumps(event, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # Cut off by a crash: what it said is said again when the run resumes. Or changed by hand
        # or a broken disc: half a character, which no page can show.
        return
    if is_valid_event(event):
        log.add(event)


def _read_process(path: Path) -> dict[str, Any]:
    """A process's id and its place in the queue; the place is noted before there is a process."""
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    known = facts if isinstance(facts, dict) else {}
    numbers = {key: known.get(key) for key in ("pid", "ticket")}
    return {key: n for key, n in numbers.items() if type(n) is int and 0 < n < 2**31}


def _age(path: Path) -> float:
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return float("inf")
