"""ZIPs and folders that are made to do harm: names, links, bombs, lies."""

import io
import os
import stat
import struct
import sys
import zipfile
from functools import lru_cache
from pathlib import Path

import pytest
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import HTML, spoiled
from PIL import Image

from mnist_app.common.errors import InputError
from mnist_app.data import archives, picture_folders, uploads
from mnist_app.data.labelled_images import Dataset

NAMES = (
    "../../outside.png",
    "/tmp/outside.png",
    "C:\\Windows\\outside.png",
    "\\\\server\\share\\x.png",
    "7/../../../outside.png",
    "7/",
    "7//.png",
    "7/.png",
    "./7/./a.png",
    "7/a\nb\x1b[2J.png",
    f"7/{HTML}.png",
    "7/[/red].png",
    "7/%s{}.png",
    "7/a\u202egnp.png",
    "7/" + "x" * 60_000 + ".png",
    "7/" + "a/" * 20_000 + "x.png",
    "7/CON.png",
    "7/ü\U0001f600.png",
    "7/0.png",
    "__MACOSX/7/x.png",
    "",
    " ",
    "7/nested.zip",
)
FILE_NAMES = (
    "a.zip",
    "../../x.zip",
    "/etc/x.zip",
    f"{HTML}.zip",
    "x" * 5000,
    "",
    "a\0b.zip",
    "\ud800",
)
BOMB = 400_000_000  # bytes, unpacked


@lru_cache
def picture(digit: int) -> bytes:
    image = Image.new("L", (28, 28))
    image.paste(255, (4 + digit, 6, 14 + digit, 22))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@lru_cache
def labelled() -> dict[str, bytes]:
    return {f"{d}/{i}.png": picture(d) for d in range(10) for i in range(picture_folders.FEWEST)}


