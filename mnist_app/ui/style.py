"""How the page looks, beyond the theme: the style sheets in the folder `styles`.

The canvas needs some of them before torch is loaded, so nothing here may need torch.
"""

from functools import cache
from pathlib import Path

from markupsafe import Markup

_FOLDER = Path(__file__).with_name("styles")


@cache
def sheet(name: str) -> Markup:
    """Return a style sheet as HTML; each is read once per server.

    Args:
        name: the name of its file, without the suffix.
    """
    css = _FOLDER.joinpath(f"{name}.css").read_text(encoding="utf-8")
    return Markup(f"<style>\n{css}</style>")  # noqa: S704, it is a file of ours
