"""Data sets in memory, one copy for all sessions, and the choice of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.data import archives, catalogue, mnist, uploads
from mnist_app.data.archives import Skipped
from mnist_app.data.labelled_images import Dataset, Progress
from mnist_app.data.uploads import Upload
from mnist_app.runs.upload_removal import delete_upload
from mnist_app.ui import permissions, polling, session
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

CHOICES = {
    "mnist": "MNIST",
    "digits": "Bundled digits",
    "folder": "Own folder or ZIP",
}


def render_choice(key: str) -> str:
    """A choice of data set; gives the name that `load` takes, "" while no folder is named."""
    kind = st.segmented_control(
        "Data set",
        list(CHOICES),
        format_func=CHOICES.__getitem__,
        default="mnist" if mnist.is_downloaded() else "digits",
        required=True,
        key=key,
        **session.PERSISTENT,
    )
    return render_own_data(f"{key}_folder") if kind == "folder" else kind


def render_own_data(key: str) -> str:
    """A folder or ZIP of the user's: an upload, an earlier one, or a path; "" while there is none.

    Args:
        key: of the choice; the uploader has `key` with "_upload" behind it.
    """
    choice = st.container()  # above the uploader, which decides what it shows
    is_open = permissions.is_unlocked()
    if is_open:
        _upload(key)
    else:
        permissions.render_locked_notice()
    labels = {str(upload.path): _label(upload) for upload in uploads.list_uploads()}
    with choice:
        place = _folder_or_zip(labels, key, is_open=is_open)
    return place if is_open or place in labels else ""


def _folder_or_zip(labels: dict[str, str], key: str, *, is_open: bool) -> str:
    place = st.selectbox(
        "Folder or ZIP",
        list(labels),
        index=None,
        format_func=lambda path: labels.get(path, path),
        accept_new_options=is_open,
        placeholder="an upload, or a path on the app's machine" if is_open else "an upload",
        key=key,
        **session.PERSISTENT,
    )
    return (place or "").strip()


def _upload(key: str) -> None:
    file = st.file_uploader(
        "Or upload a ZIP",
        ["zip"],
        key=f"{key}_upload",
        help="Pictures in folders named after their digits, 0 to 9: PNG, JPEG, WebP, GIF, BMP or "
        "TIFF of any size, at least 5 of each digit. It stays on the app's machine.",
    )
    if file is not None and current_session().data.kept_uploads.get(key) != file.file_id:
        _keep(file, key)


def _keep(file: UploadedFile, key: str) -> None:
    """Keep what was uploaded just now, and choose it."""
    try:
        with st.spinner("Looking into the ZIP"):
            st.session_state[key] = str(uploads.keep_upload(file.name, file))
        current_session().data.kept_uploads[key] = file.file_id
    except InputError as error:
        st.error(escaped(error))


def _label(upload: Upload) -> str:
    name = archives.upload_name(upload.path)
    try:
        when = datetime.fromtimestamp(upload.time)
    except (ValueError, OverflowError, OSError):  # the file's time is beyond what a calendar has
        return name
    return f"{name} · uploaded {when:%d %b %H:%M}"


_NO_MNIST = "MNIST is not on this machine. The bundled digits are."


def load_or_explain(name: str, key: str, absence: str = _NO_MNIST) -> Dataset | None:
    """A data set, from memory the second time; None if it cannot be had, and the page says why.

    Args:
        name: as `render_choice` gives it.
        key: of the button that downloads MNIST.
        absence: what to say while MNIST is not here.
    """
    if not name:
        st.info(
            "Choose or upload a folder or ZIP with one sub-folder of pictures per digit, named "
            "0 to 9."
        )
        return None
    if name == "mnist" and not mnist.is_downloaded() and not _is_fetched(key, absence):
        return None
    try:
        return _content(name)[0]
    except InputError as error:
        st.error(escaped(error))
        return None


def _is_fetched(key: str, absence: str) -> bool:
    """Whether MNIST has just come, as the user wished; if not, the page says how it can, or how far
    its download is.
    """
    share = mnist.download_share()
    if share is not None:  # nobody need wait here, nor keeps others waiting
        st.progress(share, "Downloading MNIST …")
        polling.await_part("MNIST")
        return False
    if mnist.is_downloaded():  # since the caller looked
        return True
    st.info(absence)
    if not permissions.is_unlocked() or not st.button("Download MNIST (11 MB)", key=key):
        return False
    with _progress_bar("Downloading MNIST") as tell:
        try:
            mnist.fetch(progress=tell)
        except InputError as error:
            st.error(escaped(error))
            return False
    return True


@contextmanager
def _progress_bar(text: str) -> Iterator[Progress]:
    bar = st.progress(0.0, f"{text} …")

    def tell(text: str, share: float) -> None:
        bar.progress(min(share, 1.0), f"{text} …")

    try:
        yield tell
    finally:
        bar.empty()


def skipped_files(name: str) -> list[Skipped]:
    """The files of a loaded data set's folder or ZIP that are not in it."""
    try:
        return _content(name)[1]
    except InputError:  # it changed since it was loaded
        return []


def render_delete_button(name: str, key: str) -> None:
    """What deletes the data set `name`, if it was uploaded, when it is clicked twice.

    Args:
        name: as `render_choice` gives it.
        key: that of `render_choice`.
    """
    path = Path(name)
    is_upload = any(upload.path == path for upload in uploads.list_uploads())
    if not (is_upload and permissions.is_unlocked()):
        return
    with st.popover("Delete this upload", icon=":material/delete:", key=f"{key}_ask"):
        st.write(f"{archives.upload_name(path)} is gone for everybody then.")
        st.button("Delete it", key=f"{key}_delete", on_click=_delete, args=(path, f"{key}_folder"))
    if problem := current_session().data.delete_problems.pop(f"{key}_folder", None):
        st.error(escaped(problem))


def _delete(path: Path, key: str) -> None:
    """Delete an upload and choose none, or leave a sentence on why that cannot be."""
    try:
        permissions.require_unlocked()
        delete_upload(path)
        st.session_state[key] = None
    except InputError as error:
        current_session().data.delete_problems[key] = str(error)


class _SharedDataset:
    """Holds a data set once it is read. Of many sessions that want it, one reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.content: tuple[Dataset, list[Skipped]] | None = None

    def content_or_read(
        self, read: Callable[[], tuple[Dataset, list[Skipped]]]
    ) -> tuple[Dataset, list[Skipped]]:
        """What it holds; it is read first if another session has not done so meanwhile."""
        with self._lock:
            if self.content is None:
                self.content = read()
            return self.content


def _content(name: str) -> tuple[Dataset, list[Skipped]]:
    box = _shared_dataset(name, _version(name))
    if box.content is not None:
        return box.content
    with _progress_bar("Reading the images") as tell:
        return box.content_or_read(lambda: catalogue.load_with_skipped(name, tell))


# What is cached may not draw a progress bar: the box is, and is filled outside.
@st.cache_resource(max_entries=3, show_spinner=False)
def _shared_dataset(name: str, version: object) -> _SharedDataset:  # noqa: ARG001, the cache's key
    return _SharedDataset()


def _version(name: str) -> object:
    """What changes when the content of a folder or file does."""
    return None if name in catalogue.BUNDLED else archives.content_stamp(archives.typed_path(name))
