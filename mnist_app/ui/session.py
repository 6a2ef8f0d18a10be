"""What the app remembers of one browser.

The page is there before torch is loaded, so nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import streamlit as st

from mnist_app.drawing.drawing import Drawing
from mnist_app.ui.draw.strokes import History, Strokes
from mnist_app.ui.server.streamlit_internals import cookie_mark

if TYPE_CHECKING:
    from mnist_app.common.teacher_code import Pass
    from mnist_app.data.archives import Skipped
    from mnist_app.recognition.predictor import Found
    from mnist_app.recognition.unlabelled import Reading
    from mnist_app.runs.jobs import Job, State
    from mnist_app.ui.listing import OutsideState


class Persistence(TypedDict):
    """How long the value of a widget is kept, as an argument of the widget."""

    persist_state: Literal["page", "session"]


# What was set in one tab is kept while another is open.
PERSISTENT: Persistence = {"persist_state": "session"}
_KEY = "session"  # in Streamlit's state of a session


@dataclass
class DrawMemory:
    """Of the Draw tab."""

    strokes: Strokes = field(default_factory=list)  # on the canvas, as it sent them last
    start: Strokes = field(default_factory=list)  # that the canvas was last told to show
    redraws: int = 0  # times that it was told other strokes than it had drawn
    is_erasing: bool = False  # whether the eraser draws on it, not the pen
    history: History = field(default_factory=History)
    drawing: Drawing | None = None  # from the canvas or a picture; None: nothing yet
    read_key: tuple[object, ...] | None = None  # of the drawing and network that were read last
    found: list[Found] = field(default_factory=list)  # in them

    def redraw(self, strokes: Strokes) -> None:
        """Tell the canvas to show these strokes."""
        self.start = strokes
        self.redraws += 1


@dataclass
class ReasonsMemory:
    """Of the reasons below the canvas."""

    kept: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # by name: the key, and what is
    # known for it
    is_unfinished: bool = False  # whether one of them is to be gone on with


@dataclass
class TrainMemory:
    """Of the Train tab and of searches."""

    start_problem: str | None = None  # why the last click started no training, one sentence
    search_problem: str | None = None  # the same of a search
    # What a run's network made of the drawing, by the snapshot and the drawing.
    probabilities: dict[tuple[Any, ...], list[float]] = field(default_factory=dict)


@dataclass
class DataMemory:
    """Of the Data and Evaluate tabs, and of the choice of a data set."""

    gallery_seed: int = 0  # of the random images in the gallery
    test_images_seed: int = 0  # of the random test images
    confusion_cell: str | None = None  # that was clicked: "digit-answer"
    pictures_key: object = None  # the network and the files that were read last
    pictures_read: tuple[list[Reading], list[Skipped]] = field(default_factory=lambda: ([], []))
    kept_uploads: dict[str, str] = field(default_factory=dict)  # file ids, by the choice's key
    delete_problems: dict[str, str] = field(default_factory=dict)  # sentences, by the choice's key


@dataclass
class CompareMemory:
    """Of the Compare tab."""

    known: list[str] | None = None  # the results that there were; None before the first look
    readings: dict[tuple[Any, ...], list[Found]] = field(default_factory=dict)


@dataclass
class PageMemory:
    """Of the sidebar, and of what the page waits for."""

    network: str | None = None  # the key of the one chosen last
    sidebar_shows: str | None = None  # the key of the network that the sidebar tells of
    outside_state: OutsideState | None = None  # what others can change, as the page shows it
    awaited_jobs: dict[str, tuple[Job, State]] = field(
        default_factory=dict
    )  # as the page shows them
    missing_parts: set[str] = field(default_factory=set)  # parts of the page that are out of date
    teacher_pass: Pass | None = None
    choice_boxes: dict[str, int] = field(default_factory=dict)  # how often one was made anew
    mark: bytes = field(default_factory=lambda: secrets.token_bytes(16))  # in place of a cookie

    def begin_run(self) -> None:
        """Forget what the page waits for: a whole run of its script tells it anew."""
        self.awaited_jobs, self.missing_parts = {}, set()


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
    """This browser's; a new one at first, and where a browser sent something under its name."""
    held = st.session_state.get(_KEY)
    if isinstance(held, Session):
        return held
    st.session_state[_KEY] = new = Session()
    return new


def current_drawing() -> Drawing | None:
    """What is drawn in the Draw tab; None if nothing is."""
    drawing = current_session().draw.drawing
    return None if drawing is None or drawing.is_blank else drawing


def browser_id() -> str:
    """A mark of this browser, the same after a reload and in another tab, that tells no secret."""
    mark = cookie_mark() or current_session().page.mark  # of a browser that refuses cookies
    return hashlib.sha256(mark).hexdigest()[:16]
