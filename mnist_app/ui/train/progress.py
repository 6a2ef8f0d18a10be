"""The progress of a run, its result or why it died, and its buttons."""

from collections.abc import Callable

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import accuracy_text
from mnist_app.runs import lifecycle
from mnist_app.runs.event_log import Event
from mnist_app.runs.run import Run, RunStatus
from mnist_app.ui import permissions, session
from mnist_app.ui.markdown import escaped

_NOTHING_LEARNED = 0.2  # accuracy
_ENDINGS = {
    "stopped": "Stopped",
    "early": "Stopped early: no better validation loss",
    "diverged": "Kept as it was",
}


def render(now: RunStatus) -> None:
    """Draw a run's recipe, its progress, and its buttons."""
    st.caption(_recipe_text(now.recipe) + _whose(now))
    with st.container(key="progress"):
        _progress(now)
        _buttons(now)


def _whose(now: RunStatus) -> str:
    if now.owner is None:
        return ""
    is_own = now.owner == session.browser_id()
    return f" · started in {'this' if is_own else 'another'} browser"


def _recipe_text(recipe: Recipe) -> str:
    names = [recipe.name] if recipe.name == recipe.model else [recipe.name, recipe.model]
    return (
        f"{' · '.join(names)} · {escaped(recipe.dataset)} · {recipe.epochs} epochs · "
        f"batch size {recipe.batch_size} · {recipe.optimizer}, learning rate "
        f"{recipe.learning_rate:g} · seed {recipe.seed}"
    )


def _progress(now: RunStatus) -> None:
    done = len(now.log.epochs)
    if now.state == "queued":
        ahead = now.ahead
        st.info(f"Waiting for its turn: {ahead} {'run is' if ahead == 1 else 'runs are'} ahead.")
    elif now.state in ("starting", "running", "stopping"):
        _bar(now)
    elif now.state == "died":
        what = f"died after {done} complete epochs" if done else "died before its first epoch ended"
        st.error(f"The training {what}. {escaped(now.why_it_died)}")
    else:
        _result(now)


def _bar(now: RunStatus) -> None:
    log, epochs = now.log, now.recipe.epochs
    if log.note:
        st.progress(min(log.note["share"], 1.0), f"{escaped(log.note['text'])} …")
    elif log.batch:
        _batch(now, log.batch)
    else:
        st.progress(len(log.epochs) / epochs, "Starting: loading the network and the images …")


def _batch(now: RunStatus, batch: Event) -> None:
    epochs = now.recipe.epochs
    share = (batch["epoch"] - 1 + batch["batch"] / batch["batches"]) / epochs
    st.progress(
        min(max(share, len(now.log.epochs) / epochs), 1.0),
        f"Epoch {batch['epoch']} of {epochs} · batch {batch['batch']:,} of "
        f"{batch['batches']:,} · {_duration(batch['seconds_left'])} left",
    )
    st.caption(
        f"Running loss {batch['loss']:.4f} · accuracy {batch['accuracy']:.2%} · "
        f"{batch['images_per_second']:,.0f} images/s"
    )


def _result(now: RunStatus) -> None:
    end = now.log.end or {}
    if not end.get("name"):
        epochs = now.log.epochs
        st.info(
            f"Stopped while it waited: what was trained until epoch {max(epochs)} is kept."
            if epochs
            else "Stopped before anything was trained: there is nothing to keep."
        )
        return
    if end.get("problem"):
        st.warning(escaped(end["problem"]))
    elif _has_learned_nothing(end):
        st.warning("Guessing gives about 10%: it has learned next to nothing. Try another rate.")
    when = f"after {end['epochs']}" if end["epochs"] else "within the first"
    (st.info if end.get("problem") else st.success)(
        f"{_ENDINGS.get(end['reason'], 'Finished')} {when} of {now.recipe.epochs} epochs, "
        f"{_duration(end['seconds'])}: {_measured(end)} Saved as **{escaped(end['name'])}**, "
        "ready in the sidebar."
    )


def _has_learned_nothing(end: Event) -> bool:
    figures = end.get("test_accuracy"), end.get("val_accuracy")
    accuracy = next((figure for figure in figures if figure is not None), 1.0)
    return bool(accuracy < _NOTHING_LEARNED)


def _measured(end: Event) -> str:
    """What was measured at the end, in whole sentences."""
    if end.get("test_accuracy") is not None:
        return f"**{end['test_accuracy']:.2%}** of {end['n']:,} test images right."
    missing = f"{accuracy_text.not_tested(end['reason'])}."
    if end["reason"] == "stopped":
        missing += " Resume it to finish."
    if end.get("val_accuracy") is None:
        return missing
    return f"**{end['val_accuracy']:.2%}** of {end['val_n']:,} validation images right; {missing}"


def _buttons(now: RunStatus) -> None:
    if not permissions.is_unlocked():
        return
    with st.container(horizontal=True):
        if now.state in ("queued", "starting", "running"):
            label = "Cancel" if now.state == "queued" else "Stop and keep"
            st.button(label, key="stop", on_click=_try, args=(lifecycle.stop, now.run))
        if now.state in ("stopped", "died"):
            epochs = now.log.epochs
            place = f"epoch {max(epochs)}" if epochs else "the beginning"
            st.button(f"Resume from {place}", key="resume", on_click=_try, args=(_resume, now.run))
        if now.state in ("finished", "stopped", "died"):
            st.button(
                "Remove from this list",
                key="remove",
                on_click=_try,
                args=(lifecycle.remove, now.run),
                help="Its saved result stays.",
            )


def _resume(run: Run) -> None:
    lifecycle.resume(run, owner=session.browser_id())


def _try(action: Callable[[Run], None], run: Run) -> None:
    try:
        permissions.require_unlocked()
        action(run)
    except InputError as error:
        st.toast(escaped(error))


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
