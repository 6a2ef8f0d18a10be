"""Damaged files of the app's state: each costs only itself, and is named in one sentence."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import committed_weights
import numpy as np
import pytest
import torch
from fuzz import limits
from fuzz.mutations import VALUES, spoiled, spoiled_json
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

from mnist_app.common.errors import InputError
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.search_space import Space, checked_range
from mnist_app.recognition import comparison
from mnist_app.results import reproduction, weights
from mnist_app.runs import run, search, search_lifecycle
from mnist_app.runs.event_log import append_event
from mnist_app.ui.compare import search_panel, search_results
from mnist_app.ui.server.application import PAGE

LENET = RECIPES["lenet5"]
SEARCHES, RUNS, TRIALS = ("0001-a", "0002-b", "0003-c"), ("0011-a", "0012-b", "0013-c"), "0021-t"
SPACE = Space(LENET, "grid", {"learning_rate": (0.1, 0.01), "batch_norm": (False, True)})
EPOCH = {"event": "epoch", "epoch": 1, "train_loss": 0.3, "val_loss": 0.2} | dict.fromkeys(
    ("seconds", "train_accuracy", "val_accuracy", "learning_rate", "images_per_second"), 0.5
)
END = {"event": "end", "reason": "finished", "name": "mine", "epochs": 1, "best_epoch": 1} | {
    "seconds": 1.0,
    "test_accuracy": 0.9,
    "test_loss": 0.2,
    "n": 359,
}
EVENTS = [{"event": "queued"}, {"event": "start"}, EPOCH, END]


# A weights folder with searches, runs and trials


def search_text(space: Space = SPACE) -> str:
    """Return the file of a search as the app writes it."""
    values = space.trials()
    runs = [f"{TRIALS}{number}" for number in range(len(values) - 1)]
    facts = {"values": values, "runs": [*runs, None], "is_stopped": True}
    return json.dumps({"space": space.to_json(), **facts, "kept": [1, "lenet5", "0" * 16]})


def make_run(place: Path, of_search: str | None = None) -> None:
    place.mkdir(parents=True)
    (place / "recipe.json").write_text(LENET.model_dump_json())
    (place / "process.json").write_text('{"pid": 999999999, "ticket": 1}')
    (place / "owner").write_text("3f9c0d2e")
    if of_search:
        (place / "search").write_text(of_search)
    for event in EVENTS:
        append_event(place, event)


def make_state(folder: Path) -> None:
    (folder / ".searches").mkdir(parents=True)
    for name in SEARCHES:
        (folder / ".searches" / f"{name}.json").write_text(search_text())
    for name in RUNS:
        make_run(folder / ".runs" / name)
    for number in range(3):
        make_run(folder / ".runs" / f"{TRIALS}{number}", SEARCHES[0])


@pytest.fixture
def new_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Path]]:
    """A function that makes a weights folder of its own, which ends with the next one."""
    made: list[Path] = []

    def make() -> Path:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        made[:] = [Path(tempfile.mkdtemp(dir=tmp_path))]
        monkeypatch.setenv("MNIST_APP_WEIGHTS", str(made[0]))
        make_state(made[0])
        return made[0]

    return make


# What a damaged file may hold

LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.sampled_from(VALUES),
    st.sampled_from(["0011-a", "0001-a", "lenet5", "learning_rate"]),
)
JSON = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=9,
)
DEEP = st.sampled_from(["[", '{"space":', '{"a":']).map(lambda begin: begin.encode() * 20_000)


def changed(value: Any) -> st.SearchStrategy[bytes]:
    """A file as the app writes it, in which some parts are other JSON or other bytes."""
    seeds, raw = st.integers(0, 2**32 - 1), json.dumps(value).encode()
    return st.one_of(
        seeds.map(lambda s: as_bytes(spoiled_json(value, np.random.default_rng(s)))),
        seeds.map(lambda s: as_bytes(spoiled_json(value, np.random.default_rng(s), most=1))),
        seeds.map(lambda s: spoiled(raw, np.random.default_rng(s))),
    )


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def content(value: Any) -> st.SearchStrategy[bytes]:
    """Whatever may be in a file that should hold `value`."""
    anything = st.one_of(JSON.map(as_bytes), st.binary(max_size=40), DEEP)
    swapped = st.tuples(st.sampled_from(sorted(value)), JSON) if isinstance(value, dict) else None
    if swapped is None:
        return st.one_of(anything, changed(value))
    one = swapped.map(lambda pair: as_bytes(value | {pair[0]: pair[1]}))
    return st.one_of(anything, one, one, changed(value), changed(value))


# Searches


def listed_searches(damaged: Path) -> list[str]:
    """List the searches, and do with each what the page does; return the sentences."""
    found = search.list_searches()
    for each in found:
        assert each.state in ("running", "stopping", "finished", "stopped", "interrupted")
        search_results.describe_search(each)
        search_results._columns(each)
        search_panel._progress_text(each, 1)
        for trial in each.trials:
            search_results.values_text(trial.values)
            search_panel._share(trial)
    told = search.problems()
    assert {each.id for each in found} >= set(SEARCHES) - {damaged.stem}
    is_listed = any(each.id == damaged.stem for each in found)
    assert told == (
        [] if is_listed else [f"The search {damaged.stem} cannot be read: remove {damaged}."]
    )
    return told


def test_a_damaged_search_costs_only_itself(new_state):
    with limits.tallied("state: files of searches") as judge:

        @limits.settings(3000, 150)
        @given(content(json.loads(search_text())))
        def look(data: bytes) -> None:
            damaged = new_state() / ".searches" / "0002-b.json"
            damaged.write_bytes(data)
            judge(lambda: listed_searches(damaged))

        look()


@pytest.mark.parametrize(
    "change",
    [
        {"runs": [None]},
        {"values": [1, 2, 3, 4]},
        {"values": [{}] * 4},
        {"values": [{"learning_rate": [1]}] * 4},
        {"runs": [5, None, None, None]},
        {"is_stopped": "no"},
        {"kept": [9, "x", "y"]},
        {"kept": 1},
    ],
    ids=str,
)
def test_a_search_with_a_wrong_part_is_named_with_the_remedy(change, new_state):
    damaged = new_state() / ".searches" / "0002-b.json"
    damaged.write_text(json.dumps(json.loads(search_text()) | change))
    assert listed_searches(damaged)
    for action in (search_lifecycle.stop, search_lifecycle.resume):
        with pytest.raises(InputError, match=r"The search 0002-b cannot be read: remove .*\.json"):
            action(search.Search("0002-b", SPACE, SPACE.trials(), [None] * 4, True, None))


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(new_state):
    folder = new_state()
    for path in (
        folder / ".searches" / "0002-b.json",
        *(folder / ".runs" / "0012-b" / name for name in ("recipe.json", "events.jsonl")),
    ):
        path.unlink()
        os.mkfifo(path)
    assert listed_searches(folder / ".searches" / "0002-b.json")
    assert {now.id for now in run.read_statuses()} >= {"0011-a", "0013-c"}


def test_the_files_as_the_app_writes_them_are_read(new_state):
    folder = new_state()
    assert [found.id for found in search.list_searches()] == sorted(SEARCHES, reverse=True)
    assert search.find("0001-a").kept == (1, "lenet5", "0" * 16)
    assert search.find("0001-a").values == SPACE.trials()
    assert [trial.state for trial in search.find("0001-a").trials] == ["finished"] * 3 + ["waiting"]
    assert run.problems() == search.problems() == []
    between = Space(LENET, "random", {"momentum": checked_range("momentum", 0.1, 0.9)}, 3)
    (folder / ".searches" / "0004-d.json").write_text(search_text(between))
    assert search.find("0004-d").space == between


# Runs


def listed_runs(damaged: str) -> None:
    """List the runs and trials, and do with them what the page does."""
    found = {now.id: now for now in run.read_statuses()}
    everything = {*RUNS, *(f"{TRIALS}{number}" for number in range(3))}
    assert set(found) >= everything - {damaged}
    is_listed = damaged in found
    place = run.runs_folder() / damaged
    assert run.problems() == (
        [] if is_listed else [f"The run {damaged} cannot be read: remove {place}."]
    )
    search.without_trials(found.values())
    for each in search.list_searches(found.values()):
        search_results._columns(each)
        assert each.best is None or each.best.val_accuracy <= 1
    for now in found.values():
        assert isinstance(now.owner, str | None)
        assert isinstance(now.why_it_died, str)
        run.runs_ahead_of(now.run)


FILES = {
    "recipe.json": json.loads(LENET.model_dump_json()),
    "process.json": {"pid": 1, "ticket": 3},
    "owner": "3f9c0d2e",
    "search": "0001-a",
    "events.jsonl": EVENTS,
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_of_a_run_costs_only_that_run(name, new_state):
    with limits.tallied(f"state: {name} of a run") as judge:

        @limits.settings(1500, 80)
        @given(content(FILES[name]), st.sampled_from(["0012-b", f"{TRIALS}1"]))
        def look(data: bytes, damaged: str) -> None:
            folder = new_state() / ".runs" / damaged
            lines = data if name != "events.jsonl" else one_a_line(data)
            (folder / name).write_bytes(lines)
            judge(lambda: listed_runs(damaged))

        look()


def one_a_line(data: bytes) -> bytes:
    """Return the events in a JSON list as lines of a log; other content stays as it is."""
    try:
        events = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return b"".join(as_bytes(e) + b"\n" for e in (events if isinstance(events, list) else [events]))


# The page


def page(tab: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=180)
    app.query_params["tab"] = tab
    app.session_state["compare_view"] = "Search"
    app.run()
    assert not app.exception
    return app


def chosen_among(app: AppTest, label: str) -> list[str]:
    return next(box.options for box in app.selectbox if box.label == label)


SPOILED = {
    ".searches/0002-b.json": json.loads(search_text()),
    ".runs/0012-b/recipe.json": FILES["recipe.json"],
    ".runs/0012-b/process.json": FILES["process.json"],
    f".runs/{TRIALS}1/events.jsonl": EVENTS,
}


def seen(name: str) -> None:
    """Open the two tabs that list runs and searches; only what is damaged may be missing."""
    for tab, label, others, damaged in (
        ("Train", "Run", {"0011-a", "0013-c"}, "0012-b"),
        ("Compare", "Search", {"0001-a", "0003-c"}, "0002-b"),
    ):
        app = page(tab)
        options = chosen_among(app, label)
        assert set(options) >= others
        told = [note.value.replace("\\", "") for note in app.warning]
        assert (damaged in options) != any(f"{damaged} cannot be read" in text for text in told)


def test_a_damaged_file_does_not_take_the_page_down(new_state):
    seen_names = st.sampled_from(sorted(SPOILED))
    with limits.tallied("state: pages over damaged files") as judge:

        @limits.settings(300, 8)
        @given(seen_names.flatmap(lambda name: st.tuples(st.just(name), content(SPOILED[name]))))
        def look(drawn: tuple[str, bytes]) -> None:
            name, data = drawn
            folder = new_state()
            committed_weights.copy_to(folder, ("lenet5",))
            (folder / name).write_bytes(one_a_line(data) if name.endswith("l") else data)
            judge(lambda: seen(name))

        look()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".searches/0002-b.json", json.dumps(json.loads(search_text()) | {"runs": [None]})),
        (".runs/0012-b/recipe.json", "[1]"),
        (f".runs/{TRIALS}1/events.jsonl", '{"event": "end", "reason": "x", "best_epoch": []}\n'),
    ],
    ids=["search", "recipe", "events"],
)
def test_the_page_says_which_file_to_remove(name, text, new_state):
    folder = new_state()
    committed_weights.copy_to(folder, ("lenet5",))
    (folder / name).write_text(text)
    seen(name)


# The measurements that come with the app


@pytest.mark.parametrize("name", ["results.json", "drawings.json"])
def test_damaged_measurements_are_not_shown_and_said(name, tmp_path, monkeypatch):
    info = weights.load("lenet5")[1]
    original = json.loads((comparison._DOCS / name).read_text())
    monkeypatch.setattr(comparison, f"_{name.split('.')[0].upper()}", tmp_path / name)

    def read() -> None:
        comparison._drawn.cache_clear()
        comparison._results.cache_clear()
        drawn = comparison.drawing_accuracy(info)
        point = comparison.point_of(info, 1.0, [])
        assert drawn is None or 0 <= drawn.accuracy <= 1
        assert 0 <= point.accuracy <= 1
        assert len(comparison.problems()) <= 1
        if name == "results.json":
            with suppress(InputError):
                reproduction._checked(tmp_path)

    with limits.tallied(f"state: docs/{name}") as judge:

        @limits.settings(500, 40)
        @given(content(original))
        def look(data: bytes) -> None:
            (tmp_path / name).write_bytes(data)
            judge(read)

        look()
    (tmp_path / name).write_text('{"presets": {"lenet5": [1]}, "grid": {"rows": [1]}}')
    comparison._drawn.cache_clear()
    comparison._results.cache_clear()
    (told,) = comparison.problems()
    assert str(tmp_path / name) in told


# Checkpoints


@pytest.mark.parametrize("facts", [{}, {"history": 1}, {"history": [{"event": "epoch"}]}])
def test_a_damaged_checkpoint_says_what_to_remove(facts, new_state):
    from mnist_app.runs import worker

    new_state()
    damaged = run.find_run("0011-a")
    header = {"mnist_app": json.dumps(facts)}
    save_file({"x": torch.zeros(1)}, damaged.checkpoint, metadata=header)
    with pytest.raises(InputError, match=r"checkpoint.safetensors is damaged: remove it"):
        worker.read_checkpoint(damaged, "fingerprint")


def test_an_upload_from_beyond_the_calendar_is_offered(weights_folder):
    path = weights_folder / ".datasets" / "mine-0123456789.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    try:
        os.utime(path, (2**37, 2**37))
    except OSError:
        pytest.skip("this file system keeps no such time")
    from mnist_app.data import uploads
    from mnist_app.ui import dataset_choice

    (upload,) = uploads.list_uploads()
    upload = upload._replace(time=max(upload.time, 1e13))
    assert dataset_choice._label(upload).startswith("mine")
