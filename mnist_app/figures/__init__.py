"""Plotly figures, HTML fragments and colours: pure functions that don't use Streamlit.

The page and the report share them. A function takes data and returns a figure or text. It reads no
data files, so a test can call it directly. All text from outside is escaped here. Modules whose
names end in `_charts` or `_chart` return Plotly figures. `fragments` and the modules that end in
`_fragments`, `_table` or `readings` return HTML, made by `templating`. `heatmaps` and `tiles`
colour and arrange pictures.
"""
