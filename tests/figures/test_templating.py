import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from mnist_app.figures.templating import from_template

FACTS = "figures/templates/facts.html"


def test_a_value_is_text_unless_it_is_html_already():
    html = from_template(FACTS, facts={"a": "<i>1 & 2</i>", "b": Markup("<i>3</i>")})
    assert "<span>&lt;i&gt;1 &amp; 2&lt;/i&gt;</span>" in html
    assert "<span><i>3</i></span>" in html


def test_what_is_made_is_html_for_another_template():
    bars = from_template(FACTS, facts={"a": "<"})
    whole = from_template("figures/templates/picture_and_bars.html", picture="", bars=bars)
    assert bars in whole


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="'hint' is undefined"):
        from_template("figures/templates/hint.html")


def test_line_breaks_beside_tags_do_not_count():
    """Between inline elements each would be a space on the page."""
    html = from_template(FACTS, facts={"a": "b", "c": "d e"})
    assert html == '<div class="facts"><b>a</b><span>b</span><b>c</b><span>d e</span></div>'
