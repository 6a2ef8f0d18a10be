"""A confusion matrix whose cells can be clicked, as HTML."""

import math
from typing import Any

import numpy as np
from markupsafe import Markup

from mnist_app.figures.templating import from_template

_RIGHT, _WRONG = "76,120,221", "217,72,95"  # red, green and blue
_PALEST, _DARKEST = 0.04, 0.85  # opacity of an empty cell, and the greatest one


def confusion_table(matrix: np.ndarray, chosen: str | None = None) -> Markup:
    """Return a table with digits down and answers across.

    Right answers are blue and mistakes red. The more images a cell has, the darker it is.

    Args:
        matrix: int (10, 10).
        chosen: the data-value of the cell to mark, "digit-answer".
    """
    rows = [
        [_cell(digit, answer, count) for answer, count in enumerate(counts)]
        for digit, counts in enumerate(matrix.tolist())
    ]
    return from_template(
        "figures/templates/confusion_table.html", rows=rows, n=int(matrix.sum()), chosen=chosen
    )


def _cell(digit: int, answer: int, count: int) -> dict[str, Any]:
    opacity = min(0.1 + 0.25 * math.log10(count), _DARKEST) if count else _PALEST
    return {
        "digit": digit,
        "answer": answer,
        "value": f"{digit}-{answer}",
        "count": count,
        "color": f"{_RIGHT if digit == answer else _WRONG},{opacity:.2f}",
    }
