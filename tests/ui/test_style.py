from pathlib import Path

import pytest

from mnist_app.ui import style

NAMES = sorted(file.stem for file in Path(style.__file__).with_name("styles").glob("*.css"))


@pytest.mark.parametrize("name", NAMES)
def test_a_style_sheet_is_one_element_that_takes_no_room(name):
    """Streamlit reserves room for HTML unless it is only styles; browsers drop styles with tags."""
    html = style.sheet(name)
    assert html.startswith("<style>")
    assert html.endswith("}\n</style>")
    assert html.count("<") == 2
