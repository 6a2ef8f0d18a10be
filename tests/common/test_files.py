"""Files that are written in one step."""

import os
import subprocess
import sys

import pytest

from mnist_app.common.files import temporary_path, write_text


def test_a_text_that_cannot_be_written_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\udcff")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_keeps_no_temporary_file(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_text(tmp_path / "a", "text")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize(("is_ours", "name"), [(True, "b.txt"), (False, "a.txt")])
def test_what_a_killed_process_left_goes_with_the_next_file_that_is_written(
    is_ours, name, tmp_path, monkeypatch
):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path if is_ours else tmp_path / "weights"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, ours, foreign = (
        tmp_path / f".a.txt.{gone.pid}-7.tmp",
        tmp_path / f".a.txt.{os.getpid()}-7.tmp",
        tmp_path / ".a.txt.tmp",
    )
    for path in (left, ours, foreign):
        path.write_text("half")
    write_text(tmp_path / name, "text")
    assert sorted(tmp_path.iterdir()) == sorted([ours, foreign, tmp_path / name])


def test_what_another_program_left_in_a_folder_of_the_user_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "weights"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    other = tmp_path / f".a.txt.{gone.pid}-7.tmp"
    other.write_text("of another")
    write_text(tmp_path / "b.txt", "text")
    assert other.exists()


def test_two_files_are_not_written_under_the_same_temporary_name(tmp_path):
    assert temporary_path(tmp_path / "a") != temporary_path(tmp_path / "b")
