"""Plotly figures, pure functions of the data they show."""
