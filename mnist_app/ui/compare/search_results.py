"""What a search has found so far: its trials as a chart and as a table."""

from typing import Any

import streamlit as st

from mnist_app.common.translation import N_, SOURCE, _, language, ngettext
from mnist_app.figures import comparison_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.recipe import FIELDS
from mnist_app.recipes.search_space import Between
from mnist_app.runs.search import Search, Trial
from mnist_app.ui import style
from mnist_app.ui.markdown import escaped

_STATES = {  # of trials that are not being trained
    "queued": N_("waiting"),
    "waiting": N_("waiting"),
    "starting": N_("starting"),
    "finished": N_("finished"),
    "stopped": N_("stopped"),
    "died": N_("died"),
}
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
                _(
                    "Each line is a trial (n = {n}), from blue over red to orange by its accuracy "
                    "on {images:,} validation images. Drag along an axis to pick some."
                ).format(n=len(finished), images=result.calibration.n)
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
                _("Validation"): number(format="percent", help=_("Accuracy on validation images.")),
                _("Validation loss"): number(format="%.4f"),
                _("Training, s"): number(format="%.1f"),
            },
        )


def _columns(now: Search) -> dict[str, list[Any]]:
    best, trials = now.best, now.trials
    return {
        _("Trial"): [t.number for t in trials],
        _("State"): [_state(t, best) for t in trials],
        **{
            FIELDS[f].label_with_unit: [_cell(t.values[f]) for t in trials]
            for f in now.space.fields
        },
        _("Validation"): [t.val_accuracy for t in trials],
        _("Validation loss"): [t.last["val_loss"] if t.last else None for t in trials],
        _("Training, s"): [t.seconds if t.epochs else None for t in trials],
    }


def _state(trial: Trial, best: Trial | None) -> str:
    if best and trial.number == best.number:
        return _("best")
    if trial.has_diverged:
        return _("diverged")
    if trial.run and trial.state in ("running", "stopping"):
        epoch = min(len(trial.epochs) + 1, trial.run.recipe.epochs)
        return _("epoch {epoch}").format(epoch=epoch)
    return _(_STATES.get(trial.state, trial.state))


def describe_search(now: Search) -> str:
    """Return one line on what is searched."""
    base = now.space.base
    seed = _("seed {seed}").format(seed=base.seed)
    fixed = [base.name, escaped(base.dataset), seed]
    if "epochs" not in now.space.fields:
        epochs = ngettext("{n} epoch", "{n} epochs", base.epochs)
        fixed.append(epochs.format(n=base.epochs))
    if "subset" not in now.space.fields:
        some = _("{n:,} images").format(n=base.subset) if base.subset else _("all images")
        fixed.append(some)
    varied = ", ".join(f"{_in_text(f)} {_span(v)}" for f, v in now.space.fields.items())
    kind = _("grid") if now.space.kind == "grid" else _("at random")
    return f"{' · '.join(fixed)} · {kind}: {varied}"


def values_text(values: dict[str, Any]) -> str:
    """Return the values of a trial in words."""
    return ", ".join(f"{_in_text(f)} {value_text(v)}" for f, v in values.items())


def _in_text(field: str) -> str:
    """Return a field's label within a sentence. German writes nouns with capitals."""
    label = FIELDS[field].label
    return label.lower() if language() == SOURCE else label


def _span(values: Any) -> str:
    if isinstance(values, Between):
        text = _("{least} to {greatest}")
        return text.format(least=f"{values.least:g}", greatest=f"{values.greatest:g}")
    return "/".join(map(value_text, values))


def _cell(value: Any) -> Any:
    return value_text(value) if isinstance(value, bool) else value
