"""Files in folders and ZIPs."""

import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from mnist_app.common.errors import InputError
from mnist_app.data import archives
from mnist_app.data.archives import File, content_stamp, file_at, files_in, typed_path


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def unpacked(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


FILES = {"b/2.png": b"two", "a.jpg": b"one", "b/c/3.WEBP": b"three"}


def found(files: list[File]) -> list[tuple[str, bytes, str | None]]:
    return [(file.name, file.read(), file.problem) for file in files]


def test_a_folder_and_a_zip_have_the_same_files_in_the_same_order(tmp_path):
    expected = [("a.jpg", b"one", None), ("b/2.png", b"two", None), ("b/c/3.WEBP", b"three", None)]
    (tmp_path / "x.zip").write_bytes(packed(FILES).getvalue())
    assert found(list(files_in(unpacked(FILES, tmp_path / "x")))) == expected
    assert found(list(files_in(tmp_path / "x.zip"))) == expected
    assert found(list(files_in(packed(FILES)))) == expected


def test_what_systems_leave_behind_is_left_out(tmp_path):
    rest = {
        "__MACOSX/a.png": b"x",
        ".git/a.png": b"x",
        "b/.DS_Store": b"x",
        "Thumbs.db": b"x",
        "a.png": b"x",
    }
    for place in (packed(rest), unpacked(rest, tmp_path)):
        assert [file.name for file in files_in(place)] == ["a.png"]


def problems(place: Path | io.BytesIO) -> dict[str, str | None]:
    return {file.name: file.problem for file in files_in(place)}


def test_what_is_not_to_be_read_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILE_BYTES", 2_000_000)
    files = {"a.txt": b"x", "b.png": b"", "c.png": bytes(2_000_001), "d.png": bytes(2_000_000)}
    expected = {
        "a.txt": "It is not a picture.",
        "b.png": "It is empty.",
        "c.png": "It is larger than 2 MB.",
        "d.png": None,
    }
    assert problems(packed(files)) == expected
    assert problems(unpacked(files, tmp_path)) == expected


def test_a_zip_is_read_up_to_a_limit_of_unpacked_bytes(monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 25)
    found = problems(packed({f"{i}.png": bytes(10) for i in range(4)}))
    assert [bool(problem) for problem in found.values()] == [False, False, True, True]
    assert "beyond the first" in found["3.png"]


def test_too_many_files_are_refused_before_the_zip_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    files = {f"{i}.png": b"x" for i in range(4)}

    def refuse(*_args):
        raise AssertionError("opened")

    place, folder = packed(files), unpacked(files, tmp_path)
    with pytest.raises(InputError, match="more than 3 files"):
        list(files_in(folder))
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    with pytest.raises(InputError, match="more than 3 files"):
        list(files_in(place))


def test_entries_are_counted_across_the_blocks_in_which_a_zip_is_read(monkeypatch):
    place = packed({f"{i}.png": b"x" for i in range(20)})
    for block in range(5, 40):
        monkeypatch.setattr(archives, "_BLOCK", block)
        assert archives._entries(place) == 20


def test_an_encrypted_file_is_named():
    content = bytearray(packed({"a.png": b"x"}).getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag for encryption
    assert "encrypted" in problems(io.BytesIO(content))["a.png"]


def test_a_link_in_a_zip_is_not_followed():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in problems(target)["a.png"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_content_is_said_when_it_is_read(method):
    content = bytearray(packed({"a.png": bytes(range(256)) * 40}, method).getvalue())
    content[60:100] = bytes(40)
    (file,) = files_in(io.BytesIO(content))
    with pytest.raises(InputError, match=r"a\.png is damaged"):
        file.read()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_unpacked_all_at_once_whatever_its_size_is_refused(method):
    place = packed({"a.png": bytes(10_000_000)}, method)
    assert len(place.getvalue()) < 10_000
    assert "unusual way" in problems(place)["a.png"]


def test_an_unknown_way_of_packing_is_said():
    content = bytearray(packed({"a.png": b"x"}).getvalue())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9  # Deflate64
    assert "unusual way" in problems(io.BytesIO(content))["a.png"]


def test_no_more_is_unpacked_than_a_file_says_it_has():
    content = bytearray(packed({"a.png": bytes(1_000_000)}).getvalue())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    (file,) = files_in(io.BytesIO(content))
    with pytest.raises(InputError, match="damaged"):
        file.read()


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x05\x06 nothing"])
def test_what_is_no_zip_is_refused(content, tmp_path):
    (tmp_path / "a.zip").write_bytes(content)
    for place in (io.BytesIO(content), tmp_path / "a.zip"):
        with pytest.raises(InputError, match="is not a ZIP, or it is damaged"):
            list(files_in(place))


def test_a_place_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder or ZIP"):
        list(files_in(tmp_path / "none"))


def test_backslashes_part_folders_too():
    assert [file.name for file in files_in(packed({"a\\b.png": b"x"}))] == ["a/b.png"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_a_folder_are_followed_once(tmp_path):
    unpacked({"real/3/a.png": b"x"}, tmp_path)
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "4").symlink_to(tmp_path / "elsewhere")
    unpacked({"elsewhere/b.png": b"y"}, tmp_path)
    assert [f.name for f in files_in(tmp_path / "real")] == ["3/a.png", "4/b.png"]


def test_a_file_that_goes_before_it_is_read_is_said(tmp_path):
    unpacked({"a.png": b"x"}, tmp_path)
    (file,) = files_in(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        file.read()


def test_the_state_changes_with_the_content(tmp_path):
    folder = unpacked(FILES, tmp_path / "x")
    states = [content_stamp(folder), content_stamp(folder)]
    (folder / "b" / "2.png").write_bytes(b"other")
    states.append(content_stamp(folder))
    (folder / "b" / "2.png").unlink()
    states.append(content_stamp(folder))
    assert states[0] == states[1]
    assert len(set(states)) == 3
    assert content_stamp(tmp_path / "none") == ""


# Typed paths


@pytest.mark.parametrize("text", ["~nobodyx/pics", "x" * 5000, "a/" * 5000, "a\0b", "~a\0b"])
def test_a_path_that_no_file_can_have_is_refused_in_one_short_sentence(text):
    with pytest.raises(InputError, match="check it") as error:
        typed_path(text)
    assert len(str(error.value)) < 200
    assert str(error.value).isprintable()


def test_a_typed_path_may_be_in_the_home_folder_and_need_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert typed_path("~/pics") == tmp_path / "pics"


@pytest.mark.parametrize("text", ["x" * 5000, "a\0b"])
def test_what_no_file_can_be_called_is_bad_input_wherever_it_comes_from(text):
    with pytest.raises(InputError, match="check it"):
        list(files_in(Path(text)))
    assert "check it" in file_at(Path(text)).problem
    assert content_stamp(Path(text)) == ""


@pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")
def test_what_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    for place in (Path("/dev/zero"), tmp_path / "pipe.zip"):
        with pytest.raises(InputError, match="neither a folder nor a file"):
            next(files_in(place))
        assert "not a regular file" in file_at(place).problem
    assert list(files_in(tmp_path)) == []


def test_one_file_may_be_called_anything_but_not_be_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILE_BYTES", 2_000_000)
    unpacked({"a": b"x", "b": bytes(2_000_001)}, tmp_path)
    assert found([file_at(tmp_path / "a")]) == [(str(tmp_path / "a"), b"x", None)]
    assert "larger than 2 MB" in file_at(tmp_path / "b").problem
    assert "does not exist" in file_at(tmp_path / "c").problem


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 elsewhere")
def test_a_name_that_is_no_utf_8_can_be_written_and_its_file_read(tmp_path):
    folder = tmp_path / os.fsdecode(b"in\xfe")
    folder.mkdir()
    (folder / os.fsdecode(b"sur\xff.png")).write_bytes(b"x")
    (file,) = files_in(tmp_path)
    assert file.name == r"in\udcfe/sur\udcff.png"
    assert file.read() == b"x"
    (folder / os.fsdecode(b"sur\xff.png")).unlink()
    with pytest.raises(InputError, match=r"sur.udcff\.png cannot be read") as error:
        file.read()
    str(error.value).encode()
    assert len(content_stamp(tmp_path)) == 64
