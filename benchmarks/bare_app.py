"""The app without the expanders below the canvas, to measure their cost when they are closed."""

from mnist_app.ui import page
from mnist_app.ui.draw.reasons import panels as reasons

reasons.render = lambda _choose, **_options: None
page.render()
