"""Files that are written in one step."""

import pytest

from mnist_app.settings import write_text


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
