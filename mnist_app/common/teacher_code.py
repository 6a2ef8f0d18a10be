"""Teacher mode: where a code is set, what changes things for everybody needs it.

The code is compared in constant time, and guesses are counted; it is never part of an address, of a
log, or of anything that is kept in a file.
"""

import hashlib
import hmac
import math
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable

from mnist_app.common.errors import InputError
from mnist_app.common.settings import teacher_code

VARIABLE = "MNIST_APP_TEACHER_CODE"
WRONG_PER_CLIENT = 5  # guesses within SECONDS, then a client has to wait
WRONG_IN_ALL = 60  # the same for all of them together, but not for the teacher's own machine
HERE = "here"  # the client on the machine that the app runs on
SECONDS = 60.0


class Pass:
    """What a session holds that gave the code. It is worth nothing once the code is another."""

    def __init__(self, code: str) -> None:
        self._digest = _digest(code)

    def opens(self, code: str) -> bool:
        """Whether it was given for this code."""
        return hmac.compare_digest(self._digest, _digest(code))


class Door:
    """Checks codes, and makes those who guess wait.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()  # when, and by whom
        self._lock = threading.Lock()

    def enter(self, given: str, code: str, client: str) -> Pass:
        """A pass for the right code.

        Args:
            given: what was typed.
            code: the right one.
            client: who typed it: the address of the browser, or HERE.
        Raises:
            InputError: it is wrong, or there were too many wrong ones just now.
        """
        with self._lock:
            wait = self._wait(client)
            if wait > 0:
                raise InputError(f"Too many wrong codes: try again in {math.ceil(wait)} s.")
            if hmac.compare_digest(_digest(given), _digest(code)):
                return Pass(code)
            self._wrong.append((self._clock(), client))
        raise InputError("This is not the teacher's code.")

    def _wait(self, client: str) -> float:
        now = self._clock()
        while self._wrong and self._wrong[0][0] <= now - SECONDS:
            self._wrong.popleft()
        times = [when for when, _ in self._wrong]
        own = [when for when, who in self._wrong if who == client]
        limits = [(own, WRONG_PER_CLIENT)]
        if client != HERE:
            limits.append((times, WRONG_IN_ALL))
        waits = [several[-most] + SECONDS - now for several, most in limits if len(several) >= most]
        return max(waits, default=0.0)


def configured_code(secrets: Callable[[], object] = lambda: None) -> str | None:
    """The code: `MNIST_APP_TEACHER_CODE`, else what `secrets` gives; None if there is none."""
    if given := (teacher_code() or "").strip():
        return given
    kept = secrets()
    return None if kept is None else str(kept).strip() or None


def _digest(code: str) -> bytes:
    """Of equal length whatever the code, so that comparing tells nothing about it."""
    letters = unicodedata.normalize("NFC", code.strip())  # an ü is one letter or two
    return hashlib.sha256(letters.encode(errors="replace")).digest()
