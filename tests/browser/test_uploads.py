"""Files that are not taken: the page says in a sentence which ones are, and what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import serve
from page import App
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

# The app with too little room for any picture.
LITTLE_ROOM = """
import streamlit as st
from mnist_app.ui.server import application, uploads
uploads.MOST_OF_ALL = 1_000
app = st.App(application.PAGE, lifespan=application.lifespan, middleware=application.MIDDLEWARE)
"""
NO_ROOM = "The server had no room for this upload: all uploads together may take"


@pytest.fixture
def full_app(tmp_path, computer) -> Iterator[App]:
    """The app on a server whose memory for uploads is used up."""
    script = tmp_path / "app.py"
    script.write_text(LITTLE_ROOM)
    page = computer.new_page()
    with serve.served(tmp_path, script) as place:
        yield App(page, *place)
        computer.wipe(page)
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def file_of(folder: Path, name: str, megabytes: int) -> Path:
    path = folder / name
    with path.open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    return path


def choose(app: App, part: str, path: Path) -> None:
    app.part(part).locator("input[type=file]").set_input_files(path)


def advice(app: App) -> Locator:
    return app.page.get_by_test_id("stAlert").locator("visible=true")


def open_upload(app: App) -> None:
    app.open()
    app.page.get_by_role("radio", name="Upload").click()
    expect(app.part("upload")).to_be_visible()


def open_own_pictures(app: App) -> None:
    app.open("?tab=Evaluate&network=lenet5")
    app.page.get_by_text("Own pictures", exact=True).click()


def test_a_picture_that_is_too_large_to_be_read_is_said(app, tmp_path):
    open_upload(app)
    expect(advice(app)).to_have_count(0)
    choose(app, "upload", file_of(tmp_path, "photo.png", 22))
    expect(advice(app)).to_contain_text("PNG, JPEG, WebP, GIF, BMP or TIFF) of at most 20 MB.")
    app.page.get_by_role("button", name="Remove photo.png").click()
    expect(advice(app)).to_have_count(0)


def test_of_own_pictures_those_too_large_are_listed_with_the_limit(app, tmp_path):
    open_own_pictures(app)
    expect(app.part("pictures_upload")).to_contain_text("Pictures of at most 20 MB each")
    choose(app, "pictures_upload", file_of(tmp_path, "photo.png", 22))
    table = app.part("pictures_table")
    expect(table).to_contain_text("photo.pngIt is larger than 20 MB: save it smaller")
    expect(advice(app)).to_have_count(0)
    choose(app, "pictures_upload", file_of(tmp_path, "all.zip", 212))
    expect(advice(app)).to_contain_text("of at most 20 MB each, or a ZIP of at most 200 MB")


def test_a_data_set_that_is_too_large_is_said(app, tmp_path):
    app.open("?tab=Train&dataset=folder")
    choose(app, "folder_upload", file_of(tmp_path, "class.zip", 212))
    expect(advice(app)).to_contain_text("choose a ZIP of at most 200 MB")


def test_an_upload_that_the_server_has_no_room_for_is_said_wherever_it_is_chosen(
    full_app, tmp_path
):
    picture, archive = file_of(tmp_path, "photo.png", 2), file_of(tmp_path, "class.zip", 2)
    open_upload(full_app)
    choose(full_app, "upload", picture)
    expect(advice(full_app)).to_contain_text(NO_ROOM)
    full_app.page.get_by_role("radio", name="Camera").click()
    full_app.page.wait_for_function("document.querySelector('video')?.videoHeight > 0")
    full_app.page.get_by_role("button", name="Take Photo").click()
    expect(full_app.page.get_by_text("Clear photo")).to_be_visible()
    expect(advice(full_app)).to_contain_text(NO_ROOM)
    open_own_pictures(full_app)
    choose(full_app, "pictures_upload", archive)
    expect(advice(full_app)).to_contain_text(NO_ROOM)
    full_app.open("?tab=Train&dataset=folder")
    choose(full_app, "folder_upload", archive)
    expect(advice(full_app)).to_contain_text(NO_ROOM)
