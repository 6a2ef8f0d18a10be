"""The pages. Only here and in app.py is Streamlit known."""
