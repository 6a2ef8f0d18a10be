"""Remove stray dots and taps next to a digit."""

import numpy as np
from scipy import ndimage

from mnist_app.drawing.stroke_width import stroke_radius

_TOUCHING = np.ones((3, 3))  # pixels that touch at a corner belong together


def without_stray_dots(mask: np.ndarray) -> np.ndarray:
    """Drop stray dots and taps; keep the bar of a 5 or a 7 and the other half of a 4.

    A part is dropped if it is hardly longer than a stroke is wide, or if it is small and far from
    the largest part.

    Args:
        mask: bool (H, W), True where there is ink.
    Returns:
        The mask itself if there is nothing to drop, otherwise a new one.
    """
    labels, count = ndimage.label(mask, _TOUCHING)
    if count < 2:
        return mask
    boxes = ndimage.find_objects(labels)
    lengths = np.array([max(part.stop - part.start for part in box) for box in boxes])
    areas = ndimage.sum_labels(mask, labels, range(1, count + 1))
    main = int(areas.argmax())
    tap = 1.5 * 2 * stroke_radius(ndimage.distance_transform_edt(labels == main + 1))
    to_main = ndimage.distance_transform_edt(labels != main + 1)
    gaps = ndimage.minimum(to_main, labels, range(1, count + 1))
    dots = lengths <= min(tap, lengths[main] / 3)
    strays = (lengths < lengths[main] / 4) & (gaps > lengths[main] / 4)
    stays = np.append(False, ~(dots | strays))
    return mask if stays[1:].all() else stays[labels]
