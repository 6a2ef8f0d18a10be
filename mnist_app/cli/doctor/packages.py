"""Checks that Python is new enough, and that each package is installed, in range, and loads."""

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
_MODULES = {  # packages with a different import name
    "hershey-fonts": "HersheyFonts",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
_COMPONENTS = ("streamlit-drawable-canvas",)  # load only in a running server
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError)


def check_python(found: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Check that Python is new enough."""
    text = f"{'.'.join(map(str, found))} ({platform.system()} {platform.machine()})"
    if found >= OLDEST_PYTHON:
        return Check("Python", "ok", f"{text}, {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", "fail", f"{text} is too old", f"install Python {oldest} or newer")


def required() -> list[str]:
    """Return the packages that the app requires, each as "torch>=2.11".

    Raises:
        OSError: requirements.txt cannot be read.
    """
    if is_checkout():
        lines = _requirements_file().read_text(encoding="utf-8").splitlines()
        return [text for line in lines if (text := line.split("#")[0].strip())]
    return metadata.requires("mnist-app") or []


def _requirements_file() -> Path:
    return shipped_folder() / "requirements.txt"


def check_packages() -> Iterator[Check]:
    """Check that each required package is installed, in range, and loads."""
    try:
        # packaging is not in requirements.txt: streamlit and plotly both require it.
        from packaging.requirements import Requirement

        needs = [Requirement(line) for line in required()]
    except ModuleNotFoundError as error:
        yield Check("packages", "fail", f"{error.name} is missing", _remedy(str(error.name)))
        return
    except OSError as error:
        text = f"not checked, because {error.filename} cannot be read ({error.strerror})"
        yield Check("packages", "warn", text, "put that file next to the app")
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
    """Import a package; for a component of the page, only check that all its files exist."""
    if package not in _COMPONENTS:
        import_module(_MODULES.get(package.lower(), package.replace("-", "_")))
        return
    found = metadata.distribution(package)
    record = found.read_text("RECORD") or ""  # metadata.files skips missing files
    for name, *_ in csv.reader(record.splitlines()):
        if not Path(str(found.locate_file(name))).exists():
            raise ImportError(f"its file {name} is missing")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def has_torch() -> bool:
    """Return whether torch loads. Most checks need it."""
    try:
        import_module("torch")
    except _BROKEN:
        return False
    return True
