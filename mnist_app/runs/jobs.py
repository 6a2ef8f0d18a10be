"""Background computations, each in its own process: python -m mnist_app.runs.jobs FILE.

A job is identified by what it computes and from what. All browsers that ask for the same job follow
the same process, and afterwards find its result in the cache.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.results import cache
from mnist_app.results.cache import Entry
from mnist_app.runs import failure_reasons, processes

KINDS = ("assessment", "robustness", "neighbours", "embedding")
_SECONDS_TO_START = 60  # a job without a process after this long never got one
_SECONDS_BETWEEN_NOTES = 0.3
_MOST_AT_ONCE = 1  # jobs that compute; the others wait, because each uses all cores it may
_SECONDS_UNASKED = 30  # a waiting job gives up if nobody asks for it for this long


class State(NamedTuple):
    """The state of a job."""

    is_done: bool = False
    text: str = ""  # what is being done
    share: float = 0.0  # the share done, 0..1
    problem: str | None = None  # why it failed, one sentence


@dataclass(frozen=True)
class Job:
    """A computation: its kind, and its arguments (JSON values), which determine the result.

    The arguments include the fingerprints of the files it reads, so different contents make a
    different job.
    """

    kind: str
    arguments: dict[str, Any]

    @cached_property
    def path(self) -> Path:
        """The file of the result."""
        return cache.path_of(self.kind, self.arguments)

    @property
    def _note_file(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def _pid_file(self) -> Path:
        return self.path.with_suffix(".pid")

    def result(self) -> Entry | None:
        """Return the result, or None if it is not there yet."""
        return cache.load(self.path)

    def state(self) -> State:
        """Return the job's state, derived from its files and its process."""
        if self.path.exists():
            return State(is_done=True)
        note = self._read_note()  # empty if its writer was killed while writing it
        if self._was_killed(note):
            note = self._read_note()  # it may have written its last note between the two checks
            if self._was_killed(note):
                return State(problem=f"{failure_reasons.SILENT} Try again.")
        if note.get("problem"):
            return State(problem=note["problem"])
        if not note and self.path.exists():
            return State(is_done=True)
        with suppress(OSError):
            os.utime(self._pid_file)  # records that somebody asks for the result
        return State(text=note.get("text", "Starting"), share=note.get("share", 0.0))

    def _was_killed(self, note: dict[str, Any]) -> bool:
        is_over = self._note_file.exists() and not self.is_alive()
        return is_over and not note.get("problem")

    def start(self) -> None:
        """Start the job in the background, unless it is done, is under way, or failed before.

        Raises:
            InputError: the folder cannot be written to.
        """
        if not self.path.exists() and not self._note_file.exists():
            self._launch()

    def retry(self) -> None:
        """Start again after a failure."""
        if self.state().problem:
            self.forget()
            self.start()

    def forget(self) -> None:
        """Delete all files of the job except its result."""
        self._pid_file.unlink(missing_ok=True)
        self._note_file.unlink(missing_ok=True)

    def _launch(self) -> None:
        try:
            self._write_first_note()
            self._pid_file.unlink(missing_ok=True)  # left by a process that was killed
            process = processes.start_process("mnist_app.runs.jobs", self._note_file)
            write_text(self._pid_file, str(process.pid))
        except FileExistsError:  # only one of several who ask starts the job
            return
        except OSError as error:
            with suppress(OSError):
                self._note_file.unlink(missing_ok=True)
            raise _cannot("computed", error) from None
        processes.wait_in_background(process)

    def _write_first_note(self) -> None:
        """Write down what to compute; raise FileExistsError if the job was started before."""
        self._note_file.parent.mkdir(parents=True, exist_ok=True)
        facts = {"kind": self.kind, "arguments": self.arguments, "asked": time.time()}
        with self._note_file.open("x", encoding="utf-8") as file:
            json.dump(facts, file)

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self._note_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def is_alive(self) -> bool:
        """Return whether the job's process is alive; a job just asked for counts as alive."""
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):  # just asked for, or it never got a process
            return self._age() < _SECONDS_TO_START
        return processes.is_running(pid, self.path.stem)

    def seconds_unasked(self) -> float:
        """Return the seconds since somebody last asked for the job's state."""
        try:
            return abs(time.time() - self._pid_file.stat().st_mtime)
        except OSError:
            return self._age()

    def _age(self) -> float:
        try:
            return abs(time.time() - self._note_file.stat().st_mtime)
        except OSError:
            return float("inf")


