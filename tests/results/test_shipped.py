"""Results of an installed app: the user's own, and those that came with it."""

import shutil
from pathlib import Path

import pytest
from installation import pretend_installed

from mnist_app.common.errors import InputError
from mnist_app.results import weights
from mnist_app.runs import lifecycle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    folder = pretend_installed(tmp_path, monkeypatch)
    for name in ("lenet5", "mlp-128-64"):
        shutil.copy(ROOT / "weights" / f"{name}.safetensors", folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture
def own(tmp_path) -> Path:
    return tmp_path / "user" / "weights"


def names() -> list[str]:
    return [info.name for info in weights.list_weights()]


def test_shipped_networks_are_found_and_load(shipped, own):
    assert names() == ["lenet5", "mlp-128-64"]
    assert weights.load("lenet5")[1].name == "lenet5"
    assert weights.path_of("lenet5") == shipped / "lenet5.safetensors"
    assert len(weights.fingerprint_of("lenet5")) == 16
    assert not own.exists()  # looking writes nothing


def test_a_result_goes_to_the_users_folder_under_a_name_that_is_free(shipped, own):
    model, info = weights.load("lenet5")
    assert weights.save("mine", model, info).name == "mine"
    assert weights.save("lenet5", model, info).name == "lenet5-2"
    assert names() == ["lenet5", "lenet5-2", "mine", "mlp-128-64"]
    assert sorted(path.name for path in own.iterdir()) == [
        "lenet5-2.safetensors",
        "mine.safetensors",
    ]


def test_the_users_own_result_wins_over_one_of_the_same_name(shipped, own):
    model, info = weights.load("lenet5")
    before = weights.fingerprint_of("lenet5")
    weights.save("lenet5", model, info.model_copy(update={"reason": "mine"}), overwrite=True)
    assert names() == ["lenet5", "mlp-128-64"]
    assert weights.load("lenet5")[1].reason == "mine"
    assert weights.path_of("lenet5").parent == own
    assert weights.fingerprint_of("lenet5") != before
    weights.path_of("lenet5").unlink()
    assert weights.fingerprint_of("lenet5") == before


def test_a_name_that_is_nowhere_is_said_with_those_that_there_are(shipped, own):
    assert weights.path_of("gone").parent == own
    with pytest.raises(InputError, match="there is lenet5, mlp-128-64"):
        weights.load("gone")


def test_a_run_does_not_take_the_name_of_a_shipped_network(shipped):
    assert lifecycle._free_name("lenet5", []) == "lenet5-2"
    assert lifecycle._free_name("new", []) == "new"
