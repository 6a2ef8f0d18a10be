"""The Data tab, operated the way a user would."""

import io
import re
import zipfile

import pytest
from page import App
from PIL import Image
from playwright.sync_api import expect

from mnist_app.data.bundled import load_bundled
from mnist_app.data.catalogue import load_dataset

pytestmark = pytest.mark.browser


def press(app: App, key: str, text: str) -> None:
    """Choose one of the options in a segmented control."""
    app.part(key).get_by_text(text, exact=True).click()


def open_data(app: App, dataset: str = "Bundled digits") -> App:
    app.open("?tab=Data")
    press(app, "data_dataset", dataset)
    return app


def captions(app: App) -> list[str]:
    return app.part("gallery_tiles").locator(".tile small").all_inner_texts()


def test_a_click_in_the_gallery_enlarges_an_image_and_shows_its_way(app):
    open_data(app)
    train = load_bundled().train
    expect(app.part("data_facts")).to_contain_text(f"{len(train):,} training and")
    expect(app.part("gallery_tiles").locator(".tile")).to_have_count(16)
    assert captions(app) == [str(label) for label in train.labels[:16].tolist()]
    app.part("gallery_tiles").locator(".tile").nth(5).click()
    steps = app.part("preprocessing")
    expect(steps).to_contain_text(f"Image 5, labelled {train.labels[5]}")
    numbers = [str(value) for value in train.images[5, 14].tolist()]
    expect(steps.locator(".numbers i").nth(27)).to_have_text(numbers[27])
    assert steps.locator(".numbers").first.locator("i").all_inner_texts() == numbers
    hot = steps.locator(".onehot b").all_inner_texts()
    assert hot.index("1") == train.labels[5]
    assert app.part("gallery_tiles").locator(".tile.chosen").count() == 1


def test_the_gallery_shows_one_digit_or_others_at_random(app):
    open_data(app)
    press(app, "gallery_order", "One digit")
    press(app, "gallery_digit", "7")
    expect(app.part("preprocessing")).to_contain_text("labelled 7")
    assert captions(app) == ["7"] * 16
    press(app, "gallery_order", "Random")
    expect(app.part("gallery_others")).to_be_visible()
    expect(app.part("gallery_digit")).to_have_count(0)
    first = app.part("gallery_tiles").locator(".tile").first
    before = first.get_attribute("data-value")
    app.click("gallery_others")
    expect(first).not_to_have_attribute("data-value", before)


def test_the_digits_are_counted_and_averaged(app):
    open_data(app)
    press(app, "data_view", "Digits")
    chart = app.part("distribution")
    expect(chart).to_contain_text("Share of the split")
    expect(chart).to_contain_text("test, n = 359")
    expect(app.page.locator(".averages img")).to_have_count(20)


def point_at(app: App, number: int) -> None:
    """Move the mouse to an image on the map."""
    canvas = app.part("data_map").locator("canvas")
    canvas.scroll_into_view_if_needed()
    x, y = canvas.evaluate(f"canvas => canvas.closest('.map').places[{number}]")
    canvas.hover(position={"x": x, "y": y})


def test_the_map_shows_the_image_under_the_mouse(app):
    open_data(app)
    press(app, "data_view", "Map")
    space = app.part("data_map")
    expect(space).to_contain_text(re.compile(r"PC 1, \d+\.\d% of the variance"))
    expect(space.locator(".card")).to_be_hidden()
    point_at(app, 3)
    expect(space.locator(".card")).to_contain_text("labelled ")
    assert "url(" in space.locator(".card div").get_attribute("style")
    space.get_by_role("button", name="only 4").click()
    expect(space.get_by_role("button", name="only 4")).to_have_attribute("aria-pressed", "true")


@pytest.mark.slow
def test_t_sne_is_computed_when_it_is_asked_for_and_kept(app):
    open_data(app)
    press(app, "data_view", "Map")
    expect(app.part("data_map")).to_contain_text("PC 1")
    assert not list((app.weights / ".cache").glob("embedding-*"))
    press(app, "data_map_by", "t-SNE")
    expect(app.part("data_map")).to_contain_text("t-SNE 1, no unit")
    expect(app.page.get_by_text("perplexity 30")).to_be_visible()
    assert len(list((app.weights / ".cache").glob("embedding-*.safetensors"))) == 1


