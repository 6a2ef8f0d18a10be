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
from collections import deque
from collections.abc import Callable

from mnist_app.common.errors import InputError
from mnist_app.common.settings import teacher_code

VARIABLE = "MNIST_APP_TEACHER_CODE"
WRONG_PER_CLIENT = 5  # guesses within SECONDS, after which a client has to wait
WRONG_IN_ALL = 60  # the same for all clients together; HERE is exempt
HERE = "here"  # the client on the machine that runs the app
SECONDS = 60.0


class Pass:
    """A session's proof that it gave the code. It stops being valid when the code changes."""

    def __init__(self, code: str) -> None:
        self._digest = _digest(code)

    def opens(self, code: str) -> bool:
        """Return whether this pass was issued for this code."""
        return hmac.compare_digest(self._digest, _digest(code))


class Door:
    """Checks codes, and makes clients that guess wait.

    Args:
        clock: returns seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()  # when, and by whom
        self._lock = threading.Lock()

    def enter(self, given: str, code: str, client: str) -> Pass:
        """Return a pass if the code is right.

        Args:
            given: the code that was typed.
            code: the right code.
            client: who typed it: the browser's address, or HERE.
        Raises:
            InputError: the code is wrong, or there were too many wrong ones recently.
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
    """Return `MNIST_APP_TEACHER_CODE`, else what `secrets` returns; None if neither has a code."""
    if given := (teacher_code() or "").strip():
        return given
    kept = secrets()
    return None if kept is None else str(kept).strip() or None


def _digest(code: str) -> bytes:
    """Return a digest of fixed length, so that a comparison reveals nothing about the code."""
    letters = unicodedata.normalize("NFC", code.strip())  # an ü may be one character or two
    return hashlib.sha256(letters.encode(errors="replace")).digest()
