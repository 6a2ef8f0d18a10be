"""The user's own pictures, read by the chosen network: a table, a CSV file, and skipped files."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _, localized, ngettext
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

_WAYS = (N_("Upload"), N_("Folder"))


def render(choice: ReadyChoice) -> None:
    """Let the user choose pictures of one digit each, and show how the network reads them."""
    st.write(
        _("Pictures of one digit each, without labels: drawn, photographed or 28 × 28 pixels.")
    )
    if not permissions.is_unlocked():
        return permissions.render_locked_notice()
    way = st.segmented_control(
        _("From"),
        _WAYS,
        format_func=_,
        default=_WAYS[0],
        required=True,
        key="pictures_from",
        **session.PERSISTENT,
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
        text = ngettext(
            "{gone:,} of {n:,} files is no longer on the server, which keeps only the latest "
            "{megabytes} MB of each page. Choose it again.",
            "{gone:,} of {n:,} files are no longer on the server, which keeps only the latest "
            "{megabytes} MB of each page. Choose them again, large files a few at a time.",
            gone,
        )
        megabytes = MOST_OF_A_SESSION // 1_000_000
        st.warning(text.format(gone=gone, n=len(chosen), megabytes=megabytes))


def _in_folder() -> tuple[object, list[File]] | None:
    place = st.text_input(
        _("Folder or ZIP on the app's machine"), key="pictures_folder", **session.PERSISTENT
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
            text = ngettext("{n:,} file read …", "{n:,} files read …", n)
            place.progress(n / len(files), text.format(n=n))

        text = ngettext("Reading {n:,} file …", "Reading {n:,} files …", len(files))
        place.progress(0.0, text.format(n=len(files)))
        memory.pictures_read = read_all(choice.predictor, files, tell)
        memory.pictures_key = key
        place.empty()
    return memory.pictures_read


def _table(readings: list[Reading], skipped: list[Skipped]) -> None:
    with st.container(key="pictures_table"):
        st.markdown(f"**{_counts(readings, skipped)}**")
        if readings:
            _answers(readings)
        if skipped:
            st.markdown(_("**Not read**"))
            st.dataframe(
                {
                    _("File"): [file.name for file in skipped],
                    _("Reason"): [localized(file.problem) for file in skipped],
                },
                hide_index=True,
                key="pictures_skipped",
            )


def _counts(readings: list[Reading], skipped: list[Skipped]) -> str:
    """Return how many pictures were read, how many of them refused, how many files skipped."""
    n, refused = len(readings), sum(not reading.is_digit for reading in readings)
    counts = [ngettext("{n:,} picture read", "{n:,} pictures read", n).format(n=n)]
    if refused:
        counts.append(_("{n:,} of them below the threshold").format(n=refused))
    n = len(skipped)
    counts.append(ngettext("{n:,} file skipped", "{n:,} files skipped", n).format(n=n))
    return "; ".join(counts)


def _answers(readings: list[Reading]) -> None:
    image, confidence = _("Image"), _("Confidence")
    st.dataframe(
        {
            image: [picture_url(reading.image) for reading in readings],
            _("File"): [reading.name for reading in readings],
            _("Digit"): [_answer(reading) for reading in readings],
            confidence: [reading.confidence for reading in readings],
        },
        column_config={
            image: st.column_config.ImageColumn(width="small"),
            confidence: st.column_config.ProgressColumn(format="percent"),
        },
        hide_index=True,
        row_height=44,
        key="pictures",
    )
    st.download_button(
        _("Download as CSV"),
        to_csv(readings),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        key="pictures_csv",
        help=_("The columns are ImageId, Label (the most probable digit) and confidence."),
    )


def _answer(reading: Reading) -> str:
    if reading.is_digit:
        return str(reading.nearest)
    return _("not a digit ({digit}?)").format(digit=reading.nearest)
