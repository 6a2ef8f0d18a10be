"""Plotly figures, fragments of HTML and colours: pure functions, without Streamlit.

The page and the report show the same ones. A function takes data and returns a figure or text; it
reads no file, and a test can call it. All text from outside is escaped here. Modules that end in
`_charts` or `_chart` return Plotly figures; `fragments` and those that end in `_fragments`,
`_table` or `readings` return HTML, made by `templating`; `heatmaps` and `tiles` colour and arrange
pictures.
"""
