"""Whether this machine has all that the app relies on: each check does the thing itself.

What is checked is loaded inside the checks: a package that is missing or broken is a line of the
answer, and not the end of it.
"""

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mnist_app.common.errors import InputError
from mnist_app.common.settings import data_folder, parallel_runs, weights_folder
from mnist_app.common.teacher_code import VARIABLE, configured_code

if TYPE_CHECKING:
    import torch

    from mnist_app.data.labelled_images import Dataset
    from mnist_app.results.weights import WeightsInfo

OLDEST_PYTHON = (3, 10)
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
SPACE = 200_000_000  # bytes: MNIST with its download takes 66 MB, a result with its run up to 30
PORT = 8501  # Streamlit's own default
# A logit may differ in its last digits between processors and numbers of threads, and an image on
# the border between two digits then fall to the other side.
IMAGES_ON_THE_BORDER = 2

_MODULES = {  # of the packages that are not called as they are imported
    "Hershey-Fonts": "HersheyFonts",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
_COMPONENTS = ("streamlit-drawable-canvas",)  # load in a running server alone
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError)
_PIP = f"{sys.executable} -m pip install"

Note = Callable[[str], None]


class Check(NamedTuple):
    """What a check found: "warn" is worth knowing, "fail" keeps the app from working."""

    name: str
    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str = ""  # what to do, where the text does not say it


def checks(port: int = PORT, *, quick: bool = False, note: Note | None = None) -> Iterator[Check]:
    """All checks, each as soon as it is done.

    Args:
        port: on which the app is to answer.
        quick: leave out the accuracies of the networks, which take two minutes.
        note: called with what is being checked.
    """
    note = note or (lambda _text: None)
    yield check_python()
    note("Loading the packages")
    yield from check_packages()
    fit = check_torchvision()
    yield fit
    if fit.level == "ok":
        yield check_processor()
        yield check_gpu()
        note("Looking through the folders")
        yield from _check_data()
    yield check_folder("weights folder", weights_folder(), "MNIST_APP_WEIGHTS")
    if fit.level == "ok":
        yield from check_networks(quick=quick, note=note)
    else:
        yield Check("networks", "warn", "not checked, as torch and torchvision do not work")
    yield check_parallel_runs()
    yield check_code()
    yield check_port(port)


# Python, packages, processor


