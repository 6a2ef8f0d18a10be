"""Fixed colours: one per digit, one per run, readable on light and dark backgrounds."""

import zlib

DIGIT_COLORS = (
    "#4c78dd",
    "#f28e2b",
    "#2fa866",
    "#d9485f",
    "#8f6bd1",
    "#a5734b",
    "#e377c2",
    "#7f8694",
    "#b5a41f",
    "#17a2b8",
)
BLUE, ORANGE = DIGIT_COLORS[:2]
GREY = "#8a919e"


def run_color(name: str) -> str:
    """Return the colour of a run or result, the same wherever its name turns up."""
    return DIGIT_COLORS[zlib.crc32(name.encode()) % len(DIGIT_COLORS)]
