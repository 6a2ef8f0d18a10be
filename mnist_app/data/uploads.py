"""ZIPs uploaded as data sets, kept in the weights folder."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mnist_app.common.errors import InputError
from mnist_app.common.files import temporary_path
from mnist_app.common.settings import weights_folder
from mnist_app.common.translation import message
from mnist_app.data.archives import HASH_DIGITS, UPLOADS
from mnist_app.data.picture_folders import labelled_files

_BLOCK = 1 << 20  # bytes

MOST_UPLOADED = 2_000_000_000  # bytes of all uploads together


class Upload(NamedTuple):
    """An uploaded ZIP."""

    time: float  # when it was uploaded, in seconds since 1970
    path: Path
    size: int  # bytes


def uploads_folder() -> Path:
    """Return the folder of uploaded ZIPs: `.datasets` in the weights folder."""
    return weights_folder() / UPLOADS


def list_uploads() -> list[Upload]:
    """Return the uploaded ZIPs, newest first."""
    found = []
    for path in uploads_folder().glob("*.zip"):
        with suppress(OSError):  # another browser may just be deleting it
            facts = path.stat()
            found.append(Upload(facts.st_mtime, path, facts.st_size))
    return sorted(found, reverse=True)


def keep_upload(name: str, file: BinaryIO) -> Path:
    """Store an uploaded ZIP atomically; uploading the same file again stores it only once.

    Args:
        name: the uploaded file's name.
        file: its content.
    Raises:
        InputError: it cannot be a data set, or there is no space for it.
    """
    labelled_files(file)
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem)[:40].strip("-") or "upload"
    path = uploads_folder() / f"{safe}-{digest.hexdigest()[:HASH_DIGITS]}.zip"
    if not path.exists():
        _check_space(file)
        _write(path, file)
    return path


def _check_space(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if size + sum(upload.size for upload in list_uploads()) > MOST_UPLOADED:
        raise InputError(
            message(
                "With this file the uploads in {folder} would take more than {most} GB: delete "
                "some of them first.",
                folder=str(uploads_folder()),
                most=MOST_UPLOADED // 1_000_000_000,
            )
        )


def _write(path: Path, file: BinaryIO) -> None:
    temporary = temporary_path(path)
    file.seek(0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as target:
            while block := file.read(_BLOCK):
                target.write(block)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            message(
                "The upload cannot be stored in {folder} ({reason}): free some space, or set "
                "MNIST_APP_WEIGHTS to a folder that can be written to.",
                folder=str(path.parent),
                reason=error.strerror,
            )
        ) from None
