"""How large an upload may be, and a sentence for each file that an uploader did not take.

Streamlit marks such a file in red. Only while the mouse rests on it does it say why, and then in
English, or with no more than a status code.

The canvas needs this before torch is loaded, so nothing here may need torch.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from mnist_app.common.translation import Message, _, message
from mnist_app.data.archives import MOST_FILE_BYTES, PICTURE_SUFFIXES
from mnist_app.ui.server import uploads
from mnist_app.ui.server.streamlit_internals import dropped_upload

PICTURE_TYPES = [suffix.removeprefix(".") for suffix in PICTURE_SUFFIXES]
PICTURE_MB = MOST_FILE_BYTES // 1_000_000  # the most for one picture, uploaded or in a ZIP


def zip_mb() -> int:
    """Return how many megabytes a ZIP may have: as many as the server takes in one file."""
    return int(st.get_option("server.maxUploadSize"))


@contextmanager
def explained(key: str, advice: str) -> Iterator[None]:
    """Show a sentence below the uploader drawn inside, while a file in it is marked in red.

    The browser refuses such a file by itself, and the script is not told. So the sentence is always
    on the page, and a rule in page.css hides it until it is needed.

    Args:
        key: the uploader's key.
        advice: the sentence: which files are taken, and what to do.
    """
    with st.container(key=f"uploader_{key}"):
        yield
        with st.container(key=f"refused_{key}"):
            st.error(advice)


def size_problem(name: str, size: int) -> Message | None:
    """Return a sentence if a picture is too large, else None.

    A browser may let one through: it counts megabytes in its own way, and a ZIP may be larger.

    Args:
        name: the picture's name.
        size: in bytes.
    """
    if size <= MOST_FILE_BYTES:
        return None
    return message(
        "{name} is larger than {limit} MB: save it smaller, or choose another one.",
        name=name,
        limit=PICTURE_MB,
    )


def room_problem(chosen: Iterable[object]) -> str | None:
    """Return a sentence if the server had no room for one of the files, else None.

    Args:
        chosen: the files in the state of an uploader or a camera input.
    """
    gone = filter(None, map(dropped_upload, chosen))
    if not any(map(uploads.had_no_room, gone)):
        return None
    return _(
        "The server had no room for this upload: all uploads together may take {limit} MB. Try "
        "again later, or ask whoever uploaded large files to close the page."
    ).format(limit=uploads.MOST_OF_ALL // 1_000_000)
