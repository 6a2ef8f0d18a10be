"""The Compare tab's table: what was reported and measured for each result, and what it costs."""

from typing import Any

import streamlit as st

from mnist_app.common import machine
from mnist_app.common.translation import _
from mnist_app.recognition import comparison
from mnist_app.recognition.comparison import Cost, Row
from mnist_app.results import accuracy_text
from mnist_app.results.weights import WeightsInfo
from mnist_app.ui.markdown import escaped


def render(infos: list[WeightsInfo], costs: dict[str, Cost]) -> None:
    """Draw the table and the button that downloads it as a CSV file.

    Args:
        infos: the results.
        costs: the cost of each, by its name.
    """
    rows = [comparison.row_of(info, costs[info.name]) for info in infos]
    with st.container(key="compare_table"):
        st.dataframe(
            _cells(rows),
            hide_index=True,
            column_config=_columns(rows),
            placeholder="–",
            height="content",
        )
        st.caption(_table_text(rows, costs) + _untested_text(infos))
        st.download_button(
            "Download as CSV",
            comparison.csv_of(rows),
            "results.csv",
            "text/csv",
            icon=":material/download:",
            key="compare_csv",
            on_click="ignore",
        )


def _columns(rows: list[Row]) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "Name": text(pinned=True),
        "Reported": text(help="By the source of the preset.", width="medium"),
        "Test": number(format="%.2f%%", help="Accuracy on the data set's test images."),
        "95% interval": text(help="Of the test accuracy (Wilson)."),
        "n": number(format="localized", help="Test images."),
        "Drawn": number(format="%.2f%%", help=_drawn_help(rows)),
        "Parameters": number(format="localized"),
        "Multiply-adds": number(
            format="localized", help="For one image, in convolutions and dense layers."
        ),
        "Size, kB": number(format="localized", help="Of the file; 1 kB is 1,000 bytes."),
        "Training, s": number(format="localized", help="Training alone, where it was trained."),
        "ms per digit": number(format="%.2f", help="One image of 28 × 28, median."),
        "Seed": number(format="%d", help="Of the training."),
    }


def _cells(rows: list[Row]) -> dict[str, list[Any]]:
    datasets = {row.dataset for row in rows}
    return {
        "Name": [row.name for row in rows],
        **({"Data set": [row.dataset for row in rows]} if len(datasets) > 1 else {}),
        "Reported": [_(row.reported) if row.reported else None for row in rows],
        "Test": [None if row.test_accuracy is None else 100 * row.test_accuracy for row in rows],
        "95% interval": [_interval(row) for row in rows],
        **({"n": [row.n or None for row in rows]} if len({row.n for row in rows}) > 1 else {}),
        "Drawn": [row.drawn_accuracy and 100 * row.drawn_accuracy for row in rows],
        "Parameters": [row.parameters for row in rows],
        "Multiply-adds": [row.multiply_adds for row in rows],
        "Size, kB": [round(row.bytes / 1000) for row in rows],
        "Training, s": [round(row.training_seconds, 1) for row in rows],
        "ms per digit": [row.milliseconds for row in rows],
        "Seed": [row.seed for row in rows],
    }


def _interval(row: Row) -> str | None:
    return None if row.test_accuracy is None else f"{row.low:.2%} to {row.high:.2%}"


def _drawn_help(rows: list[Row]) -> str:
    counts = " or ".join(f"{n:,}" for n in sorted({row.drawn_n for row in rows if row.drawn_n}))
    return (
        "Accuracy on digits drawn on the canvas by people that the network never saw: real pen "
        f"strokes in 72 ways (brush, size, place, rotation), n = {counts or 0} drawings, seed 0; "
        "see docs/drawings.md."
    )


def _table_text(rows: list[Row], costs: dict[str, Cost]) -> str:
    timed = sorted({costs[row.name].n for row in rows})
    n = f"{timed[0]} to {timed[-1]}" if len(timed) > 1 else f"{timed[0]}"
    drawn = " or ".join(f"{n:,}" for n in sorted({row.drawn_n for row in rows if row.drawn_n}))
    images = {f"{row.n:,} images of {escaped(row.dataset)}" for row in rows if row.n}
    tested = f"Test: n = {' or '.join(sorted(images))}. " if images else ""
    told = f"Drawn: n = {drawn} drawings of pen strokes each. " if drawn else ""
    return (
        f"{tested}{told}ms per digit: median of {n} predictions on this machine "
        f"({machine.machine_facts()['cpu']}, one thread), beside whatever else it did."
    )


def _untested_text(infos: list[WeightsInfo]) -> str:
    """Say of each result without a test accuracy what it has instead."""
    untested = [info for info in infos if info.test_accuracy is None]
    return "".join(f" {info.name}: {accuracy_text.full_text(info)}." for info in untested)
