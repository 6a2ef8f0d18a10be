"""The Train tab: choose a recipe, start it, follow it live, stop, resume, keep."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.data import catalogue, training_data
from mnist_app.figures import training_charts as charts
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.recipes.presets import RECIPES, SOURCES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.runs import training_runs
from mnist_app.runs.training_runs import Run
from mnist_app.ui import dataset_choice, loaded_networks, polling, session, teacher_lock
from mnist_app.ui.markdown import escaped
from mnist_app.ui.train import recipe_form

SECONDS_BETWEEN_LOOKS = 1.0
_NOTHING_LEARNED = 0.2  # test accuracy
_DATASETS = {
    "mnist": "70,000 digits of MNIST; downloaded once, 11 MB, if they are not here.",
    "digits": "1,797 digits that come with the app: nothing to download, trains in seconds.",
    "folder": "Your own pictures: a folder or ZIP with one sub-folder per digit, named 0 to 9.",
}


def render() -> None:
    """Draw the tab."""
    with st.container(key="train_tab"):
        settings, progress = st.columns([1, 1.6], gap="large")
    with settings:
        _settings()
    with progress:
        live = any(run.is_live for run in training_runs.list_runs())
        st.fragment(_follow, run_every=SECONDS_BETWEEN_LOOKS if live else 3)()


# Settings and start


def _settings() -> None:
    st.subheader("Recipe", anchor=False)
    name = st.selectbox("Preset", list(RECIPES), key="preset", bind="query-params")
    preset, source = RECIPES[name], SOURCES[name]
    reported = f" Reported: {source.reported}." if source.reported else ""
    st.caption(f"{source.about}{reported}")
    if lack := training_data.missing_strokes_notice(preset):
        st.info(lack)
    dataset = _dataset()
    values = recipe_form.render_fields(preset)
    result = st.text_input(
        "Save as",
        key="save_as",
        **session.PERSISTENT,
        placeholder=preset.name,
        help="Letters, digits, - and _. A taken name gets a number.",
    )
    with st.container(key="train"):
        if not teacher_lock.is_unlocked():
            teacher_lock.render_locked_notice()
        elif st.button("Start training", type="primary", width="stretch"):
            _start(preset, {**values, "dataset": dataset}, result.strip())


def _dataset() -> str:
    kind = st.selectbox("Data set", list(_DATASETS), key="dataset", bind="query-params")
    st.caption(_DATASETS[kind])
    if kind != "folder":
        return kind
    return dataset_choice.render_own_data("folder")


def _start(preset: Recipe, values: Mapping[str, Any], name: str) -> None:
    try:
        teacher_lock.require_unlocked()
        catalogue.check_dataset(values["dataset"])
        run = training_runs.start(
            preset.changed(**values), name or preset.name, owner=session.browser_id()
        )
    except InputError as error:
        st.error(escaped(error))
        return
    st.session_state["run"] = run.id
    st.rerun()


# Following a run


def _follow() -> None:
    polling.rerun_if_changed()
    everything = {run.id: run for run in polling.single_runs()}
    if not everything:
        st.subheader("No training yet", anchor=False)
        st.write(
            "Choose a preset and start: its curves grow here, and go on if you close the page."
        )
        return
    run = everything[_chosen_run(everything)]
    whose = {None: "", session.browser_id(): " · started in this browser"}
    whose = whose.get(run.owner, " · started in another browser")
    st.caption(_recipe_text(run.recipe) + whose)
    with st.container(key="progress"):
        _progress(run)
    _curves(run)


def _recipe_text(recipe: Recipe) -> str:
    return (
        f"{recipe.name} · {recipe.model} · {escaped(recipe.dataset)} · {recipe.epochs} epochs · "
        f"batch size {recipe.batch_size} · {recipe.optimizer}, learning rate "
        f"{recipe.learning_rate:g} · seed {recipe.seed}"
    )


def _chosen_run(everything: dict[str, Run]) -> str:
    """The run to show: the one chosen, else the one in progress, else the newest."""
    if st.session_state.get("run") not in everything:
        live = [run.id for run in everything.values() if run.state in ("running", "starting")]
        st.session_state["run"] = (live or list(everything))[0]
    # The labels stay the same while the runs go on: new ones would close an open list.
    return st.selectbox("Run", list(everything), key="run", **session.PERSISTENT)


def _progress(run: Run) -> None:
    state, log = run.state, run.log
    done = len(log.epochs)
    if state == "queued":
        ahead = len(training_runs.runs_ahead_of(run))
        st.info(f"Waiting for its turn: {ahead} {'run is' if ahead == 1 else 'runs are'} ahead.")
    elif state in ("starting", "running", "stopping"):
        _bar(run)
    elif state == "died":
        what = f"died after {done} complete epochs" if done else "died before its first epoch ended"
        st.error(f"The training {what}. {escaped(run.why_it_died)}")
    else:
        _result(run)
    _buttons(run, state)


def _bar(run: Run) -> None:
    log, epochs = run.log, run.recipe.epochs
    if log.note:
        st.progress(min(log.note["share"], 1.0), f"{escaped(log.note['text'])} …")
    elif log.batch:
        batch = log.batch
        share = (batch["epoch"] - 1 + batch["batch"] / batch["batches"]) / epochs
        st.progress(
            min(max(share, len(log.epochs) / epochs), 1.0),
            f"Epoch {batch['epoch']} of {epochs} · batch {batch['batch']:,} of "
            f"{batch['batches']:,} · {_duration(batch['seconds_left'])} left",
        )
        st.caption(
            f"Running loss {batch['loss']:.4f} · accuracy {batch['accuracy']:.2%} · "
            f"{batch['images_per_second']:,.0f} images/s"
        )
    else:
        st.progress(len(log.epochs) / epochs, "Starting: loading the network and the images …")


def _result(run: Run) -> None:
    end = run.log.end or {}
    if not end.get("name"):
        st.info("Stopped before anything was trained: there is nothing to keep.")
        return
    words = {
        "stopped": "Stopped",
        "early": "Stopped early: no better validation loss",
        "diverged": "Kept as it was",
    }
    if end.get("problem"):
        st.warning(escaped(end["problem"]))
    elif end["test_accuracy"] < _NOTHING_LEARNED:
        st.warning("Guessing gives about 10%: it has learned next to nothing. Try another rate.")
    when = f"after {end['epochs']}" if end["epochs"] else "within the first"
    (st.info if end.get("problem") else st.success)(
        f"{words.get(end['reason'], 'Finished')} {when} of {run.recipe.epochs} epochs, "
        f"{_duration(end['seconds'])}: **{end['test_accuracy']:.2%}** of {end['n']:,} test "
        f"images right. Saved as **{escaped(end['name'])}**, ready in the sidebar."
    )


def _buttons(run: Run, state: str) -> None:
    if not teacher_lock.is_unlocked():
        return
    with st.container(horizontal=True):
        if state in ("queued", "starting", "running"):
            label = "Cancel" if state == "queued" else "Stop and keep"
            st.button(label, key="stop", on_click=_try, args=(training_runs.stop, run))
        if state in ("stopped", "died"):
            epochs = run.log.epochs
            place = f"epoch {max(epochs)}" if epochs else "the beginning"
            st.button(f"Resume from {place}", key="resume", on_click=_try, args=(_resume, run))
        if state in ("finished", "stopped", "died"):
            st.button(
                "Remove from this list",
                key="remove",
                on_click=_try,
                args=(training_runs.remove, run),
                help="Its saved result stays.",
            )


def _resume(run: Run) -> None:
    training_runs.resume(run, owner=session.browser_id())


def _try(action: Callable[[Run], None], run: Run) -> None:
    try:
        teacher_lock.require_unlocked()
        action(run)
    except InputError as error:
        st.toast(escaped(error))


def _curves(run: Run) -> None:
    shown = {run.id: list(run.log.epochs.values())} | _overlays(run)
    if not any(shown.values()):
        return
    accuracy, loss = _figures(json.dumps({n: charts.thinned(e) for n, e in shown.items()}))
    left, right = st.columns(2)
    with left, st.container(key="accuracy_chart"):
        st.plotly_chart(accuracy, key="accuracy", config=PLOTLY_CONFIG)
    with right, st.container(key="loss_chart"):
        st.plotly_chart(loss, key="loss", config=PLOTLY_CONFIG)
    st.caption(
        "Training figures run over the epoch, with dropout and augmentation on; validation is "
        "measured at its end, with them off."
    )
    if epochs := run.log.epochs:  # looked at once: a run that is resumed begins anew
        st.caption(_epoch_text(epochs[max(epochs)]))
    _digit_while_learning(run)


@lru_cache(16)
def _figures(shown: str) -> tuple[go.Figure, go.Figure]:
    """Curves of these runs, events by name as JSON, made once for all who look; never changed."""
    epochs = json.loads(shown)
    return charts.accuracy_curves(epochs), charts.loss_curves(epochs)


def _overlays(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Curves of earlier runs and saved results to lay over this one's."""
    others = {r.id: r for r in polling.single_runs() if r.id != run.id and r.log.epochs}
    infos = {info.name: info for info in weights.list_weights()}
    chosen = st.multiselect(
        "Lay over", [*others, *infos], key="overlays", placeholder="earlier runs and saved results"
    )
    return {
        name: list(others[name].log.epochs.values()) if name in others else infos[name].history
        for name in chosen
    }


def _digit_while_learning(run: Run) -> None:
    drawing = session.current_drawing()
    with st.container(key="digit_while_learning"):
        st.markdown("**Your digit while it learns**")
        if drawing is None:
            st.caption("Draw a digit in the Draw tab: what the network makes of it shows here.")
            return
        by_epoch = loaded_networks.probabilities_by_epoch(run, drawing)
        if by_epoch:
            figure = charts.digit_while_learning(by_epoch)
            st.plotly_chart(figure, key="digit_chart", config=PLOTLY_CONFIG)


def _epoch_text(event: Mapping[str, Any]) -> str:
    return (
        f"Epoch {event['epoch']}: training {event['train_accuracy']:.2%}, validation "
        f"{event['val_accuracy']:.2%}, learning rate {event['learning_rate']:g}, "
        f"{event['seconds']:.1f} s, {event['images_per_second']:,.0f} images/s"
    )


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
