"""The page. Its script is page.py. Each tab has a folder, and so do the sidebar and the server.

Only this package and app.py know Streamlit.
"""
