"""Read files from a folder or a ZIP in the same way.

A ZIP is read in memory and never unpacked to disk.
"""

import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mnist_app.common.errors import InputError
from mnist_app.common.names import printable, shortened
from mnist_app.common.translation import Message, message

MOST_FILES = 100_000
MOST_BYTES = 1_000_000_000  # of all files in a ZIP together, unpacked
MOST_FILE_BYTES = 20_000_000  # of one file, unpacked
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SYSTEM_NAMES = ("thumbs.db", "desktop.ini", "__macosx")
_ENTRY = b"PK\x01\x02"  # begins each entry of a ZIP's table of contents
_BLOCK = 1 << 20  # bytes
HASH_DIGITS = 10  # hex digits in an upload's name
UPLOADS = ".datasets"  # in the weights folder
_LONGEST_NAME = 1000  # letters of a name in a ZIP

# Python unpacks these methods in bounded steps. It unpacks the others in one go, and a thousand
# bytes can turn into gigabytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# The errors that Python raises for damaged bytes and for kinds of ZIP that it does not support.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


class File(NamedTuple):
    """A file in a folder or a ZIP."""

    name: str  # its path inside the folder or ZIP, separated by /
    read: Callable[[], bytes]  # returns its content; raises InputError if it cannot be read
    problem: str | None  # why it must not be read, in one sentence; None if it may be


class Skipped(NamedTuple):
    """A skipped file, and the reason in one sentence."""

    name: str
    problem: str


def typed_path(text: str) -> Path:
    """Return the path that someone typed, with ~ expanded. The path need not exist.

    Raises:
        InputError: the path is invalid, or it cannot be accessed.
    """
    try:
        path = Path(text).expanduser()
    except (RuntimeError, ValueError):
        raise InputError(
            message(
                "The path {path} begins with a home folder that does not exist: check it.",
                path=shortened(printable(text)),
            )
        ) from None
    _status(path)
    return path


def _status(path: Path) -> os.stat_result | None:
    """Return the `stat` result of a file or folder; None if it does not exist."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise _not_allowed(path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None)
        raise InputError(
            message(
                "The path {path} cannot be looked up ({reason}): check it.",
                path=shortened(printable(path)),
                reason=reason or message("it has characters that no name may have"),
            )
        ) from None


def _not_allowed(path: Path | str) -> InputError:
    return InputError(
        message("No permission to read {path}: change its mode.", path=printable(path))
    )


def file_at(path: Path) -> File:
    """Return one file, whatever its suffix.

    It has a problem if it is missing, not a regular file, empty or too large.
    """
    return File(printable(path), partial(_content, str(path)), _problem_at(path))


def _problem_at(path: Path) -> str | None:
    try:
        status = _status(path)
    except InputError as error:
        problem: Message = error.args[0]
        return problem
    if status is None:
        return message("It does not exist: check the name.")
    if not stat.S_ISREG(status.st_mode):
        return message("It is not a regular file: choose another, or save it as one.")
    return _problem_of_size(status.st_size)


def is_special(path: Path) -> bool:
    """Return whether the path is a pipe, a device or the like: reading it might never end.

    Raises:
        InputError: the path cannot be looked up.
    """
    status = _status(path)
    if status is None:
        return False
    return not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def files_in(place: Path | BinaryIO) -> Iterator[File]:
    """Yield the files in a folder and all its sub-folders, or in a ZIP, sorted by path.

    A file has a problem if its suffix is not that of a picture, if it is empty, too large or
    encrypted, if it is a link in a ZIP, or if it exceeds the limits. Hidden files and files that
    operating systems leave behind are left out.

    Args:
        place: a folder, a ZIP file, or an open ZIP file. An open one must stay open while its
            files are read.
    Raises:
        InputError: it is neither, cannot be read, or holds more than 100,000 files.
    """
    if isinstance(place, Path) and is_special(place):
        raise InputError(
            message(
                "{name} is neither a folder nor a file: choose another path.",
                name=printable(place),
            )
        )
    if isinstance(place, Path) and place.is_dir():
        yield from _in_folder(place)
    else:
        yield from _in_zip(place)


def content_stamp(place: Path) -> str:
    """Return a stamp that changes when a folder or ZIP does; empty if it cannot be read.

    The stamp is computed anew each time a data set is used, so it relies on sizes and
    modification times and opens no file: 10,000 files take about 0.1 s.
    """
    try:
        entries = [entry for _name, entry in _walk(place)] if place.is_dir() else []
        states = [(entry.path, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries]
        states.append((str(place), place.stat().st_size, place.stat().st_mtime_ns))
    except (OSError, ValueError):  # an InputError is one
        return ""
    return hashlib.sha256(repr(sorted(states)).encode()).hexdigest()


def _is_hidden(name: str) -> bool:
    parts = name.lower().split("/")
    return any(part.startswith(".") or part in _SYSTEM_NAMES for part in parts)


def _problem(name: str, size: int) -> str | None:
    """Return what is wrong with a file, judging by its name and its size in bytes, or None."""
    if not name.lower().endswith(PICTURE_SUFFIXES):
        return message("It is not a picture.")
    return _problem_of_size(size)


def _problem_of_size(size: int) -> str | None:
    if not size:
        return message("It is empty.")
    if size > MOST_FILE_BYTES:
        return message("It is larger than {most} MB.", most=MOST_FILE_BYTES // 1_000_000)
    return None


# Folders


def _in_folder(folder: Path) -> Iterator[File]:
    try:
        for name, entry in sorted(_walk(folder), key=itemgetter(0)):
            yield File(name, partial(_content, entry.path), _problem(name, _size(entry)))
    except PermissionError as error:
        raise _not_allowed(error.filename) from None
    except OSError as error:
        raise InputError(
            message(
                "{name} cannot be read ({reason}): check the disk.",
                name=printable(error.filename or folder),
                reason=error.strerror,
            )
        ) from None


def _walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield each file's printable name and its entry.

    Links are followed, but each folder is visited only once.
    """
    waiting, seen, count = [(str(folder), "")], set(), 0
    while waiting:
        place, prefix = waiting.pop()
        status = os.stat(place)  # noqa: PTH116, a path of its own for each would take longer
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(place) as entries:
            for entry in entries:
                if (count := count + 1) > MOST_FILES:
                    raise _too_many(printable(folder))
                if _is_hidden(entry.name):
                    continue
                if entry.is_dir():
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                elif entry.is_file():
                    yield printable(prefix + entry.name), entry


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return 0  # it was deleted in the meantime


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_FILE_BYTES + 1)
    except PermissionError:
        raise _not_allowed(path) from None
    except OSError as error:
        raise InputError(
            message(
                "{name} cannot be read ({reason}): copy it again, or remove it.",
                name=printable(path),
                reason=error.strerror,
            )
        ) from None


