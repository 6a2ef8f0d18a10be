"""The hyper-parameter search: choose what varies, follow the trials, keep the best."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.common.translation import _
from mnist_app.results import accuracy_text, weights
from mnist_app.runs import processes, run_board, search, search_lifecycle
from mnist_app.runs.search import Search, Trial
from mnist_app.runs.search_files import Kept
from mnist_app.training import metrics
from mnist_app.ui import choice_box, listing, permissions, polling, style
from mnist_app.ui.compare import search_form, search_results
from mnist_app.ui.markdown import escaped

SECONDS_BETWEEN_LOOKS = 1.0


def render() -> None:
    """Draw the panel."""
    st.html(style.sheet("search"))
    with st.container(key="search_tab"):
        settings, progress = st.columns([1, 1.6], gap="large")
    with settings:
        if permissions.is_unlocked():
            processes.prepare_to_start()
        search_form.render()
    with progress:
        live = any(found.is_live for found in search.list_searches(run_board.statuses()))
        st.fragment(_follow, run_every=SECONDS_BETWEEN_LOOKS if live else 3)()


# Following a search


@listing.once()
def _follow() -> None:
    polling.rerun_if_changed()
    everything = {found.id: found for found in search.list_searches(run_board.statuses())}
    for problem in search.problems():
        st.warning(escaped(problem))
    if not everything:
        st.subheader(_("No search yet"), anchor=False)
        st.write(
            _(
                "Choose what varies and start: each trial is a short training, and you can keep "
                "the one that is best on the validation images. It goes on if you close the page."
            )
        )
        return
    now = everything[_chosen_search(everything)]
    st.caption(search_results.describe_search(now))
    with st.container(key="search_progress"):
        _progress(now)
        _buttons(now)
    _best(now)
    search_results.render(now)


def _chosen_search(everything: dict[str, Search]) -> str:
    """Return the search to show: last started or chosen, else a live one, else the newest."""

    def default() -> str:
        live = [found.id for found in everything.values() if found.is_live]
        return (live or list(everything))[0]

    return choice_box.render(_("Search"), "search", list(everything), default)


def _progress(now: Search) -> None:
    over = [t for t in now.trials if t.state in ("finished", "died", "stopped")]
    state, count = now.state, len(now.trials)
    if state in ("running", "stopping"):
        share = (len(over) + sum(map(_share, now.trials))) / count
        st.progress(min(share, 1.0), _progress_text(now, len(over)))
        return
    diverged = sum(t.has_diverged for t in now.trials)
    finished = sum(t.state == "finished" for t in now.trials) - diverged
    words = {
        "finished": _("All trials are over"),
        "stopped": _("Stopped"),
        "interrupted": _("Interrupted, because its runs were ended from outside"),
    }
    text = _("{state}: {finished} of {n} trials were trained to their end.")
    if diverged:
        text = _(
            "{state}: {finished} of {n} trials were trained to their end, {diverged} diverged and "
            "kept their last good epoch."
        )
    st.markdown(text.format(state=words[state], finished=finished, n=count, diverged=diverged))
    died = next((t for t in now.trials if t.state == "died"), None)
    if died and died.status:
        text = _("Trial {number} died.").format(number=died.number)
        st.error(f"{text} {escaped(died.status.why_it_died)}")


def _share(trial: Trial) -> float:
    """Return how much of a trial in training is done, 0..1; 0 for any other trial."""
    if trial.run is None or trial.state not in ("running", "stopping"):
        return 0.0
    return len(trial.epochs) / trial.run.recipe.epochs


def _progress_text(now: Search, over: int) -> str:
    if now.state == "stopping":
        return _("Stopping …")
    text = _("{over} of {n} trials are over").format(over=over, n=len(now.trials))
    training = next((t for t in now.trials if t.state == "running"), None)
    if training and training.run:
        epoch = min(len(training.epochs) + 1, training.run.recipe.epochs)
        form = _("trial {number}: epoch {epoch} of {epochs}")
        epochs = training.run.recipe.epochs
        text += "; " + form.format(number=training.number, epoch=epoch, epochs=epochs)
    elif any(t.state == "starting" for t in now.trials):
        text += "; " + _("the next one is starting")
    elif any(t.state == "queued" for t in now.trials):
        text += "; " + _("waiting for another training to end")
    return f"{text} …"


def _buttons(now: Search) -> None:
    if not permissions.is_unlocked():
        return
    with st.container(horizontal=True):
        if now.state in ("running", "stopping"):
            _action(
                _("Stop"),
                "search_stop",
                search_lifecycle.stop,
                now,
                disabled=now.state == "stopping",
            )
        else:
            _action(
                _("Go on"),
                "search_go_on",
                search_lifecycle.resume,
                now,
                disabled=not any(t.state != "finished" for t in now.trials),
                help=_(
                    "Trains the trials that never had their turn. Those that were stopped or died "
                    "start from the beginning."
                ),
            )
        _action(
            _("Remove"),
            "search_remove",
            search_lifecycle.remove,
            now,
            disabled=now.is_live,
            help=_("Forgets the search and its trials; a network that you kept stays."),
        )


def _action(
    label: str,
    key: str,
    action: Callable[[Search], None],
    now: Search,
    *,
    disabled: bool,
    help: str | None = None,  # noqa: A002, the button's own word
) -> None:
    """Draw a button that does something with a search."""
    st.button(label, key=key, on_click=_try, args=(action, now), disabled=disabled, help=help)


def _try(action: Callable[..., Any], *arguments: Any) -> None:
    try:
        permissions.require_unlocked()
        action(*arguments)
    except (InputError, OSError) as error:
        st.toast(escaped(error))


# The best one


def _best(now: Search) -> None:
    best = now.best
    info = now.result_of(best) if best else None
    if best is None or best.val_accuracy is None or info is None:
        return
    low, high = metrics.accuracy_interval(best.val_accuracy, info.calibration.n)
    with st.container(key="search_best"):
        text = _(
            "{which}: trial {number} ({values}) with **{accuracy:.2%}** of {n:,} validation images "
            "right ({level} interval {low:.2%} to {high:.2%})."
        )
        st.success(
            text.format(
                which=_("Best so far") if now.is_live else _("The best"),
                number=best.number,
                values=search_results.values_text(best.values),
                accuracy=best.val_accuracy,
                n=info.calibration.n,
                level="95%",
                low=low,
                high=high,
            )
        )
        st.caption(
            _(
                "The best is chosen by validation images. The trials do not read the test images: "
                "only the one you keep is measured on them, when you keep it. So its test accuracy "
                "is an honest one."
            )
        )
        if _kept(now.kept) != best.number and permissions.is_unlocked():
            _keep(now)


def _kept(kept: Kept | None) -> int | None:
    """Describe the kept trial and return its number, or None if there isn't one any more."""
    if kept is None:
        return None
    info = next((i for i in weights.list_weights() if i.name == kept.name), None)
    try:
        if info is None or weights.fingerprint_of(info.name) != kept.version:
            return None
    except InputError:
        return None
    text = _("Trial {number} is kept as **{name}**, ready in the sidebar: {accuracy}.")
    accuracy = accuracy_text.full_text(info)
    st.markdown(text.format(number=kept.trial, name=kept.name, accuracy=accuracy))
    return kept.trial


def _keep(now: Search) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"search_name_{now.id}"
        st.text_input(
            _("Save as"),
            f"{now.space.base.name}-best",
            key=key,
            help=_("If the name is taken, a number is added."),
        )
        st.button(_("Keep the best"), key="search_keep", on_click=_keep_now, args=(now, key))


def _keep_now(now: Search, key: str) -> None:
    _try(search_lifecycle.keep_best, now, st.session_state[key].strip())
