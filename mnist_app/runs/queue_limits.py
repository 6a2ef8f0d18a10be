"""How many trainings may be running or waiting: per browser, and in total."""

from collections.abc import Iterable

from mnist_app.common.errors import InputError
from mnist_app.runs.run import RunStatus

MOST_OF_ONE, MOST_OF_ALL = 5, 30  # live runs; trials of a search do not count


def check(owner: str, live: Iterable[RunStatus]) -> None:
    """Refuse another run if there are too many already.

    Args:
        owner: identifies the browser that wants to start it.
        live: the runs that are not over.
    Raises:
        InputError: this owner, or all owners together, have reached the limit.
    """
    counted = [status for status in live if status.search is None]
    own = sum(status.owner == owner for status in counted)
    if own >= MOST_OF_ONE:
        raise InputError(
            f"{own} of your trainings are running or waiting: stop one of them, or let one end."
        )
    if len(counted) >= MOST_OF_ALL:
        raise InputError(
            f"{len(counted)} trainings are running or waiting, which is the most: let one end "
            "first."
        )
