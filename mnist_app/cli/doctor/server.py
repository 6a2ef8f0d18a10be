"""Checks of the settings and the port that the app is served with."""

import os
import socket
from http.client import HTTPConnection, HTTPException

from mnist_app.cli.doctor.check import Check, sentence
from mnist_app.common.errors import InputError
from mnist_app.common.settings import parallel_runs, problems, proxies, public_address
from mnist_app.common.teacher_code import LEAST_LENGTH, VARIABLE, configured_code, is_too_short

PORT = 8501  # Streamlit's own default


def check_parallel_runs() -> Check:
    """Check that the setting for the number of parallel runs is valid."""
    try:
        return Check("parallel trainings", "ok", str(parallel_runs()))
    except InputError as error:
        return Check("parallel trainings", "fail", sentence(error))


def check_proxy() -> Check:
    """Check that the page's address and the proxies can be used."""
    name = "address and proxies"
    wrong = [problem for problem in problems() if "ADDRESS" in problem or "PROXIES" in problem]
    if wrong:
        return Check(name, "fail", wrong[0].rstrip("."))
    address, trusted = public_address() or "not set", proxies() or "none"
    return Check(name, "ok", f"MNIST_APP_ADDRESS: {address}; MNIST_APP_PROXIES: {trusted}")


def check_code() -> Check:
    """Report whether the environment sets a teacher code, without showing the code."""
    name = "teacher code"
    code = configured_code()
    if code and is_too_short(code):
        return Check(
            name,
            "fail",
            f"it has fewer than {LEAST_LENGTH} characters",
            f"set {VARIABLE} to a longer one",
        )
    if code:
        return Check(name, "ok", "set: starting, stopping, deleting and uploading need it")
    text = f"{VARIABLE} is not set: everything is open, unless Streamlit's secrets set a code"
    return Check(name, "ok", text)


def check_port(port: int = PORT) -> Check:
    """Check that a port of this machine is free for the app, or that a Streamlit app has it."""
    name, remedy = f"port {port}", "start the app on another port: STREAMLIT_SERVER_PORT=8600"
    try:
        socket.create_connection(("localhost", port), timeout=2).close()
    except OSError:
        return _check_unused(name, port, remedy)
    if _is_streamlit(port):
        text = f"a Streamlit app is running there already: see http://localhost:{port}"
        return Check(name, "warn", text, f"if it is not this one, {remedy}")
    return Check(name, "fail", "another program uses it", remedy)


def _check_unused(name: str, port: int, remedy: str) -> Check:
    """Check a port where nothing answers by taking it for a moment, as the server will."""
    try:
        with socket.socket() as taken:
            # Connections that have just ended do not matter. On Windows the option would also allow
            # a port that is in use.
            if os.name == "posix":
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
    except OSError as error:
        return Check(name, "fail", f"cannot be used ({error.strerror})", remedy)
    return Check(name, "ok", "free")


def _is_streamlit(port: int) -> bool:
    connection = HTTPConnection("localhost", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().read(16).strip() == b"ok"
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
