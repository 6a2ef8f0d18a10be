"""MNIST: reading, verifying and downloading it."""

import gc
import gzip
import hashlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered import counts
from rights import without_rights

from mnist_app.common.errors import InputError
from mnist_app.data import mnist, mnist_download
from mnist_app.data.catalogue import load_dataset
from mnist_app.data.labelled_images import Dataset, to_input


def idx(values: np.ndarray) -> bytes:
    head = struct.pack(">BBBB", 0, 0, 8, values.ndim)
    return head + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files in MNIST's format, which the module accepts as the real ones."""
    random = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 40), ("t10k", 20)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = idx(images)
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(n, dtype=np.uint8) % 10)
    known = {name: (len(c), hashlib.md5(c).hexdigest()) for name, c in files.items()}
    assert list(known) == list(mnist.MNIST_FILES)
    monkeypatch.setattr(mnist, "MNIST_FILES", known)
    return files


def write(contents: dict[str, bytes], root: Path) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)
    return raw


def check(dataset: Dataset, contents: dict[str, bytes]) -> None:
    for part, key, n in ((dataset.train, "train", 40), (dataset.test, "t10k", 20)):
        assert part.name == "mnist"
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert part.images.numpy().tobytes() == contents[f"{key}-images-idx3-ubyte"][16:]
        assert part.labels.tolist() == [i % 10 for i in range(n)]


def mnist_refusal() -> str:
    with pytest.raises(InputError) as caught:
        load_dataset("mnist")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def local_mirror(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    mirrors = [f"http://127.0.0.1:{port}/"]
    monkeypatch.setattr(mnist_download, "MIRRORS", mirrors)


@pytest.fixture
def no_network(root, monkeypatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    local_mirror(monkeypatch, port)


@pytest.mark.usefixtures("no_network")
def test_mnist_is_read_from_the_data_folder_without_a_network(contents, root):
    write(contents, root)
    check(load_dataset("mnist"), contents)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("t10k-images-idx3-ubyte", lambda b: b[:1000], "1,000 bytes instead of 15,696"),
        ("train-labels-idx1-ubyte", lambda b: b[:-1] + b"\x05", "checksum"),
    ],
    ids=["truncated", "foreign, of the same size"],
)
def test_a_damaged_file_of_mnist_is_named_with_its_fault(name, spoil, said, contents, root):
    path = write(contents, root) / name
    path.write_bytes(spoil(path.read_bytes()))
    message = mnist_refusal()
    assert str(path) in message
    assert said in message
    assert "delete it" in message


