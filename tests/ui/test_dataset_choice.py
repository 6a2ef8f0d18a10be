"""Uploads that are deleted, pictures that change and are read again, MNIST that is missing."""

import io
import os
import zipfile
from pathlib import Path

import committed_weights
import numpy as np
import pytest
from PIL import Image
from rights import without_rights
from streamlit.testing.v1 import AppTest

from mnist_app.common.errors import InputError
from mnist_app.data import mnist, uploads
from mnist_app.recipes.presets import RECIPES
from mnist_app.runs import upload_removal
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import runs_folder

pytestmark = pytest.mark.usefixtures("weights_folder")


def png(grey: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def upload() -> Path:
    """An uploaded ZIP with five pictures of each digit."""
    target, bar = io.BytesIO(), np.zeros((28, 28), np.uint8)
    bar[10:20, 12:16] = 255
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(50):
            archive.writestr(f"{number // 5}/{number}.png", png(bar))
    return uploads.keep_upload("class.zip", target)


def run_on(path: Path, *events: dict) -> None:
    """Create the files of a run on this data set, with these events in its log."""
    folder = runs_folder() / "0001-mine"
    folder.mkdir(parents=True)
    recipe = RECIPES["lenet5"].changed(dataset=str(path))
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    (folder / "process.json").write_text("{}")
    for event in ({"event": "queued"}, *events):
        append_event(folder, event)


def delete_page() -> None:
    import streamlit as st

    from mnist_app.data import uploads
    from mnist_app.ui import dataset_choice

    if "name" not in st.session_state:
        st.session_state["name"] = str(uploads.list_uploads()[0].path)
    dataset_choice.render_delete_button(st.session_state["name"], "mine")


def test_an_upload_is_deleted_by_a_button_that_asks_first(upload):
    page = AppTest.from_function(delete_page).run()
    assert [button.label for button in page.button] == ["Delete it"]
    assert page.get("popover")[0].proto.popover.label == "Delete this upload"
    assert upload.exists()
    page.button[0].click().run()
    assert not page.exception
    assert not upload.exists()


def test_an_upload_that_a_run_needs_is_kept_and_the_page_says_so(upload):
    run_on(upload)
    page = AppTest.from_function(delete_page).run()
    page.button[0].click().run()
    assert "The run 0001-mine needs this upload" in page.error[0].value
    assert upload.exists()
    assert not page.run().error


def test_a_run_that_names_it_in_another_way_needs_it_too(upload, monkeypatch):
    monkeypatch.chdir(upload.parent)
    run_on(Path(upload.name))
    with pytest.raises(InputError, match="needs this upload"):
        upload_removal.delete_upload(upload)


def test_an_upload_is_free_once_its_run_has_ended(upload):
    run_on(upload, {"event": "error", "message": "It broke."})
    upload_removal.delete_upload(upload)
    assert not uploads.list_uploads()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
def test_an_upload_that_may_not_be_deleted_is_said(upload, open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(open_folder))
    path = open_folder / "a.zip"
    upload.rename(path)
    with without_rights(), pytest.raises(InputError, match="cannot be deleted"):
        upload_removal.delete_upload(path)
    assert path.exists()


@pytest.mark.parametrize("name", ["~nobodyx/pics", "x" * 5000, "a\0b"])
def test_a_path_that_no_file_can_have_is_said_on_the_page(name):
    def page(name: str) -> None:
        from mnist_app.ui import dataset_choice

        dataset_choice.load_or_explain(name, "download")
        dataset_choice.skipped_files(name)

    shown = AppTest.from_function(page, kwargs={"name": name}).run()
    assert not shown.exception
    assert "check it" in shown.error[0].value


# The user's own pictures, in the Evaluate tab


def pictures_page() -> None:
    from types import SimpleNamespace

    from mnist_app.recognition.predictor import Predictor
    from mnist_app.ui.evaluate import own_pictures

    predictor = Predictor.load("lenet5")
    choice = SimpleNamespace(key="lenet5", version=0, predictor=predictor)
    own_pictures.render(choice)


@pytest.fixture
def pictures(weights_folder) -> AppTest:
    committed_weights.copy_to(weights_folder, ("lenet5",))
    page = AppTest.from_function(pictures_page, default_timeout=180).run()
    page.segmented_control(key="pictures_from").set_value("Folder").run()
    return page


@pytest.mark.parametrize("name", ["~nobodyx/pics", "x" * 5000, "a\0b"])
def test_pictures_in_a_path_that_no_folder_can_have_are_refused(pictures, name):
    pictures.text_input(key="pictures_folder").set_value(name).run()
    assert not pictures.exception
    assert "check it" in pictures.error[0].value


def test_pictures_that_change_are_read_again(pictures, tmp_path):
    folder = tmp_path / "pictures" / "deeper"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"a\xff.png")).write_bytes(b"no picture")
    pictures.text_input(key="pictures_folder").set_value(str(tmp_path / "pictures")).run()
    assert not pictures.exception
    assert "0 pictures read" in pictures.markdown[-2].value
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    (folder / os.fsdecode(b"a\xff.png")).write_bytes(png(image))
    pictures.run()
    assert "1 picture read" in pictures.markdown[-1].value


# MNIST that is not on this machine


def mnist_page() -> None:
    import streamlit as st

    from mnist_app.ui import dataset_choice

    if dataset_choice.load_or_explain("mnist", "download") is None:
        st.write("the rest of the page")


def test_while_mnist_comes_nobody_waits_for_it_or_fetches_it_again(monkeypatch):
    monkeypatch.setattr(mnist, "download_share", lambda: 0.34)
    monkeypatch.setattr(mnist, "fetch", None)
    page = AppTest.from_function(mnist_page).run()
    assert not page.exception
    assert page.get("progress")[0].proto.value == 34
    assert not page.button
    assert page.markdown[0].value == "the rest of the page"
    assert page.session_state["session"].page.missing_parts  # so the page reruns soon


def test_mnist_that_cannot_be_had_is_said_below_the_button(monkeypatch):
    def fetch(progress) -> None:
        progress("Downloading MNIST", 0.5)
        raise InputError("no network")

    monkeypatch.setattr(mnist, "fetch", fetch)
    page = AppTest.from_function(mnist_page).run()
    assert "not on this machine" in page.info[0].value
    page.button[0].click().run()
    assert page.error[0].value == "no network"
    assert page.markdown[0].value == "the rest of the page"
