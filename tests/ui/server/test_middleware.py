"""The checks that requests pass before Streamlit: host names, and the limits of uploads."""

import asyncio

import pytest
from streamlit import config
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from mnist_app.ui.server import application, streamlit_internals
from mnist_app.ui.server import uploads as limits
from mnist_app.ui.server.host_names import OwnNamesOnly
from mnist_app.ui.server.uploads import UploadLimits


def request(path: str = "/", method: str = "GET", **headers: str) -> dict:
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": named}


def status_of(app, scope: dict) -> int:
    """Return the response's status code; 200 if the request is passed on and nothing answers."""
    sent = [{"status": 200}]

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return next(message["status"] for message in reversed(sent) if "status" in message)


# Names


async def passed_on(scope, receive, send) -> None:
    """An app that accepts every request."""


@pytest.fixture
def names(monkeypatch):
    """A function that creates the middleware of a server with these options."""

    def make(address: str, hosts: tuple[str, ...] = ()) -> OwnNamesOnly:
        options = {"server.address": address, "server.allowedHosts": list(hosts)}
        monkeypatch.setattr(config, "get_option", options.get)
        monkeypatch.setattr("streamlit.get_option", options.get)
        return OwnNamesOnly(passed_on)

    return make


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8501", 200),
        ("LOCALHOST.:8501", 200),
        ("127.0.0.1", 200),
        ("[::1]:8501", 200),
        ("evil.example:8501", 403),
        ("localhost.evil.example", 403),
        ("evil.example#localhost", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_a_server_for_this_machine_alone_answers_to_its_names_alone(names, host, status):
    assert status_of(names("localhost"), request(host=host)) == status
    socket = request(host=host) | {"type": "websocket", "extensions": {}}
    socket["extensions"]["websocket.http.response"] = {}
    assert status_of(names("localhost"), socket) == status


@pytest.mark.parametrize(
    ("address", "hosts"),
    [("localhost", ("app.example",)), ("0.0.0.0", ()), ("", ())],
    ids=["behind a proxy", "for others", "for all"],
)
def test_other_names_are_let_in_where_that_is_meant(names, address, hosts):
    assert status_of(names(address, hosts), request(host="evil.example")) == 200


def test_the_name_that_was_set_as_the_pages_address_is_answered_too(names, monkeypatch):
    monkeypatch.setenv("MNIST_APP_ADDRESS", "https://digits.school/app")
    server = names("localhost")
    assert status_of(server, request(host="digits.school")) == 200
    assert status_of(server, request(host="evil.example")) == 403


@pytest.mark.parametrize(
    ("proxies", "peer", "seen"),
    [
        ("10.0.0.0/8", "10.0.0.2", "203.0.113.7"),
        ("10.0.0.2, 10.0.0.3", "10.0.0.2", "203.0.113.7"),
        ("10.0.0.0/8", "192.168.1.9", "192.168.1.9"),  # anyone can write the header
        (None, "10.0.0.2", "10.0.0.2"),
    ],
)
def test_behind_a_proxy_that_a_setting_names_browsers_keep_their_addresses(
    monkeypatch, proxies, peer, seen
):
    monkeypatch.delenv("MNIST_APP_PROXIES", raising=False)
    monkeypatch.setattr("streamlit.get_option", {"server.address": "0.0.0.0"}.get)
    if proxies:
        monkeypatch.setenv("MNIST_APP_PROXIES", proxies)
    clients = []

    async def note_client(scope, receive, send) -> None:
        clients.append(scope["client"][0])

    app = note_client
    for middleware in reversed(application.middleware()):
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    scope = request(host="digits.school", x_forwarded_for="1.2.3.4, 203.0.113.7, 10.0.0.3")
    status_of(app, scope | {"client": (peer, 1)})
    assert clients == [seen]


def test_what_is_neither_a_page_nor_a_socket_passes(names):
    assert status_of(names("localhost"), {"type": "lifespan"}) == 200


# Uploads


class Server:
    """A server that stores uploads the way Streamlit does, in this process's memory."""

    def __init__(self) -> None:
        self.uploads = MemoryUploadedFileManager("")
        self.app = UploadLimits(self._store)
        self.during = lambda: None  # what happens while an upload is on its way

    async def _store(self, scope, receive, send) -> None:
        if scope["method"] == "PUT" and "upload_file" in scope["path"]:
            *_, session, name = scope["path"].split("/")
            self.during()
            size = int(dict(scope["headers"])[b"content-length"])
            self.uploads.add_file(session, UploadedFileRec(name, name, "image/png", bytes(size)))

    def put(self, session: str, name: str, size: int, prefix: str = "") -> int:
        path = f"{prefix}/_stcore/upload_file/{session}/{name}"
        return status_of(self.app, request(path, "PUT", content_length=str(size)))

    def held(self, session: str) -> str:
        return "".join(file.name for file in self.uploads.get_files(session, list("abcdef")))


@pytest.fixture
def server(monkeypatch) -> Server:
    monkeypatch.setattr(limits, "MOST_OF_A_SESSION", 300)
    monkeypatch.setattr(limits, "MOST_OF_ALL", 500)
    monkeypatch.setattr(limits, "_without_room", {})
    made = Server()
    monkeypatch.setattr(streamlit_internals, "_uploads", lambda: made.uploads)
    return made


def test_uploads_do_not_fill_the_memory_and_room_that_is_made_is_used(server):
    server.put("one", "a", 200)
    server.put("one", "a", 150)  # sent again, as after a lost reply
    server.put("one", "b", 150)
    assert server.held("one") == "ab"
    server.put("one", "c", 100)
    assert server.held("one") == "bc"  # the oldest was dropped
    assert server.put("two", "d", 250) == 200
    assert not limits.had_no_room("e")
    assert server.put("three", "e", 1) == 202  # all sessions together have reached the limit
    assert limits.had_no_room("e")
    assert server.held("three") == ""
    assert server.put("one", "e", 251) == 202  # too much even without its own two files
    assert server.held("one") == "bc"
    assert server.put("one", "e", 250, prefix="/digits") == 200  # its own two files are dropped
    assert server.held("one") == "e"
    server.uploads.remove_session_files("two")
    assert server.put("three", "f", 250) == 200
    assert (server.held("one"), server.held("three")) == ("e", "f")


def test_what_is_remembered_of_uploads_without_room_is_little(server):
    for number in range(2000):
        server.put("one", f"{number}-{'x' * 1000}", 501)
    server.put("one", "last", 501)
    assert limits.had_no_room("last")
    assert len(limits._without_room) == 1000
    assert max(map(len, limits._without_room)) < 100


def test_what_is_on_its_way_counts(server):
    statuses = []

    def another_one() -> None:
        server.during = lambda: None
        scope = request("/_stcore/upload_file/two/b", "PUT", content_length="250")
        with pytest.raises(StopIteration):  # it runs to its end without waiting
            server.app(scope, None, answered).send(None)

    async def answered(message: dict) -> None:
        statuses.append(message.get("status"))

    server.during = another_one
    assert server.put("one", "a", 300) == 200
    assert statuses[0] == 202
    assert server.put("two", "b", 200) == 200  # an upload that has arrived counts once


@pytest.mark.parametrize(
    "headers",
    [{}, {"content_length": "ten"}, {"content_length": "3", "transfer_encoding": "chunked"}],
    ids=["no length", "nonsense", "in pieces"],
)
def test_an_upload_of_unknown_length_is_refused(server, headers):
    scope = request("/_stcore/upload_file/one/a", "PUT", **headers)
    assert status_of(server.app, scope) == 411
    assert server.held("one") == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/_stcore/upload_file/one/a"), ("PUT", "/"), ("GET", "/media/a.png")],
)
def test_everything_else_passes(server, method, path):
    assert status_of(server.app, request(path, method)) == 200
