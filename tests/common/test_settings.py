"""Which folders are used, and what the environment says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installation import pretend_installed

from mnist_app.common import settings
from mnist_app.common.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    for name in ("MNIST_APP_WEIGHTS", "MNIST_APP_DATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("pyproject.toml", "app.py"):
        (tmp_path / name).touch()
    monkeypatch.setattr(settings, "PACKAGE", tmp_path / "mnist_app")
    return tmp_path


def test_a_checkout_keeps_everything_in_itself_whatever_the_working_directory(
    checkout, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert settings.chosen_folder("weights") == (checkout / "weights", "in this checkout")
    assert settings.data_folder() == checkout / "data"
    assert settings.shipped_folder() == checkout
    assert settings.shipped_weights() is None
    assert settings.result_folders() == [checkout / "weights"]


def test_this_is_a_checkout(monkeypatch):
    monkeypatch.delenv("MNIST_APP_WEIGHTS", raising=False)
    assert settings.weights_folder() == ROOT / "weights"


def test_an_installed_app_keeps_results_and_data_in_the_users_folder(tmp_path, monkeypatch):
    shipped = pretend_installed(tmp_path, monkeypatch)
    user = tmp_path / "user"
    assert settings.chosen_folder("weights") == (user / "weights", "in the user's data folder")
    assert settings.data_folder() == user / "data"
    assert settings.result_folders() == [user / "weights", shipped]


def test_the_environment_comes_first(checkout, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(checkout / "mine"))
    monkeypatch.setenv("MNIST_APP_DATA", str(checkout / "digits"))
    assert settings.chosen_folder("weights") == (checkout / "mine", "set by MNIST_APP_WEIGHTS")
    assert settings.result_folders() == [checkout / "mine"]
    assert settings.data_folder() == checkout / "digits"


def test_an_installed_app_has_its_networks_beside_any_folder(tmp_path, monkeypatch):
    shipped = pretend_installed(tmp_path, monkeypatch)
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "mine"))
    assert settings.result_folders() == [tmp_path / "mine", shipped]


def test_a_relative_folder_is_that_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_APP_WEIGHTS", "mine")
    assert settings.weights_folder() == tmp_path / "mine"


def test_an_empty_variable_is_none(checkout, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", "")
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "")
    assert settings.weights_folder() == checkout / "weights"
    assert settings.parallel_runs() == 1


def test_a_folder_that_is_not_utf_8_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", "/r\udce9sultats")
    assert os.fsencode(settings.weights_folder()) == b"/r\xe9sultats"


def test_the_environment_is_read_again_after_it_changed(monkeypatch):
    for number in ("2", "3", "2"):
        monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", number)
        assert settings.parallel_runs() == int(number)
    monkeypatch.delenv("MNIST_APP_PARALLEL_RUNS")
    assert settings.parallel_runs() == 1


@pytest.mark.parametrize("text", ["many", "0", "-1", "1.5", "9" * 5000])
def test_a_number_that_cannot_be_one_is_said_and_harms_nothing_else(text, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", text)
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "sesame")
    with pytest.raises(InputError) as caught:
        settings.parallel_runs()
    said = str(caught.value)
    assert said.startswith(f"MNIST_APP_PARALLEL_RUNS is '{text[:20]}")
    assert said.endswith(": set it to a whole number from 1.")
    assert len(said) < 200
    assert settings.weights_folder() == tmp_path
    assert settings.teacher_code() == "sesame"


@pytest.mark.parametrize("text", ["http://", "ftp://a", "a:port", "a:0", "[::1"])
def test_what_is_no_address_is_refused(monkeypatch, text):
    monkeypatch.setenv("MNIST_APP_ADDRESS", text)
    with pytest.raises(InputError, match="set it to the page's address, such as"):
        settings.public_address()
    assert settings.valid_or_none(settings.public_address) is None


@pytest.mark.parametrize("text", ["proxy", "10.0.0.2;10.0.0.3", "10.0.0.0/33"])
def test_proxies_that_are_no_addresses_are_refused(monkeypatch, text):
    monkeypatch.setenv("MNIST_APP_PROXIES", text)
    with pytest.raises(InputError, match="set it to the proxies' addresses"):
        settings.proxies()


def test_all_that_is_wrong_with_the_environment_is_said(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MNIST_APP_")]:
        monkeypatch.delenv(name)
    assert settings.problems() == []
    monkeypatch.setenv("MNIST_APP_ADDRESS", "192.168.1.5")
    monkeypatch.setenv("MNIST_APP_PROXIES", "10.0.0.2, 10.1.0.0/16")
    assert settings.problems() == []
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "many")
    monkeypatch.setenv("MNIST_APP_PROXIES", "proxy")
    assert [problem.split()[0] for problem in settings.problems()] == [
        "MNIST_APP_PARALLEL_RUNS",
        "MNIST_APP_PROXIES",
    ]


def fresh(code: str, folder: Path, **variables: str) -> str:
    """What a new process prints, with `folder` as its working directory."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_APP_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_where_nothing_is_set_no_library_is_loaded_for_it(tmp_path):
    code = (
        "import sys\nfrom mnist_app.common import settings\n"
        "settings.parallel_runs(), settings.weights_folder(), settings.teacher_code()\n"
        "print(sorted(sys.modules.keys() & {'pydantic', 'platformdirs', 'pydantic_settings'}))"
    )
    assert fresh(code, tmp_path) == "[]"
    assert "pydantic_settings" in fresh(code, tmp_path, MNIST_APP_WEIGHTS="mine")


def test_a_copy_of_the_package_alone_finds_the_users_folder(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        ROOT / "mnist_app" / "common", tmp_path / "mnist_app" / "common", ignore=ignored
    )
    (tmp_path / "mnist_app" / "__init__.py").touch()
    code = (
        "from mnist_app.common import settings\nprint(*settings.chosen_folder('weights'), sep='|')"
    )
    path, reason = fresh(code, Path("/"), PYTHONPATH=str(tmp_path)).split("|")
    assert (Path(path).name, reason) == ("weights", "in the user's data folder")
    assert Path(path).is_absolute()
