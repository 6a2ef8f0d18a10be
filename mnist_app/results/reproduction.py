"""Train the presets over several seeds and write the table of reported against measured."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from filelock import FileLock

from mnist_app.common import machine
from mnist_app.common.errors import InputError
from mnist_app.common.files import write_text
from mnist_app.common.names import checked_name
from mnist_app.common.settings import weights_folder
from mnist_app.data.labelled_images import Digits, Progress
from mnist_app.data.training_data import TrainingData, prepare
from mnist_app.recipes.presets import ENSEMBLES, MEMBERS, RECIPES, SOURCES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import ensemble, weights
from mnist_app.results.ensemble import Member
from mnist_app.training.calibration import calibrate
from mnist_app.training.evaluation import logits_of
from mnist_app.training.events import EndEvent, Event
from mnist_app.training.loop import train

HEAD = """\
# Results

Every preset, trained by the project's own command on MNIST: what its source reports and what is \
measured.

    MNIST_APP_DATA=... python -m mnist_app reproduce

Per cent, mean ± standard deviation over the seeds 0, 1, ...; the test accuracy is over 10,000 \
images that nothing was chosen by, read once at the end of each training. *Train* is the running \
accuracy of the last epoch, *validation* that of the images split off the training set. One seed \
alone: `python -m mnist_app train NAME --seed S`.

