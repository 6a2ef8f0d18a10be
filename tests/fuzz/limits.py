"""The limits for every input from outside: how it may end, how long it takes, what it leaves.

A target is a function that turns a Case (a seed and a number) into an attempt: a function that
tries something with the case's input. The attempt may return an answer, or raise InputError with
one clear sentence. Anything else is a crash. Cases run in a separate process, so that a hang or a
bomb ends the test and not the machine. To run one case again, with its traceback:

    python tests/fuzz/limits.py FILE FUNCTION SEED NUMBER
"""

import json
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from unicodedata import category

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
PATHS = ROOT, ROOT / "tests", ROOT / "tests" / "helpers"
SECONDS = 10.0  # of CPU time that a case may take: more is a hang, not a slow machine
MEGABYTES = 300  # by which the process may grow in a case
HANG = 180.0  # seconds of wall-clock time after which a case is aborted
MOST_WAIT = 2 * HANG  # seconds for a case, including making it
MOST_ENDS = 20  # after this many processes have ended, skip the other cases
MOST_DATA = 3_000_000_000  # bytes that the process may add; beyond that, MemoryError is raised
LONGEST_SENTENCE = 2000  # characters

Attempt = Callable[[], Any]


def count(whole: int, short: int = 25) -> int:
    """Return how many cases to run: all with MNIST_APP_TORTURE=1, otherwise a few."""
    from effort import scaled

    return scaled(min(short, whole), whole)


@dataclass
class Case:
    """One input, made from a seed and a number alone."""

    seed: int
    number: int
    folder: Path  # empty; the only place where files may be written
    names: tuple[str, ...] = ()  # a message has to contain one of them

    def __post_init__(self) -> None:
        self.random = np.random.default_rng([self.seed, self.number])

    def one_of(self, things: Any) -> Any:
        """Pick one of these things at random."""
        return things[int(self.random.integers(len(things)))]


Target = Callable[[Case], Attempt]


@dataclass
class Tally:
    """The results of the cases of one target."""

    target: str  # what is tested, in the words of the report
    seed: int
    test: str = field(default_factory=lambda: os.environ["PYTEST_CURRENT_TEST"].split()[0])
    count: int = 0
    errors: int = 0
    answers: int = 0
    crashes: int = 0
    slowest_seconds: float = 0.0
    most_megabytes: float = 0.0
    faults: list[str] = field(default_factory=list, repr=False)

    def add(self, result: dict[str, Any]) -> None:
        """Count one case."""
        self.count += 1
        self.slowest_seconds = max(self.slowest_seconds, round(result.get("seconds", 0), 3))
        self.most_megabytes = max(self.most_megabytes, round(result.get("megabytes", 0), 1))
        kind = result["kind"]
        self.errors += kind == "error"
        self.answers += kind == "answer"
        self.crashes += kind == "crash"
        if fault := result.get("fault"):
            self.faults.append(f"case {result.get('number', self.count - 1)}: {fault}")

    def finish(self) -> None:
        """Write the counts to the report; fail if any case had a fault."""
        if report := os.environ.get("MNIST_APP_TORTURE_REPORT"):
            facts = {key: value for key, value in asdict(self).items() if key != "faults"}
            with Path(report).open("a", encoding="utf-8") as file:
                file.write(json.dumps(facts | {"faults": len(self.faults)}) + "\n")
        shown = "\n".join(self.faults[:20])
        assert not self.faults, (
            f"{len(self.faults)} of {self.count} cases of {self.target}:\n{shown}"
        )


# Judging one case


