"""Whether Python is new enough, and whether the packages are there, in their ranges, and load."""

import csv
import platform
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_app.cli.doctor.check import PIP, Check, first_line
from mnist_app.common.settings import is_checkout, shipped_folder

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OLDEST_PYTHON = (3, 11)
_MODULES = {  # of the packages that are not called as they are imported
    "hershey-fonts": "HersheyFonts",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
_COMPONENTS = ("streamlit-drawable-canvas",)  # load in a running server alone
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError)


def check_python(found: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether Python is new enough."""
    text = f"{'.'.join(map(str, found))} ({platform.system()} {platform.machine()})"
    if found >= OLDEST_PYTHON:
        return Check("Python", "ok", f"{text}, {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", "fail", f"{text} is too old", f"install Python {oldest} or newer")


def required() -> list[str]:
    """What the app requires, one line each, as "torch>=2.11".

    Raises:
        OSError: the file that says it cannot be read.
    """
    if is_checkout():
        lines = _requirements_file().read_text(encoding="utf-8").splitlines()
        return [text for line in lines if (text := line.split("#")[0].strip())]
    return metadata.requires("mnist-app") or []


def _requirements_file() -> Path:
    return shipped_folder() / "requirements.txt"


def check_packages() -> Iterator[Check]:
    """Whether each required package is there, in its range, and loads."""
    try:
        # No requirement of our own: streamlit and plotly both need it.
        from packaging.requirements import Requirement

        needs = [Requirement(line) for line in required()]
    except ModuleNotFoundError as error:
        yield Check("packages", "fail", f"{error.name} is missing", _remedy(str(error.name)))
        return
    except OSError as error:
        text = f"not checked, as {error.filename} cannot be read ({error.strerror})"
        yield Check("packages", "warn", text, "keep that file beside the app")
        return
    for needed in needs:
        if needed.marker is None or needed.marker.evaluate():
            yield _check_package(needed)


def _remedy(span: str) -> str:
    return f"{PIP} -r {_requirements_file()}" if is_checkout() else f"{PIP} '{span}'"


def _check_package(needed: "Requirement") -> Check:
    name, span = f"package {needed.name}", f"{needed.name}{needed.specifier}"
    found = _version(needed.name)
    if found is None:
        return Check(name, "fail", "not installed", _remedy(span))
    if not needed.specifier.contains(found, prereleases=True):
        return Check(name, "fail", f"{found} is installed, {span} is needed", _remedy(span))
    try:
        _load(needed.name)
    except _BROKEN as error:
        remedy = f"{PIP} --force-reinstall --no-deps '{span}'"
        return Check(name, "fail", f"{found} does not load ({first_line(error)})", remedy)
    return Check(name, "ok", f"{found} ({needed.specifier})")


def _load(package: str) -> None:
    """Load a package; of a component of the page, look whether all its files are there."""
    if package not in _COMPONENTS:
        import_module(_MODULES.get(package.lower(), package.replace("-", "_")))
        return
    found = metadata.distribution(package)
    record = found.read_text("RECORD") or ""  # metadata.files passes over those that are missing
    for name, *_ in csv.reader(record.splitlines()):
        if not Path(str(found.locate_file(name))).exists():
            raise ImportError(f"its file {name} is missing")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def has_torch() -> bool:
    """Whether torch loads: without it most checks cannot be made."""
    try:
        import_module("torch")
    except _BROKEN:
        return False
    return True
