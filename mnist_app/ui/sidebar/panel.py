"""The sidebar: the network that reads the drawings, and facts about it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_app.common import settings
from mnist_app.common.translation import _, ngettext
from mnist_app.figures import fragments
from mnist_app.recipes import layer_tables
from mnist_app.recipes.presets import ENSEMBLES, SOURCES, is_preset
from mnist_app.results import accuracy_text, weights
from mnist_app.ui import listing, permissions, polling
from mnist_app.ui.loaded_networks import Choice
from mnist_app.ui.markdown import escaped
from mnist_app.ui.session import current_session
from mnist_app.ui.sidebar import network_choice, qr_code


def render(place: DeltaGenerator) -> Choice | None:
    """Draw what belongs at this place of the sidebar; return the network chosen there."""
    there = listing.current()
    with place:
        choice = network_choice.render(there)
        if choice:
            _network(choice)
        for item in there.broken:
            st.warning(escaped(f"{item.file}: {item.problem}"))
        for problem in settings.problems():
            st.error(escaped(problem))
        qr_code.render()
        permissions.render()
    page = current_session().page
    page.sidebar_shows = choice.key if choice else None
    page.outside_state = there.outside_state(page.network)
    polling.part_rendered("sidebar")
    return choice


def _network(choice: Choice) -> None:
    """Describe the chosen network."""
    if choice.predictor is None:
        st.caption(_("Training now: you can draw with it after its first epoch."))
        return
    info = choice.predictor.info
    if info:
        _details(info)
    else:
        text = _("Training now: this is what it knows after epoch {epoch}.")
        st.caption(text.format(epoch=choice.version))
    with st.expander(_("Architecture"), key="architecture"):
        layers = choice.predictor.recipe.layers
        st.html(fragments.architecture(layer_tables.describe(layers)))
    if info:
        _report(info)


def _report(info: weights.WeightsInfo) -> None:
    panel = st.expander(_("Report"), key="report", on_change="rerun")
    if panel.open:
        from mnist_app.ui.sidebar import report_panel

        with panel:
            report_panel.render(info)


def _details(info: weights.WeightsInfo) -> None:
    source = SOURCES[info.recipe.name] if is_preset(info.recipe) else None
    if source:
        st.caption(source.about)
    facts = {
        **_accuracy(info),
        _("Reported"): source.reported if source and info.dataset == "mnist" else "",
        **_training(info),
        _("Parameters"): f"{info.parameters:,} ({info.bytes / 1e6:.1f} MB)",
        _("Recipe"): info.recipe.name if source else f"{info.recipe.name}, {_('changed')}",
    }
    st.html(fragments.facts(facts))


def _accuracy(info: weights.WeightsInfo) -> dict[str, str]:
    """The test accuracy, or why there is none and the validation accuracy instead."""
    interval = info.test_interval or info.val_interval
    title, ends = _("{level} interval").format(level="95%"), _("{low:.2%} to {high:.2%}")
    between = {title: ends.format(low=interval[0], high=interval[1])} if interval else {}
    if info.test_accuracy is not None:
        of_n = _("{accuracy:.2%} of {n:,}").format(accuracy=info.test_accuracy, n=info.n)
        return {_("Test accuracy"): of_n, **between}
    missing = {_("Test accuracy"): accuracy_text.not_tested(info.reason)}
    if info.val_accuracy is None:
        return missing
    text = _("{accuracy:.2%} of {n:,}")
    measured = text.format(accuracy=info.val_accuracy, n=info.calibration.n)
    return {_("Validation accuracy"): measured, **between, **missing}


def _training(info: weights.WeightsInfo) -> dict[str, str]:
    trained_on = info.trained_on or info.dataset
    if info.recipe.name in ENSEMBLES:
        each = ngettext("{n} epoch each", "{n} epochs each", info.epochs).format(n=info.epochs)
        return {_("Trained on"): trained_on, _("Training"): each}
    epochs = ngettext("{n} epoch, {seconds:.0f} s", "{n} epochs, {seconds:.0f} s", info.epochs)
    training = epochs.format(n=info.epochs, seconds=info.seconds)
    why = {"stopped": _("stopped by hand"), "diverged": _("before it diverged")}.get(info.reason)
    seed = _("{data}, seed {seed}").format(data=trained_on, seed=info.seed)
    return {_("Trained on"): seed, _("Training"): f"{training}, {why}" if why else training}
