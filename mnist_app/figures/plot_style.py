"""What all figures have in common."""

from html import escape

import plotly.graph_objects as go

PLOTLY_CONFIG = {"displayModeBar": False}  # of every figure on a page


def escape_html(text: str) -> str:
    """A text from outside as Plotly shows it letter by letter; it takes some tags for its own."""
    return escape(text, quote=False)


def with_common_layout(figure: go.Figure, height: int = 330) -> go.Figure:
    """The figure with our margins, its legend below it, and a zoom that survives new data."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        legend={"orientation": "h", "y": -0.28, "x": 0},
        uirevision="constant",
        hovermode="closest",
    )
    return figure