def judged(attempt: Attempt, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run an attempt; return how it ended, its seconds and megabytes, and its fault, if any."""
    from mnist_app.common.errors import InputError

    before = _reset_peak()
    start = time.process_time()
    try:
        attempt()
        kind, fault = "answer", None
    except InputError as error:
        kind, fault = "error", _unclear(str(error), names)
    except (Exception, HangError) as error:  # noqa: BLE001, this is what is looked for
        kind, fault = "crash", f"{type(error).__name__}: {str(error)[:300]} {_place(error)}"
    seconds, megabytes = time.process_time() - start, (_peak() - before) / 1e6
    if not fault and megabytes > MEGABYTES:
        fault = f"it took {megabytes:.0f} MB"
    if not fault and seconds > SECONDS:
        fault = f"it took {seconds:.1f} s"
    kind = "crash" if kind == "error" and fault else kind
    return {"kind": kind, "seconds": seconds, "megabytes": megabytes, "fault": fault}


def _unclear(sentence: str, names: tuple[str, ...]) -> str | None:
    """Return why a message is not one clear sentence, or None if it is."""
    if not sentence.strip() or not sentence.rstrip().endswith("."):
        return f"no sentence: {sentence[:300]!r}"
    if not is_one_line(sentence) or len(sentence) > LONGEST_SENTENCE:
        return f"too long or not printable: {sentence[:300]!r}"
    if names and not any(name in sentence for name in names):
        return f"it names none of {names}: {sentence[:300]!r}"
    return None


def is_one_line(text: str) -> bool:
    """Return whether a text prints on one line, with no control characters or surrogates."""
    return not any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "mnist_app" in frame.filename] or frames[-1:]
    return f"({Path(ours[-1].filename).name}:{ours[-1].lineno})"


def _reset_peak() -> int:
    """Reset the process's peak memory; return its current memory in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return _status("VmRSS")


def _peak() -> int:
    try:
        return _status("VmHWM")
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024


# Many cases in a separate process


def check(target: Target, what: str, number: int, seed: int = 0) -> None:
    """Run cases 0 to number - 1 of a target; fail if any case had a fault.

    Args:
        target: a function in the file of the test.
        what: what is tested, in the words of the report.
        number: the number of cases.
        seed: the seed of their inputs.
    """
    tally, ends, first = Tally(what, seed), 0, 0
    while first < number and ends < MOST_ENDS:  # if a case ends its process, the others still run
        for result in _results(target, seed, first, number):
            tally.add(result)
            first = result["number"] + 1
        ends += 1
    tally.finish()


def _results(target: Target, seed: int, first: int, end: int) -> Iterator[dict[str, Any]]:
    """Yield the results of the cases, up to the one that hangs or ends the process."""
    process = _process_of(str(sys.modules[target.__module__].__file__))
    with suppress(BrokenPipeError):  # then it has ended, which is reported below
        process.stdin.write(json.dumps([target.__name__, seed, first, end]).encode() + b"\n")
    for number in range(first, end):
        line = _line(process)
        if not line:
            yield {"kind": "crash", "number": number, "fault": _end_of(process)}
            close()
            return
        yield json.loads(line)


_PROCESSES: dict[str, tuple[subprocess.Popen, tempfile.TemporaryDirectory]] = {}  # by test file


def _process_of(file: str) -> subprocess.Popen:
    """Return the process that runs a file's cases. All its tests share it: loading is slow."""
    if file not in _PROCESSES:
        close()
        folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        paths = os.pathsep.join(map(str, PATHS))
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, file],
            cwd=folder.name,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        _PROCESSES[file] = process, folder
    return _PROCESSES[file][0]


def close() -> None:
    """End the process that runs cases, if there is one."""
    while _PROCESSES:
        _, (process, folder) = _PROCESSES.popitem()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        folder.cleanup()


def _line(process: subprocess.Popen) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline() if selector.select(MOST_WAIT) else b""


def _end_of(process: subprocess.Popen) -> str:
    try:
        code = process.wait(1)
    except subprocess.TimeoutExpired:
        return f"it hangs: no end within {MOST_WAIT:.0f} s"
    return f"it ended the process with {code}"


def serve(file: str) -> None:
    """Run cases in this process: each line of JSON on stdin gives one line on stdout per case."""
    asked, answers = os.fdopen(os.dup(0)), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)  # so that printed text is not taken for a result
    module, top = _loaded(file), Path.cwd()
    _settle(top)
    for line in asked:
        function, seed, first, end = json.loads(line)
        for number in range(first, end):
            result = _run(getattr(module, function), seed, number, top)
            os.write(answers, json.dumps(result).encode() + b"\n")


