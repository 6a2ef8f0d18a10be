import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_app.data import archives, bundled
from mnist_app.data.archives import File
from mnist_app.recognition import unlabelled
from mnist_app.recognition.predictor import Predictor
from mnist_app.recognition.unlabelled import Reading, read_all, to_csv


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("lenet5")


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path) -> tuple[Path, list[int]]:
    """Ten small digits, five drawn large and dark on white, and files of every bad kind."""
    test = bundled.load_bundled().test
    for place in range(10):
        (tmp_path / f"{place:02}.png").write_bytes(png(test.images[place].numpy()))
    for place in range(10, 15):
        large = np.kron(255 - test.images[place].numpy(), np.ones((8, 8), np.uint8))
        (tmp_path / f"{place:02}.jpg").write_bytes(png(large))
    (tmp_path / "broken.png").write_bytes(png(test.images[0].numpy())[:60])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "note.txt").write_text("seven")
    (tmp_path / "text.png").write_text("seven")
    (tmp_path / "white.png").write_bytes(png(np.full((100, 100), 255, np.uint8)))
    (tmp_path / "small black.png").write_bytes(png(np.zeros((28, 28), np.uint8)))
    (tmp_path / "small white.png").write_bytes(png(np.full((28, 28), 255, np.uint8)))
    huge = Image.new("1", (7000, 7000))
    huge.save(tmp_path / "huge.png")
    return tmp_path, test.labels[:15].tolist()


def test_good_pictures_are_read_and_each_bad_one_has_its_reason(folder, predictor):
    place, labels = folder
    readings, skipped = read_all(predictor, archives.files_in(place))
    assert [Path(r.name).name for r in readings] == [
        f"{i:02}.{'png' if i < 10 else 'jpg'}" for i in range(15)
    ]
    right = sum(r.nearest == label for r, label in zip(readings, labels, strict=True))
    assert right >= 13  # lenet5 learned MNIST's hands, not these
    reasons = {Path(file.name).name: file.problem for file in skipped}
    assert set(reasons) == {
        *("broken.png", "empty.png", "note.txt", "text.png", "white.png", "huge.png"),
        *("small black.png", "small white.png"),
    }
    assert reasons["small black.png"] == reasons["small white.png"]
    assert reasons["small black.png"].startswith("It is blank")
    assert "empty" in reasons["empty.png"]
    assert "megapixels" in reasons["huge.png"]
    assert "picture" in reasons["text.png"]
    assert all(reason.endswith(".") for reason in reasons.values())


def test_small_pictures_are_taken_as_they_are(folder, predictor):
    place, _ = folder
    readings, _ = read_all(predictor, archives.files_in(place))
    test = bundled.load_bundled().test
    for number in range(10):
        np.testing.assert_array_equal(readings[number].image, test.images[number].numpy())


def test_what_is_too_much_is_skipped_and_said(folder, predictor, monkeypatch):
    monkeypatch.setattr(unlabelled, "MOST_PICTURES", 3)
    readings, skipped = read_all(predictor, archives.files_in(folder[0]))
    assert len(readings) == 3
    assert "Only 3 pictures" in skipped[-1].problem
    assert len(skipped) == 20


def test_a_file_that_may_not_be_read_has_its_reason(predictor):
    files = [File("secret.png", bytes, "It is encrypted.")]
    assert read_all(predictor, files) == ([], [("secret.png", "It is encrypted.")])


def test_a_reason_does_not_repeat_the_name_beside_it(folder, predictor, tmp_path):
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder[0] / "text.png", "in/text.png")
        archive.write(folder[0] / "00.png", "in/damaged.png")
    path.write_bytes(path.read_bytes().replace(b"IHDR", b"ihdr"))  # not what was packed
    named = [file._replace(name=f"{path}/{file.name}") for file in archives.files_in(path)]
    for files in (archives.files_in(folder[0]), archives.files_in(path), named):
        _, skipped = read_all(predictor, files)
        assert skipped
        assert all(Path(file.name).name not in file.problem for file in skipped)
        assert all(file.problem[0].isupper() for file in skipped)


def test_the_table_is_one_that_others_read(predictor):
    readings = [
        Reading("a, b.png", 7, 0.987654321, True, np.zeros((28, 28), np.uint8)),
        Reading("=1+1.png", 0, 0.2, False, np.zeros((28, 28), np.uint8)),
    ]
    rows = list(csv.reader(io.StringIO(to_csv(readings))))
    assert rows == [
        ["ImageId", "Label", "confidence"],
        ["a, b.png", "7", "0.987654"],
        ["'=1+1.png", "0", "0.200000"],
    ]
