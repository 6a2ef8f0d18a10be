"""Networks in memory, shared by all sessions, with a limit in bytes for all of them together."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from mnist_app.recognition.predictor import Predictor

MOST_BYTES = 300_000_000  # of all networks; those unused for longest go first


class NetworkCache:
    """Networks by file. A file that has changed is loaded again.

    Args:
        most_bytes: limit of all networks together; one network is always kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: OrderedDict[Path, tuple[int, Predictor]] = OrderedDict()  # last used at the end
        self._lock = threading.Lock()

    def get(self, path: Path, version: int, load: Callable[[], Predictor]) -> Predictor:
        """Return the network of a file. Only one is loaded at a time, whoever asks.

        Args:
            path: the file.
            version: changes when the file does.
            load: loads the network if it is not in memory.
        """
        with self._lock:
            held = self._held.pop(path, None)
            predictor = held[1] if held and held[0] == version else load()
            self._held[path] = version, predictor
            while len(self._held) > 1 and self.nbytes > self._most_bytes:
                self._held.popitem(last=False)
            return predictor

    @property
    def nbytes(self) -> int:
        """The bytes of all networks in memory."""
        return sum(predictor.nbytes for _version, predictor in self._held.values())


SHARED = NetworkCache()