| source | preset | parameters | reported | test | train | validation | seeds | reached | epochs \
| s/epoch | threads |
|---|---|--:|---|--:|--:|--:|--:|---|--:|--:|--:|"""

LONG_TRAINING = 100  # epochs from which on one seed must do

Show = Callable[[Recipe, Event], None]

REMARKS = """\
`cnn-simple` is shown as it falls out: its source divides pixels that are already in [0, 1] by 128
once more, which starves the network; `cnn-simple-fixed` is the same network fed properly. `lenet5`
is fed as badly and reaches its figure because its first weights allow for the scaling (Glorot's
initialization); with torch's default it reaches 97.12 ± 0.06 (`train lenet5 --initialization
default`, seeds 0 to 2). `mlp-300` starts from Glorot's weights too, chosen by its validation
accuracy. The sources of S0 and S1 train on all 60,000 images; here 5% of them are kept apart for
validation. S1 evaluates on training images and calls them the test set; here the test set is the
test set."""


def reproduce(presets: list[str], seeds: Sequence[int], folder: Path, show: Show) -> dict[str, Any]:
    """Train presets on MNIST; keep all weights; update results.json and results.md.

    Seed 0 goes to the weights folder, the others to `.seeds` in it.

    Args:
        presets: names in RECIPES.
        seeds: of each preset; the first one alone for presets of 100 epochs and more.
        folder: where results.json and results.md stand; other presets and seeds are kept.
        show: called with every event.
    Returns:
        What results.json now holds.
    """
    results: dict[str, Any] = {}
    for name in presets:
        for seed in seeds[:1] if RECIPES[name].epochs >= LONG_TRAINING else seeds:
            recipe = RECIPES[name].changed(seed=seed)
            results = _remember(name, _train_one(recipe, prepare(recipe), show), folder)
    return results


def build_ensemble(folder: Path) -> weights.WeightsInfo:
    """Join the seeds of `canvas` into `canvas-large`; update results.json and results.md.

    Raises:
        InputError: some seed's weights are missing; the message says which.
    """
    others = [weights.load(f"canvas-{seed}", _seeds_folder()) for seed in range(1, MEMBERS)]
    model, info = ensemble.combine([Member(*weights.load("canvas")), *(Member(*m) for m in others)])
    info = weights.save(ensemble.NAME, model, info, overwrite=True)
    _remember(ensemble.NAME, _row(info), folder)
    return info


def _seeds_folder() -> Path:
    return weights_folder() / weights.SEEDS


def _remember(name: str, row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the row of a preset and seed into results.json and results.md; return all results.

    Trainings that end together wait for each other: none loses the other's row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    with FileLock(folder / ".results.lock"):
        results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"presets": {}}
        others = [r for r in results["presets"].get(name, []) if r["seed"] != row["seed"]]
        results["presets"][name] = sorted([*others, row], key=lambda r: r["seed"])
        write_text(path, json.dumps(results, indent=1) + "\n")
        write_text(folder / "results.md", table(results))
    return results


def _train_one(recipe: Recipe, parts: TrainingData, show: Show) -> dict[str, Any]:
    for event in train(recipe, parts.train, parts.val, parts.test):
        show(recipe, event)
        if isinstance(event, EndEvent):
            info = weights.info_of(event, parts)
            _keep(event, info)
            return _row(info)
    raise AssertionError("unreachable: a training ends with an EndEvent")


def _keep(end: EndEvent, info: weights.WeightsInfo) -> None:
    """Save the result of a preset: that of seed 0 with the weights, others apart."""
    if info.seed == 0:
        weights.save(info.recipe.name, end.network, info, overwrite=True)
        return
    name = f"{info.recipe.name}-{info.seed}"
    weights.save(name, end.network, info, overwrite=True, folder=_seeds_folder())


def _row(info: weights.WeightsInfo) -> dict[str, Any]:
    """What results.json says of a network; a joined one has no epochs of its own."""
    last = info.history[-1] if info.history else {}
    seconds = sorted(e["seconds"] for e in info.history)
    return {
        "seed": info.seed,
        "test_accuracy": info.test_accuracy,
        "n": info.n,
        "val_accuracy": last.get("val_accuracy"),
        "train_accuracy": last.get("train_accuracy"),
        "seconds_per_epoch": seconds[len(seconds) // 2] if seconds else None,
        "threads": info.threads,
        "epochs": info.epochs,
        "parameters": info.parameters,
        "fingerprint": info.fingerprint,
        "machine": machine.machine_facts(),
    }


def recalibrate(name: str, progress: Progress) -> weights.WeightsInfo:
    """Fit the confidence of saved weights to their validation images again; nothing else changes.

    Args:
        name: in the weights folder, or else among the other seeds.
        progress: called with what is being done and the share done, 0..1.
    Raises:
        InputError: there are no such weights, they are joined ones, or their data cannot be had
            or lack validation images that the confidence was fitted to before.
    """
    folder = _folder_of(name)
    model, info = weights.load(name, folder)
    if info.recipe.name in ENSEMBLES:
        raise InputError(f"{name} has its confidence from its members: calibrate those, and join.")
    validation = _validation_images(info, progress)
    calibration = calibrate(logits_of(model, validation.images), validation.labels, info.recipe)
    fitted = info.model_copy(update={"calibration": calibration})
    return weights.save(name, model, fitted, overwrite=True, folder=folder)


def _folder_of(name: str) -> Path | None:
    """Where weights are: None for the weights folder, else that of the other seeds."""
    if weights.path_of(name).is_file():
        return None
    is_seed = (_seeds_folder() / f"{checked_name(name)}.safetensors").is_file()
    return _seeds_folder() if is_seed else None


def _validation_images(info: weights.WeightsInfo, progress: Progress) -> Digits:
    """The images that a network's confidence was fitted to; InputError if some are missing."""
    recipe = info.recipe  # what is drawn for the training alone is left out
    little = {"redrawn": 0, "non_digits": 0, "pen_copies": min(1, recipe.pen_copies)}
    validation = prepare(recipe.changed(**little), progress).val
    if len(validation) < info.calibration.n:
        raise InputError(
            f"{info.name} has its confidence from {info.calibration.n:,} validation images and the "
            f"data folder holds {len(validation):,} of them: put back what is missing (MNIST, or "
            "pen strokes in pendigits)."
        )
    return validation


def table(results: dict[str, Any]) -> str:
    """results.md from results.json."""
    presets = results["presets"]
    machines = (row["machine"] for rows in presets.values() for row in rows)
    foot = (
        f"{machine.describe_machines(machines)}. Seconds per epoch are the "
        "median of training alone, on a machine that did other things beside."
    )
    return "\n".join([HEAD, *_rows(presets), "", REMARKS, "", foot, ""])


def _rows(presets: dict[str, Any]) -> Iterator[str]:
    for name, source in SOURCES.items():
        if name not in presets:
            continue
        runs = presets[name]
        test, train_, val = (
            _spread([run[key] for run in runs])
            for key in ("test_accuracy", "train_accuracy", "val_accuracy")
        )
        seconds = [run["seconds_per_epoch"] for run in runs]
        cells = [
            source.key,
            f"`{name}`",
            f"{runs[0]['parameters']:,}",
            source.reported or "–",
            test,
            train_,
            val,
            str(len(runs)),
            compared_with_reported(name, runs),
            str(runs[0]["epochs"]),
            "–" if None in seconds else f"{mean(seconds):.1f}",
            str(runs[0]["threads"]),
        ]
        yield "| " + " | ".join(cells) + " |"


def compared_with_reported(name: str, runs: list[dict[str, Any]]) -> str:
    """Whether the means reach what the source reports: yes, no, as it falls out, or a dash."""
    source = SOURCES[name]
    targets = {
        "test_accuracy": source.test,
        "train_accuracy": source.train,
        "val_accuracy": source.validation,
    }
    wanted = {key: target for key, target in targets.items() if target is not None}
    if not wanted:
        return "–"
    if all(mean(run[key] for run in runs) >= target for key, target in wanted.items()):
        return "yes"
    return "as it falls out" if source.is_flawed else "no"


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    middle = f"{100 * mean(known):.2f}"
    return f"{middle} ± {100 * stdev(known):.2f}" if len(known) > 1 else middle
