"""An answer reaches the page even if the page polls just when the answer is ready."""

import pytest
import serve
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# The rerun that computes the answer ends just when a poll is requested. Its messages are still
# waiting in the event loop.
SCRIPT = """
import threading
import time

import streamlit as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import get_instance

from mnist_app.ui.server import rerun_queue

rerun_queue.install()


def look_when_this_has_ended():
    (info,) = get_instance()._session_mgr.list_active_sessions()
    session, runner = info.session, info.session._scriptrunner

    ask, asked = runner.request_rerun, threading.Event()

    def ask_when_it_has_ended(data):
        asked.set()
        while runner._requests._state.value != "STOP":
            time.sleep(0.01)
        return ask(data)

    message = BackMsg()
    (message.rerun_script.fragment_id,) = session._fragment_storage.resolve_target("look")
    message.rerun_script.is_auto_rerun = True
    runner.request_rerun = ask_when_it_has_ended
    session._event_loop.call_soon_threadsafe(session.handle_backmsg, message)
    assert asked.wait(10)


@st.fragment(key="look")
def look():
    st.session_state["looks"] = st.session_state.get("looks", 0) + 1
    st.text(f"looked {st.session_state['looks']} times")


@st.fragment
def answer():
    if st.button("Ask"):
        st.session_state["answers"] = st.session_state.get("answers", 0) + 1
        look_when_this_has_ended()
    st.text(f"{st.session_state.get('answers', 0)} answers")


look()
answer()
"""


def test_a_look_for_news_does_not_take_the_place_of_an_answer(tmp_path, chromium):
    script = tmp_path / "app.py"
    script.write_text(SCRIPT)
    with serve.served(tmp_path, script) as (url, _):
        page = chromium.new_page()
        page.goto(url)
        expect(page.get_by_text("looked 1 times")).to_be_visible()
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_text("looked 2 times")).to_be_visible()
        expect(page.get_by_text("1 answers")).to_be_visible()
        page.close()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
