"""The command that starts the app, and the options that it passes to Streamlit."""

import shutil
from pathlib import Path

import pytest
from streamlit import config
from streamlit.web import cli

from mnist_app import __main__ as command
from mnist_app.ui.server import start

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    (tmp_path / ".streamlit").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def called(monkeypatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(cli.main, "main", lambda arguments, **_: found.extend(arguments))
    return found


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["mnist-app", *arguments])
    return command.main()


def test_alone_it_starts_the_app(called, folder, monkeypatch):
    assert run(monkeypatch) == 0
    assert called == ["run", str(ROOT / "app.py")]


def test_port_and_address_are_passed_on(called, folder, monkeypatch):
    assert run(monkeypatch, "--port", "8600", "--address", "0.0.0.0") == 0
    assert called[2:] == ["--server.port=8600", "--server.address=0.0.0.0"]


def test_with_a_command_no_app_is_started(called, folder, monkeypatch, capsys):
    assert run(monkeypatch, "list", "--json") == 0
    assert run(monkeypatch, "--port", "8600", "list") == 2
    assert capsys.readouterr().err.startswith("--port and --address are for the app")
    assert called == []


def test_a_port_that_is_none_is_bad_input(called, monkeypatch, capsys):
    assert run(monkeypatch, "--port", "70000") == 2
    assert (called, len(capsys.readouterr().err.splitlines())) == ([], 1)


def test_the_working_directorys_own_options_win(folder):
    (folder / ".streamlit" / "config.toml").write_text(
        "[server]\nmaxUploadSize = 50\nenableCORS = true\n[client]\ntoolbarMode = 'viewer'\n"
        "[runner]\npostScriptGC = true\n[theme.light]\ntextColor = '#000'\n"
        "[server.customComponentSecurity]\nx = 1\n"
    )
    assert start.options_of_folder(folder) == {
        "server.maxUploadSize": 50,
        "client.toolbarMode": "viewer",
        "runner.postScriptGC": True,
        "theme.light.textColor": "#000",
    }


@pytest.mark.parametrize("text", [None, "", "[server", "\xff", "server = 1"])
def test_a_file_that_says_nothing_changes_nothing(text, folder):
    if text is not None:
        (folder / ".streamlit" / "config.toml").write_bytes(text.encode("latin-1"))
    assert start.options_of_folder(folder) == {}


def test_streamlit_takes_them(folder, monkeypatch):
    """Streamlit itself turns the arguments into options, up to the point where it would serve."""
    started = []
    for name in ("run", "run_asgi_app"):
        monkeypatch.setattr(cli.bootstrap, name, lambda *_: started.append(_options()))
    monkeypatch.setattr(config, "_main_script_path", None)
    shutil.copy(ROOT / ".streamlit" / "config.toml", folder / ".streamlit" / "config.toml")
    text = (folder / ".streamlit" / "config.toml").read_text()
    changed = text.replace("postScriptGC = false", "postScriptGC = true").replace("#1a1c23", "#000")
    (folder / ".streamlit" / "config.toml").write_text(changed)
    start.start_app(port=8600)
    assert started == [(8600, "localhost", True, "#000", "#3b5bdb")]


def _options() -> tuple[object, ...]:
    names = "server.port", "server.address", "runner.postScriptGC"
    theme = "theme.light.textColor", "theme.light.primaryColor"
    return tuple(config.get_option(name) for name in (*names, *theme))
