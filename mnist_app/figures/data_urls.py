"""Pictures as data: URLs, which are part of the page and need no request of their own."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def png_url(image: np.ndarray) -> str:
    """A grey image in [0, 1], (H, W), as a data: URL."""
    return picture_url((image * 255).round().astype(np.uint8))


def picture_url(pixels: np.ndarray) -> str:
    """Pixels, uint8 (H, W) or (H, W, 3 or 4), as a data: URL."""
    return encoded(Image.fromarray(pixels))


def encoded(picture: Image.Image, **options: Any) -> str:
    """A picture as PNG in a data: URL, with options of Pillow's PNG writer."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
