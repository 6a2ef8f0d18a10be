"""Computations in the background, each a process of its own: python -m mnist_app.runs.jobs FILE.

A job is known by what it computes and from what. Whoever asks for the same one, in any browser,
follows the same process, and finds its result in the cache afterwards.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.results import cache
from mnist_app.results.cache import Entry

KINDS = ("assessment", "robustness", "neighbours", "embedding")
_SECONDS_TO_START = 60  # a job that has said nothing for longer never got a process
_SECONDS_BETWEEN_NOTES = 0.3
_MOST_COMPUTING = 1  # jobs that compute; the others wait, as each takes all cores that it may have
_PATIENCE = 30  # seconds that a job waits for its turn without anybody asking for it


class State(NamedTuple):
    """How a job stands."""

    is_done: bool = False
    text: str = ""  # what is being done
    share: float = 0.0  # of it, 0..1
    problem: str | None = None  # why it failed, one sentence


@dataclass(frozen=True)
class Job:
    """A computation: its kind, and arguments that JSON can hold and that decide the result.

    Among the arguments are the fingerprints of what is read from disk, so that other content is
    another job.
    """

    kind: str
    arguments: dict[str, Any]

    @cached_property
    def path(self) -> Path:
        """The file of the result."""
        return cache.path_of(self.kind, self.arguments)

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def _pid(self) -> Path:
        return self.path.with_suffix(".pid")

    def result(self) -> Entry | None:
        """What was computed; None if it is not there yet."""
        return cache.load(self.path)

    def state(self) -> State:
        """How it stands, told from its files and its process."""
        if self.path.exists():
            return State(is_done=True)
        note = self._read()  # nothing, where its starter was killed while writing it
        if self._note.exists() and not note.get("problem") and not self.is_alive():
            note = self._read()  # it may have said its last word between the two looks
            if self._note.exists() and not note.get("problem"):
                return State(problem="The computation was ended from outside: try again.")
        if note.get("problem"):
            return State(problem=note["problem"])
        if not note and self.path.exists():
            return State(is_done=True)
        with suppress(OSError):
            os.utime(self._pid)  # somebody asks for it
        return State(text=note.get("text", "Starting"), share=note.get("share", 0.0))

    def start(self) -> None:
        """Compute it in the background, unless it is there, under way, or failed before.

        Raises:
            InputError: the folder cannot be written.
        """
        if not self.path.exists() and not self._note.exists():
            self._launch()

    def retry(self) -> None:
        """Begin again after a failure."""
        if self.state().problem:
            self.forget()
            self.start()

    def forget(self) -> None:
        """Leave nothing of the job but its result."""
        self._pid.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _launch(self) -> None:
        try:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            facts = {"kind": self.kind, "arguments": self.arguments, "asked": time.time()}
            with self._note.open("x", encoding="utf-8") as file:  # of many that ask, one starts it
                json.dump(facts, file)
            self._pid.unlink(missing_ok=True)  # of one that ended otherwise
            package = str(Path(__file__).resolve().parents[2])
            paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
            process = subprocess.Popen(
                [sys.executable, "-m", "mnist_app.runs.jobs", str(self._note.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": paths},
            )
            write_text(self._pid, str(process.pid))
        except FileExistsError:
            return
        except OSError as error:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
            raise InputError(
                f"Nothing can be computed in {cache.folder()} ({error.strerror or error}): free "
                "space or set MNIST_APP_WEIGHTS to a folder that can be written."
            ) from None
        threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie stays

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def is_alive(self) -> bool:
        """Whether its process lives; one that was just asked for counts as living."""
        try:
            words = psutil.Process(int(self._pid.read_text())).cmdline()
            return not words or any(self.path.stem in word for word in words)
        except (OSError, ValueError):  # just asked for, or never got a process
            return self._age() < _SECONDS_TO_START
        except psutil.Error:
            return False

    def seconds_unasked(self) -> float:
        """Seconds since somebody last looked how the job stands."""
        try:
            return abs(time.time() - self._pid.stat().st_mtime)
        except OSError:
            return self._age()

    def _age(self) -> float:
        try:
            return abs(time.time() - self._note.stat().st_mtime)
        except OSError:
            return float("inf")


def compute_now(job: Job, progress: Callable[[str, float], None] | None = None) -> Entry:
    """The result of a job, from the cache or computed here and now, and kept.

    Raises:
        InputError: it cannot be computed.
    """
    found = job.result()
    if found is None:
        compute = _function_of(job.kind)
        found = compute(progress or (lambda _text, _share: None), **job.arguments)
        with suppress(OSError):
            cache.save(job.path, found)
    return found


def _function_of(kind: str) -> Callable[..., Entry]:
    """What a kind of job computes: `function(progress, **arguments)`; only that one is loaded."""
    match kind:
        case "assessment":
            from mnist_app.recognition.assessment import assess as function
        case "robustness":
            from mnist_app.recognition.assessment import measure_robustness as function
        case "neighbours":
            from mnist_app.recognition.neighbours import build_index as function
        case "embedding":
            from mnist_app.recognition.embedding import embed as function
        case _:
            raise ValueError(f"there is no kind of job {kind!r}: choose of {', '.join(KINDS)}")
    return function


# The process of a job


def main(note_file: Path) -> int:
    """Compute what the file asks for; it says how far that is, and why it failed."""
    from mnist_app.runs.worker import training_threads

    note = json.loads(note_file.read_text(encoding="utf-8"))
    job = Job(note["kind"], note["arguments"])
    last = 0.0

    def tell(text: str, share: float) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_NOTES:
            last = time.monotonic()
            write_text(note_file, json.dumps(note | {"text": text, "share": share}))

    if not _wait_for_turn(job, note, tell):
        job.forget()
        return 0
    try:
        import torch

        torch.set_num_threads(training_threads())
        compute_now(job, tell)
        if not job.path.exists():
            raise InputError(f"There is no space in {cache.folder()}: free some, and try again.")
        job.forget()
    except Exception as error:  # noqa: BLE001, the boundary of the process: all goes to the note
        text = " ".join(str(error).split())
        is_known = isinstance(error, InputError)
        problem = text if is_known else f"It failed with {type(error).__name__}: {text[:300]}"
        write_text(note_file, json.dumps(note | {"problem": problem}))
        return 1
    return 0


def _wait_for_turn(job: Job, note: dict[str, Any], tell: Callable[[str, float], None]) -> bool:
    """Wait until fewer jobs than may compute at once are ahead; False if nobody asks any more."""
    tell("Starting", 0.0)
    while _ahead(job, note["asked"]) >= _MOST_COMPUTING:
        if job.seconds_unasked() > _PATIENCE:
            return False
        tell("Waiting for another computation to end", 0.0)
        time.sleep(_SECONDS_BETWEEN_NOTES)
    return True


def _ahead(job: Job, asked: float) -> int:
    """How many living jobs were asked for before this one."""
    count = 0
    for path in cache.folder().glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            note = json.loads(path.read_text(encoding="utf-8"))
            other = Job(note["kind"], note["arguments"])
            is_before = (note["asked"], other.path.name) < (asked, job.path.name)
            count += is_before and not note.get("problem") and other.is_alive()
    return count


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)
    sys.exit(main(Path(sys.argv[1])))
