"""Recipes with invalid fields, and files of runs that were cut or changed."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import TEXTS, VALUES, spoiled, spoiled_json
from hypothesis import given
from hypothesis import strategies as st

from mnist_app.figures import training_charts
from mnist_app.networks import models
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.runs.run import LIVE, find_run, list_runs, read_statuses, runs_ahead_of
from mnist_app.ui.train import curves, progress

FIELDS = tuple(Recipe.model_fields)
VALUE = st.one_of(
    st.sampled_from([value for value in VALUES if not (isinstance(value, str) and "\0" in value)]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.lists(st.tuples(st.one_of(st.integers(), st.text(max_size=3)), st.floats()), max_size=3),
    st.from_regex(r"(\d{1,3}:[0-9.e+-]{1,6},?){0,3}", fullmatch=True),
    st.sampled_from(["steps", "mse", "sgd", "all", "glorot", "cosine", "digits", "resnet"]),
)
NAME = st.one_of(
    st.sampled_from(FIELDS), st.sampled_from((*TEXTS, "self", "__class__", "model_config"))
)


def made(values: dict[str, Any]) -> None:
    """Make a recipe, and do everything that the app does with one before training."""
    recipe = Recipe(**values)
    with torch.device("meta"):
        assert models.count_parameters(models.from_recipe(recipe)) > 0
    assert Recipe(**json.loads(recipe.model_dump_json())) == recipe
    assert recipe.changed() == recipe
    progress._recipe_text(recipe)


def test_no_fields_of_a_recipe_do_harm():
    with limits.tallied("recipes: fields and values") as judge:

        @limits.settings(5000)
        @given(st.dictionaries(NAME, VALUE, max_size=5))
        def look(values: dict[str, Any]) -> None:
            judge(lambda: made(values))

        look()


def test_every_field_refuses_every_odd_value_in_one_sentence():
    with limits.tallied("recipes: each field with each odd value") as judge:
        for field in FIELDS:
            for value in VALUES:
                judge(lambda field=field, value=value: made({field: value}))


def one_value(case: Case) -> Attempt:
    """Make a preset with some parts changed."""
    recipe = case.one_of(list(RECIPES.values())).model_dump(mode="json")
    values = spoiled_json(recipe, case.random)
    return lambda: made(values if isinstance(values, dict) else {"name": values})


def test_no_changed_preset_does_harm():
    limits.check(one_value, "recipes: presets with other parts", limits.count(5000))


# The files of a run

EPOCH = {
    "event": "epoch",
    "epoch": 1,
    "seconds": 1.5,
    "train_loss": 0.3,
    "train_accuracy": 0.9,
    "val_loss": 0.2,
    "val_accuracy": 0.93,
    "learning_rate": 0.001,
    "images_per_second": 30_000.0,
}
BATCH = {
    "event": "batch",
    "epoch": 2,
    "epochs": 3,
    "batch": 40,
    "batches": 100,
    "loss": 0.2,
    "accuracy": 0.95,
    "images_per_second": 30_000.0,
    "seconds_left": 9.0,
}
END = {
    "event": "end",
    "reason": "finished",
    "epochs": 3,
    "best_epoch": None,
    "seconds": 4.5,
    "val_accuracy": 0.93,
    "val_n": 287,
    "test_accuracy": 0.94,
    "test_loss": 0.2,
    "n": 359,
    "name": "mine",
}
STOPPED = END | {"reason": "stopped", "test_accuracy": None, "test_loss": None, "n": 0}
LOG = (
    {"event": "queued"},
    {"event": "note", "text": "Reading", "share": 0.5},
    {"event": "start"},
    EPOCH,
    BATCH,
    EPOCH | {"epoch": 2},
    END,
    {"event": "exit", "message": "It was killed."},
    {"event": "error", "message": "The disk is full."},
)
PROCESS = {"pid": 999_999_999, "ticket": 3}


def spoiled_run(case: Case) -> Attempt:
    """Read a run's folder in which some files are not as the app writes them."""
    folder = case.folder / "weights" / ".runs" / "0001-mine"
    folder.mkdir(parents=True)
    log = [*LOG[: int(case.random.integers(1, len(LOG) + 1))]]
    if case.random.random() < 0.3:
        log = [STOPPED if event is END else event for event in log]
    events = spoiled_json(log, case.random) if case.random.random() < 0.7 else log
    lines = "\n".join(map(json.dumps, events if isinstance(events, list) else [events])) + "\n"
    content = {
        "events.jsonl": lines.encode(),
        "recipe.json": RECIPES["lenet5"].model_dump_json(indent=1).encode(),
        "process.json": json.dumps(PROCESS).encode(),
        "search": b"0001-mine",
        "owner": b"3f9c0d2e",
    }
    bad = case.one_of(["events.jsonl", "events.jsonl", *list(content)[1:]])
    if events is log:
        content[bad] = spoiled(content[bad], case.random)
    elif case.random.random() < 0.3:
        content["process.json"] = json.dumps(spoiled_json(PROCESS, case.random)).encode()
    elif case.random.random() < 0.05:
        content[case.one_of(["events.jsonl", "recipe.json", "process.json"])] = (
            b"[" * 100_000 + b"\n"
        )
    if bad != "search":
        del content["search"]
    for name, data in content.items():
        (folder / name).write_bytes(data)
    (folder / "epochs").mkdir()
    (folder / "epochs" / f"{case.one_of(['0001', 'x', '-1', '1.5', ''])}.safetensors").write_bytes(
        b""
    )
    return looked_at


