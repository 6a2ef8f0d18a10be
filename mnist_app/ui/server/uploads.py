"""How many bytes of uploads the server holds, whoever sends them and however."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mnist_app.ui.server import streamlit_internals

MOST_OF_A_SESSION = 300_000_000  # bytes
MOST_OF_ALL = 1_000_000_000  # bytes
_ROUTE = "/_stcore/upload_file/"


class UploadLimits:
    """ASGI middleware that keeps uploads from filling the memory; they need no control of the page.

    Beyond a session's share its oldest files go; where a page lists them, it says so. Beyond what
    all may have together an upload is refused before its body is read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving = 0  # bytes of uploads that are on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        target = _target(scope)
        if target is None:
            await self._app(scope, receive, send)
            return
        size = _announced_size(Headers(scope=scope))
        if size is None:
            await _refuse(411, "An upload has to say how long it is.", scope, receive, send)
        elif self._arriving + _held_with(size, *target) > MOST_OF_ALL:
            await _refuse(413, "Too much is uploaded already.", scope, receive, send)
        else:
            self._arriving += size
            try:
                await self._app(scope, receive, send)
            finally:
                self._arriving -= size
            _make_room(target[0])


def _target(scope: Scope) -> tuple[str, str] | None:
    """The session and the file that a request uploads; None if it does something else."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return None
    _, found, rest = scope["path"].partition(_ROUTE)
    session, slash, file = rest.partition("/")
    return (session, file) if found and slash else None


def _announced_size(headers: Headers) -> int | None:
    """The length of the body in bytes; None if the request does not commit itself to one."""
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _held_with(size: int, session: str, file: str) -> int:
    """The bytes that are held once a file has arrived and the session's oldest have gone for it."""
    held = streamlit_internals.held_uploads()
    own = {name: n for name, n in held.pop(session, {}).items() if name != file}
    gone = _oldest_beyond(MOST_OF_A_SESSION - size, own)
    kept = sum(own.values()) - sum(own[name] for name in gone)
    return size + kept + sum(sum(files.values()) for files in held.values())


def _make_room(session: str) -> None:
    """Let the oldest files of a session go until it holds no more than its share."""
    own = streamlit_internals.held_uploads().get(session, {})
    for file in _oldest_beyond(MOST_OF_A_SESSION, own):
        streamlit_internals.drop_upload(session, file)


def _oldest_beyond(most: int, files: dict[str, int]) -> list[str]:
    """The files, oldest first, without which the others have at most so many bytes."""
    total, gone = sum(files.values()), []
    for name, size in files.items():
        if total <= most:
            break
        gone.append(name)
        total -= size
    return gone


async def _refuse(status: int, text: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(text, status)(scope, receive, send)
