"""MNIST's files when they are damaged, foreign, or larger than the machine's memory."""

import os

import pytest
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import spoiled

from mnist_app.common.settings import data_folder
from mnist_app.data.mnist import MNIST_FILES, load_mnist

NAMES = tuple(MNIST_FILES)
SIZES = 0, 7, 8, 15, 16, 10_000, 47_040_016, 4_000_000_000, 20_000_000_000
BEGINNING = 1000  # bytes of a file, in which faults are made


def spoiled_file(case: Case) -> Attempt:
    """Load MNIST with one of the four files spoiled; the rest are links to the real ones."""
    raw = case.folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    bad = case.one_of([*NAMES, NAMES[0], NAMES[0], NAMES[0], NAMES[0]])
    for name in NAMES:
        real = (data_folder() / "MNIST" / "raw" / name).resolve()
        if name != bad:
            (raw / name).symlink_to(real)
            continue
        with real.open("rb") as file:
            content = file.read(BEGINNING)
        (raw / name).write_bytes(spoiled(content, case.random))
        if case.random.random() < 0.5:
            os.truncate(raw / name, int(case.one_of([*SIZES, real.stat().st_size])))
    case.names = (bad,)
    return lambda: refused(case)


def refused(case: Case) -> None:
    load_mnist(case.folder)
    raise AssertionError("it was taken for MNIST")


def unspoiled(case: Case) -> Attempt:
    def attempt() -> None:
        digits = load_mnist()
        assert (len(digits.train), len(digits.test)) == (60_000, 10_000)

    return attempt


@pytest.mark.mnist
def test_no_file_of_mnist_does_harm(real_data):
    limits.check(
        spoiled_file, "MNIST's files (IDX): damaged, foreign, huge", limits.count(2000, 12)
    )


@pytest.mark.mnist
def test_the_real_files_are_a_right_answer(real_data):
    limits.check(unspoiled, "MNIST's files (IDX): the real ones", 1)
