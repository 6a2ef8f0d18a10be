"""What a search has found so far: its trials as a chart and as a table."""

from typing import Any

import streamlit as st

from mnist_app.figures import comparison_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.recipe import FIELDS
from mnist_app.recipes.search_space import Between
from mnist_app.runs.search import Search, Trial
from mnist_app.ui import style
from mnist_app.ui.markdown import escaped

_FEWEST = 2  # finished trials needed for a chart


def render(now: Search) -> None:
    """Draw a chart of the finished trials and a table of all trials."""
    finished = [
        (trial, accuracy)
        for trial in now.trials
        if trial.state == "finished" and (accuracy := trial.val_accuracy) is not None
    ]
    result = now.result_of(finished[0][0]) if len(finished) >= _FEWEST else None
    if result:
        st.html(style.sheet("trials"))
        fields = list(now.space.fields)
        figure = charts.trials_figure(
            [{field: trial.values[field] for field in fields} for trial, _ in finished],
            [accuracy for _, accuracy in finished],
        )
        with st.container(key="search_chart"):
            st.plotly_chart(figure, key=f"trials_{now.id}", config=PLOTLY_CONFIG)
            st.caption(
                f"Each line is a trial (n = {len(finished)}), from blue over red to orange by its "
                f"accuracy on {result.calibration.n:,} validation images. Drag along an axis to "
                "pick some."
            )
    _table(now)


def _table(now: Search) -> None:
    number = st.column_config.NumberColumn
    with st.container(key="search_table"):
        st.dataframe(
            _columns(now),
            hide_index=True,
            placeholder="–",
            key=f"trials_table_{now.id}",
            column_config={
                "Validation": number(format="percent", help="Accuracy on validation images."),
                "Validation loss": number(format="%.4f"),
                "Training, s": number(format="%.1f"),
            },
        )


def _columns(now: Search) -> dict[str, list[Any]]:
    best, trials = now.best, now.trials
    return {
        "Trial": [t.number for t in trials],
        "State": [_state(t, best) for t in trials],
        **{
            FIELDS[f].label_with_unit: [_cell(t.values[f]) for t in trials]
            for f in now.space.fields
        },
        "Validation": [t.val_accuracy for t in trials],
        "Validation loss": [t.last["val_loss"] if t.last else None for t in trials],
        "Training, s": [t.seconds if t.epochs else None for t in trials],
    }


def _state(trial: Trial, best: Trial | None) -> str:
    if best and trial.number == best.number:
        return "best"
    if trial.has_diverged:
        return "diverged"
    if trial.run and trial.state in ("running", "stopping"):
        return f"epoch {min(len(trial.epochs) + 1, trial.run.recipe.epochs)}"
    return {"queued": "waiting", "starting": "starting"}.get(trial.state, trial.state)


def describe_search(now: Search) -> str:
    """Return one line on what is searched."""
    base = now.space.base
    fixed = [base.name, escaped(base.dataset), f"seed {base.seed}"]
    if "epochs" not in now.space.fields:
        fixed.append(f"{base.epochs} epoch{'s' * (base.epochs != 1)}")
    if "subset" not in now.space.fields:
        fixed.append(f"{base.subset:,} images" if base.subset else "all images")
    varied = ", ".join(f"{FIELDS[f].label.lower()} {_span(v)}" for f, v in now.space.fields.items())
    kind = "grid" if now.space.kind == "grid" else "at random"
    return f"{' · '.join(fixed)} · {kind}: {varied}"


def values_text(values: dict[str, Any]) -> str:
    """Return the values of a trial in words."""
    return ", ".join(f"{FIELDS[f].label.lower()} {value_text(v)}" for f, v in values.items())


def _span(values: Any) -> str:
    if isinstance(values, Between):
        return f"{values.least:g} to {values.greatest:g}"
    return "/".join(map(value_text, values))


def _cell(value: Any) -> Any:
    return value_text(value) if isinstance(value, bool) else value
