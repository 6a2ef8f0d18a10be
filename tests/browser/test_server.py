"""The server: started with `streamlit run` from any folder, and the requests that it refuses."""

import hashlib
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import serve
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

pytestmark = pytest.mark.browser

SEVEN = [[(80, 70), (200, 70), (130, 230)]]


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """Serve the app, started from another folder, then check that it logged no traceback."""
    folder, elsewhere = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("elsewhere")
    with serve.served(folder, working_directory=elsewhere) as place:
        yield place
    text = (folder / "log.txt").read_text()
    assert "Traceback" not in text, text[-3000:]


def status_of(url: str, path: str, method: str = "GET", **headers: str) -> int:
    """Send a request without a body, and return the status code of the response."""
    connection = HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, text in headers.items():
        connection.putheader(name.replace("_", "-"), text)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_drawing_is_read_wherever_it_was_started(app):
    app.open()
    app.draw(SEVEN)
    app.expect_prediction("7")


def test_its_settings_are_found_from_any_folder(served):
    """The server is limited to this machine only if it finds the address in the app's settings."""
    url, _ = served
    assert status_of(url, "/") == 200
    for path in ("/", "/_stcore/health", "/_stcore/host-config"):
        assert status_of(url, path, Host="evil.example") == 403


def test_an_upload_that_would_fill_the_memory_is_answered_before_it_is_sent(served):
    url, _ = served
    path = "/_stcore/upload_file/session/file"
    assert status_of(url, path, "PUT", Content_Length="1000000001") == 202
    assert status_of(url, path, "PUT", Transfer_Encoding="chunked") == 411
    assert status_of(url, path, "PUT", Content_Length="10") == 403  # without the page's token


# Browsers without cookies

OWN_ID = """
import streamlit as st
from mnist_app.ui import session
st.text(session.browser_id())
"""


def id_seen(url: str, address: str = "127.0.0.1", **headers: str) -> str:
    """Open the page of OWN_ID from this address, as a new session, and return what it shows."""
    host = f"127.0.0.1:{urlsplit(url).port}"
    line = socket.create_connection(("127.0.0.1", urlsplit(url).port), source_address=(address, 0))
    options = {"origin": f"http://{host}", "subprotocols": ["streamlit"]}
    with connect(
        f"ws://{host}/_stcore/stream", sock=line, additional_headers=headers, **options
    ) as page:
        request = BackMsg()
        request.rerun_script.SetInParent()
        page.send(request.SerializeToString())
        while True:
            element = ForwardMsg.FromString(page.recv(serve.PATIENCE)).delta.new_element
            if element.WhichOneof("type") == "text":
                return element.text.body


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
def test_a_browser_without_a_cookie_is_known_by_its_address_which_its_id_does_not_tell(tmp_path):
    script = tmp_path / "own_id.py"
    script.write_text(OWN_ID)
    with serve.served(tmp_path, script) as (url, _):
        first, other = id_seen(url), id_seen(url, "127.0.0.2")
        assert id_seen(url) == first  # after a reload
        assert id_seen(url, "127.0.0.2") == other
        with urlopen(f"{url}/_stcore/health") as reply:
            cookie = reply.headers["Set-Cookie"].split(";")[0]
        with_cookie = id_seen(url, Cookie=cookie)
        assert id_seen(url, "127.0.0.2", Cookie=cookie) == with_cookie
    assert len({first, other, with_cookie}) == 3
    assert other != hashlib.sha256(b"127.0.0.2").hexdigest()[: len(other)]
    with serve.served(tmp_path, script) as (url, _):
        assert id_seen(url, "127.0.0.2") != other  # salted anew
