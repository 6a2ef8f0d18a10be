import re

import numpy as np

from mnist_app.figures.confusion_table import confusion_table
from mnist_app.figures.tiles import Tile, sheet, tiles

IMAGES = np.arange(45, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)


def test_a_sheet_holds_every_image_in_rows_of_twenty():
    whole = sheet(IMAGES)
    assert whole.shape == (3 * 28, 20 * 28)
    for number in range(45):
        row, column = divmod(number, 20)
        assert (whole[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28] == number).all()


def test_every_image_is_a_button_that_shows_its_part_of_the_sheet():
    html = tiles(IMAGES, [Tile(str(i), f"caption {i}") for i in range(45)], size=56)
    assert html.count("<button") == 45
    assert html.count("data:image/png") == 1
    assert re.search(r'data-value="21".*?background-position:-56px -56px', html)
    assert 'aria-label="caption 21"' in html


def test_right_and_wrong_are_told_apart_without_colour():
    html = tiles(IMAGES[:2], [Tile("0", mark="right"), Tile("1", mark="wrong")])
    assert html.count("✓") == html.count("✗") == 1


def test_texts_are_escaped():
    html = tiles(IMAGES[:1], [Tile('"><script>', "<b>", '"<i>"')])
    assert "<script>" not in html
    assert "<b>" not in html
    assert '"<i>"' not in html


def test_no_images_are_nothing():
    assert tiles(IMAGES[:0], []) == ""


def test_every_cell_of_a_confusion_matrix_can_be_clicked_and_says_its_count():
    matrix = np.diag(np.full(10, 1000))
    matrix[3, 5] = 7
    html = confusion_table(matrix, chosen="3-5")
    assert html.count("<button") == 100
    assert re.search(r'data-value="3-5" class="chosen" aria-label="3 read as 5: 7 images"', html)
    assert "n = 10,007" in html
    strength = {v: float(s) for v, s in re.findall(r'data-value="(\d-\d)".*?,([\d.]+)\)"', html)}
    assert strength["0-0"] > strength["3-5"] > strength["0-1"]
