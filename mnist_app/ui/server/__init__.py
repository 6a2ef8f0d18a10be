"""What the app needs of the server and Streamlit lacks."""
