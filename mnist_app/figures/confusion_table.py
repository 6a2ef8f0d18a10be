"""A confusion matrix whose cells can be clicked, as HTML."""

import math

import numpy as np

STYLE = """
<style>
.confusion { border-collapse: separate; border-spacing: 2px; width: 100%; max-width: 34rem;
  table-layout: fixed; font-variant-numeric: tabular-nums; }
.confusion th { font-weight: 600; font-size: .95rem; text-align: center; padding: .1rem;
  border: 0; }
.confusion td { padding: 0; border: 0; }
.confusion button { width: 100%; aspect-ratio: 1; border: 0; border-radius: .3rem; padding: 0;
  font: inherit; font-size: clamp(.55rem, 1.9vw, .92rem); cursor: pointer; color: inherit; }
.confusion button:hover, .confusion button:focus-visible { outline: 2px solid #f28e2b; }
.confusion button.chosen { outline: 3px solid #f28e2b; }
.confusion caption { caption-side: bottom; font-size: .85rem; opacity: .8; padding-top: .3rem; }
</style>
"""
_RIGHT, _WRONG = "76,120,221", "217,72,95"


def confusion_table(matrix: np.ndarray, chosen: str | None = None) -> str:
    """Digits down, answers across; right ones blue, mistakes red, darker with their number.

    Args:
        matrix: int (10, 10).
        chosen: the data-value of the cell to mark, "digit-answer".
    """
    head = "".join(f'<th scope="col">{answer}</th>' for answer in range(10))
    rows = "".join(_row(digit, matrix[digit], chosen) for digit in range(10))
    return (
        f'<table class="confusion"><caption>Rows: the digit. Columns: what it was taken for. '
        f"n = {matrix.sum():,}</caption><tr><th></th>{head}</tr>{rows}</table>"
    )


def _row(digit: int, counts: np.ndarray, chosen: str | None) -> str:
    cells = "".join(
        _cell(digit, answer, count, chosen) for answer, count in enumerate(counts.tolist())
    )
    return f'<tr><th scope="row">{digit}</th>{cells}</tr>'


def _cell(digit: int, answer: int, count: int, chosen: str | None) -> str:
    value = f"{digit}-{answer}"
    color = _RIGHT if digit == answer else _WRONG
    strength = min(0.1 + 0.25 * math.log10(count), 0.85) if count else 0.04
    words = f"{digit} taken for {answer}: {count:,} images"
    mark = ' class="chosen"' if value == chosen else ""
    return (
        f'<td><button type="button" data-value="{value}"{mark} aria-label="{words}" '
        f'title="{words}" style="background:rgba({color},{strength:.2f})">'
        f"{count if count else ''}</button></td>"
    )