def test_distorted_images_are_read_by_the_network(app):
    open_data(app)
    press(app, "data_view", "Distortions")
    shown = app.part("distorted")
    expect(shown).to_contain_text(re.compile(r"canvas gets (1[6-9]|20) of these 20 right"))
    slider = app.part("distortion_blur").get_by_role("slider")
    slider.focus()
    slider.press("End")
    expect(shown).to_contain_text(re.compile(r"canvas gets \d of these 20 right"))
    expect(shown.locator(".tile.wrong").first).to_be_visible()
    rotation = app.part("distortion_rotation").get_by_role("slider")
    rotation.focus()
    rotation.press("Home")
    expect(app.part("distortion_rotation")).to_contain_text("-90")
    look_away(app)
    expect(slider).to_have_value("4")
    expect(rotation).to_have_value("-90")
    app.click("distortions_reset")
    expect(shown).to_contain_text(re.compile(r"canvas gets (1[6-9]|20) of these 20 right"))
    look_away(app)
    expect(rotation).to_have_value("0")
    expect(shown).to_contain_text(re.compile(r"canvas gets (1[6-9]|20) of these 20 right"))


def look_away(app: App) -> None:
    """Open another tab, and then the Data tab again."""
    app.tab("Draw")
    expect(app.part("distorted")).to_have_count(0)
    app.tab("Data")
    expect(app.part("distorted")).to_be_visible()


def class_zip() -> bytes:
    """Return a ZIP with six pictures of each digit, and three files that the app skips."""
    digits, target = load_bundled().train, io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for digit in range(10):
            for number, image in enumerate(digits.images[digits.labels == digit][:6]):
                file = io.BytesIO()
                Image.fromarray(image.numpy()).save(file, "PNG")
                archive.writestr(f"mine/{digit}/{number}.png", file.getvalue())
        archive.writestr("mine/<b>.txt", "x")
        archive.writestr("mine/3/broken.png", "x")
        archive.writestr("loose.png", "x")
    return target.getvalue()


def upload(app: App, part: str, name: str, content: bytes) -> None:
    app.part(part).locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": content}
    )


def test_an_uploaded_zip_is_a_data_set_that_can_be_trained_on(app):
    open_data(app, "Own folder or ZIP")
    expect(app.page.get_by_text("one sub-folder of pictures per digit")).to_be_visible()
    upload(app, "data_dataset_folder_upload", "no.zip", b"nothing")
    expect(app.page.get_by_text("The uploaded file is not a ZIP, or it is damaged")).to_be_visible()
    upload(app, "data_dataset_folder_upload", "our class.zip", class_zip())
    facts = app.part("data_facts")
    expect(facts).to_contain_text("ZIP our-class: 50 training and 10 test images")
    expect(facts).to_contain_text("0: 6, 1: 6")
    facts.get_by_text("3 files were skipped").click()
    expect(facts).to_contain_text("1 × It is not in a folder named 0 to 9.")
    app.tab("Train")
    app.choose("preset", "mlp-784")
    app.choose("dataset", "folder")
    app.choose("folder", "our-class · 20")
    box = app.page.get_by_role("spinbutton", name="Epochs", exact=True)
    box.fill("1")
    box.press("Enter")
    app.click("train")
    expect(app.part("progress")).to_contain_text("of 10 test images right")
    app.tab("Data")
    app.part("data_dataset_ask").locator("button").first.click()
    assert list((app.weights / ".datasets").iterdir())
    app.click("data_dataset_delete")
    expect(app.page.get_by_text("one sub-folder of pictures per digit")).to_be_visible()
    assert not list((app.weights / ".datasets").iterdir())


def test_a_path_that_does_not_exist_is_said(app):
    open_data(app, "Own folder or ZIP")
    box = app.part("data_dataset_folder").locator("input")
    box.fill("/no/<b>such</b>")
    box.press("Enter")
    expect(app.page.get_by_text("There is no data set '/no/<b>such</b>'")).to_be_visible()


@pytest.mark.mnist
@pytest.mark.usefixtures("real_data")
def test_mnist_is_shown_from_memory(app):
    train = load_dataset("mnist").train
    open_data(app, "MNIST")
    expect(app.part("data_facts")).to_contain_text("60,000 training and 10,000 test images")
    expect(app.part("data_facts")).to_contain_text(train.fingerprint)
    assert captions(app) == [str(label) for label in train.labels[:16].tolist()]
    press(app, "data_view", "Digits")
    expect(app.page.locator(".averages")).to_contain_text("n = 6,742")


def test_on_a_phone_all_of_it_fits(phone):
    open_data(phone)
    for view, key in (
        ("Digits", "distribution"),
        ("Map", "data_map"),
        ("Distortions", "distorted"),
    ):
        press(phone, "data_view", view)
        expect(phone.part(key)).to_be_visible()
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    press(phone, "data_view", "Map")
    canvas = phone.part("data_map").locator("canvas")
    canvas.scroll_into_view_if_needed()
    x, y = canvas.evaluate("canvas => canvas.closest('.map').places[7]")
    canvas.tap(position={"x": x, "y": y})
    expect(phone.part("data_map").locator(".card")).to_contain_text("labelled ")
