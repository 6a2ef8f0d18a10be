"""The server: what is set up once, what requests pass, and what Streamlit lacks."""
