"""Data sets in memory, one copy for all sessions, and the widgets that choose one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _, localized
from mnist_app.data import archives, catalogue, mnist, uploads
from mnist_app.data.archives import Skipped
from mnist_app.data.labelled_images import Dataset, Progress
from mnist_app.data.uploads import Upload
from mnist_app.runs.upload_removal import delete_upload
from mnist_app.ui import permissions, polling, session, upload_notices
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

CHOICES = {
    "mnist": "MNIST",
    "digits": N_("Bundled digits"),
    "folder": N_("Own folder or ZIP"),
}


def render_choice(key: str) -> str:
    """Draw the choice of a data set and return its name, or "" while no folder is given.

    `load_or_explain` takes that name.
    """
    kind = st.segmented_control(
        _("Data set"),
        list(CHOICES),
        format_func=lambda kind: _(CHOICES[kind]),
        default="mnist" if mnist.is_downloaded() else "digits",
        required=True,
        key=key,
        **session.PERSISTENT,
    )
    return render_own_data(f"{key}_folder") if kind == "folder" else kind


def render_own_data(key: str) -> str:
    """Draw the choice of the user's own folder or ZIP, and return its path.

    It can be a new upload, an earlier one, or a typed path. The result is "" while there isn't one.

    Args:
        key: the key of the choice; the uploader's key is `key` followed by "_upload".
    """
    choice = st.container()  # above the uploader, but filled after it: an upload adds an option
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
    placeholder = _("an upload, or a path on the app's machine") if is_open else _("an upload")
    place = st.selectbox(
        _("Folder or ZIP"),
        list(labels),
        index=None,
        format_func=lambda path: labels.get(path, path),
        accept_new_options=is_open,
        placeholder=placeholder,
        key=key,
        **session.PERSISTENT,
    )
    return (place or "").strip()


def _upload(key: str) -> None:
    advice = _(
        "This file was not uploaded: choose a ZIP of at most {limit} MB. If it is one, reload the "
        "page and try again."
    ).format(limit=upload_notices.zip_mb())
    with upload_notices.explained(f"{key}_upload", advice):
        file = st.file_uploader(
            _("Or upload a ZIP"),
            ["zip"],
            key=f"{key}_upload",
            help=_(
                "Pictures in folders named after their digits, 0 to 9: PNG, JPEG, WebP, GIF, BMP "
                "or TIFF of any size, at least 5 of each digit. The ZIP stays on the app's machine."
            ),
        )
    if problem := upload_notices.room_problem([st.session_state[f"{key}_upload"]]):
        st.error(problem)
    if file is not None and current_session().data.kept_uploads.get(key) != file.file_id:
        _keep(file, key)


def _keep(file: UploadedFile, key: str) -> None:
    """Keep the file that was just uploaded, and choose it."""
    try:
        with st.spinner(_("Checking the ZIP")):
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
    return f"{name} · {when:%Y-%m-%d %H:%M}"


def load_or_explain(name: str, key: str, absence: str | None = None) -> Dataset | None:
    """Return a data set, or None if it cannot be loaded; the page then says why.

    It is read once, and then comes from memory.

    Args:
        name: as returned by `render_choice`.
        key: the key of the button that downloads MNIST.
        absence: what to say while MNIST is not on this machine, in the language of the page; by
            default only that.
    """
    if not name:
        st.info(
            _(
                "Choose or upload a folder or ZIP with one sub-folder of pictures per digit, named "
                "0 to 9."
            )
        )
        return None
    if name == "mnist" and not mnist.is_downloaded():
        absence = absence or _("MNIST is not on this machine, but the bundled digits are.")
        if not _is_fetched(key, absence):
            return None
    try:
        return _content(name)[0]
    except InputError as error:
        st.error(escaped(error))
        return None


def _is_fetched(key: str, absence: str) -> bool:
    """Return whether MNIST has arrived since the caller checked.

    If it has not, the page offers to download it, or shows how far a running download is.
    """
    share = mnist.download_share()
    if share is not None:  # already downloading: poll, so that no session has to wait here
        st.progress(share, _("Downloading MNIST …"))
        polling.await_part("MNIST")
        return False
    if mnist.is_downloaded():  # it arrived since the caller checked
        return True
    st.info(absence)
    if not permissions.is_unlocked() or not st.button(_("Download MNIST (11 MB)"), key=key):
        return False
    with _progress_bar(_("Downloading MNIST")) as tell:
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
        bar.progress(min(share, 1.0), f"{localized(text)} …")

    try:
        yield tell
    finally:
        bar.empty()


def skipped_files(name: str) -> list[Skipped]:
    """Return the files in a loaded data set's folder or ZIP that were skipped."""
    try:
        return _content(name)[1]
    except InputError:  # it changed since it was loaded
        return []


def render_delete_button(name: str, key: str) -> None:
    """Draw a button that deletes the data set `name`, if it is an upload. It takes two clicks.

    Args:
        name: as returned by `render_choice`.
        key: the key passed to `render_choice`.
    """
    path = Path(name)
    is_upload = any(upload.path == path for upload in uploads.list_uploads())
    if not (is_upload and permissions.is_unlocked()):
        return
    with st.popover(_("Delete this upload"), icon=":material/delete:", key=f"{key}_ask"):
        text = _("This deletes {upload} for everybody.")
        st.write(text.format(upload=archives.upload_name(path)))
        st.button(
            _("Delete it"),
            key=f"{key}_delete",
            on_click=_delete,
            args=(path, f"{key}_folder"),
        )
    if problem := current_session().data.delete_problems.pop(f"{key}_folder", None):
        st.error(escaped(problem))


def _delete(path: Path, key: str) -> None:
    """Delete an upload and clear the choice, or store a sentence on why it cannot be deleted."""
    try:
        permissions.require_unlocked()
        delete_upload(path)
        st.session_state[key] = None
    except InputError as error:
        current_session().data.delete_problems[key] = error.args[0]


class _SharedDataset:
    """Holds a data set once it is read. If several sessions want it, only one of them reads it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.content: tuple[Dataset, list[Skipped]] | None = None

    def content_or_read(
        self, read: Callable[[], tuple[Dataset, list[Skipped]]]
    ) -> tuple[Dataset, list[Skipped]]:
        """Return the data set and the skipped files; read them if no other session has done so."""
        with self._lock:
            if self.content is None:
                self.content = read()
            return self.content


def _content(name: str) -> tuple[Dataset, list[Skipped]]:
    box = _shared_dataset(name, _version(name))
    if box.content is not None:
        return box.content
    with _progress_bar(_("Reading the images")) as tell:
        return box.content_or_read(lambda: catalogue.load_with_skipped(name, tell))


# A cached function must not draw a progress bar. So only the empty box is cached, and the caller
# fills it.
@st.cache_resource(max_entries=3, show_spinner=False)
def _shared_dataset(name: str, version: object) -> _SharedDataset:  # noqa: ARG001, the cache's key
    return _SharedDataset()


def _version(name: str) -> object:
    """Return a value that changes when the content of a folder or file changes."""
    return None if name in catalogue.BUNDLED else archives.content_stamp(archives.typed_path(name))
