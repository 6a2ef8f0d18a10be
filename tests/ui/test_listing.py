"""The networks and runs that the page shows, listed once per rerun of its script."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_app.recipes.presets import RECIPES
from mnist_app.results import weights
from mnist_app.runs import run_board
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import Run, find_run, runs_folder
from mnist_app.ui import listing
from mnist_app.ui.server.application import PAGE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scans(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with each scan of the weights folder, which holds one network."""
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    done, scan = [], weights.scan
    monkeypatch.setattr(weights, "scan", lambda: done.append("scan") or scan())
    return done


def add_run(name: str, *events: dict) -> Run:
    """Add a run that is not over, unless the events say so."""
    folder = runs_folder() / name
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(RECIPES["lenet5"].model_dump_json())
    (folder / "process.json").write_text("{}")
    for event in ({"event": "queued"}, *events):
        append_event(folder, event)
    run_board.invalidate()
    return find_run(name)


def test_within_one_run_of_the_page_is_looked_once(scans):
    with listing.once():
        first = listing.current()
        with listing.once():  # a fragment, drawn with the page
            assert listing.current() is first
        assert listing.current() is first
    assert len(scans) == 1
    assert listing.current() is not first
    with pytest.raises(KeyError), listing.once():
        raise KeyError(listing.current())  # as when a new rerun interrupts this one
    assert listing.current() is not listing.current()


@pytest.mark.parametrize("tab", ["Draw", "Train", "Data", "Evaluate"])
def test_the_page_looks_once_in_each_run(scans, tab):
    app = AppTest.from_file(str(PAGE), default_timeout=180)
    app.query_params["tab"] = tab
    app.run()
    assert not app.exception
    assert len(scans) == 1
    app.run()
    assert len(scans) == 2


def test_it_tells_results_files_that_are_none_and_runs(scans, weights_folder):
    (weights_folder / "broken.safetensors").write_text("nothing")
    add_run("0001-over", {"event": "error", "message": "It broke."})
    run = add_run("0002-goes-on", {"event": "start"})
    there = listing.current()
    assert [info.name for info in there.networks] == ["lenet5"]
    assert [item.file for item in there.broken] == ["broken.safetensors"]
    assert {one.id for one in there.runs} == {"0001-over", "0002-goes-on"}
    assert there.live == {"0002-goes-on": "running"}
    assert [one.run for one in there.in_training] == [run]


def test_what_others_change_is_seen(scans, weights_folder):
    before = listing.current().outside_state("lenet5")
    assert listing.current().outside_state("lenet5") == before
    run = add_run("0001-new")
    started = listing.current().outside_state("lenet5")
    assert started != before
    (run.folder / "epochs").mkdir()
    (run.folder / "epochs" / "1.safetensors").write_text("")
    assert listing.current().outside_state("lenet5") == started  # another network is chosen
    assert listing.current().outside_state("run:0001-new") != started
    shutil.rmtree(run.folder)
    run_board.invalidate()
    assert listing.current().outside_state("lenet5") == before
    (weights_folder / "lenet5.safetensors").unlink()
    assert listing.current().outside_state("lenet5") != before
