"""The server: started with `streamlit run` from any folder, and the requests that it refuses."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import serve

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
