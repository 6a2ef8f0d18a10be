"""Small files that are read only when they have changed."""

import json

import pytest

from mnist_app.runs.file_cache import FileCache


def test_a_file_is_parsed_once_until_it_is_written_or_replaced(tmp_path):
    parsed = []

    def parse(text: str) -> object:
        parsed.append(text)
        return json.loads(text)

    cache, path = FileCache(parse), tmp_path / "file.json"
    path.write_text("[1]")
    assert cache.read(path) is cache.read(path)
    path.write_text("[1, 2]")
    assert cache.read(path) == [1, 2]
    other = tmp_path / "other.json"
    other.write_text("[1, 3]")
    other.replace(path)
    assert cache.read(path) == [1, 3]
    assert parsed == ["[1]", "[1, 2]", "[1, 3]"]


def test_what_cannot_be_read_is_an_error_each_time(tmp_path):
    cache, path = FileCache(json.loads), tmp_path / "file.json"
    path.write_text("[1]")
    cache.read(path)
    path.write_text("[")
    for _ in range(2):
        with pytest.raises(ValueError, match="Expecting value"):
            cache.read(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        cache.read(path)


def test_only_so_many_are_kept(tmp_path):
    parsed = []
    cache = FileCache(lambda text: parsed.append(text) or text, most=2)
    for name in "abca":
        (tmp_path / name).exists() or (tmp_path / name).write_text(name)
        cache.read(tmp_path / name)
    assert parsed == ["a", "b", "c", "a"]
