import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from mnist_app.drawing.segmentation import Box
from mnist_app.figures import fragments
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.networks.models import count_parameters, create_model, list_models
from mnist_app.recipes.layer_tables import LayerSummary, describe
from mnist_app.recognition.predictor import BLANK, Found, Prediction
from mnist_app.ui.markdown import escaped, inline_code

SHARES = np.array([0.01, 0.02, 0.03, 0.5, 0.04, 0.2, 0.05, 0.06, 0.07, 0.02])
PICTURE = np.linspace(0, 1, 784, dtype=np.float32).reshape(28, 28)
THREE = Prediction(3, 3, SHARES, 0.5, PICTURE)
NO_DIGIT = Prediction(None, 3, SHARES, 0.07, PICTURE)


def found(*predictions: Prediction) -> list[Found]:
    return [Found(Box(10 + 50 * i, 20, 40, 60), p) for i, p in enumerate(predictions)]


class Reader(HTMLParser):
    """Takes a fragment apart: texts, tags with their attributes, whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def of_class(self, name: str) -> list[dict]:
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]


def read(html: str) -> Reader:
    reader = Reader(html)
    assert reader.open == []
    return reader


def widths(html: str) -> list[float]:
    styles = [attributes["style"] for attributes in read(html).of_class("fill")]
    return [float(re.search(r"width:([\d.]+)%", style).group(1)) for style in styles]


def test_the_digit_is_shown_as_text_and_a_blank_canvas_shows_none():
    assert read(fragments.big_number(found(THREE))).texts == ["3"]
    assert read(fragments.big_number([])).texts == []


def test_a_number_is_shown_as_one_text_and_what_is_no_digit_in_it_as_a_question_mark():
    zero = Prediction(0, 0, SHARES, 0.9, PICTURE)
    assert read(fragments.big_number(found(THREE, zero, NO_DIGIT))).texts == ["30?"]


def test_what_is_no_digit_is_said_with_the_nearest_guess():
    assert read(fragments.big_number(found(NO_DIGIT))).texts == ["not a digit"]
    assert read(fragments.top_three(NO_DIGIT, "")).texts == ["Most likely 3, but only 7% sure."]
    reader = read(fragments.probability_bars(NO_DIGIT))
    assert len(reader.of_class("refused")) == 1
    assert len(reader.of_class("weak")) == 20


def test_each_digit_of_a_number_has_its_box_where_it_stands():
    rgba = np.zeros((100, 200, 4), dtype=np.uint8)
    reader = read(fragments.boxes(found(THREE, THREE), rgba))
    frames = [attributes["style"] for tag, attributes in reader.tags if tag == "i"]
    # What is shown is 110 x 80 pixels: from (0, 10) to (110, 90), a sixth of a digit around all.
    assert ["left:9.09%;top:12.50%;width:36.36%;height:75.00%" in f for f in frames] == [1, 0]
    assert "left:54.55%" in frames[1]
    assert "2 digits found" in reader.texts
    (picture,) = [attributes["src"] for tag, attributes in reader.tags if tag == "img"]
    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as image:
        assert image.size == (110, 80)


def test_small_digits_in_a_large_picture_are_shown_large():
    there = [Found(Box(900, 500, 30, 60), THREE), Found(Box(940, 500, 30, 60), THREE)]
    rgba = np.zeros((1000, 2000, 4), dtype=np.uint8)
    frames = [a["style"] for tag, a in read(fragments.boxes(there, rgba)).tags if tag == "i"]
    assert "width:33.33%" in frames[0]
    assert "height:75.00%" in frames[0]


def test_each_digit_of_a_number_has_its_probability_and_what_the_network_saw():
    reader = read(fragments.digits_found(found(THREE, NO_DIGIT)))
    assert reader.texts == ["3", "50.0%", "?", "7.0%"]
    assert widths(fragments.digits_found(found(THREE, NO_DIGIT))) == [50, 7]
    assert len([tag for tag, _ in reader.tags if tag == "img"]) == 2


def test_a_digit_zero_is_not_taken_for_a_blank_canvas():
    zero = Prediction(0, 0, SHARES[[3, 0, 1, 2, 4, 5, 6, 7, 8, 9]], 0.5, PICTURE)
    assert read(fragments.big_number(found(zero))).texts == ["0"]
    assert len(read(fragments.probability_bars(zero)).of_class("weak")) == 18


def test_a_blank_canvas_says_what_to_do():
    assert read(fragments.big_number([])).texts == []
    assert read(fragments.top_three(BLANK, "Draw a digit")).texts == ["Draw a digit"]


def test_the_three_most_probable_digits_come_best_first():
    text = " ".join(read(fragments.top_three(THREE, "Draw a digit")).texts)
    assert re.findall(r"(\d) +([\d.]+)%", text) == [("3", "50.0"), ("5", "20.0"), ("8", "7.0")]


def test_bars_are_as_wide_as_the_probabilities_and_in_the_colours_of_the_digits():
    html = fragments.probability_bars(THREE)
    assert widths(html) == pytest.approx(list(100 * SHARES))
    styles = [attributes["style"] for attributes in read(html).of_class("fill")]
    assert [re.search(r"background:(#\w+)", s).group(1) for s in styles] == list(DIGIT_COLORS)


def test_bars_carry_digits_values_and_the_name_of_the_axis():
    texts = read(fragments.probability_bars(THREE)).texts
    expected = [t for digit, p in enumerate(SHARES) for t in (str(digit), f"{100 * p:.1f}%")]
    assert texts == [*expected, "Probability"]


@pytest.mark.parametrize(
    ("coverage", "accuracy", "said"),
    [
        (0.9973, 0.99976, "Answers 99.7% of digits, right on 99.97% of those (4,500 "),
        (1.0, 1.0, "Answers 100.0% of digits, right on 100.00% of those"),
        (0.0, 1.0, "Answers none of 4,500 validation digits"),
    ],
)
def test_what_a_threshold_means_is_never_rounded_up(coverage, accuracy, said):
    assert said in fragments.coverage_text(coverage, accuracy, 4500, "validation digits")


def test_bars_are_read_out_by_a_screen_reader():
    (bars,) = read(fragments.probability_bars(THREE)).of_class("bars")
    assert bars["role"] == "img"
    assert bars["aria-label"] == (
        "Probability of each digit: 0: 1%, 1: 2%, 2: 3%, 3: 50%, 4: 4%, 5: 20%, "
        "6: 5%, 7: 6%, 8: 7%, 9: 2%"
    )


def test_bars_of_the_digits_not_chosen_are_weak():
    reader = read(fragments.probability_bars(THREE))
    labels = [attributes["class"] for attributes in reader.of_class("label")]
    assert ["weak" in name for name in labels] == [digit != 3 for digit in range(10)]


def test_a_blank_canvas_has_ten_empty_bars_without_values():
    html = fragments.probability_bars(BLANK)
    assert widths(html) == [0] * 10
    reader = read(html)
    assert reader.texts == [*"0123456789", "Probability"]
    assert reader.of_class("weak") == []


def test_the_picture_in_the_page_is_what_the_network_saw():
    images = [a for tag, a in read(fragments.network_input(THREE)).tags if tag == "img"]
    assert len(images) == 1
    assert images[0]["alt"]
    head, _, body = images[0]["src"].partition(",")
    assert head == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body, validate=True)))
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), (PICTURE * 255).round())


@pytest.mark.parametrize("name", list_models())
def test_the_diagram_shows_every_layer_with_its_outputs_and_weights(name):
    model = create_model(name, scaling="standardized", dropout=0.2, batch_norm=True)
    layers = describe(model.layers)
    reader = read(fragments.architecture(layers))
    texts = [text for text in reader.texts if text != "↓"]
    assert texts[:2] == ["Image", "28 × 28"]
    assert texts[2::2] == [layer.label for layer in layers]
    assert texts[-1].startswith("10")
    counts = [re.search(r"· ([\d,]+) w", text) for text in texts[3::2]]
    learned = [int(count.group(1).replace(",", "")) if count else 0 for count in counts]
    assert learned == [layer.parameters for layer in layers]
    assert sum(learned) == count_parameters(model)
    assert len(reader.of_class("learns")) == sum(1 for layer in layers if layer.parameters)


def test_the_diagram_writes_shapes_with_a_multiplication_sign():
    texts = read(fragments.architecture([LayerSummary("Conv 5x5", (6, 28, 28), 1_156)])).texts
    assert texts == ["Image", "28 × 28", "↓", "Conv 5x5", "6 × 28 × 28 · 1,156 w"]


def test_labels_of_layers_are_text_and_never_markup():
    reader = read(fragments.architecture([LayerSummary("<script>&</script>", (10,), 0)]))
    assert "<script>&</script>" in reader.texts
    assert "script" not in [tag for tag, _ in reader.tags]


def test_facts_are_listed_in_order_without_empty_ones():
    texts = read(fragments.facts({"Network": "lenet5", "Note": "", "Epochs": "0"})).texts
    assert texts == ["Network", "lenet5", "Epochs", "0"]


def test_facts_are_text_and_never_markup():
    reader = read(fragments.facts({"<b>k": "<img src=x onerror=alert(1)>", "a & b": '"quoted"'}))
    assert reader.texts == ["<b>k", "<img src=x onerror=alert(1)>", "a & b", '"quoted"']
    assert "img" not in [tag for tag, _ in reader.tags]


def test_a_text_from_outside_is_no_markdown():
    assert escaped("![x](https://example.org)") == r"!\[x\](https://example.org)"
    assert escaped("a*b* `c` $d$ ~e~ \\") == r"a\*b\* \`c\` \$d\$ \~e\~ \\"
    assert escaped("half \ud800") == "half ?"
    assert escaped("7-2_x.png is empty: remove it.") == "7-2_x.png is empty: remove it."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("evaluate canvas", "`evaluate canvas`"),
        ("a`![x](https://example.org)", "`` a`![x](https://example.org) ``"),
        ("``", "``` `` ```"),
    ],
)
def test_code_ends_where_its_text_does(text, code):
    assert inline_code(text) == code
