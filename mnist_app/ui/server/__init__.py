"""The server: one-time setup, the middleware for requests, and what Streamlit itself lacks."""
