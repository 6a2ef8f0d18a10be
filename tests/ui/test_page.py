"""The app's script in Streamlit's own test runner (which cannot draw: see the browser tests)."""

from pathlib import Path

import committed_weights
import pytest
from streamlit.testing.v1 import AppTest

from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition.predictor import default_network
from mnist_app.results import weights
from mnist_app.runs.event_log import append_event
from mnist_app.runs.run import list_runs, runs_folder
from mnist_app.ui.server.application import PAGE
from mnist_app.ui.train import recipe_form

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 180


@pytest.fixture
def app(weights_folder: Path) -> AppTest:
    committed_weights.copy_to(weights_folder)
    return AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)


def open_tab(app: AppTest, name: str) -> AppTest:
    app.query_params["tab"] = name
    return app.run()


def test_the_page_opens_with_the_network_for_drawings(app):
    app.run()
    assert not app.exception
    assert app.selectbox(key="network").value == default_network()
    assert app.selectbox(key="network").options == [
        f"{i.name} · {i.test_accuracy:.2%} · {i.parameters / 1000:,.0f} k · {i.dataset}"
        for i in weights.list_weights()
    ]


def test_the_network_in_the_url_is_chosen(app):
    app.query_params["network"] = "lenet5"
    app.run()
    assert app.selectbox(key="network").value == "lenet5"


@pytest.mark.parametrize("name", ["no-such", "../../etc/passwd", "run:0001-x", "run:../..", "<b>"])
def test_nonsense_in_the_url_does_no_harm(app, name):
    app.query_params["network"] = name
    app.query_params["preset"] = name
    open_tab(app, "Train")
    assert not app.exception
    assert app.selectbox(key="network").value == default_network()


def test_without_any_weights_the_page_says_what_to_do(weights_folder):
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT).run()
    assert not app.exception
    assert "train one" in app.sidebar.info[0].value


def test_widgets_take_ranges_and_defaults_from_the_recipe(app):
    app.query_params["preset"] = "mlp-300"
    open_tab(app, "Train")
    epochs = app.number_input(key="mlp-300-epochs")
    assert epochs.value == 100
    assert "(1 to 1000)" in epochs.help.replace(",", "")
    assert app.number_input(key="mlp-300-dropout").value == 0.6
    assert app.selectbox(key="mlp-300-schedule").value == "steps"
    assert app.text_input(key="mlp-300-steps").value == "15:0.0001, 40:0.00001, 60:0.000005"


def test_a_number_out_of_range_is_refused_with_the_range_and_not_replaced(app):
    app.query_params["preset"] = "lenet5"
    open_tab(app, "Train")
    app.number_input(key="lenet5-learning_rate").set_value(10.0).run()
    start = next(button for button in app.button if button.label == "Start training")
    start.click().run()
    assert not app.exception
    assert any("Learning rate is 10" in error.value for error in app.error)


