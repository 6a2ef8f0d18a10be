"""The settings that protect a server started the way the README says."""

from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from mnist_app.ui import permissions

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def options(monkeypatch):
    monkeypatch.chdir(ROOT)
    config.get_config_options(force_reparse=True)
    return config.get_option


def test_it_listens_on_this_machine_alone(options):
    assert options("server.address") == "localhost"


def test_other_pages_are_kept_out_and_nothing_is_reported(options):
    assert options("server.enableXsrfProtection") is True
    assert options("server.enableCORS") is True
    assert options("browser.gatherUsageStats") is False


def test_errors_tell_nothing_about_the_machine(options):
    assert options("client.showErrorDetails") == "none"


SIDEBAR = """
import streamlit as st
from mnist_app.ui import permissions
permissions.render()
st.write("open" if permissions.is_unlocked() else "locked")
"""


@pytest.mark.parametrize(
    ("address", "code", "warned", "said"),
    [
        ("localhost", None, False, "open"),
        ("0.0.0.0", None, True, "open"),
        ("0.0.0.0", "sesame", False, "locked"),
        ("localhost", "sesame", False, "locked"),
    ],
)
def test_a_server_that_others_reach_warns_where_no_code_is_set(
    monkeypatch, address, code, warned, said
):
    monkeypatch.delenv("MNIST_APP_TEACHER_CODE", raising=False)
    if code:
        monkeypatch.setenv("MNIST_APP_TEACHER_CODE", code)
    options = {"server.address": address, "secrets.files": []}
    monkeypatch.setattr(permissions.st, "get_option", options.get)
    app = AppTest.from_string(SIDEBAR, default_timeout=180).run()
    assert not app.exception
    assert bool(app.warning) == warned
    assert app.markdown[-1].value == said


@pytest.mark.parametrize("code", ["7", "4711", " 12345 "])
def test_a_code_that_is_guessed_within_hours_opens_nothing_and_says_so(monkeypatch, code):
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", code)
    app = AppTest.from_string(SIDEBAR, default_timeout=180).run()
    assert not app.exception
    assert app.markdown[-1].value == "locked"
    assert not app.text_input
    assert "fewer than 6 characters" in app.error[0].value
    assert code.strip() not in app.error[0].value.replace("6", "")


def test_a_server_behind_a_proxy_warns_where_no_code_is_set(monkeypatch):
    monkeypatch.delenv("MNIST_APP_TEACHER_CODE", raising=False)
    monkeypatch.setenv("MNIST_APP_ADDRESS", "digits.school")
    monkeypatch.setattr(
        permissions.st, "get_option", {"server.address": "localhost", "secrets.files": []}.get
    )
    app = AppTest.from_string(SIDEBAR, default_timeout=180).run()
    assert app.warning


def test_a_file_with_the_code_that_cannot_be_read_opens_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("MNIST_APP_TEACHER_CODE", raising=False)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('MNIST_APP_TEACHER_CODE = "sesame\n')
    monkeypatch.chdir(tmp_path)
    app = AppTest.from_string(SIDEBAR, default_timeout=180).run()
    assert not app.exception
    assert app.markdown[-1].value == "locked"
    assert "secrets.toml cannot be read" in app.error[0].value


ACTIONS = """
import streamlit as st
from mnist_app.ui import dataset_choice
from mnist_app.ui.compare import search_form, search_panel
from mnist_app.ui.train import progress, start_form
done = []
st.session_state["key"] = "best"
progress._try(done.append, "run")
search_panel._try(done.append, "search")
for action, *arguments in (
    (start_form._start, None, {}, ""),
    (search_form._start, None),
    (search_panel._keep_now, None, "key"),
    (dataset_choice._delete, __import__("pathlib").Path("upload.zip"), "folder"),
):
    action(*arguments)
st.write(f"{len(done)} done")
"""


def test_without_the_code_no_button_does_anything_whoever_calls_what_is_behind_it(monkeypatch):
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "sesame")
    app = AppTest.from_string(ACTIONS, default_timeout=180).run()
    assert not app.exception, app.exception
    assert app.markdown[-1].value == "0 done"


def test_a_pass_cannot_be_made_up_by_the_page(monkeypatch):
    """A browser can put only text, numbers and the like into a session's state."""
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "sesame")
    app = AppTest.from_string(SIDEBAR, default_timeout=180)
    for name in ("session", "teacher_pass", "page"):
        for made_up in (True, "sesame", {"page": {"teacher_pass": True}}, ["sesame"]):
            app.session_state[name] = made_up
            assert app.run().markdown[-1].value == "locked"


def test_a_pass_is_kept_until_the_code_is_another(monkeypatch):
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "sesame")
    app = AppTest.from_string(SIDEBAR, default_timeout=180).run()
    app.text_input(key="teacher_code").set_value("sesame")
    app.button[0].click().run()
    assert app.run().markdown[-1].value == "open"
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "another")
    assert app.run().markdown[-1].value == "locked"