@lru_cache
def packed(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in labelled().items():
            archive.writestr(name, content)
    return file.getvalue()


@lru_cache
def bomb(size: int, count: int = 1) -> bytes:
    """Make a ZIP of pictures and `count` files of `size` zeros, which compress a thousandfold."""
    file = io.BytesIO(packed())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            with archive.open(f"7/zeros{number}.png", "w") as entry:
                for _ in range(size // 1_000_000):
                    entry.write(bytes(1_000_000))
    return file.getvalue()


def lying_bomb(size: int) -> bytes:
    """Make a bomb that claims to be no larger than the limit."""
    content = bytearray(bomb(size))
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", archives.MOST_FILE_BYTES)
    return bytes(content)


@lru_cache
def crowded(count: int) -> bytes:
    """Make a ZIP of `count` empty files that claims to contain none."""
    files, contents = bytearray(), bytearray()
    for number in range(count):
        name = b"7/%d.png" % number
        facts = struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0)
        contents += b"PK\x01\x02" + struct.pack("<H", 20) + facts
        contents += struct.pack("<3H2I", 0, 0, 0, 0, len(files)) + name
        files += b"PK\x03\x04" + facts + name
    end = struct.pack("<4H2IH", 0, 0, 0, 0, len(contents), len(files), 0)
    return bytes(files + contents + b"PK\x05\x06" + end)


def with_entries(entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    file = io.BytesIO(packed())
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


# Kinds of ZIP


def any_bytes(case: Case) -> bytes:
    methods = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA
    return spoiled(packed(case.one_of(methods)), case.random)


def odd_names(case: Case) -> bytes:
    names = [case.one_of(NAMES) for _ in range(int(case.random.integers(1, 5)))]
    return with_entries([(zipfile.ZipInfo(name), picture(7)) for name in names])


def links(case: Case) -> bytes:
    entry = zipfile.ZipInfo("7/link.png")
    kind = case.one_of([stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    return with_entries([(entry, case.one_of([b"/etc/passwd", b"../../..", b"", picture(7)]))])


def lies(case: Case) -> bytes:
    """Make a ZIP whose table of contents lies: sizes, positions, methods, flags, dates."""
    content = bytearray(packed())
    entries = [i for i in range(len(content)) if content.startswith(b"PK\x01\x02", i)]
    for _ in range(int(case.random.integers(1, 4))):
        place = case.one_of(entries) + int(case.one_of([4, 6, 8, 10, 12, 16, 20, 24, 28, 30, 42]))
        value = int(case.one_of([0, 1, 99, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
        content[place : place + 4] = struct.pack("<I", value)
    return bytes(content)


def bombs(case: Case) -> bytes:
    kinds = bomb(BOMB), lying_bomb(BOMB), bomb(19_000_000, 10)
    return kinds[case.number // 2 % 3]


def crowds(case: Case) -> bytes:
    sizes = 20_000, archives.MOST_FILES - 1, archives.MOST_FILES + 1
    return crowded(sizes[case.number // 2 % 3])


def with_tail(case: Case) -> bytes:
    """Make a ZIP with bytes before or after it, such as a picture that is also a ZIP."""
    more = case.one_of([picture(7), b"#!/bin/sh\n", bytes(70_000), packed()])
    return more + packed() if case.random.random() < 0.5 else packed() + more


KINDS = any_bytes, any_bytes, any_bytes, odd_names, odd_names, links, lies, lies, with_tail


def spoiled_zip(case: Case) -> Attempt:
    data, name = case.one_of(KINDS)(case), case.one_of(FILE_NAMES)
    case.names = ("The uploaded file", ".png")
    return lambda: used(data, name)


def used(data: bytes, name: str) -> None:
    """Read a ZIP as a data set, then keep it as an upload, as the app does."""
    dataset, skipped = picture_folders.read_folder(io.BytesIO(data))
    right(dataset)
    assert all(limits.is_one_line(one.name + one.problem) for one in skipped)
    path = uploads.keep_upload(name, io.BytesIO(data))
    assert path.parent == uploads.uploads_folder()
    assert path.resolve().parent == uploads.uploads_folder().resolve()
    assert [*path.parent.iterdir()] == [path]


def right(dataset: Dataset) -> None:
    for part in dataset:
        assert part.images.shape[1:] == (28, 28)
        assert len(part.images) == len(part.labels)
        assert set(part.labels.tolist()) <= set(range(10))


# Folders


def odd_folder(case: Case) -> Attempt:
    """Read a folder with links out of it or in circles, pipes, and names that are not text."""
    top = case.folder / "set"
    for name, content in labelled().items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    kinds = [_loop, _pipe, _lost_link, _odd_file, _deep, _device, _denied]
    chosen = [case.one_of(kinds) for _ in range(int(case.random.integers(1, 4)))]
    for make in chosen:
        make(top / str(case.random.integers(10)), case)
    return lambda: looked_through(top, _denied not in chosen)


def looked_through(top: Path, is_readable: bool) -> None:
    """Read a folder: each file once, however many links lead to it."""
    try:
        dataset, _ = picture_folders.read_folder(top)
    except InputError as error:
        if is_readable:
            raise AssertionError(error) from None
        raise
    right(dataset)
    there = sum(len(files) for _, _, files in os.walk(top))
    assert sum(len(part) for part in dataset) <= there


def _loop(place: Path, case: Case) -> None:
    (place / f"loop{case.random.integers(10**9)}").symlink_to(place.parent)


def _pipe(place: Path, case: Case) -> None:
    os.mkfifo(place / f"pipe{case.random.integers(10**9)}.png")


def _lost_link(place: Path, case: Case) -> None:
    (place / f"lost{case.random.integers(10**9)}.png").symlink_to(case.folder / "nowhere")


def _device(place: Path, case: Case) -> None:
    (place / f"device{case.random.integers(10**9)}.png").symlink_to("/dev/zero")


def _denied(place: Path, case: Case) -> None:
    next(path for path in place.iterdir() if path.suffix == ".png" and path.is_file()).chmod(0)


def _odd_file(place: Path, case: Case) -> None:
    names = b"\xff\xfe.png", b"a\nb.png", b"\x1b[2J.png", b"<b>.png", b"x" * 250 + b".png", b".png"
    data = spoiled(picture(7), case.random)
    (place / os.fsdecode(case.one_of(names))).write_bytes(data)


def _deep(place: Path, case: Case) -> None:
    path = place / "/".join(["d"] * 300)
    path.mkdir(parents=True, exist_ok=True)
    (path / "a.png").write_bytes(picture(7))


def test_no_zip_does_harm():
    limits.check(
        spoiled_zip, "ZIPs: damaged, odd names, links, false directories", limits.count(3000)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="no such files elsewhere")
def test_no_folder_does_harm():
    limits.check(odd_folder, "folders: links, pipes, devices, odd names", limits.count(1000, 25))


def test_no_bomb_and_no_crowd_does_harm():
    limits.check(rare_zip, "ZIPs: bombs, and too many files", limits.count(60, 4))


def rare_zip(case: Case) -> Attempt:
    data = (bombs, crowds)[case.number % 2](case)
    case.names = ("The uploaded file", ".png")
    return lambda: used(data, "a.zip")


def test_the_real_zip_is_a_right_answer(weights_folder):
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    used(packed(), "a.zip")
