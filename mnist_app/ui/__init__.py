"""The page: its script is page.py, each tab has a folder, and so have the sidebar and the server.

Only here and in app.py is Streamlit known.
"""
