"""The form that starts a search."""

from streamlit.testing.v1 import AppTest

from mnist_app.common.errors import InputError
from mnist_app.runs import search_lifecycle

FORM = """
from mnist_app.ui.compare import search_form
search_form.render()
"""


def test_why_no_search_started_is_said_until_the_next_try(monkeypatch):
    def refuse(_space):
        raise InputError("Five searches are under way.")

    monkeypatch.setattr(search_lifecycle, "start", refuse)
    app = AppTest.from_string(FORM, default_timeout=180).run()
    (start,) = app.button
    start.click().run()
    assert "Five searches" in app.error[0].value
    app.run()  # as the page does when any run makes progress
    assert "Five searches" in app.error[0].value
