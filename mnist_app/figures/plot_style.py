"""Settings that all figures share."""

from html import escape

import plotly.graph_objects as go

PLOTLY_CONFIG = {"displayModeBar": False}  # for every figure on a page


def escape_html(text: str) -> str:
    """Escape a text from outside, so that Plotly shows it literally: it interprets some tags."""
    return escape(text, quote=False)


def with_common_layout(figure: go.Figure, height: int = 330) -> go.Figure:
    """Give a figure our margins, a legend below it, and a zoom that survives new data."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        legend={"orientation": "h", "y": -0.28, "x": 0},
        uirevision="constant",
        hovermode="closest",
    )
    return figure
