"""The progress of a run, its result or why it died, and its buttons."""

from collections.abc import Callable

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import N_, _, ngettext
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import accuracy_text
from mnist_app.runs import lifecycle
from mnist_app.runs.event_log import Event
from mnist_app.runs.run import Run, RunStatus
from mnist_app.ui import permissions, session
from mnist_app.ui.markdown import escaped

_NOTHING_LEARNED = 0.2  # accuracy
_ENDINGS = {
    "finished": N_("Finished after {done} of {epochs} epochs, {time}:"),
    "stopped": N_("Stopped after {done} of {epochs} epochs, {time}:"),
    "early": N_(
        "Stopped early, because the validation loss got no better, after {done} of {epochs} "
        "epochs, {time}:"
    ),
    "diverged": N_("Diverged: kept the last good epoch, after {done} of {epochs} epochs, {time}:"),
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
    return " · " + (_("started in this browser") if is_own else _("started in another browser"))


def _recipe_text(recipe: Recipe) -> str:
    names = [recipe.name] if recipe.name == recipe.model else [recipe.name, recipe.model]
    text = _(
        "{names} · {dataset} · {epochs} epochs · batch size {batch_size} · {optimizer}, learning "
        "rate {rate:g} · seed {seed}"
    )
    return text.format(
        names=" · ".join(names),
        dataset=escaped(recipe.dataset),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        optimizer=recipe.optimizer,
        rate=recipe.learning_rate,
        seed=recipe.seed,
    )


def _progress(now: RunStatus) -> None:
    done = len(now.log.epochs)
    if now.state == "queued":
        text = ngettext(
            "Waiting for its turn: {n} run is ahead.",
            "Waiting for its turn: {n} runs are ahead.",
            now.ahead,
        )
        st.info(text.format(n=now.ahead))
    elif now.state in ("starting", "running", "stopping"):
        _bar(now)
    elif now.state == "died":
        text = _("The training died before its first epoch ended.")
        if done:
            text = ngettext(
                "The training died after {n} complete epoch.",
                "The training died after {n} complete epochs.",
                done,
            ).format(n=done)
        st.error(f"{text} {escaped(now.why_it_died)}")
    else:
        _result(now)


def _bar(now: RunStatus) -> None:
    log, epochs = now.log, now.recipe.epochs
    if log.note:
        st.progress(min(log.note["share"], 1.0), f"{escaped(log.note['text'])} …")
    elif log.batch:
        _batch(now, log.batch)
    else:
        st.progress(len(log.epochs) / epochs, _("Starting: loading the network and the images …"))


def _batch(now: RunStatus, batch: Event) -> None:
    epochs = now.recipe.epochs
    share = (batch["epoch"] - 1 + batch["batch"] / batch["batches"]) / epochs
    st.progress(
        min(max(share, len(now.log.epochs) / epochs), 1.0),
        _("Epoch {epoch} of {epochs} · batch {batch:,} of {batches:,} · {time} left").format(
            epoch=batch["epoch"],
            epochs=epochs,
            batch=batch["batch"],
            batches=batch["batches"],
            time=_duration(batch["seconds_left"]),
        ),
    )
    st.caption(
        _("Running loss {loss:.4f} · accuracy {accuracy:.2%} · {speed:,.0f} images/s").format(
            loss=batch["loss"], accuracy=batch["accuracy"], speed=batch["images_per_second"]
        )
    )


def _result(now: RunStatus) -> None:
    end = now.log.end or {}
    if not end.get("name"):
        epochs = now.log.epochs
        st.info(
            _("Stopped while it waited: everything up to epoch {epoch} is kept.").format(
                epoch=max(epochs)
            )
            if epochs
            else _("Stopped before anything was trained: there is nothing to keep.")
        )
        return
    if end.get("problem"):
        st.warning(escaped(end["problem"]))
    elif _has_learned_nothing(end):
        st.warning(
            _(
                "Guessing gives about 10%: it has learned next to nothing. Try another learning "
                "rate."
            )
        )
    saved = _("Saved as **{name}**, ready in the sidebar.").format(name=escaped(end["name"]))
    show = st.info if end.get("problem") else st.success
    show(f"{_ending(now, end)} {_measured(end)} {saved}")


def _ending(now: RunStatus, end: Event) -> str:
    """Return why and when the training ended, followed by a colon."""
    form = _ENDINGS.get(end["reason"], _ENDINGS["finished"])
    if not end["epochs"]:
        form = N_("Stopped within the first of {epochs} epochs, {time}:")
    time = _duration(end["seconds"])
    return _(form).format(done=end["epochs"], epochs=now.recipe.epochs, time=time)


def _has_learned_nothing(end: Event) -> bool:
    figures = end.get("test_accuracy"), end.get("val_accuracy")
    accuracy = next((figure for figure in figures if figure is not None), 1.0)
    return bool(accuracy < _NOTHING_LEARNED)


def _measured(end: Event) -> str:
    """What was measured at the end, in whole sentences."""
    if end.get("test_accuracy") is not None:
        text = _("**{accuracy:.2%}** of {n:,} test images right.")
        return text.format(accuracy=end["test_accuracy"], n=end["n"])
    missing = f"{accuracy_text.not_tested(end['reason'])}."
    if end["reason"] == "stopped":
        missing += " " + _("Resume it to finish.")
    if end.get("val_accuracy") is None:
        return missing
    text = _("**{accuracy:.2%}** of {n:,} validation images right; {missing}")
    return text.format(accuracy=end["val_accuracy"], n=end["val_n"], missing=missing)


def _buttons(now: RunStatus) -> None:
    if not permissions.is_unlocked():
        return
    with st.container(horizontal=True):
        if now.state in ("queued", "starting", "running"):
            label = _("Cancel") if now.state == "queued" else _("Stop and keep")
            st.button(label, key="stop", on_click=_try, args=(lifecycle.stop, now.run))
        if now.state in ("stopped", "died"):
            epochs = now.log.epochs
            label = _("Resume from the beginning")
            if epochs:
                label = _("Resume from epoch {epoch}").format(epoch=max(epochs))
            st.button(label, key="resume", on_click=_try, args=(_resume, now.run))
        if now.state in ("finished", "stopped", "died"):
            st.button(
                _("Remove from this list"),
                key="remove",
                on_click=_try,
                args=(lifecycle.remove, now.run),
                help=_("Its saved result stays."),
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
