"""Pictures as data: URLs, which are part of the page and need no extra request."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def png_url(image: np.ndarray) -> str:
    """Return a grey image in [0, 1], (H, W), as a data: URL."""
    return picture_url((image * 255).round().astype(np.uint8))


def picture_url(pixels: np.ndarray) -> str:
    """Return pixels, uint8 (H, W) or (H, W, 3 or 4), as a data: URL."""
    return encoded(Image.fromarray(pixels))


def encoded(picture: Image.Image, **options: Any) -> str:
    """Return a picture as PNG in a data: URL; the options go to Pillow's PNG writer."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
