"""The program's choice is shown, whatever the page still sends; then the user can choose again."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from mnist_app.ui import choice_box

    if st.button("start"):
        choice_box.choose("box", "second")
    st.caption(choice_box.render("Box", "box", ["first", "second"], lambda: "first"))


def shown(app: AppTest) -> str:
    return app.caption[0].value


def test_a_request_that_was_on_its_way_does_not_undo_the_choice_of_the_program():
    app = AppTest.from_function(page).run()
    assert shown(app) == "first"
    old_page = app._tree
    app.button[0].click().run()
    assert shown(app) == "second"
    app._tree = old_page  # the old page sends again what it shows
    app.button[0].set_value(False)
    app.selectbox[0].set_value("first")
    app.run()
    assert shown(app) == "second"
    assert app.selectbox[0].value == "second"


def test_the_user_chooses_at_once_afterwards():
    app = AppTest.from_function(page).run()
    app.button[0].click().run()
    app.selectbox[0].set_value("first").run()
    assert shown(app) == "first"
    app.run()
    assert shown(app) == "first"
