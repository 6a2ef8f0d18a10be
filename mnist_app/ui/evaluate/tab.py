"""The Evaluate tab: what the chosen network makes of test images it never saw."""

import math
import shlex
from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_app.common.errors import InputError
from mnist_app.data.labelled_images import Digits
from mnist_app.figures import evaluation_charts as charts
from mnist_app.figures.confusion_table import confusion_table
from mnist_app.figures.plot_style import PLOTLY_CONFIG
from mnist_app.figures.tiles import Tile, tiles
from mnist_app.recognition import assessment
from mnist_app.recognition.assessment import Assessment
from mnist_app.results.weights import WeightsInfo
from mnist_app.runs.jobs import Job
from mnist_app.training import metrics
from mnist_app.ui import dataset_choice, polling, session, style
from mnist_app.ui.clickable import clickable
from mnist_app.ui.evaluate import own_pictures
from mnist_app.ui.loaded_networks import Choice
from mnist_app.ui.markdown import escaped, inline_code

VIEWS = ("Summary", "Images", "Confidence", "Robustness", "Own pictures")
MOST_SHOWN = 60  # images of a cell, or mistakes
RANDOM_IMAGES = 40


def render(choice: Choice | None) -> None:
    """Draw the tab for the network that is chosen in the sidebar."""
    with st.container(key="evaluate_tab"):
        info = choice.predictor.info if choice and choice.predictor else None
        if info is None:
            st.info(
                "Choose a saved network in the sidebar; one in training is measured at its end."
            )
            return
        st.subheader(f"{info.name} on test images", anchor=False)
        view = st.segmented_control(
            "View",
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="evaluate_view",
            **session.PERSISTENT,
        )
        if view == "Own pictures":
            own_pictures.render(choice)
            return
        name = dataset_choice.render_choice("evaluate_dataset")
        dataset = dataset_choice.load_or_explain(name, "evaluate_download")
        if dataset is None:
            return
        try:
            arguments = assessment.job_arguments(info, name, dataset.test)
        except InputError as error:
            st.error(escaped(error))
            return
        _views(view, info, dataset.test, arguments)


def _views(view: str, info: WeightsInfo, test: Digits, arguments: dict[str, str]) -> None:
    if view == "Robustness":
        _robustness(arguments)
        return
    found = polling.result_or_progress(Job("assessment", arguments), "assessment_again")
    if found is None:
        return
    result = assessment.from_entry(found, info, test)
    if view == "Summary":
        _summary(result, info, test, arguments["dataset"])
    elif view == "Images":
        _images(result, test)
    else:
        _confidence(result, info)


# Summary


def _summary(result: Assessment, info: WeightsInfo, test: Digits, dataset: str) -> None:
    low, high = result.interval
    trained_on = info.trained_on or info.dataset
    precision, recall, f1 = metrics.averaged(metrics.per_digit(result.confusion))
    with st.container(horizontal=True, key="metrics"):
        st.metric("Accuracy", f"{result.accuracy:.2%}", help="Share of the test images read right.")
        st.metric("Precision", f"{precision:.2%}", help="Mean over the ten digits.")
        st.metric("Recall", f"{recall:.2%}", help="Mean over the ten digits.")
        st.metric("F1", f"{f1:.2%}", help="Mean over the ten digits.")
    command = f"python -m mnist_app evaluate {info.name} --dataset {shlex.quote(dataset)}"
    st.caption(
        f"n = {result.n:,} test images of {escaped(test.name)}; the accuracy's 95% interval is "
        f"{low:.2%} to {high:.2%}. {info.name} was trained on {escaped(trained_on)}, seed "
        f"{info.seed}; {inline_code(command)}"
    )
    table, images = st.columns([1.25, 1], gap="large")
    with table:
        cell = _confusion(result)
    with images:
        _cell(result, test, cell)
    _per_digit(result)


def _confusion(result: Assessment) -> tuple[int, int] | None:
    """The confusion matrix; the cell that was clicked, digit and answer."""
    st.markdown("**Confusion matrix**")
    st.html(style.sheet("confusion"))
    chosen = st.session_state.get("confusion_cell")
    with st.container(key="confusion"):
        clicked = clickable(confusion_table(result.confusion, chosen), key="confusion_matrix")
    if clicked and clicked != chosen:
        st.session_state["confusion_cell"] = clicked
        st.rerun()
    return tuple(map(int, chosen.split("-"))) if chosen else None


def _cell(result: Assessment, test: Digits, cell: tuple[int, int] | None) -> None:
    """The images behind a cell, before a click those of the most frequent mistake."""
    if cell is None and not len(result.mistakes):
        st.caption("Every image was read right. Click a cell for the images behind it.")
        return
    digit, answer = cell or _most_frequent_mistake(result.confusion)
    places = result.taken_for(digit, answer)
    words = f"{digit} read as {answer}" if digit != answer else f"{digit} read right"
    with st.container(key="cell_images"):
        st.markdown(f"**{words}: {len(places):,} image{'s' * (len(places) != 1)}**")
        shown = places[:MOST_SHOWN]
        if len(places) > len(shown):
            st.caption(f"The {MOST_SHOWN} surest of them.")
        if len(places):
            _tiles(result, test, shown, "cell_tiles")
        else:
            st.caption("There are none.")
        if cell is None:
            st.caption("The most frequent mistake. Click a cell for the images behind it.")


