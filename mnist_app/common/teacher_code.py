"""Teacher mode: if a code is set, any action that changes things for everybody requires it.

The code is compared in constant time, and wrong guesses are counted. The app never puts the code
into an address, a log or a file.
"""

import hashlib
import hmac
import math
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from mnist_app.common.errors import InputError
from mnist_app.common.settings import teacher_code
from mnist_app.common.translation import message

VARIABLE = "MNIST_APP_TEACHER_CODE"
LEAST_LENGTH = 6  # characters; guessing a shorter code takes hours, not years
WRONG_PER_CLIENT = 5  # wrong guesses after which a client has to wait
WRONG_IN_ALL = 60  # the same for all clients together, but not for the teacher's own machine
HERE = "here"  # the client on the machine that the app runs on
SECONDS = 60.0  # the first wait; each further wrong guess (or round of them) doubles it
LONGEST_WAIT, LONGEST_WAIT_IN_ALL = 3600.0, 600.0  # seconds
FORGOTTEN_AFTER = 7200.0  # seconds without a wrong guess
_MOST_CLIENTS = 10_000  # that are remembered one by one


class Pass:
    """A session's proof that it gave the code. It stops being valid when the code changes."""

    def __init__(self, code: str) -> None:
        self._digest = _digest(code)

    def opens(self, code: str) -> bool:
        """Return whether this pass was issued for this code."""
        return hmac.compare_digest(self._digest, _digest(code))


@dataclass
class _Guesses:
    """The wrong guesses of one client, or of all together."""

    count: int = 0
    last: float = -math.inf  # seconds
    free_at: float = -math.inf  # seconds from which the next guess is allowed

    def add(self, now: float, allowed: int, step: int, longest: float) -> None:
        """Count a wrong guess.

        Args:
            now: seconds.
            allowed: the number of guesses that are free.
            step: the number of guesses after which the wait doubles.
            longest: the longest wait, in seconds.
        """
        self.count, self.last = self.count + 1, now
        if self.count >= allowed and (self.count - allowed) % step == 0:
            doublings = min((self.count - allowed) // step, 20)
            self.free_at = now + min(SECONDS * 2**doublings, longest)


class Door:
    """Checks codes, and makes those who guess wait, longer each time.

    Args:
        clock: returns seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_client: dict[str, _Guesses] = {}  # the one who guessed last at the end
        self._in_all = _Guesses()
        self._lock = threading.Lock()

    def enter(self, given: str, code: str, client: str) -> Pass:
        """Return a pass for the right code.

        Args:
            given: the code that was typed.
            code: the right code.
            client: who typed it: the browser's address, or HERE.
        Raises:
            InputError: the code is wrong, or this client has to wait.
        """
        with self._lock:
            now = self._clock()
            self._forget_old(now)
            wait = self._free_at(client) - now
            if wait > 0:
                raise InputError(
                    message("Too many wrong codes: try again in {wait}.", wait=_duration(wait))
                )
            if hmac.compare_digest(_digest(given), _digest(code)):
                self._by_client.pop(client, None)
                return Pass(code)
            self._count_wrong(client, now)
        raise InputError(message("Wrong teacher code: check it and try again."))

    def _free_at(self, client: str) -> float:
        own = self._by_client.get(client, _Guesses()).free_at
        return own if client == HERE else max(own, self._in_all.free_at)

    def _count_wrong(self, client: str, now: float) -> None:
        guesses = self._by_client.pop(client, None) or _Guesses()
        guesses.add(now, WRONG_PER_CLIENT, 1, LONGEST_WAIT)
        self._by_client[client] = guesses
        self._in_all.add(now, WRONG_IN_ALL, WRONG_IN_ALL, LONGEST_WAIT_IN_ALL)

    def _forget_old(self, now: float) -> None:
        """Forget those who have stopped guessing, and the oldest of too many."""
        for client, guesses in list(self._by_client.items()):
            if len(self._by_client) <= _MOST_CLIENTS and now < guesses.last + FORGOTTEN_AFTER:
                break
            del self._by_client[client]
        if now >= self._in_all.last + FORGOTTEN_AFTER:
            self._in_all = _Guesses()


def _duration(seconds: float) -> str:
    """A wait to tell someone: "59 s", "2 min", rounded up."""
    return f"{math.ceil(seconds)} s" if seconds <= 90 else f"{math.ceil(seconds / 60)} min"


def configured_code(secrets: Callable[[], object] = lambda: None) -> str | None:
    """Return `MNIST_APP_TEACHER_CODE`, else what `secrets` returns; None if neither has a code."""
    if given := (teacher_code() or "").strip():
        return given
    kept = secrets()
    return None if kept is None else str(kept).strip() or None


def is_too_short(code: str) -> bool:
    """Whether a code could be guessed within hours."""
    return len(unicodedata.normalize("NFC", code.strip())) < LEAST_LENGTH


def _digest(code: str) -> bytes:
    """Return a digest of fixed length, so that a comparison reveals nothing about the code."""
    letters = unicodedata.normalize("NFC", code.strip())  # an ü may be one character or two
    return hashlib.sha256(letters.encode(errors="replace")).digest()
