"""Trainings that diverge, run out of memory, or lose their data set."""

import shutil
import zipfile
from pathlib import Path

import faults
import pytest
from effort import scaled
from faults import LONG, QUICK, SAVING, everything_is_right, left_over
from PIL import Image

from mnist_app.data.bundled import load_bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.results import weights
from mnist_app.runs import lifecycle

# Two good epochs, then an absurdly high learning rate.
DIVERGING = RECIPES["cnn-2x32"].changed(
    dataset="digits",
    subset=300,
    epochs=8,
    momentum=0.9,
    schedule="steps",
    steps=((3, 1.0),),
    l2=0.1,
    mixed_precision=False,
)


def test_a_training_that_diverges_keeps_its_last_good_epoch(folder, before):
    run = lifecycle.start(DIVERGING, "diverged")
    faults.wait_until(lambda: not run.is_live)
    assert run.state == "finished"
    end = run.log.end
    assert end["reason"] == "diverged"
    assert faults.one_sentence(end["problem"])
    assert "lower learning rate than 1." in end["problem"]
    good = end["epochs"]
    assert 2 <= good < DIVERGING.epochs
    assert weights.load("diverged")[1].epochs == good
    faults.ends_as_unbroken(run, DIVERGING.changed(epochs=good))
    everything_is_right(before, folder)
    faults.report("training with NaN loss", 1, "ended with the reason; last good epoch kept")


# Limits the memory of the process, either once everything is loaded or from the beginning.
LIMIT = """
{imports}
import resource, psutil
now = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (now + {room}, now + {room}))
"""
LOADED = "import torch, sklearn.datasets"
LIMITS = [(LOADED, 150_000_000), ("", 300_000_000), ("", 1_500_000_000), (LOADED, 20_000_000)]


@pytest.mark.slow
@pytest.mark.parametrize(("imports", "room"), LIMITS[: scaled(1, 4)])
def test_a_run_that_finds_no_memory_says_so_and_harms_nothing(
    imports, room, folder, before, injected
):
    injected(LIMIT.format(imports=imports, room=room))
    recipe = RECIPES["cnn-simple-fixed"].changed(dataset="digits", batch_size=8192, epochs=2)
    run = lifecycle.start(recipe, "hungry")
    faults.wait_until(lambda: not run.is_live)
    faults.wait_until(lambda: run.log.error or run.log.exit)
    assert run.state == "died"
    assert faults.one_sentence(run.why_it_died), run.why_it_died
    assert "memory" in run.why_it_died
    everything_is_right(before, folder)
    assert left_over(folder) == []
    injected("")
    faults.finish(run)
    faults.report(
        f"only {room // 1_000_000:,} MB of memory {'after' if imports else 'for'} loading",
        1,
        "ended with a clear message; resumed without the limit",
    )


# Data sets


def _pictures(folder: Path) -> Path:
    train = load_bundled().train
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number, image in enumerate(train.images[train.labels == digit][:10]):
            Image.fromarray(image.numpy()).save(folder / str(digit) / f"{number}.png")
    return folder


def _zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(_pictures(folder).rglob("*.png")):
            archive.write(file, file.relative_to(folder))
    shutil.rmtree(folder)
    return path


@pytest.mark.parametrize("make", scaled([_pictures], [_pictures, _zipped]))
def test_a_data_set_that_is_gone_ends_a_run_only_when_it_is_resumed(make, folder, before, tmp_path):
    place = make(tmp_path / "pictures")
    recipe = LONG.changed(dataset=str(place), subset=None, batch_size=16, epochs=60)
    run = lifecycle.start(recipe, "own")
    faults.wait_until(lambda: len(run.log.epochs) >= 2)
    away = place.with_name("away")
    place.rename(away)
    done = len(run.log.epochs)
    faults.wait_until(lambda: len(run.log.epochs) > done or run.log.end)  # images are in memory
    assert faults.kill(run)
    lifecycle.resume(run)
    faults.wait_until(lambda: not run.is_live)
    assert run.state == "died"
    assert str(place) in run.why_it_died
    assert faults.one_sentence(run.why_it_died)
    everything_is_right(before, folder)
    away.rename(place)
    faults.finish(run)
    faults.ends_as_unbroken(run, recipe)
    what = "ZIP" if place.suffix else "folder"
    faults.report(
        f"data set ({what}) that vanishes during a run",
        1,
        "a clear message; resumed once it was back",
    )


def test_a_run_that_died_does_not_keep_the_others_from_their_turn(folder, before):
    first = lifecycle.start(QUICK.changed(dataset=str(folder / "nothing")), "first")
    second = lifecycle.start(SAVING.changed(epochs=2), "second")
    faults.finish(second)
    assert first.state == "died"
    everything_is_right(before, folder)