# ZIPs


def _in_zip(place: Path | BinaryIO) -> Iterator[File]:
    archive = _opened(place, name_of(place))
    entries = sorted(
        (printable(entry.filename.replace("\\", "/")), number, entry)
        for number, entry in enumerate(archive.infolist())
        if entry.filename and not entry.is_dir()  # is_dir() may fail on an empty name
    )
    unpacked = 0
    for inside, _number, entry in entries:
        if _is_hidden(inside):
            continue
        problem = _problem_in_zip(entry) or _problem(inside, entry.file_size)
        if not problem:
            unpacked += entry.file_size
            if unpacked > MOST_BYTES:
                problem = message(
                    "It is beyond the first {most} GB, and the rest is not read.",
                    most=MOST_BYTES // 1_000_000_000,
                )
        yield File(inside, partial(_unpacked, archive, entry, inside), problem)


def name_of(place: Path | BinaryIO) -> str:
    """Return what an error calls a folder, a ZIP or an open ZIP, which has no name."""
    return printable(place) if isinstance(place, Path) else message("The uploaded file")


def _opened(place: Path | BinaryIO, name: str) -> zipfile.ZipFile:
    try:
        is_too_much = _entries(place) > MOST_FILES
        archive = None if is_too_much else zipfile.ZipFile(place)
    except FileNotFoundError:
        raise InputError(
            message("There is no folder or ZIP {name}: check the path.", name=name)
        ) from None
    except PermissionError:
        raise _not_allowed(name) from None
    except (*_DAMAGES, NotImplementedError, UnicodeError):
        raise InputError(
            message(
                "{name} is not a ZIP, or it is damaged: create it again, as a .zip without a "
                "password.",
                name=name,
            )
        ) from None
    if archive is None:
        raise _too_many(name)
    return archive


def _entries(place: Path | BinaryIO) -> int:
    """Return roughly how many files a ZIP has, without opening it as a ZIP.

    Opening one with millions of files would take gigabytes.
    """
    file = place.open("rb") if isinstance(place, Path) else place
    try:
        file.seek(0, io.SEEK_SET)
        count, end = 0, b""
        while block := file.read(_BLOCK):
            count += (end + block).count(_ENTRY)
            end = block[1 - len(_ENTRY) :]
        return count
    finally:
        if file is not place:
            file.close()


def _problem_in_zip(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & 1:
        return message("It is encrypted: create the ZIP without a password.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        return message("It is a link: put the file itself into the ZIP.")
    if len(entry.filename) > _LONGEST_NAME:
        return message("Its name is too long: give it a shorter one.")
    if entry.compress_type not in _METHODS:
        return message("It is compressed in an unusual way: create a plain ZIP.")
    return None


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """Return the content of one entry, never more than its declared size."""
    try:
        with archive.open(entry) as file:
            return file.read(MOST_FILE_BYTES + 1)
    except NotImplementedError:
        raise InputError(
            message("{name} is compressed in an unknown way: create a plain ZIP.", name=name)
        ) from None
    except _DAMAGES:
        raise InputError(
            message("{name} is damaged in the ZIP: create the ZIP again.", name=name)
        ) from None


def _too_many(name: str) -> InputError:
    return InputError(
        message("{name} has more than {most:,} files: remove some.", name=name, most=MOST_FILES)
    )


def upload_name(path: Path) -> str:
    """Return the original name of an uploaded ZIP, without its hash.

    For any other file, return its name without the suffix.
    """
    return re.sub(rf"-[0-9a-f]{{{HASH_DIGITS}}}$", "", path.stem)
