"""Figures of the contents of a data set."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mnist_app.common.translation import _
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.plot_style import escape_html, with_common_layout

_PATTERNS = ("", "/", ".", "x")  # one per split


def distribution(counts: Mapping[str, Sequence[int]]) -> go.Figure:
    """Plot the share of each digit in each split.

    Args:
        counts: the ten counts of each split, by its name in the language of the page.
    """
    figure = go.Figure()
    for number, (split, of_digit) in enumerate(counts.items()):
        n = sum(of_digit)
        figure.add_bar(
            x=list(range(10)),
            y=[count / max(n, 1) for count in of_digit],
            customdata=list(of_digit),
            name=f"{escape_html(split)}, n = {n:,}",
            marker={
                "color": DIGIT_COLORS,
                "pattern": {"shape": _PATTERNS[number % len(_PATTERNS)], "fillmode": "overlay"},
            },
            hovertemplate=_hover(split),
        )
    figure.update_xaxes(title=_("Digit"), dtick=1)
    figure.update_yaxes(title=_("Share of the split"), tickformat=".0%")
    figure.update_layout(barmode="group", bargap=0.25)
    return with_common_layout(figure, height=300)


def _hover(split: str) -> str:
    text = _("digit {digit}: {n} images, {share} of {split}").format(
        digit="%{x}", n="%{customdata:,}", share="%{y:.1%}", split=escape_html(split)
    )
    return f"{text}<extra></extra>"
