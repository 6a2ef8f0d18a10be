"""What the app remembers of one browser."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np
import streamlit as st

from mnist_app.drawing.normal_form import ink_of

# What was set in one tab is kept while another is open.
PERSISTENT: dict[str, Any] = {"persist_state": "session"}


@dataclass
class DrawMemory:
    """Of the Draw tab."""


@dataclass
class ReasonsMemory:
    """Of the reasons below the canvas."""


@dataclass
class TrainMemory:
    """Of the Train tab and of searches."""

    # What a run's network made of the drawing, by the snapshot and the drawing.
    probabilities: dict[tuple[Any, ...], list[float]] = field(default_factory=dict)


@dataclass
class DataMemory:
    """Of the Data and Evaluate tabs."""


@dataclass
class CompareMemory:
    """Of the Compare tab."""


@dataclass
class PageMemory:
    """Of the sidebar, and of what the page waits for."""

    choice_boxes: dict[str, int] = field(default_factory=dict)  # how often one was made anew


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


def remember_drawing(rgba: np.ndarray | None) -> None:
    """Remember the session's drawing for the other tabs."""
    st.session_state["drawing"] = rgba


def current_drawing() -> np.ndarray | None:
    """The session's drawing, uint8 (H, W, 4); None if nothing is drawn."""
    rgba = st.session_state.get("drawing")
    return None if rgba is None or ink_of(rgba) is None else rgba


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
