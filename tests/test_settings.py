"""Files that are written in one step."""

import os
import subprocess
import sys

import pytest

from mnist_app.settings import temporary_name, write_text


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


def test_what_a_killed_process_left_goes_with_the_next_file_that_is_written(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, ours, foreign = (
        tmp_path / f".a.txt.{gone.pid}-7.tmp",
        tmp_path / f".a.txt.{os.getpid()}-7.tmp",
        tmp_path / ".a.txt.tmp",
    )
    for path in (left, ours, foreign):
        path.write_text("half")
    write_text(tmp_path / "b.txt", "text")
    assert sorted(tmp_path.iterdir()) == sorted([ours, foreign, tmp_path / "b.txt"])


def test_two_files_are_not_written_under_the_same_temporary_name(tmp_path):
    assert temporary_name(tmp_path / "a") != temporary_name(tmp_path / "b")
