"""HTML files about a result, which open without the internet.

`html_report.report_for` returns the whole page as text; the page and the command line write it.
"""