def looked_at() -> None:
    """Do with the folder of runs what the Train tab does at each poll."""
    for now in read_statuses():
        run, state, log = now.run, now.state, now.log
        assert state in (*LIVE, "finished", "stopped", "died")
        assert isinstance(now.why_it_died, str)
        assert isinstance(run.place_in_line[0], int)
        assert isinstance(now.owner, str | None)
        assert run.result_folder
        assert all(path.name for path in run.snapshots().values())
        runs_ahead_of(run)
        progress._recipe_text(run.recipe)
        shown = {run.id: list(log.epochs.values())}
        training_charts.accuracy_curves(shown)
        training_charts.loss_curves(shown)
        if log.epochs:
            curves._epoch_text(log.epochs[max(log.epochs)])
        if state != "died":
            progress._bar(now)
        if log.end:
            progress._result(now)


def test_no_file_of_a_run_does_harm():
    limits.check(spoiled_run, "run files: cut off or changed", limits.count(5000))


ID = st.one_of(st.sampled_from(TEXTS), st.text(max_size=40), st.sampled_from(["..", ".", "run:"]))


def test_no_id_of_a_run_does_harm(weights_folder: Path):
    (weights_folder / ".runs").mkdir(parents=True)
    outside = RECIPES["lenet5"].model_dump_json()
    (weights_folder / "recipe.json").write_text(outside)
    (weights_folder / ".runs" / "recipe.json").write_text(outside)

    def find(run_id: str) -> None:
        assert find_run(run_id) is None

    with limits.tallied("run ids") as judge:

        @limits.settings(1000)
        @given(ID)
        def look(run_id: str) -> None:
            judge(lambda: find(run_id))

        look()


def test_the_real_files_are_right_answers(weights_folder: Path):
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    folder = weights_folder / ".runs" / "0001-mine"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(RECIPES["lenet5"].model_dump_json())
    (folder / "process.json").write_text(json.dumps(PROCESS))
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, LOG)) + "\n")
    (run,) = list_runs()
    assert sorted(run.log.epochs) == [1, 2]
    assert run.log.batch
    assert run.log.end["name"] == "mine"
    assert run.log.error == "The disk is full."
    assert run.ticket == 3
    looked_at()


@pytest.mark.parametrize("values", [{}, {"model": "resnet", "schedule": "steps", "steps": "3:0.1"}])
def test_the_real_recipes_are_right_answers(values):
    made(values)
