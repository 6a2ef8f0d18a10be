"""What the app remembers about one session.

The page appears before torch is loaded, so nothing here may need torch.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import streamlit as st

from mnist_app.common.teacher_code import HERE
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
    """How long a widget's value is kept, as an argument for the widget."""

    persist_state: Literal["page", "session"]


# Keeps the values set in one tab while another tab is open.
PERSISTENT: Persistence = {"persist_state": "session"}
_KEY = "session"  # in Streamlit's session state
_SALT = secrets.token_bytes(16)  # of this server process; it is written nowhere


@dataclass
class DrawMemory:
    """The memory of the Draw tab."""

    strokes: Strokes = field(default_factory=list)  # on the canvas, as it last sent them
    start: Strokes = field(default_factory=list)  # what the canvas was last told to show
    redraws: int = 0  # how often the canvas was told to redraw
    is_erasing: bool = False  # whether the eraser draws, not the pen
    history: History = field(default_factory=History)
    drawing: Drawing | None = None  # from the canvas or a picture; None before there is one
    read_key: tuple[object, ...] | None = None  # of the drawing and the network last read
    found: list[Found] = field(default_factory=list)  # in that drawing

    def redraw(self, strokes: Strokes) -> None:
        """Make the canvas show these strokes."""
        self.start = strokes
        self.redraws += 1


@dataclass
class ReasonsMemory:
    """The memory of the reasons below the canvas."""

    kept: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # by name: the key, then results
    is_unfinished: bool = False  # whether one of them needs more time


@dataclass
class TrainMemory:
    """The memory of the Train tab and of searches."""

    start_problem: str | None = None  # why the last click started no training, one sentence
    search_problem: str | None = None  # the same for a search
    # What a run's network made of a drawing, by snapshot and drawing.
    probabilities: dict[tuple[Any, ...], list[float]] = field(default_factory=dict)


@dataclass
class DataMemory:
    """The memory of the Data and Evaluate tabs, and of the choice of a data set."""

    gallery_seed: int = 0  # for the random images in the gallery
    test_images_seed: int = 0  # for the random test images
    confusion_cell: str | None = None  # the one last clicked: "digit-answer"
    pictures_key: object = None  # of the network and the files last read
    pictures_read: tuple[list[Reading], list[Skipped]] = field(default_factory=lambda: ([], []))
    kept_uploads: dict[str, str] = field(default_factory=dict)  # file ids, by the choice's key
    delete_problems: dict[str, str] = field(default_factory=dict)  # sentences, by the choice's key


@dataclass
class CompareMemory:
    """The memory of the Compare tab."""

    known: list[str] | None = None  # names of the results at the last rerun; None at first
    readings: dict[tuple[Any, ...], list[Found]] = field(default_factory=dict)


@dataclass
class PageMemory:
    """The memory of the sidebar, and what the page waits for."""

    network: str | None = None  # the key of the network last chosen
    sidebar_shows: str | None = None  # the key of the network that the sidebar describes
    outside_state: OutsideState | None = None  # what others can change, as the page shows it
    awaited_jobs: dict[str, tuple[Job, State]] = field(
        default_factory=dict
    )  # by name: the job, and its state as the page shows it
    missing_parts: set[str] = field(default_factory=set)  # parts of the page that are out of date
    teacher_pass: Pass | None = None
    choice_boxes: dict[str, int] = field(default_factory=dict)  # by name: how often it was replaced

    def begin_run(self) -> None:
        """Forget what the page waits for; a full rerun records it again."""
        self.awaited_jobs, self.missing_parts = {}, set()


@dataclass
class Session:
    """What the app remembers about one session from one rerun to the next.

    Widget values are not in it: Streamlit keeps them under the widgets' own keys.
    """

    draw: DrawMemory = field(default_factory=DrawMemory)
    reasons: ReasonsMemory = field(default_factory=ReasonsMemory)
    train: TrainMemory = field(default_factory=TrainMemory)
    data: DataMemory = field(default_factory=DataMemory)
    compare: CompareMemory = field(default_factory=CompareMemory)
    page: PageMemory = field(default_factory=PageMemory)


def current_session() -> Session:
    """Return this session's memory.

    It is new on the first call, or if a browser sent a value of its own under the same key.
    """
    held = st.session_state.get(_KEY)
    if isinstance(held, Session):
        return held
    st.session_state[_KEY] = new = Session()
    return new


def current_drawing() -> Drawing | None:
    """Return the drawing in the Draw tab, or None if nothing is drawn."""
    drawing = current_session().draw.drawing
    return None if drawing is None or drawing.is_blank else drawing


def browser_id() -> str:
    """Return an id of this browser that reveals neither a secret nor its address.

    It stays the same after a reload and in another tab. Browsers that refuse cookies are told apart
    by their addresses alone, and have other ids once the server was restarted.
    """
    mark = cookie_mark() or _SALT + client_address().encode()
    return hashlib.sha256(mark).hexdigest()[:16]


def client_address() -> str:
    """Return the browser's address, or HERE if the browser runs on this machine.

    Streamlit reports None for this machine, unless its address is an IPv4-mapped IPv6 address.
    """
    address = st.context.ip_address
    if isinstance(address, str) and address != "::ffff:127.0.0.1":
        return address
    return HERE
