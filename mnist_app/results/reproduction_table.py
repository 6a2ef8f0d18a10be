"""The table in docs/results.md: what the presets' sources report and what was measured here."""

from collections.abc import Iterator
from statistics import mean, stdev
from typing import Any

from mnist_app.common import machine
from mnist_app.recipes.presets import SOURCES

HEAD = """\
# Results

Every preset, trained on MNIST with the project's own command: what its source reports, and what \
was measured here.

    MNIST_APP_DATA=... python -m mnist_app reproduce

Accuracies are in per cent: mean ± standard deviation over the seeds 0, 1, ... *Test* is the \
accuracy on 10,000 images that were not used to choose anything. They are read once, at the end of \
each training. *Train* is the running accuracy of the last epoch. *Validation* is the accuracy on \
images split off from the training set. *Reached* says whether the means reach the reported \
figures. To train with one seed: `python -m mnist_app train NAME --seed S`.

| source | preset | parameters | reported | test | train | validation | seeds | reached | epochs \
| s/epoch | threads |
|---|---|--:|---|--:|--:|--:|--:|---|--:|--:|--:|"""

REMARKS = """\
- `cnn-simple` keeps the flaw of its source, which divides pixels that are already in [0, 1] by 128
  again. That starves the network. `cnn-simple-fixed` is the same network with proper input.
- `lenet5` gets the same poor input. It reaches its figure because its initial weights (Glorot's)
  make up for the scaling. With torch's default weights it reaches 97.12 ± 0.06
  (`train lenet5 --initialization default`, seeds 0 to 2).
- `mlp-300` also starts from Glorot's weights, a choice made by validation accuracy.
- The sources of S0 and S1 train on all 60,000 images; here 5% of them are held out for validation.
- S1 evaluates on training images and calls them the test set. Here the test set is MNIST's own."""


def table(results: dict[str, Any]) -> str:
    """Return the text of results.md for the contents of results.json."""
    presets = results["presets"]
    machines = (row["machine"] for rows in presets.values() for row in rows)
    foot = (
        f"{machine.describe_machines(machines)}. Seconds per epoch are the "
        "median of training alone, on a machine that was also doing other work."
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
    """Say if the means reach the source's figures: "yes", "no", "flawed source" or a dash.

    A dash means that the source reports no figures; "flawed source", that a flawed source's figures
    are not reached.
    """
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
    return "flawed source" if source.is_flawed else "no"


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    middle = f"{100 * mean(known):.2f}"
    return f"{middle} ± {100 * stdev(known):.2f}" if len(known) > 1 else middle