def _loaded(file: str) -> ModuleType:
    spec = spec_from_file_location(Path(file).stem, file)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _settle(top: Path) -> None:
    """Move the home and temporary folders into `top`, and limit the memory on Linux."""
    for name in ("home", "tmp", "work"):
        (top / name).mkdir()
    os.environ["HOME"], os.environ["TMPDIR"] = str(top / "home"), str(top / "tmp")
    tempfile.tempdir = None
    os.environ["MNIST_APP_WEIGHTS"] = str(top / "work" / "weights")
    if sys.platform == "linux":
        most = _status("VmData") + MOST_DATA
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _run(target: Target, seed: int, number: int, top: Path) -> dict[str, Any]:
    """Run one case; it is a crash if it leaves anything outside its folder."""
    os.chdir(top)
    folder = top / "work"
    shutil.rmtree(folder)
    folder.mkdir()
    before = _outside(top)
    case = Case(seed, number, folder)
    attempt = target(case)  # not timed: making a case may take long on a busy machine
    with _alarm(number):
        result = judged(attempt, case.names)
    new = _outside(top) - before
    if new:
        result["fault"] = f"it left {sorted(new)} outside of its folder"
        result["kind"] = "crash"
    return result | {"number": number}


def _outside(top: Path) -> set[str]:
    """Return the paths in the folders around the one where files may be written."""
    folders = [top, top / "home", top / "tmp", ROOT, ROOT / "mnist_app", ROOT / "weights"]
    found = {str(path) for folder in folders for path in folder.iterdir()}
    for folder in (top.parent, Path("/tmp"), Path("/etc"), Path("/")):
        found |= {str(path) for path in folder.glob("outside*")}  # some cases use such names
    return found - {
        str(ROOT / "mnist_app" / "__pycache__"),
        str(ROOT / ".pytest_cache"),
        str(ROOT / ".hypothesis"),
        str(ROOT / ".ruff_cache"),
    }


class HangError(BaseException):
    """A case did not end in time."""


@contextmanager
def _alarm(number: int) -> Iterator[None]:
    def ring(_number: int, _frame: object) -> None:
        raise HangError(f"case {number} has no end within {HANG:.0f} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# Cases that Hypothesis makes


@contextmanager
def tallied(what: str) -> Iterator[Callable[..., None]]:
    """Count the examples that Hypothesis makes; an example with a fault fails at once."""
    tally = Tally(what, 0)

    def judge(attempt: Attempt, names: tuple[str, ...] = ()) -> None:
        with _alarm(tally.count):
            result = judged(attempt, names)
        tally.add(result)
        assert not result["fault"], result["fault"]

    try:
        yield judge
    finally:
        tally.finish()


def settings(whole: int, short: int = 100) -> Any:
    """Return settings for Hypothesis: always the same examples, and it prints how to repeat one."""
    from hypothesis import HealthCheck
    from hypothesis import settings as of_hypothesis

    return of_hypothesis(
        max_examples=count(whole, short),
        derandomize=True,
        deadline=None,
        print_blob=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def show(file: str, function: str, seed: int, number: int) -> None:
    """Run one case again, and print its result."""
    target = getattr(_loaded(file), function)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        top = Path(place)
        _settle(top)
        case = Case(seed, number, top / "work")
        attempt = _raising(target(case))
        print(judged(attempt, case.names))


def _raising(attempt: Attempt) -> Attempt:
    """Wrap an attempt so that it prints the traceback of anything it raises."""

    def told() -> None:
        try:
            attempt()
        except Exception:
            traceback.print_exc()
            raise

    return told


if __name__ == "__main__":
    sys.path[:0] = map(str, PATHS)  # as pytest does
    _file, *_case = sys.argv[1:]
    _file = str(Path(_file).resolve())
    if _case:
        show(_file, _case[0], *map(int, _case[1:]))
    else:
        serve(_file)
