"""Limit how many bytes of uploads the server holds, whoever sends them and however."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_app.ui.server import streamlit_internals

MOST_OF_A_SESSION = 300_000_000  # bytes
MOST_OF_ALL = 1_000_000_000  # bytes
_ROUTE = "/_stcore/upload_file/"
_LONGEST_ID, _MOST_IDS = 64, 1000  # letters; ids kept at once
_without_room: dict[str, None] = {}  # the ids of the last files that there was no room for


class UploadLimits:
    """ASGI middleware that keeps uploads from filling the memory.

    Anyone can send uploads, even without a control on the page. If a session exceeds its share, its
    oldest files are dropped, and a page that lists them says so. If an upload would exceed the
    share of all sessions together, its body is not read, and nothing is kept of it.

    In that case the response is still a success. On an error, Streamlit's uploader would show its
    status code, and the page would not learn about it. This way the page reruns, does not find the
    file, and says why (`had_no_room`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving = 0  # bytes of uploads on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        target = _target(scope)
        if target is None:
            await self._app(scope, receive, send)
            return
        size = _announced_size(Headers(scope=scope))
        if size is None:
            await _answer(411, "An upload has to say how long it is.", scope, receive, send)
        elif self._arriving + _held_with(size, *target) > MOST_OF_ALL:
            _note_without_room(target[1])
            await _answer(202, "Too much is uploaded already.", scope, receive, send)
        else:
            self._arriving += size
            try:
                await self._app(scope, receive, send)
            finally:
                self._arriving -= size
            _make_room(target[0])


def _target(scope: Scope) -> tuple[str, str] | None:
    """Return the session and the file of an upload request, or None for any other request."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return None
    _, found, rest = scope["path"].partition(_ROUTE)
    session, slash, file = rest.partition("/")
    return (session, file) if found and slash else None


def had_no_room(file: str) -> bool:
    """Return whether the upload with this id was not kept for want of memory."""
    return file in _without_room


def _note_without_room(file: str) -> None:
    _without_room[file[:_LONGEST_ID]] = None
    if len(_without_room) > _MOST_IDS:
        del _without_room[next(iter(_without_room))]


def _announced_size(headers: Headers) -> int | None:
    """Return the length of the body in bytes, or None if the request does not commit to one."""
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _held_with(size: int, session: str, file: str) -> int:
    """Return the bytes held once a file has arrived and the session's oldest have been dropped."""
    held = streamlit_internals.held_uploads()
    own = {name: n for name, n in held.pop(session, {}).items() if name != file}
    gone = _oldest_beyond(MOST_OF_A_SESSION - size, own)
    kept = sum(own.values()) - sum(own[name] for name in gone)
    return size + kept + sum(sum(files.values()) for files in held.values())


def _make_room(session: str) -> None:
    """Drop a session's oldest files until it holds no more than its share."""
    own = streamlit_internals.held_uploads().get(session, {})
    for file in _oldest_beyond(MOST_OF_A_SESSION, own):
        streamlit_internals.drop_upload(session, file)


def _oldest_beyond(most: int, files: dict[str, int]) -> list[str]:
    """Return the oldest files to drop so that the others have at most `most` bytes together."""
    total, gone = sum(files.values()), []
    for name, size in files.items():
        if total <= most:
            break
        gone.append(name)
        total -= size
    return gone


async def _answer(status: int, text: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(text, status)(scope, receive, send)