def _cannot(what: str, error: OSError) -> InputError:
    return InputError(
        f"Nothing can be {what} in {cache.folder()} ({error.strerror or error}): free space or set "
        "MNIST_APP_WEIGHTS to a folder that can be written."
    )


def compute_now(job: Job, progress: Callable[[str, float], None] | None = None) -> Entry:
    """Return a job's result: from the cache, or computed in this process and then cached.

    Raises:
        InputError: it cannot be computed.
    """
    found = job.result()
    if found is None:
        found = _compute(job, progress or (lambda _text, _share: None))
        with suppress(OSError):
            cache.save(job.path, found)
    return found


def _compute(job: Job, progress: Callable[[str, float], None]) -> Entry:
    return _function_of(job.kind)(progress, **job.arguments)


def _function_of(kind: str) -> Callable[..., Entry]:
    """Return the `function(progress, **arguments)` for a kind of job; import only what it needs."""
    match kind:
        case "assessment":
            from mnist_app.recognition.assessment import assess

            return assess
        case "robustness":
            from mnist_app.recognition.assessment import measure_robustness

            return measure_robustness
        case "neighbours":
            from mnist_app.recognition.neighbours import build_index

            return build_index
        case "embedding":
            from mnist_app.recognition.embedding import embed

            return embed
    raise ValueError(f"there is no kind of job {kind!r}: choose of {', '.join(KINDS)}")


# The process of a job


class _Note:
    """The file in which a job's process reports its progress."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts = json.loads(path.read_text(encoding="utf-8"))
        self._last = 0.0  # time of the last report, monotonic seconds

    def tell(self, text: str, share: float) -> None:
        """Report what is being done and the share done, 0..1; skip reports that come too often."""
        if time.monotonic() - self._last > _SECONDS_BETWEEN_NOTES:
            self._last = time.monotonic()
            self._write({"text": text, "share": share})

    def tell_problem(self, error: Exception) -> None:
        """Report why the job failed."""
        text = " ".join(str(error).split())
        if not isinstance(error, InputError):
            text = f"It failed with {type(error).__name__}: {text[:300]}"
        self._write({"problem": text})

    def _write(self, more: dict[str, Any]) -> None:
        with suppress(OSError):  # a full disc is no reason to end the computation
            write_text(self._path, json.dumps(self.facts | more))


def main(note_file: Path) -> int:
    """Compute what the note asks for; report the progress, or why it failed, in the same file."""
    note = _Note(note_file)
    job = Job(note.facts["kind"], note.facts["arguments"])
    if not _wait_for_turn(job, note):
        job.forget()
        return 0
    try:
        _compute_and_keep(job, note.tell)
        job.forget()
    except Exception as error:  # noqa: BLE001, the boundary of the process: all goes to the note
        note.tell_problem(error)
        return 1
    return 0


def _compute_and_keep(job: Job, progress: Callable[[str, float], None]) -> None:
    import torch

    from mnist_app.runs.worker import training_threads

    torch.set_num_threads(training_threads())
    if job.result():
        return
    found = _compute(job, progress)
    try:
        cache.save(job.path, found)
    except OSError as error:
        raise _cannot("kept", error) from None


def _wait_for_turn(job: Job, note: _Note) -> bool:
    """Wait for the job's turn; return False if nobody asks for its result any more."""
    note.tell("Starting", 0.0)
    while _jobs_ahead(job, note.facts["asked"]) >= _MOST_AT_ONCE:
        if job.seconds_unasked() > _SECONDS_UNASKED:
            return False
        note.tell("Waiting for another computation to end", 0.0)
        time.sleep(_SECONDS_BETWEEN_NOTES)
    return True


def _jobs_ahead(job: Job, asked: float) -> int:
    """Count the live jobs that were asked for before this one."""
    count = 0
    for path in cache.folder().glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            note = json.loads(path.read_text(encoding="utf-8"))
            other = Job(note["kind"], note["arguments"])
            is_before = (note["asked"], other.path.name) < (asked, job.path.name)
            count += is_before and not note.get("problem") and other.is_alive()
    return count


if __name__ == "__main__":
    processes.be_nice()
    sys.exit(main(Path(sys.argv[1])))
