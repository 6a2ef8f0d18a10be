"""The sidebar: which network reads the drawings, and what it is."""

import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.figures import fragments
from mnist_app.recipes import architectures
from mnist_app.recipes.presets import ENSEMBLES, SOURCES, is_preset
from mnist_app.recognition.predictor import DEFAULT
from mnist_app.results import weights
from mnist_app.runs.run import find_run
from mnist_app.training import metrics
from mnist_app.ui import loaded_networks, polling, teacher_lock
from mnist_app.ui.loaded_networks import RUN_PREFIX, Choice
from mnist_app.ui.markdown import escaped
from mnist_app.ui.sidebar import qr_code


def current_choice() -> Choice | None:
    """The network to draw with; None if there is none yet, or it is broken."""
    labels, _ = _options()
    if not labels:
        return None
    key = _key(labels)
    _tell_if_gone(key)
    try:
        return loaded_networks.predictor_for(key)
    except (InputError, OSError):
        return None  # the sidebar says why


def render() -> Choice | None:
    """Draw the sidebar below its title; the network that is chosen there."""
    with st.sidebar:
        labels, broken = _options()
        if not labels:
            st.info("There is no network yet: train one in the Train tab.")
        choice = _choose(labels) if labels else None
        if choice and choice.predictor and choice.predictor.info:
            _details(choice.predictor.info)
        elif choice:
            st.caption(
                f"Training now: this is what it knows after epoch {choice.version}."
                if choice.predictor
                else "Training now: it can be drawn with after its first epoch."
            )
        if choice and choice.predictor:
            with st.expander("Architecture", key="architecture"):
                st.html(
                    fragments.architecture(architectures.describe(choice.predictor.recipe.layers))
                )
        if choice and choice.predictor and choice.predictor.info:
            _report(choice.predictor.info)
        for item in broken:
            st.warning(escaped(f"{item.file}: {item.problem}"))
        qr_code.render()
        teacher_lock.render()
    st.session_state["sidebar_shows"] = choice.key if choice else None
    polling.part_rendered("sidebar")
    return choice


def _options() -> tuple[dict[str, str], list[weights.BrokenFile]]:
    """The networks, best first, runs in progress before them: key -> text; and broken files."""
    # Runs before results: one that ends in between is then in both lists, never in neither.
    live = [run for run in polling.single_runs() if run.state in ("running", "stopping")]
    listing = weights.scan()
    labels = {f"{RUN_PREFIX}{run.id}": f"{run.name} · training now" for run in live} | {
        info.name: f"{info.name} · {info.test_accuracy:.2%} · {info.parameters / 1000:,.0f} k · "
        f"{info.dataset}"
        for info in listing.weights
    }
    return labels, listing.broken


def _key(labels: dict[str, str]) -> str:
    """What was chosen, or else is in the URL, or else the default: one of the options.

    What was chosen last is kept apart, as a page may still send an old label.
    """
    default = _default(labels)
    if (wanted := st.session_state.get("network")) in labels:
        return wanted
    wanted = st.session_state.get("chosen") or st.query_params.get("network") or default
    if wanted not in labels:
        wanted = _result_of(wanted) if wanted.startswith(RUN_PREFIX) else default
    return wanted if wanted in labels else default


def _tell_if_gone(key: str) -> None:
    """Say so if another network has to read, as the chosen one was deleted."""
    chosen = st.session_state.get("chosen")
    if chosen and chosen != key and not chosen.startswith(RUN_PREFIX):
        if st.session_state.get("network") == chosen:
            st.toast(f"The network {chosen} was deleted: {key} reads now.")
        st.session_state["chosen"] = key


def _default(labels: dict[str, str]) -> str:
    results = (key for key in labels if not key.startswith(RUN_PREFIX))
    return DEFAULT if DEFAULT in labels else next(results, next(iter(labels)))


def _choose(labels: dict[str, str]) -> Choice | None:
    # Only a value that is no option is replaced: setting it at every run would undo a choice that
    # is on its way.
    if st.session_state.get("network") not in labels:
        st.session_state["network"] = _key(labels)
    key = st.selectbox(
        "Network",
        list(labels),
        format_func=labels.get,
        key="network",
        help="Name, test accuracy, parameters, data set. Best first, by the lower end of the "
        "95% interval of the test accuracy.",
    )
    st.session_state["chosen"] = key
    if key == _default(labels):
        st.query_params.pop("network", None)
    else:
        st.query_params["network"] = key
    try:
        return loaded_networks.predictor_for(key)
    except (InputError, OSError) as error:
        st.error(escaped(error))
        return None


def _report(info: weights.WeightsInfo) -> None:
    panel = st.expander("Report", key="report", on_change="rerun")
    if panel.open:
        from mnist_app.ui.sidebar import report_panel

        with panel:
            report_panel.render(info)


def _result_of(key: str) -> str:
    """The name of the result that a run ended with."""
    run = find_run(key.removeprefix(RUN_PREFIX))
    return ((run.log.end or {}).get("name") if run else None) or ""


def _details(info: weights.WeightsInfo) -> None:
    source = SOURCES[info.recipe.name] if is_preset(info.recipe) else None
    if source:
        st.caption(source.about)
    low, high = metrics.accuracy_interval(info.test_accuracy, info.n)
    facts = {
        "Test accuracy": f"{info.test_accuracy:.2%} of {info.n:,}",
        "95% interval": f"{low:.2%} to {high:.2%}",
        "Reported": source.reported if source and info.dataset == "mnist" else "",
        **_training(info),
        "Parameters": f"{info.parameters:,} ({info.bytes / 1e6:.1f} MB)",
        "Recipe": info.recipe.name + ("" if source else ", changed"),
    }
    st.html(fragments.facts(facts))


def _training(info: weights.WeightsInfo) -> dict[str, str]:
    trained_on = info.trained_on or info.dataset
    if info.recipe.name in ENSEMBLES:
        return {"Trained on": trained_on, "Training": f"{info.epochs} epochs each"}
    epochs = f"{info.epochs} epoch{'s' if info.epochs > 1 else ''}, {info.seconds:.0f} s"
    why = {"stopped": ", stopped by hand", "diverged": ", before it diverged"}.get(info.reason, "")
    return {"Trained on": f"{trained_on}, seed {info.seed}", "Training": epochs + why}
