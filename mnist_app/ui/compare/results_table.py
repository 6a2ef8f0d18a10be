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
            _("Download as CSV"),
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
        _("Name"): text(pinned=True),
        _("Reported"): text(help=_("By the source of the preset."), width="medium"),
        _("Test"): number(format="%.2f%%", help=_("Accuracy on the data set's test images.")),
        _interval_title(): text(help=_("Of the test accuracy (Wilson).")),
        _("n"): number(format="localized", help=_("Test images.")),
        _("Drawn"): number(format="%.2f%%", help=_drawn_help(rows)),
        _("Parameters"): number(format="localized"),
        _("Multiply-adds"): number(
            format="localized", help=_("For one image, in convolutions and dense layers.")
        ),
        _("Size, kB"): number(format="localized", help=_("Of the file; 1 kB is 1,000 bytes.")),
        _("Training, s"): number(
            format="localized", help=_("Training alone, where it was trained.")
        ),
        _("ms per digit"): number(format="%.2f", help=_("One image of 28 × 28, median.")),
        _("Seed"): number(format="%d", help=_("Of the training.")),
    }


def _cells(rows: list[Row]) -> dict[str, list[Any]]:
    datasets = {row.dataset for row in rows}
    return {
        _("Name"): [row.name for row in rows],
        **({_("Data set"): [row.dataset for row in rows]} if len(datasets) > 1 else {}),
        _("Reported"): [_(row.reported) if row.reported else None for row in rows],
        _("Test"): [None if row.test_accuracy is None else 100 * row.test_accuracy for row in rows],
        _interval_title(): [_interval(row) for row in rows],
        **({_("n"): [row.n or None for row in rows]} if len({row.n for row in rows}) > 1 else {}),
        _("Drawn"): [row.drawn_accuracy and 100 * row.drawn_accuracy for row in rows],
        _("Parameters"): [row.parameters for row in rows],
        _("Multiply-adds"): [row.multiply_adds for row in rows],
        _("Size, kB"): [round(row.bytes / 1000) for row in rows],
        _("Training, s"): [round(row.training_seconds, 1) for row in rows],
        _("ms per digit"): [row.milliseconds for row in rows],
        _("Seed"): [row.seed for row in rows],
    }


def _interval_title() -> str:
    return _("{level} interval").format(level="95%")


def _interval(row: Row) -> str | None:
    return None if row.test_accuracy is None else _span(row)


def _span(row: Row) -> str:
    return _("{low:.2%} to {high:.2%}").format(low=row.low, high=row.high)


def _drawn_help(rows: list[Row]) -> str:
    text = _(
        "Accuracy on digits that people whom the network never saw drew on the canvas: real pen "
        "strokes in 72 ways (brush, size, place, rotation), n = {n} drawings, seed 0; see "
        "docs/drawings.md."
    )
    return text.format(n=_drawn_counts(rows) or 0)


def _drawn_counts(rows: list[Row]) -> str:
    return " / ".join(f"{n:,}" for n in sorted({row.drawn_n for row in rows if row.drawn_n}))


def _table_text(rows: list[Row], costs: dict[str, Cost]) -> str:
    timed = sorted({costs[row.name].n for row in rows})
    n = f"{timed[0]}–{timed[-1]}" if len(timed) > 1 else f"{timed[0]}"
    form = _("{n:,} images of {data}")
    images = {form.format(n=row.n, data=escaped(row.dataset)) for row in rows if row.n}
    sentences = []
    if images:
        sentences.append(_("Test: n = {images}.").format(images=" / ".join(sorted(images))))
    if drawn := _drawn_counts(rows):
        sentences.append(_("Drawn: n = {n} drawings of pen strokes each.").format(n=drawn))
    speed = _(
        "ms per digit: median of {n} predictions on this machine ({cpu}, one thread), beside "
        "whatever else it did."
    )
    sentences.append(speed.format(n=n, cpu=machine.machine_facts()["cpu"]))
    return " ".join(sentences)


def _untested_text(infos: list[WeightsInfo]) -> str:
    """Say of each result without a test accuracy what it has instead."""
    untested = [info for info in infos if info.test_accuracy is None]
    return "".join(f" {info.name}: {accuracy_text.full_text(info)}." for info in untested)
