"""What all tabs share: cached networks, the session's drawing, and when to look again."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
import torch

from mnist_app.drawing.normal_form import ink_of
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition.predictor import Predictor
from mnist_app.results import weights
from mnist_app.runs import search, training_runs

# A drawing is too little work to share out: beside a training, which keeps all cores busy, two
# threads wait for each other twenty times as long as one needs. Runs have processes of their own.
torch.set_num_threads(1)

RUN_PREFIX = "run:"
MOST_EPOCHS_SHOWN = 60
# What was set in one tab is kept while another is open.
KEPT: dict[str, Any] = {"persist_state": "session"}


@dataclass(frozen=True)
class Choice:
    """The network chosen in the sidebar; no predictor while its first epoch is under way."""

    key: str
    predictor: Predictor | None
    version: object  # changes when the network does


def predictor_for(key: str) -> Choice:
    """The network of a result, or the latest one of a run in progress ("run:<id>")."""
    if key.startswith(RUN_PREFIX):
        run = training_runs.find(key.removeprefix(RUN_PREFIX))
        snapshots = run.snapshots() if run else {}
        if not snapshots:
            return Choice(key, None, 0)
        epoch = max(snapshots)
        return Choice(key, _snapshot_predictor(snapshots[epoch], run.recipe), epoch)
    path = weights.path_of(key)
    version = path.stat().st_mtime_ns
    return Choice(key, _loaded(key, str(path), version), version)


@st.cache_resource(max_entries=16, show_spinner=False)
def _loaded(name: str, path: str, version: int) -> Predictor:  # noqa: ARG001, the cache's key
    return Predictor.load(name)


def _snapshot_predictor(path: Path, recipe: Recipe) -> Predictor:
    return _loaded_snapshot(path, path.stat().st_mtime_ns, recipe)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Recipe: Recipe.model_dump_json})
def _loaded_snapshot(path: Path, version: int, recipe: Recipe) -> Predictor:  # noqa: ARG001
    return Predictor.from_file(path, recipe)


def probabilities_by_epoch(run: training_runs.Run, rgba: np.ndarray) -> dict[int, list[float]]:
    """What the run's network made of a drawing after each epoch."""
    old, now = st.session_state.get("digit_by_epoch", {}), {}
    drawn = hash(rgba.tobytes())
    with suppress(OSError):  # another browser may remove the run meanwhile
        for epoch, path in _thinned(run.snapshots()).items():
            key = (run.id, epoch, path.stat().st_mtime_ns, drawn)
            now[key] = old.get(key) or _probabilities(path, run.recipe, rgba)
    st.session_state["digit_by_epoch"] = now
    return {key[1]: values for key, values in now.items()}


def _thinned(snapshots: dict[int, Path]) -> dict[int, Path]:
    """At most 60 of them, evenly spread: every first, second, third, ... epoch."""
    every = -(-len(snapshots) // MOST_EPOCHS_SHOWN) or 1
    return {epoch: snapshots[epoch] for epoch in sorted(snapshots)[::every]}


def _probabilities(path: Path, recipe: Recipe, rgba: np.ndarray) -> list[float]:
    return Predictor.from_file(path, recipe).predict(rgba).probabilities.tolist()


def keep_drawing(rgba: np.ndarray | None) -> None:
    """Remember the session's drawing for the other tabs."""
    st.session_state["drawing"] = rgba


def drawing() -> np.ndarray | None:
    """The session's drawing, uint8 (H, W, 4); None if nothing is drawn."""
    rgba = st.session_state.get("drawing")
    return None if rgba is None or ink_of(rgba) is None else rgba


def owner() -> str:
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


def own_runs() -> list[training_runs.Run]:
    """The runs that are no trials of a search; those of one that cannot be read are among them."""
    everything = training_runs.list_runs()
    readable = {name for name in {run.search for run in everything} if name and search.find(name)}
    return [run for run in everything if run.search not in readable]


def outside_state() -> Any:
    """What other browsers and runs can change and a page shows: results, runs, snapshots."""
    chosen = st.session_state.get("network") or ""
    live = tuple((run.id, run.state) for run in own_runs() if run.is_live)
    results = tuple((info.name, info.date) for info in weights.list_weights())
    run = (
        training_runs.find(chosen.removeprefix(RUN_PREFIX))
        if chosen.startswith(RUN_PREFIX)
        else None
    )
    return results, live, len(run.snapshots()) if run else 0


def rerun_if_outside_changed() -> None:
    """Run the whole page again if results or runs are not what it shows."""
    state = outside_state()
    if st.session_state.get("outside_state") != state:
        st.session_state["outside_state"] = state
        st.rerun(scope="app")
