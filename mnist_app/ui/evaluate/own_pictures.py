"""The user's own pictures, read by the chosen network: a table, a CSV file, and skipped files."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.data import archives
from mnist_app.data.archives import File, Skipped
from mnist_app.figures.data_urls import picture_url
from mnist_app.recognition.unlabelled import Reading, read_all, to_csv
from mnist_app.ui import permissions, session, upload_notices
from mnist_app.ui.loaded_networks import ReadyChoice
from mnist_app.ui.markdown import escaped
from mnist_app.ui.server.streamlit_internals import dropped_upload
from mnist_app.ui.server.uploads import MOST_OF_A_SESSION
from mnist_app.ui.session import current_session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_WAYS = ("Upload", "Folder")


def render(choice: ReadyChoice) -> None:
    """Let the user choose pictures of one digit each, and show how the network reads them."""
    st.write("Pictures of one digit each, without labels: drawn, photographed or 28 × 28 pixels.")
    if not permissions.is_unlocked():
        return permissions.render_locked_notice()
    way = st.segmented_control(
        "From", _WAYS, default=_WAYS[0], required=True, key="pictures_from", **session.PERSISTENT
    )
    try:
        files = _uploaded() if way == "Upload" else _in_folder()
        if files:
            _table(*_read(choice, *files))
    except InputError as error:
        st.error(escaped(error))


def _uploaded() -> tuple[object, list[File]] | None:
    """Return what identifies the uploaded files, and the files themselves, or None.

    The files in an uploaded ZIP are among them.
    """
    uploads = _uploader()
    _tell_what_went(st.session_state["pictures_upload"])
    if not uploads:
        return None
    files: list[File] = []
    for upload in uploads:
        if upload.name.lower().endswith(".zip"):
            files += archives.files_in(io.BytesIO(upload.getvalue()))
        else:
            problem = upload_notices.size_problem(upload.name, upload.size)
            files.append(File(upload.name, upload.getvalue, problem))
    return [upload.file_id for upload in uploads], files


def _uploader() -> "list[UploadedFile]":
    """Draw the uploader. It takes large files, as for a ZIP, and so too large pictures, too."""
    limits = {"picture": upload_notices.PICTURE_MB, "zip": upload_notices.zip_mb()}
    advice = _(
        "The files in red were not uploaded: choose pictures (PNG, JPEG, WebP, GIF, BMP or TIFF) "
        "of at most {picture} MB each, or a ZIP of at most {zip} MB. If they are, reload the page "
        "and try again."
    ).format(**limits)
    with upload_notices.explained("pictures_upload", advice):
        return st.file_uploader(
            _("Pictures of at most {picture} MB each, or a ZIP of them").format(**limits),
            ["zip", *upload_notices.PICTURE_TYPES],
            accept_multiple_files=True,
            key="pictures_upload",
        )


def _tell_what_went(chosen: Sequence[object]) -> None:
    """Say so if the uploader lists files that are not on the server."""
    if problem := upload_notices.room_problem(chosen):
        st.error(problem)
        return
    gone = sum(dropped_upload(file) is not None for file in chosen)
    if gone:
        kept = f"{MOST_OF_A_SESSION // 1_000_000} MB"
        st.warning(
            f"{gone:,} of {len(chosen):,} files are no longer on the server, which keeps the last "
            f"{kept} of a page: choose them again, large ones a few at a time."
        )


def _in_folder() -> tuple[object, list[File]] | None:
    place = st.text_input(
        "Folder or ZIP on the app's machine", key="pictures_folder", **session.PERSISTENT
    ).strip()
    if not place:
        return None
    path = archives.typed_path(place)
    files = list(archives.files_in(path))
    return (place, archives.content_stamp(path)), files


def _read(
    choice: ReadyChoice, source: object, files: list[File]
) -> tuple[list[Reading], list[Skipped]]:
    """Read the pictures, once per network and choice of files."""
    place = st.empty()  # there on every rerun, so that nothing below it moves
    memory, key = current_session().data, (choice.key, choice.version, str(source))
    if key != memory.pictures_key:

        def tell(n: int) -> None:
            place.progress(n / len(files), f"{n:,} files read …")

        place.progress(0.0, f"Reading {len(files):,} files …")
        memory.pictures_read = read_all(choice.predictor, files, tell)
        memory.pictures_key = key
        place.empty()
    return memory.pictures_read


def _table(readings: list[Reading], skipped: list[Skipped]) -> None:
    with st.container(key="pictures_table"):
        refused = sum(not reading.is_digit for reading in readings)
        unsure = f", {refused:,} of them not sure enough to be an answer" if refused else ""
        st.markdown(f"**{len(readings):,} pictures read{unsure}; {len(skipped):,} files skipped**")
        if readings:
            _answers(readings)
        if skipped:
            st.markdown("**Not read**")
            names, reasons = [file.name for file in skipped], [file.problem for file in skipped]
            st.dataframe(
                {"File": names, "Reason": reasons}, hide_index=True, key="pictures_skipped"
            )


def _answers(readings: list[Reading]) -> None:
    st.dataframe(
        {
            "Image": [picture_url(reading.image) for reading in readings],
            "File": [reading.name for reading in readings],
            "Digit": [_answer(reading) for reading in readings],
            "Confidence": [reading.confidence for reading in readings],
        },
        column_config={
            "Image": st.column_config.ImageColumn(width="small"),
            "Confidence": st.column_config.ProgressColumn(format="percent"),
        },
        hide_index=True,
        row_height=44,
        key="pictures",
    )
    st.download_button(
        "Download as CSV",
        to_csv(readings),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        key="pictures_csv",
        help="ImageId, Label (the most probable digit) and confidence.",
    )


def _answer(reading: Reading) -> str:
    return str(reading.nearest) if reading.is_digit else f"not a digit ({reading.nearest}?)"
