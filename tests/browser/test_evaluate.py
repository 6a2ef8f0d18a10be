"""The Evaluate tab, operated the way a user would."""

import io
import re
import zipfile

import numpy as np
import pytest
from page import App
from PIL import Image
from playwright.sync_api import expect

from mnist_app.data import bundled

pytestmark = pytest.mark.browser


def opened(app: App, network: str, dataset: str) -> App:
    app.open(f"?tab=Evaluate&network={network}")
    app.part("evaluate_dataset").get_by_text(dataset, exact=True).click()
    kind = "digits" if dataset == "Bundled digits" else "mnist"
    expect(app.part("evaluate_tab")).to_contain_text(f"test images of {kind}")
    return app


def view(app: App, name: str) -> None:
    app.part("evaluate_view").get_by_text(name, exact=True).click()


def test_the_summary_on_the_bundled_digits_and_the_images_behind_it(app):
    opened(app, "lenet5", "Bundled digits")
    expect(app.part("metrics")).to_contain_text("Accuracy")
    expect(app.part("evaluate_tab")).to_contain_text("n = 359 test images of digits")
    test = bundled.load_bundled().test
    cells = app.part("confusion").locator("button")
    expect(cells).to_have_count(100)
    counts = [int(text or 0) for text in cells.all_inner_texts()]
    assert sum(counts) == len(test)
    assert [sum(counts[10 * d : 10 * d + 10]) for d in range(10)] == test.labels.bincount().tolist()

    # A click on a cell opens its images. A click on an image says what it was read as.
    cell = app.part("confusion").locator('[data-value="7-7"]')
    count = int(cell.inner_text())
    cell.click()
    images = app.part("cell_images")
    expect(images).to_contain_text(f"7 read correctly: {count} images")
    tiles = images.locator("button.tile")
    expect(tiles).to_have_count(count)
    tiles.first.click()
    expect(app.part("cell_tiles_one")).to_contain_text(
        re.compile(r"labelled 7. Most probable: 7 \(\d")
    )
    cell = app.part("confusion").locator('[data-value="0-1"]')
    cell.click()
    expect(images).to_contain_text("0 read as 1: 0 images")


def test_mistakes_and_random_images_with_what_they_were_taken_for(app):
    opened(app, "mlp-128-64", "Bundled digits")
    view(app, "Images")
    mistakes = app.part("mistakes").locator("button.tile")
    expect(mistakes.first).to_be_visible()
    captions = mistakes.all_inner_texts()
    sure = [int(re.search(r"(\d+)%", text).group(1)) for text in captions]
    assert sure == sorted(sure, reverse=True)
    assert all(re.search(r"✗\s*(\d) → (?!\1)\d", text) for text in captions)
    shown = app.part("random_images_shown")
    expect(shown.locator("button.tile")).to_have_count(40)
    before = shown.inner_text()
    app.click("other_images")
    expect(shown).not_to_have_text(before, use_inner_text=True)
    expect(app.part("evaluate_tab")).to_contain_text("seed 1.")


def test_confidence_and_robustness(app):
    opened(app, "lenet5", "Bundled digits")
    view(app, "Confidence")
    expect(app.part("reliability").locator(".js-plotly-plot")).to_be_visible()
    expect(app.part("reliability")).to_contain_text("The mean gap")
    expect(app.part("coverage")).to_contain_text(re.compile(r"it answers \d+\.\d+% of these"))
    view(app, "Robustness")
    expect(app.part("robustness").locator(".js-plotly-plot")).to_have_count(6)
    expect(app.part("robustness")).to_contain_text("Rotation")


@pytest.mark.mnist
def test_on_mnist_the_accuracy_is_the_one_in_the_sidebar(app, real_data):
    opened(app, "lenet5", "MNIST")
    expect(app.part("evaluate_tab")).to_contain_text("n = 10,000 test images of mnist")
    accuracy = app.part("metrics").locator("[data-testid=stMetricValue]").first.inner_text()
    expect(app.page.get_by_test_id("stSidebar")).to_contain_text(f"{accuracy} of 10,000")
    expect(app.part("confusion").locator("button")).to_have_count(100)


def test_own_pictures_are_read_and_the_bad_ones_named_with_their_reasons(app, tmp_path):
    test = bundled.load_bundled().test
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for place in range(5):
            file = io.BytesIO()
            Image.fromarray(test.images[place].numpy()).save(file, "PNG")
            bundle.writestr(f"{place}.png", file.getvalue())
        bundle.writestr("empty.png", b"")
        bundle.writestr("words.txt", "seven")
        bundle.writestr("<b>bad</b>.png", b"no picture")
        huge = io.BytesIO()
        Image.fromarray(np.zeros((5000, 5000), np.uint8)).save(huge, "PNG")
        bundle.writestr("huge.png", huge.getvalue())
    app.open("?tab=Evaluate&network=lenet5")
    view(app, "Own pictures")
    app.part("pictures_upload").locator("input[type=file]").set_input_files(path)
    table = app.part("pictures_table")
    expect(table).to_contain_text("5 pictures read")
    expect(table).to_contain_text("4 files skipped")
    with app.page.expect_download() as download:
        app.part("pictures_csv").locator("button:visible").first.click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "ImageId,Label,confidence"
    labels = [int(line.split(",")[1]) for line in lines[1:]]
    assert len(labels) == 5
    assert sum(a == b for a, b in zip(labels, test.labels[:5].tolist(), strict=True)) >= 4


def test_on_a_phone_nothing_is_wider_than_the_page(phone):
    opened(phone, "lenet5", "Bundled digits")
    expect(phone.part("confusion").locator("button")).to_have_count(100)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.mnist
def test_a_report_is_one_file_that_works_without_a_network(app, chromium, tmp_path):
    app.open("?network=lenet5")
    app.panel("report")
    button = app.part("report_file").locator("button")
    expect(button).to_be_visible()
    with app.page.expect_download() as download:
        button.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "lenet5.html"
    assert path.stat().st_size < 6_000_000
    context = chromium.new_context(offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    expect(page.locator("h1")).to_have_text("lenet5")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(5)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


@pytest.mark.slow
@pytest.mark.mnist
def test_a_report_comes_while_the_train_tab_is_open(app):
    app.open("?tab=Train&network=mlp-784")
    app.panel("report")
    expect(app.part("report_file").locator("button")).to_be_visible()