def test_a_recipe_says_which_data_it_lacks(app, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    app.query_params["preset"] = "canvas"
    open_tab(app, "Train")
    assert any(str(tmp_path / "pendigits") in note.value for note in app.info)
    app.selectbox(key="preset").set_value("lenet5").run()
    assert not any("pendigits" in note.value for note in app.info)


@pytest.mark.parametrize("name", RECIPES)
def test_an_untouched_form_is_the_preset(app, name):
    app.query_params["preset"] = name
    open_tab(app, "Train")
    values = {}
    for field in Recipe.model_fields:
        key = f"{name}-{field}"
        for kind in (app.number_input, app.selectbox, app.text_input, app.toggle):
            if any(widget.key == key for widget in kind):
                values[field] = kind(key=key).value
    assert set(values) == set(Recipe.model_fields) - {"name", "dataset"}
    assert RECIPES[name].changed(**values) == RECIPES[name]


def test_the_form_shows_labels_units_and_ranges(app):
    app.query_params["preset"] = "lenet5"
    open_tab(app, "Train")
    assert app.number_input(key="lenet5-epochs").label == "Epochs"
    assert app.number_input(key="lenet5-learning_rate").label == "Learning rate"
    rotation = app.number_input(key="lenet5-rotation")
    assert rotation.label == "Rotation (degrees)"
    assert rotation.help == "Largest random rotation (0 to 45 degrees)."
    assert app.selectbox(key="lenet5-optimizer").options == ["sgd", "adam", "adamw"]


def test_every_field_of_a_recipe_has_its_place_in_the_form():
    shown = [*recipe_form.MAIN, *(f for group in recipe_form.GROUPS.values() for f in group)]
    assert sorted(shown) == sorted(set(Recipe.model_fields) - {"name", "dataset"})


def test_a_recipe_that_does_not_fit_together_is_refused_in_one_sentence(app):
    app.query_params["preset"] = "lenet5"
    open_tab(app, "Train")
    app.selectbox(key="lenet5-schedule").set_value("steps").run()
    start = next(button for button in app.button if button.label == "Start training")
    start.click().run()
    assert "needs at least one epoch:rate pair" in app.error[0].value
    assert list_runs() == []


def test_why_no_training_started_is_said_until_the_next_try(app):
    open_tab(app, "Train")
    app.text_input(key="save_as").set_value("../evil")
    start = next(button for button in app.button if button.label == "Start training")
    start.click().run()
    assert "../evil" in app.error[0].value
    app.run()  # as the page does when any run makes progress
    assert "../evil" in app.error[0].value


def test_runs_that_died_are_shown_with_their_reason(app):
    folder = runs_folder() / "0001-lost"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(RECIPES["lenet5"].model_dump_json())
    (folder / "process.json").write_text('{"pid": 999999999, "ticket": 1}')
    append_event(folder, {"event": "queued"})
    append_event(folder, {"event": "error", "message": "The disk is <b>full</b>."})
    open_tab(app, "Train")
    assert not app.exception
    assert "The disk is <b>full</b>." in app.error[0].value
    assert any(button.label == "Resume from the beginning" for button in app.button)


@pytest.mark.parametrize(
    ("epochs", "said"), [(0, "there is nothing to keep"), (1, "everything up to epoch 1 is kept")]
)
def test_a_run_cancelled_while_it_waited_says_what_is_kept(app, epochs, said):
    folder = runs_folder() / "0001-waited"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(RECIPES["lenet5"].model_dump_json())
    (folder / "process.json").write_text('{"pid": 999999999, "ticket": 1}')
    figures = "train_loss val_loss train_accuracy val_accuracy learning_rate images_per_second"
    for epoch in range(1, epochs + 1):
        values = dict.fromkeys(("seconds", *figures.split()), 0.5)
        append_event(folder, {"event": "epoch", "epoch": epoch, **values})
    append_event(folder, {"event": "end", "reason": "stopped", "name": None, "epochs": 0})
    open_tab(app, "Train")
    assert not app.exception
    assert any(said in note.value for note in app.info)


@pytest.fixture
def stopped(weights_folder) -> weights.WeightsInfo:
    """A saved network whose training was stopped; lenet5 is there too."""
    committed_weights.copy_to(weights_folder, ("lenet5",))
    model, info = weights.load("lenet5")
    update = {"reason": "stopped", "test_accuracy": None, "test_loss": None, "n": 0}
    return weights.save("cut", model, info.model_copy(update=update))


NOT_TESTED = "not measured on the test images: the training was stopped"


def test_the_sidebar_shows_the_validation_accuracy_of_a_stopped_training(stopped):
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT).run()
    tested, cut = app.selectbox(key="network").options
    assert tested.startswith("lenet5 · ")
    assert cut.startswith(f"cut · {stopped.val_accuracy:.2%} (validation) · ")
    assert app.selectbox(key="network").value == "lenet5"
    app.selectbox(key="network").set_value("cut").run()
    assert not app.exception
    (facts,) = [
        html.proto.body for html in app.sidebar.get("html") if NOT_TESTED in html.proto.body
    ]
    assert f"<b>Validation accuracy</b><span>{stopped.val_accuracy:.2%} of 3,000</span>" in facts


def test_the_compare_tab_says_what_was_not_tested(stopped):
    app = open_tab(AppTest.from_file(str(PAGE), default_timeout=TIMEOUT), "Compare")
    assert not app.exception
    table = app.dataframe[0].value.set_index("Name")
    assert table["Test"].isna().to_dict() == {"lenet5": False, "cut": True}
    assert table["95% interval"].isna()["cut"]
    (said,) = [caption.value for caption in app.caption if NOT_TESTED in caption.value]
    assert f"cut: {stopped.val_accuracy:.2%} of 3,000 validation images right" in said


def test_the_compare_tab_draws_no_chart_of_test_accuracies_if_there_are_none(stopped):
    weights.path_of("lenet5").unlink()
    app = open_tab(AppTest.from_file(str(PAGE), default_timeout=TIMEOUT), "Compare")
    assert not app.exception
    assert not any("Accuracy against complexity" in text.value for text in app.markdown)


def test_the_evaluate_tab_warns_of_choosing_by_the_test_images(stopped):
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    app.session_state["evaluate_dataset"] = "folder"  # none is named: nothing is computed
    app.query_params["network"] = "cut"
    open_tab(app, "Evaluate")
    assert not app.exception
    assert any("you have chosen by the test images" in note.value for note in app.info)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (
            {"test_accuracy": None, "n": 0, "val_accuracy": 0.971, "val_n": 287},
            f"**97.10%** of 287 validation images right; {NOT_TESTED}. Resume it to finish.",
        ),
        ({"test_accuracy": 0.96, "n": 359}, "**96.00%** of 359 test images right."),  # older logs
    ],
)
def test_a_stopped_run_shows_what_was_measured_and_how_to_finish(app, measured, said):
    folder = runs_folder() / "0001-cut"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(RECIPES["lenet5"].model_dump_json())
    end = {"event": "end", "reason": "stopped", "name": "cut", "epochs": 2, "seconds": 3.0}
    append_event(folder, end | measured)
    open_tab(app, "Train")
    assert not app.exception
    assert said in app.success[0].value
    assert any(button.label == "Resume from the beginning" for button in app.button)


def test_files_that_the_server_let_go_are_told():
    def page() -> None:
        from streamlit.runtime.uploaded_file_manager import DeletedFile

        from mnist_app.ui.evaluate import own_pictures

        own_pictures._tell_what_went([DeletedFile("one"), "kept"])

    (warning,) = AppTest.from_function(page).run().warning
    assert warning.value.startswith("1 of 2 files is no longer on the server")
