"""What was just started is shown, whatever the page still sends."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from mnist_app.ui import just_started

    memory, options = st.session_state, ["first", "second"]
    if st.button("start"):
        memory["started"] = "second"
    memory["started"] = just_started.choose("box", memory.get("started"), options)
    st.selectbox("Box", options, key="box")


def test_a_choice_that_was_on_its_way_does_not_undo_the_start():
    app = AppTest.from_function(page).run()
    app.button[0].click()
    app.selectbox(key="box").set_value("first")  # as the page showed it
    assert app.run().selectbox(key="box").value == "second"
    assert app.run().selectbox(key="box").value == "second"


def test_afterwards_the_user_chooses():
    app = AppTest.from_function(page).run()
    app.button[0].click().run()
    app.run()  # the page has shown it, and says so
    app.selectbox(key="box").set_value("first").run()
    assert app.selectbox(key="box").value == "first"
    assert app.run().selectbox(key="box").value == "first"


def test_what_is_no_option_is_not_chosen():
    app = AppTest.from_function(page).run()
    app.session_state["started"] = "third"
    assert app.run().selectbox(key="box").value == "first"
