"""Draw a digit, see what a neural network makes of it, train such networks live.

Start it with `streamlit run app.py`. Streamlit looks for the name `app`.
"""

import streamlit as st

from mnist_app.ui.server import application

app = st.App(application.PAGE, lifespan=application.lifespan, middleware=application.MIDDLEWARE)