@pytest.mark.usefixtures("no_network")
def test_without_a_network_a_missing_file_is_named_with_three_remedies(contents, root):
    path = write(contents, root) / "train-labels-idx1-ubyte"
    path.unlink()
    message = mnist_refusal()
    assert str(path) in message
    assert "refused" in message
    assert all(word in message for word in ("internet", "MNIST_APP_DATA", "'digits'"))
    assert list(root.iterdir()) == [root / "MNIST"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("closed", ["MNIST/raw/train-labels-idx1-ubyte", "MNIST/raw"])
def test_files_of_mnist_that_may_not_be_read_are_named(closed, contents, open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(open_folder))
    write(contents, open_folder)
    (open_folder / closed).chmod(0)
    try:
        with without_rights():
            message = mnist_refusal()
    finally:
        (open_folder / closed).chmod(0o755)
    assert f"No permission for {open_folder / closed}" in message
    assert "MNIST_APP_DATA" in message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.usefixtures("no_network", "contents")
def test_a_data_folder_that_may_not_be_written_is_named(open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(open_folder))
    open_folder.chmod(0o555)
    with without_rights():
        message = mnist_refusal()
    assert f"No permission for {open_folder / 'MNIST'}" in message
    assert "writable" in message


class Mirror(SimpleHTTPRequestHandler):
    """An HTTP handler for a folder. Before it sends a file, it waits up to 10 s for `seen`."""

    seen: threading.Event

    def do_GET(self) -> None:
        self.seen.wait(10)
        super().do_GET()

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def mirror(contents, root, tmp_path, monkeypatch) -> Iterator[tuple[Path, threading.Event]]:
    """The folder that a local mirror serves, and the event that it waits for."""
    served = tmp_path / "served"
    served.mkdir()
    for name, content in contents.items():
        (served / f"{name}.gz").write_bytes(gzip.compress(content))
    seen = threading.Event()
    handler = partial(type("Handler", (Mirror,), {"seen": seen}), directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    local_mirror(monkeypatch, server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served, seen
    seen.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_mnist_is_downloaded_with_progress_and_nothing_else_is_left(contents, root, mirror, capfd):
    _, seen = mirror
    calls = []

    def progress(what: str, share: float) -> None:
        calls.append((what, share))
        seen.set()

    check(load_dataset("mnist", progress), contents)
    assert all("MNIST" in what for what, _ in calls)
    shares = [share for _, share in calls]
    assert shares
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert list(root.iterdir()) == [root / "MNIST"]
    assert sorted(p.name for p in (root / "MNIST" / "raw").iterdir()) == sorted(contents)
    assert capfd.readouterr() == ("", "")


def test_a_download_that_nobody_waits_for_any_more_goes_on(contents, root, mirror, capsys):
    _, seen = mirror

    class GoneElsewhereError(BaseException):
        pass

    def progress(_what: str, _share: float) -> None:
        raise GoneElsewhereError

    with pytest.raises(GoneElsewhereError):
        load_dataset("mnist", progress)
    raw = root / "MNIST" / "raw"
    assert not list(raw.iterdir())  # the download waits for the mirror
    assert mnist.download_share() == 0
    print("Interrupted.", file=sys.stderr)
    assert capsys.readouterr().err == "Interrupted.\n"
    seen.set()
    deadline = time.monotonic() + 60
    while mnist.download_share() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert list((root / "MNIST").iterdir()) == [raw]
    assert sorted(path.name for path in raw.iterdir()) == sorted(contents)


def test_mnist_once_downloaded_is_not_downloaded_again(contents, mirror):
    served, seen = mirror
    seen.set()
    load_dataset("mnist")
    for path in served.iterdir():
        path.unlink()
    check(load_dataset("mnist"), contents)


def test_only_the_missing_file_of_mnist_is_replaced(contents, root, mirror):
    _, seen = mirror
    seen.set()
    raw = write(contents, root)
    (raw / "t10k-labels-idx1-ubyte").unlink()
    before = (raw / "train-images-idx3-ubyte").stat().st_mtime_ns
    check(load_dataset("mnist"), contents)
    assert (raw / "train-images-idx3-ubyte").stat().st_mtime_ns == before


FAULTS = {
    "missing": (lambda path: path.unlink(), "404"),
    "damaged": (lambda path: path.write_bytes(path.read_bytes()[:-20]), "end-of-stream"),
    "another": (lambda path: path.write_bytes(gzip.compress(b"another")), "its checksum differs"),
}


@pytest.mark.parametrize(("spoil", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_download_that_fails_halfway_leaves_no_half_data_set(spoil, reason, root, mirror):
    served, seen = mirror
    seen.set()
    spoil(served / "t10k-images-idx3-ubyte.gz")
    message = mnist_refusal()
    gc.collect()
    assert "could not be downloaded" in message
    assert reason in message
    assert "urlopen" not in message
    assert "MNIST_APP_DATA" in message
    assert [p for p in root.rglob("*") if p.is_file()] == []
    assert list(root.iterdir()) == [root / "MNIST"]


@pytest.fixture
def silent(monkeypatch) -> Iterator[str]:
    """The address of a mirror that never answers."""
    monkeypatch.setattr(mnist_download, "_LONGEST_SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_mirror_that_is_silent_is_given_up_for_the_next_one(
    silent, contents, mirror, monkeypatch
):
    mirror[1].set()
    monkeypatch.setattr(mnist_download, "MIRRORS", (silent, *mnist_download.MIRRORS))
    check(load_dataset("mnist"), contents)


@pytest.mark.usefixtures("no_network")
def test_why_each_mirror_failed_is_said(silent, monkeypatch):
    monkeypatch.setattr(mnist_download, "MIRRORS", (silent, *mnist_download.MIRRORS))
    message = mnist_refusal()
    assert f"{silent}: timed out; " in message
    assert "refused" in message


@pytest.mark.mnist
def test_the_real_mnist_has_60000_and_10000_images(real_data):
    dataset = load_dataset("mnist")
    assert (len(dataset.train), len(dataset.test)) == (60_000, 10_000)
    assert counts(dataset.test) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    pixels = to_input(dataset.train.images[:10_000])
    assert pixels.mean().item() == pytest.approx(0.1307, abs=0.005)
    assert pixels.std().item() == pytest.approx(0.3081, abs=0.005)


def test_a_data_folder_that_is_a_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "data").write_text("")
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path / "data"))
    with pytest.raises(InputError, match="MNIST_APP_DATA"):
        load_dataset("mnist")


def test_a_mirror_that_does_not_speak_http_is_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"hello\n\n")

        threading.Thread(target=answer, daemon=True).start()
        mirror = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        monkeypatch.setattr(mnist_download, "MIRRORS", [mirror])
        with pytest.raises(InputError, match="could not be downloaded"):
            load_dataset("mnist")