def check_python(found: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether Python is new enough."""
    text = f"{'.'.join(map(str, found))} ({platform.system()} {platform.machine()})"
    if found >= OLDEST_PYTHON:
        return Check("Python", "ok", f"{text}, {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", "fail", f"{text} is too old", f"install Python {oldest} or newer")


def check_packages(requirements: Path = REQUIREMENTS) -> Iterator[Check]:
    """Whether each package in a requirements file is there, in its range, and loads."""
    remedy = f"{_PIP} -r {requirements}"
    try:
        # No requirement of our own: streamlit and plotly both need it.
        from packaging.requirements import Requirement

        lines = requirements.read_text(encoding="utf-8").splitlines()
    except ModuleNotFoundError:
        yield Check("packages", "fail", "streamlit's and plotly's own are missing", remedy)
        return
    except OSError as error:
        text = f"not checked, as {requirements} cannot be read ({error.strerror})"
        yield Check("packages", "warn", text, "keep that file beside the app")
        return
    for line in lines:
        if text := line.split("#")[0].strip():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate():
                yield _check_package(needed, remedy)


def _check_package(needed: Any, remedy: str) -> Check:
    name, span = f"package {needed.name}", f"{needed.name}{needed.specifier}"
    found = _version(needed.name)
    if found is None:
        return Check(name, "fail", "not installed", remedy)
    if not needed.specifier.contains(found, prereleases=True):
        return Check(name, "fail", f"{found} is installed, {span} is needed", remedy)
    try:
        _load(needed.name)
    except _BROKEN as error:
        remedy = f"{_PIP} --force-reinstall --no-deps '{span}'"
        return Check(name, "fail", f"{found} does not load ({_first_line(error)})", remedy)
    return Check(name, "ok", f"{found} ({needed.specifier})")


def _load(package: str) -> None:
    """Load a package; of a component of the page, look whether all its files are there."""
    if package not in _COMPONENTS:
        import_module(_MODULES.get(package, package.replace("-", "_")))
        return
    for file in files(package) or []:
        if not Path(file.locate()).exists():
            raise ImportError(f"its file {file} is missing")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_torchvision() -> Check:
    """Whether torch and torchvision were built for each other: one of its own operators runs."""
    both = f"torch {_version('torch')} and torchvision {_version('torchvision')}"
    try:
        import torch
        from torchvision.ops import nms

        boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0], [20.0, 20.0, 29.0, 29.0]])
        kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
    except _BROKEN as error:
        remedy = f"{_PIP} --force-reinstall torch torchvision"
        text = f"{both} do not work together ({_first_line(error)})"
        return Check("torch with torchvision", "fail", text, remedy)
    if kept != [0, 2]:
        remedy = f"{_PIP} --force-reinstall torch torchvision"
        return Check("torch with torchvision", "fail", f"{both} compute nonsense", remedy)
    return Check("torch with torchvision", "ok", f"{both} fit together")


def check_processor() -> Check:
    """What torch uses of the processor."""
    import torch

    from mnist_app.training.device import computes_bfloat16

    threads, cores = torch.get_num_threads(), os.cpu_count()
    kind = torch.backends.cpu.get_cpu_capability()
    has = "with" if computes_bfloat16(torch.device("cpu")) else "without"
    return Check("CPU", "ok", f"{kind}, {threads} threads on {cores} cores, {has} bfloat16")


def check_gpu(device: "torch.device | None" = None) -> Check:
    """Whether the device that trainings take computes; by default the best one there is."""
    import torch

    from mnist_app.training.device import best_device

    device = device or best_device()
    if device.type == "cpu":
        return Check("GPU", "ok", "none: trains on the CPU")
    try:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
        ones = torch.ones(8, 8, device=device)
        if (ones @ ones).sum().item() != 8**3:
            raise RuntimeError("it computes nonsense")
    except (RuntimeError, AssertionError) as error:
        remedy = "renew its driver, or set CUDA_VISIBLE_DEVICES=-1 to train on the CPU"
        return Check("GPU", "fail", f"does not compute ({_first_line(error)})", remedy)
    return Check("GPU", "ok", name)


# Folders, data sets


def _check_data() -> Iterator[Check]:
    from mnist_app.data import mnist

    place = data_folder()
    if mnist.is_downloaded():  # nothing will be written then
        yield Check("data folder", "ok", str(place))
    else:
        yield check_folder("data folder", place, "MNIST_APP_DATA")
    yield check_mnist()
    yield check_strokes()


def check_folder(name: str, path: Path, variable: str, space: int = SPACE) -> Check:
    """Whether a folder, or the one that it will be made in, can be written and has space.

    Args:
        name: of the check.
        path: of the folder.
        variable: of the environment that sets it.
        space: that is needed, in bytes.
    """
    remedy = f"set {variable} to a folder that can be written"
    try:
        there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
        with tempfile.NamedTemporaryFile(dir=there, prefix=".doctor-") as file:
            file.write(b"test")
            file.flush()
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check(name, "fail", f"{path} cannot be written ({error.strerror})", remedy)
    text = f"{path}{' will be made' * (not path.exists())}, {free / 1e9:,.1f} GB free"
    if free < space:
        remedy = f"free {space / 1e6:,.0f} MB, or set {variable} to a folder elsewhere"
        return Check(name, "fail", f"{path} has only {free / 1e6:,.0f} MB free", remedy)
    return Check(name, "ok", text)


def check_mnist() -> Check:
    """Whether MNIST is in the data folder, and whole."""
    from mnist_app.data import mnist

    if not mnist.is_downloaded():
        remedy = (
            "'python -m mnist_app evaluate canvas' downloads it; without a network set "
            "MNIST_APP_DATA to a folder that holds MNIST/raw"
        )
        return Check("MNIST", "warn", f"not in {data_folder()}", remedy)
    try:
        parts = mnist.load_mnist()
    except InputError as error:
        return Check("MNIST", "fail", _sentence(error))
    return Check("MNIST", "ok", f"{len(parts.train):,} + {len(parts.test):,} images, verified")


def check_strokes() -> Check:
    """Whether the pen strokes can be read, if they are there."""
    from mnist_app.data.training_data import load_pen_digits

    try:
        number = len(load_pen_digits())
    except InputError as error:
        return Check("pen strokes", "fail", _sentence(error))
    text = f"{number:,} digits" if number else "none: only a training of canvas would use them"
    return Check("pen strokes", "ok", text)


# Networks


def check_networks(*, quick: bool = False, note: Note | None = None) -> Iterator[Check]:
    """Whether each file in the weights folder is a network as good as its header says."""
    from mnist_app.recognition.predictor import DEFAULT, default_network
    from mnist_app.results import weights

    listing = weights.scan()
    try:
        reads = default_network()
        text = f"{len(listing.weights)} in {weights_folder()}; {reads} reads drawings"
        remedy = f"{DEFAULT}, which is made for that, is not there: restore it"
        is_made_for_it = reads == DEFAULT
        yield Check("networks", *(("ok", text) if is_made_for_it else ("warn", text, remedy)))
    except InputError as error:
        yield Check("networks", "fail", _sentence(error))
    for item in listing.broken:
        yield Check(f"network {item.file}", "fail", item.problem.rstrip("."))
    dataset_of = cache(_dataset)
    for info in listing.weights:
        if note:
            note(f"Testing {info.name}")
        yield check_network(info.name, None if quick else dataset_of)


def check_network(name: str, dataset_of: "Callable[[str], Dataset] | None") -> Check:
    """Whether a network loads and is right on as many test images as its header says.

    Args:
        name: of the result.
        dataset_of: loads a data set by its name, or raises InputError; None: only load the network.
    """
    from mnist_app.results import weights
    from mnist_app.training import evaluation

    title = f"network {name}"
    try:
        model, info = weights.load(name)
    except (InputError, OSError) as error:
        return Check(title, "fail", _sentence(error))
    stored = f"{info.test_accuracy:.2%} right"
    if dataset_of is None:
        return Check(title, "ok", f"loads; {stored} by its header")
    try:
        dataset = dataset_of(info.recipe.dataset)
    except InputError as error:
        return Check(
            title, "warn", f"loads; {stored} by its header, not measured", _sentence(error)
        )
    if dataset.train.fingerprint != info.fingerprint or len(dataset.test) != info.n:
        text = f"loads; {stored} by its header, not measured: its data set {info.recipe.dataset}"
        return Check(title, "warn", f"{text} has changed since", "train it again")
    return _compared(title, info, evaluation.evaluate(model, dataset.test, info.recipe).accuracy)


def _compared(title: str, info: "WeightsInfo", measured: float) -> Check:
    images = f"n = {info.n:,} test images"
    if abs(measured - info.test_accuracy) * info.n < IMAGES_ON_THE_BORDER + 0.5:
        return Check(title, "ok", f"{measured:.2%} right, as its header says, {images}")
    text = f"{measured:.2%} right, {info.test_accuracy:.2%} by its header, {images}"
    return Check(title, "fail", text, "its file was changed: restore it, or train it again")


def _dataset(name: str) -> "Dataset":
    """A data set by its name; unlike a training, this downloads nothing."""
    from mnist_app.data import catalogue, mnist

    if name == "mnist" and not mnist.is_downloaded():
        raise InputError("MNIST is not here")
    return catalogue.load_dataset(name)


# The server


def check_parallel_runs() -> Check:
    """Whether the number of trainings at once is one."""
    try:
        return Check("trainings at once", "ok", str(parallel_runs()))
    except InputError as error:
        return Check("trainings at once", "fail", _sentence(error))


def check_code() -> Check:
    """Whether the environment has a teacher's code, which is not shown."""
    name = "teacher's code"
    if configured_code():
        return Check(name, "ok", "set: starting, stopping, deleting and uploading need it")
    text = f"{VARIABLE} is not set: all is open, unless Streamlit's secrets have it"
    return Check(name, "ok", text)


def check_port(port: int = PORT) -> Check:
    """Whether the app can answer on a port of this machine, or a Streamlit app does already."""
    name, remedy = f"port {port}", "start the app with another one, as --server.port 8600"
    try:
        socket.create_connection(("localhost", port), timeout=2).close()
    except OSError:
        return _check_unused(name, port, remedy)
    if _is_streamlit(port):
        text = f"a Streamlit app answers there already, see http://localhost:{port}"
        return Check(name, "warn", text, f"if it is not this one, {remedy}")
    return Check(name, "fail", "another program uses it", remedy)


def _check_unused(name: str, port: int, remedy: str) -> Check:
    """Nobody answers: take it for a moment, as the server will."""
    try:
        with socket.socket() as taken:
            if os.name == "posix":  # connections just ended do not matter; it means more on Windows
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


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
