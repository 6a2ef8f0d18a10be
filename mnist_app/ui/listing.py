"""The networks and runs that the page shows, listed once per rerun of its script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # these need torch, which the page loads only after the canvas
    from mnist_app.results.weights import BrokenFile, WeightsInfo
    from mnist_app.runs.run import RunStatus, State

RUN_PREFIX = "run:"  # begins the key of a network in training; the id of its run follows


class OutsideState(NamedTuple):
    """What a page shows that other browsers and runs can change."""

    results: tuple[tuple[str, str], ...]  # names and dates
    live: tuple[tuple[str, State], ...]  # ids and states of the runs that are not over
    snapshots: int  # how many the chosen network has, if it is in training


@dataclass(frozen=True)
class Listing:
    """The networks and runs that exist at one moment."""

    networks: list[WeightsInfo]  # best first
    broken: list[BrokenFile]
    runs: list[RunStatus]  # without the trials of searches

    @property
    def live(self) -> dict[str, State]:
        """The states of the runs that are not over, by id."""
        return {status.id: status.state for status in self.runs if status.is_live}

    @property
    def in_training(self) -> list[RunStatus]:
        """The runs that are training."""
        return [status for status in self.runs if status.state in ("running", "stopping")]

    def outside_state(self, network: str | None) -> OutsideState:
        """Return what others can change, for a page on which `network` is chosen."""
        chosen = [status.run for status in self.runs if f"{RUN_PREFIX}{status.id}" == network]
        return OutsideState(
            tuple((info.name, info.date) for info in self.networks),
            tuple(self.live.items()),
            sum(len(run.snapshots()) for run in chosen),
        )


_shared: ContextVar[list[Listing] | None] = ContextVar("listing", default=None)


@contextmanager
def once() -> Iterator[None]:
    """Make `current` scan only on its first call within this context.

    The context is one run of the page's script or of a fragment.
    """
    token = None if _shared.get() is not None else _shared.set([])
    try:
        yield
    finally:
        if token:
            _shared.reset(token)


def current() -> Listing:
    """Return the current listing; within `once`, the listing from the first call."""
    shared = _shared.get()
    if shared is None:
        return _scanned()
    if not shared:
        shared.append(_scanned())
    return shared[0]


def _scanned() -> Listing:
    from mnist_app.results import weights
    from mnist_app.runs import run_board, search

    # Runs before results: a run that ends in between is then in both lists, never in neither.
    runs = search.without_trials(run_board.statuses())
    found = weights.scan()
    return Listing(found.weights, found.broken, runs)
