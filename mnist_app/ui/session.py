"""What the app remembers of one browser."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_app.drawing.drawing import Drawing
from mnist_app.ui.draw.strokes import History, Strokes

if TYPE_CHECKING:
    from mnist_app.recognition.predictor import Found

# What was set in one tab is kept while another is open.
PERSISTENT: dict[str, Any] = {"persist_state": "session"}


@dataclass
class DrawMemory:
    """Of the Draw tab."""

    strokes: Strokes = field(default_factory=list)  # on the canvas, as it sent them last
    start: Strokes = field(default_factory=list)  # that the canvas was last told to show
    redraws: int = 0  # times that a button told it to
    history: History = field(default_factory=History)
    drawing: Drawing | None = None  # from the canvas or a picture; None: nothing yet
    read_key: tuple[object, ...] | None = None  # of the drawing and network that were read last
    found: "list[Found]" = field(default_factory=list)  # in them


@dataclass
class ReasonsMemory:
    """Of the reasons below the canvas."""

    kept: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # by name: the key, and what is
    # known for it
    is_unfinished: bool = False  # whether one of them is to be gone on with


@dataclass
class TrainMemory:
    """Of the Train tab and of searches."""


@dataclass
class DataMemory:
    """Of the Data and Evaluate tabs."""


@dataclass
class CompareMemory:
    """Of the Compare tab."""


@dataclass
class PageMemory:
    """Of the sidebar, and of what the page waits for."""


@dataclass
class Session:
    """What the app remembers of one browser from one run of its script to the next.

    The values of widgets are not in it: Streamlit keeps them under the widgets' own keys.
    """

    draw: DrawMemory = field(default_factory=DrawMemory)
    reasons: ReasonsMemory = field(default_factory=ReasonsMemory)
    train: TrainMemory = field(default_factory=TrainMemory)
    data: DataMemory = field(default_factory=DataMemory)
    compare: CompareMemory = field(default_factory=CompareMemory)
    page: PageMemory = field(default_factory=PageMemory)


def current_session() -> Session:
    """This browser's; a new one at first."""
    return st.session_state.setdefault("session", Session())


def current_drawing() -> Drawing | None:
    """What is drawn in the Draw tab; None if nothing is."""
    drawing = current_session().draw.drawing
    return None if drawing is None or drawing.is_blank else drawing


def browser_id() -> str:
    """A mark of this browser, the same after a reload and in another tab, that tells no secret."""
    mark = _unmasked(st.context.cookies.get("_streamlit_xsrf"))
    if not mark:  # no browser, or one that refuses cookies
        mark = st.session_state.setdefault("owner", secrets.token_bytes(16))
    return hashlib.sha256(mark).hexdigest()[:16]


def _unmasked(cookie: Any) -> bytes:
    """What Streamlit's cookie holds, "2|mask|masked|time", which each page gets under a new mask.

    Empty where it is none.
    """
    parts = cookie.strip("\"'").split("|") if isinstance(cookie, str) else []
    if len(parts) != 4:
        return b""
    with suppress(ValueError):
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        return bytes(one ^ other for one, other in zip(masked, cycle(mask), strict=False))
    return b""
