"""Command-line arguments that nobody would type on purpose."""

import contextlib
import io
import os
import shutil

from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import HTML, TEXTS
from fuzz.test_pictures import real

from mnist_app.cli import main as cli
from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition import predictor
from mnist_app.report import html_report

LOADED = predictor, html_report, bundled.load_bundled()  # so that no case is charged for loading
COMMANDS = "train", "list", "evaluate", "report", "calibrate", "predict", "reproduce", "ensemble"
WORDS = (
    *(text for text in TEXTS if "\0" not in text and "outside" not in text),
    *("-", "--", "-h", "--json", "--nothing", "--seed", "0", "-1", "nan", "1e999", "9" * 400),
    *("all", ".", "~nobody", "lenet5", "canvas", "digits", "true", "1:0.1", "resnet"),
    *("/dev/zero", "\udcff.png", "a.zip", "x" * 300, "👍.png", "7.png", "broken.png", "[b].png"),
)
# None of these leads out of the case's folder, because the app writes wherever it is told to.
OUTPUTS = "", ".", "no/such/x.csv", "x" * 300, HTML, "[/b].csv", "a\nb.csv", "\udcff.csv", "pipe"
OPTIONS = tuple(
    f"--{field.replace('_', '-')}"
    for field in (*Recipe.model_fields, "threads", "network", "seeds")
)


def odd_arguments(case: Case) -> Attempt:
    """Run a command with random words. Nothing is trained: a name or the data set is invalid."""
    command = case.one_of(COMMANDS)
    words = [case.one_of(WORDS) for _ in range(int(case.random.integers(4)))]
    for _ in range(int(case.random.integers(3))):
        words += [case.one_of(OPTIONS), case.one_of(WORDS)]
    if case.random.random() < 0.3:
        words += [case.one_of(["--output", "--csv"]), case.one_of(OUTPUTS)]
    if command == "train":
        words = [case.one_of([*RECIPES, *TEXTS[:4]]), *words, "--dataset", "no-such-folder"]
    elif command in ("evaluate", "report"):
        name = case.one_of(["lenet5", "lenet5", *WORDS])
        words = [name, *words, "--dataset", case.one_of(["digits", *TEXTS])]
    elif command in ("calibrate", "reproduce", "ensemble"):
        words = [TEXTS[int(case.random.integers(5))], *words]
    fill(case)
    return lambda: run([command, *words])


def fill(case: Case) -> None:
    """Put a network, some pictures and a pipe into the case's folder, and change into it."""
    os.chdir(case.folder)
    (case.folder / "weights").mkdir()
    shutil.copy(limits.ROOT / "weights" / "lenet5.safetensors", case.folder / "weights")
    for name in ("7.png", "[b].png", "\udcff.png", "👍.png"):
        (case.folder / name).write_bytes(real(0))
    (case.folder / "broken.png").write_bytes(real(0)[:50])
    os.mkfifo(case.folder / "pipe")


def run(words: list[str]) -> None:
    """Run the command: it must succeed, or say what is wrong."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(words)
    sentence = said.getvalue().strip()
    assert code in (0, cli.BAD_INPUT), f"{words!r} ended with {code}: {sentence[:300]}"
    assert code == 0 or sentence, f"{words!r} says nothing"
    assert "Traceback" not in sentence
    if code:
        last = sentence.splitlines()[-1]  # there is one per picture, and one on all of them
        raise InputError(f"{last[:1000].rstrip('.')}.")


def test_no_arguments_do_harm():
    limits.check(odd_arguments, "command-line arguments", limits.count(3000, 12))


def test_the_real_arguments_are_right_answers(tmp_path, monkeypatch):
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "weights"))
    fill(Case(0, 0, tmp_path))
    run(["list"])
    run(["predict", "7.png"])
    run(["evaluate", "lenet5", "--dataset", "digits"])
