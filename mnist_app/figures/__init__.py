"""Plotly figures, fragments of HTML and colours: pure functions, without Streamlit."""