def _most_frequent_mistake(matrix: np.ndarray) -> tuple[int, int]:
    mistakes = matrix - np.diag(np.diag(matrix))
    digit, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(digit), int(answer)


def _per_digit(result: Assessment) -> None:
    st.markdown("**Per digit**")
    scores = metrics.per_digit(result.confusion)
    mean, weighted = metrics.averaged(scores), metrics.averaged(scores, weighted=True)
    rows = [str(digit) for digit in range(10)] + ["mean", "mean by images"]
    columns = {
        name: [100 * value for value in (*getattr(scores, name.lower()), mean[i], weighted[i])]
        for i, name in enumerate(("Precision", "Recall", "F1"))
    }
    shares = st.column_config.NumberColumn(format="%.2f%%")
    st.dataframe(
        {"Digit": rows, **columns, "Images": [*scores.support, result.n, result.n]},
        hide_index=True,
        column_config=dict.fromkeys(columns, shares),
        key="per_digit",
        height="content",
    )


# Images


def _images(result: Assessment, test: Digits) -> None:
    wrong = result.mistakes
    st.markdown(
        f"**The worst mistakes** ({len(wrong):,} of {result.n:,} are wrong; the surest first)"
    )
    with st.container(key="mistakes"):
        if len(wrong):
            _tiles(result, test, wrong[:MOST_SHOWN], "mistake_tiles")
        else:
            st.caption("Every image was read right.")
    st.markdown("**Random test images**")
    if st.button("Others", icon=":material/casino:", key="other_images"):
        st.session_state["random_images"] = st.session_state.get("random_images", 0) + 1
    seed = st.session_state.get("random_images", 0)
    places = np.random.default_rng(seed).permutation(result.n)[:RANDOM_IMAGES]
    with st.container(key="random_images_shown"):
        _tiles(result, test, places, "random_tiles")
    right = int(result.right[places].sum())
    st.caption(f"✓ {right} right, ✗ {len(places) - right} wrong; seed {seed}.")


def _tiles(result: Assessment, test: Digits, places: Sequence[int], key: str) -> None:
    """Test images with what they were taken for; a click tells more about one."""
    described = [_tile(result, int(place)) for place in places]
    images = test.images[np.asarray(places)].numpy()
    clicked = clickable(tiles(images, described), key=key)
    if clicked and clicked.isdecimal() and int(clicked) in places:
        _one(result, test, int(clicked), key)


def _tile(result: Assessment, place: int) -> Tile:
    label, answer, sure = result.labels[place], result.answers[place], result.confidence[place]
    right = label == answer
    percent = f"{math.floor(100 * sure)}%"  # never rounded up to wholly sure
    caption = f"{answer} · {percent}" if right else f"{label} → {answer} · {percent}"
    words = f"A {label}, read as {answer} with {sure:.1%}"
    return Tile(str(place), caption, words, "right" if right else "wrong")


def _one(result: Assessment, test: Digits, place: int, key: str) -> None:
    order = np.argsort(-result.chances[place], kind="stable")[:3]
    guesses = ", ".join(f"{digit} with {result.chances[place][digit]:.1%}" for digit in order)
    with st.container(key=f"{key}_one", horizontal=True, vertical_alignment="center"):
        st.image(np.kron(test.images[place].numpy(), np.ones((5, 5), np.uint8)), width=140)
        st.write(
            f"Test image {place:,} of {escaped(test.name)}, a **{result.labels[place]}**. "
            f"Read as {guesses}."
        )


# Confidence


def _confidence(result: Assessment, info: WeightsInfo) -> None:
    left, right = st.columns(2, gap="large")
    with left, st.container(key="reliability"):
        st.markdown("**Is it as sure as it is right?**")
        figure = charts.reliability_diagram(metrics.reliability(result.confidence, result.right))
        st.plotly_chart(figure, key="reliability_chart", config=PLOTLY_CONFIG)
        st.caption(
            "On the dotted line, of the answers that are 80% sure 80% are right. Above each bar: "
            f"how many images. The mean gap, over 15 bins, is {result.calibration_error:.2%}."
        )
    with right, st.container(key="coverage"):
        st.markdown("**What if it answers only when it is sure?**")
        curve = metrics.coverage_curve(result.confidence, result.right)
        threshold = info.calibration.threshold
        figure = charts.coverage_figure(curve, threshold, result.n)
        st.plotly_chart(figure, key="coverage_chart", config=PLOTLY_CONFIG)
        answered = result.confidence >= threshold
        accuracy = result.right[answered].mean() if answered.any() else 0.0
        st.caption(
            f"At its own threshold of {threshold:.1%} it answers {answered.mean():.2%} of these "
            f"images and is right on {accuracy:.2%} of those."
        )


# Robustness


def _robustness(arguments: dict[str, str]) -> None:
    found = polling.result_or_progress(Job("robustness", arguments), "robustness_again")
    if found is None:
        return
    st.caption(
        "The same test images, made worse step by step. The dotted line is the image as it is; the "
        f"same {found.facts['n']:,} images throughout, a stratified sample with seed 0."
    )
    curves = list(found.facts["curves"].items())
    with st.container(key="robustness"):
        for begin in range(0, len(curves), 3):
            for column, (kind, points) in zip(
                st.columns(3), curves[begin : begin + 3], strict=False
            ):
                figure = charts.robustness_curve(kind, points, found.facts["n"])
                column.plotly_chart(figure, key=f"robustness_{kind}", config=PLOTLY_CONFIG)
