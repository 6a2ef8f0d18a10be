"""HTML files about a result, which open without the internet.

`html_report` returns the whole file as text: `report_for` for the command line, `render_report` for
the page.
"""
