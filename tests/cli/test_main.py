"""The command line, called as a user or a script would call it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from rights import without_rights

from mnist_app.cli.doctor.networks import check_networks
from mnist_app.cli.main import main
from mnist_app.data import bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition import unlabelled
from mnist_app.results import weights

pytestmark = pytest.mark.usefixtures("weights_folder")
QUICK = ["--dataset", "digits", "--epochs", "2"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def call(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def trained(weights_folder, trained_once) -> str:
    weights_folder.mkdir()
    shutil.copy(trained_once, weights_folder)
    return "mine"


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory) -> Path:
    """A weights file, which tests copy."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_APP_WEIGHTS", str(folder))
        assert main(["train", "mlp-128-64-adam", *QUICK, "--epochs", "8", "--name", "mine"]) == 0
    return folder / "mine.safetensors"


def test_train_json_streams_one_event_per_line(call):
    code, out, err = call("train", "mlp-128-64-adam", *QUICK, "--name", "mine", "--json")
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    epochs = [e for e in events if e["event"] == "epoch"]
    assert [e["epoch"] for e in epochs] == [1, 2]
    fields = "seconds train_loss train_accuracy val_loss val_accuracy learning_rate"
    assert set(epochs[0]) >= {"images_per_second", *fields.split()}
    end = events[-1]
    assert (end["event"], end["name"], end["n"]) == ("end", "mine", 359)
    assert end["test_accuracy"] == weights.load("mine")[1].test_accuracy


def test_train_says_what_the_recipe_lacks_and_goes_on(call, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    options = ["--dataset", "digits", "--subset", "40", "--epochs", "1", "--pen-copies", "1"]
    code, out, err = call("train", "lenet5", *options)
    assert code == 0
    assert "no pen strokes" in err
    assert "finished after 1 epoch," in out


def test_that_a_result_cannot_be_saved_is_said_before_the_training(call, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path / "file" / "weights"))
    (tmp_path / "file").write_text("")
    code, out, err = call("train", "mlp-128-64-adam", *QUICK)
    assert (code, out) == (2, "")
    assert "cannot be saved" in err
    assert "MNIST_APP_WEIGHTS" in err


def test_train_takes_every_field_of_a_recipe_as_an_option(call):
    options = {
        "--dropout": "0.1",
        "--batch-size": "50",
        "--optimizer": "sgd",
        "--momentum": "0.5",
        "--schedule": "steps",
        "--steps": "2:0.001",
        "--rotation": "5",
        "--subset": "500",
        "--seed": "7",
    }
    flat = [word for pair in options.items() for word in pair]
    code, _, _ = call("train", "mlp-128-64", *QUICK, *flat, "--batch-norm", "--name", "mine")
    assert code == 0
    recipe = weights.load("mine")[1].recipe
    assert recipe == RECIPES["mlp-128-64"].changed(
        dataset="digits",
        epochs=2,
        dropout=0.1,
        batch_size=50,
        optimizer="sgd",
        momentum=0.5,
        schedule="steps",
        steps=((2, 0.001),),
        rotation=5,
        subset=500,
        seed=7,
        batch_norm=True,
    )


def test_every_field_of_a_recipe_is_in_the_help(call):
    _, out, _ = call("train", "--help")
    for field in Recipe.model_fields:
        assert f"--{field.replace('_', '-')}" in out
    for words in ("Largest random rotation (0 to 45", "[sgd|adam|adamw]", "--no-batch-norm"):
        assert words in out


def test_the_display_for_people_tells_epochs_and_result(call):
    code, out, _ = call("train", "mlp-128-64-adam", *QUICK)
    assert code == 0
    assert "epoch   1" in out
    assert "epoch   2" in out
    assert "of 359 test images" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "no-such"], ["no-such", "lenet5"]),
        (["train", "lenet5", "--epochs", "0"], ["Epochs", "'0'", "1 to 1000"]),
        (["train", "lenet5", "--epochs", "x"], ["Epochs", "'x'"]),
        (["train", "lenet5", "--optimizer", "x"], ["optimizer", "'x'", "adam"]),
        (["train", "lenet5", "--name", "../x"], ["../x", "letters, digits"]),
        (["train", "lenet5", "--dataset", "nowhere"], ["nowhere", "sub-folder"]),
        (["train"], ["NAME"]),
        (["evaluate", "no-such"], ["no-such"]),
        (["evaluate", "../x"], ["letters, digits"]),
        (["reproduce", "no-such"], ["no-such"]),
        (["no-such-command"], ["no-such-command"]),
        (["list", "--no-such-option"], ["--no-such-option"]),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(call, arguments, words):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_list_json_has_weights_and_recipes(call, trained):
    code, out, _ = call("list", "--json")
    listing = json.loads(out)
    assert code == 0
    row = listing["weights"][0]
    info = weights.load(trained)[1]
    assert row == {
        "name": "mine",
        "recipe": "mlp-128-64-adam",
        "model": "mlp-128-64",
        "dataset": "digits",
        "test_accuracy": info.test_accuracy,
        "n": 359,
        "parameters": 109_386,
        "epochs": 8,
        "seed": 0,
        "bytes": weights.path_of("mine").stat().st_size,
    }
    assert [recipe["name"] for recipe in listing["recipes"]] == list(RECIPES)


def test_list_shows_broken_files_beside_the_good_ones(call, trained):
    weights.path_of("bad").write_text("nothing")
    code, out, _ = call("list")
    assert code == 0
    assert "mine" in out
    assert "bad.safetensors" in "".join(out.split())


def test_evaluate_finds_the_stored_accuracy_again(call, trained):
    code, out, _ = call("evaluate", trained, "--json")
    result, info = json.loads(out), weights.load(trained)[1]
    assert code == 0
    assert set(result) == {"name", "dataset", "n", "accuracy", "loss"}
    assert (result["name"], result["dataset"], result["n"]) == ("mine", "digits", 359)
    assert result["accuracy"] == pytest.approx(info.test_accuracy, abs=5e-5)
    assert result["loss"] == pytest.approx(info.test_loss, rel=1e-4)


def test_predict_reads_pictures(call, trained, tmp_path):
    test = bundled.load_bundled().test
    labels = []
    for i in range(8):
        image = Image.fromarray(test.images[i * 30].numpy()).resize((200, 200))
        Image.eval(image, lambda v: 255 - v).save(tmp_path / f"{i}.png")  # dark on light
        labels.append(test.labels[i * 30].item())
    code, out, _ = call("predict", *(str(tmp_path / f"{i}.png") for i in range(8)), "--json")
    predictions = json.loads(out)["predictions"]
    assert code == 0
    assert sum(p["digit"] == label for p, label in zip(predictions, labels, strict=True)) >= 6

    code, out, _ = call("predict", str(tmp_path / "0.png"), "--json")
    one = json.loads(out)
    assert one["probabilities"] == pytest.approx(predictions[0]["probabilities"], abs=1e-5)
    assert one["digit"] == predictions[0]["digit"]
    assert sum(one["probabilities"]) == pytest.approx(1)


def test_predict_reads_the_other_pictures_where_one_is_broken(call, trained, tmp_path):
    for name in ("first", "last"):
        Image.new("L", (100, 100), 255).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = [str(tmp_path / f"{name}.png") for name in ("first", "broken", "missing", "last")]
    code, out, err = call("predict", *files, "--json")
    assert code == 2
    assert [row["file"] for row in json.loads(out)["predictions"]] == [files[0], files[3]]
    assert [files[1] in err.splitlines()[0], files[2] in err.splitlines()[1]] == [True, True]
    for file in files[1:3]:
        code, out, err = call("predict", file, "--json")
        assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_of_a_folder_predict_prints_a_list_whatever_can_be_read(call, trained, tmp_path):
    for name, number in (("none", 0), ("one", 1), ("two", 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "broken.png").write_bytes(b"no picture")
        for place in range(number):
            Image.new("L", (28, 28)).save(folder / f"{place}.png")
        code, out, _ = call("predict", str(folder), "--network", trained, "--json")
        assert code == 2
        assert len(json.loads(out)["predictions"]) == number


def test_predict_says_when_nothing_is_drawn(call, trained, tmp_path):
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    row = json.loads(call("predict", str(tmp_path / "blank.png"), "--json")[1])
    assert row["digit"] is None
    assert row["number"] == ""
    assert "No digits were found" in row["problem"]
    assert "No digits were found" in call("predict", str(tmp_path / "blank.png"))[1]


def test_predict_reads_a_number(call, trained, tmp_path):
    test = bundled.load_bundled().test
    ones = [i for i in range(len(test)) if test.labels[i] == 1][:2]
    sheet = Image.new("L", (260, 120))
    for place, i in enumerate(ones):
        digit = Image.fromarray(test.images[i].numpy()).resize((100, 100))
        sheet.paste(digit, (10 + 130 * place, 10))
    sheet.save(tmp_path / "number.png")
    row = json.loads(call("predict", str(tmp_path / "number.png"), "--json")[1])
    assert len(row["digits"]) == len(row["number"]) == 2
    assert row["digit"] is None
    assert row["digits"][0]["box"]["left"] < row["digits"][1]["box"]["left"]


def test_predict_without_weights_says_how_to_get_some(call, tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "x.png")
    code, _, err = call("predict", str(tmp_path / "x.png"))
    assert code == 2
    assert "train" in err


def test_interrupting_a_training_keeps_what_is_trained_and_reads_no_test_images(
    call, weights_folder
):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mnist_app",
            "train",
            "mlp-128-64-adam",
            "--json",
            *QUICK,
            *["--epochs", "1000", "--name", "cut"],
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MNIST_APP_WEIGHTS": str(weights_folder)},
    )
    for line in process.stdout:
        if json.loads(line)["event"] == "epoch":
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    end = json.loads(out.splitlines()[-1])
    assert (process.returncode, err) == (0, "")
    assert (end["event"], end["reason"], end["name"]) == ("end", "stopped", "cut")
    info = weights.load("cut")[1]
    assert 1 <= info.epochs < 1000
    assert info.reason == "stopped"
    assert (end["test_accuracy"], end["n"], info.test_accuracy, info.n) == (None, 0, None, 0)
    assert (end["val_accuracy"], end["val_n"]) == (info.val_accuracy, 287)

    missing = "not measured on the test images: the training was stopped"
    code, out, _ = call("list")
    assert code == 0
    assert f"{info.val_accuracy:.2%} of 287 validation images right" in out
    assert missing in out
    (row,) = json.loads(call("list", "--json")[1])["weights"]
    assert (row["name"], row["test_accuracy"], row["n"]) == ("cut", None, 0)
    checks = {check.name: check for check in check_networks()}
    assert checks["network cut"].level == "ok"
    assert missing in checks["network cut"].text
    assert json.loads(call("evaluate", "cut", "--json")[1])["n"] == 359


@pytest.mark.mnist
def test_reproduce_writes_weights_and_the_table(call, tmp_path, real_data, monkeypatch):
    short = RECIPES["mlp-128-64-adam"].changed(epochs=1, subset=2000)
    monkeypatch.setitem(RECIPES, "mlp-128-64-adam", short)
    code, out, _ = call(
        "reproduce", "mlp-128-64-adam", "--seeds", "2", "--output", str(tmp_path), "--json"
    )
    rows = json.loads(out)["presets"]["mlp-128-64-adam"]
    assert code == 0
    assert [row["seed"] for row in rows] == [0, 1]
    assert weights.load("mlp-128-64-adam")[1].test_accuracy == rows[0]["test_accuracy"]
    line = next(x for x in (tmp_path / "results.md").read_text().splitlines() if "| S3 |" in x)
    mean = (rows[0]["test_accuracy"] + rows[1]["test_accuracy"]) / 2
    assert f"{100 * mean:.2f} ±" in line
    assert "| no |" in line  # 2,000 images are too few to reach 97 %

    call("reproduce", "mlp-128-64-adam", "--seeds", "1", "--output", str(tmp_path))
    assert len(weights.list_weights()) == 1  # the preset's own weights are replaced


# predict on folders and ZIPs, and the report


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A folder with six small digits, one in a sub-folder, and two files that are not pictures."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    test = bundled.load_bundled().test
    for place in range(6):
        sub = "more" if place == 5 else "."
        Image.fromarray(test.images[place].numpy()).save(folder / sub / f"{place}.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "words.txt").write_text("seven")
    return folder


def test_predict_writes_a_table_of_a_folder_and_names_what_it_skips(call, trained, pictures):
    table = pictures.parent / "table.csv"
    code, out, err = call("predict", str(pictures), "--csv", str(table), "--json")
    assert code == 2
    assert json.loads(out)["pictures"] == 6
    assert [Path(one["name"]).name for one in json.loads(out)["skipped"]] == [
        *("empty.png", "words.txt")
    ]
    assert f"{pictures}/empty.png: It is empty." in err.splitlines()
    lines = table.read_text().splitlines()
    assert lines[0] == "ImageId,Label,confidence"
    assert [Path(line.split(",")[0]).name for line in lines[1:]] == [
        f"{place}.png" for place in range(6)
    ]


def test_a_table_is_kept_when_no_picture_can_be_read(call, trained, tmp_path):
    table = tmp_path / "keep.csv"
    table.write_text("mine")
    code, out, err = call("predict", str(tmp_path / "nope.png"), "--csv", str(table))
    assert (code, out) == (2, "")
    assert "nope.png: It does not exist" in err
    assert f"so {table} was not written" in err
    assert table.read_text() == "mine"


@pytest.mark.parametrize("name", [".", "no such/table.csv", "x" * 5000])
def test_a_table_that_has_no_place_is_said_before_pictures_are_read(
    call, trained, pictures, monkeypatch, name
):
    monkeypatch.setattr(unlabelled, "read_all", None)
    code, out, err = call("predict", str(pictures), "--csv", str(pictures / name))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "table" in err


def test_a_folder_that_no_table_can_be_written_to_is_said_first(
    call, trained, pictures, monkeypatch, open_folder
):
    monkeypatch.setattr(unlabelled, "read_all", None)
    table = open_folder / "table.csv"
    with without_rights():
        code, out, err = call("predict", str(pictures), "--csv", str(table), "--network", "mine")
    assert (code, out) == (2, "")
    assert f"The table {table} cannot be written (Permission denied)" in err


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 elsewhere")
def test_predict_takes_names_that_are_no_utf_8(call, trained, pictures, tmp_path):
    odd = os.fsdecode(b"sur\xff.png")
    (pictures / "0.png").rename(pictures / odd)
    table = tmp_path / "table.csv"
    code, _, _ = call("predict", str(pictures), "--csv", str(table))
    assert code == 2
    assert r"sur\udcff.png," in table.read_text()
    code, out, _ = call("predict", str(pictures / odd))
    assert code == 0
    assert r"sur\udcff.png: " in out
    out.encode()


@pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")
def test_predict_reads_the_others_beside_what_no_file_can_be(call, trained, pictures, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    bad = ["x" * 5000, str(tmp_path / "pipe"), "/dev/zero"]
    for options in ([], ["--csv", str(tmp_path / "table.csv")]):
        code, out, err = call("predict", *bad, str(pictures / "0.png"), *options)
        assert code == 2
        assert len(err.splitlines()) == len(bad)
        assert "0.png: " in out or "1 picture read, 3 skipped" in out


def test_predict_reads_the_pictures_in_a_zip(call, trained, pictures):
    path = pictures.parent / "pictures.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for place in range(3):
            bundle.write(pictures / f"{place}.png", f"{place}.png")
    code, out, _ = call("predict", str(path), "--json")
    assert code == 0
    names = [row["file"] for row in json.loads(out)["predictions"]]
    assert names == [f"{path}/{place}.png" for place in range(3)]


def test_report_writes_one_file(call, trained, tmp_path):
    path = tmp_path / "page.html"
    code, out, _ = call("report", trained, "--dataset", "digits", "--output", str(path), "--json")
    assert code == 0
    row = json.loads(out)
    assert row["bytes"] == path.stat().st_size
    assert "359 images of digits" in path.read_text()


def test_report_of_what_is_no_result_is_bad_input(call, trained, tmp_path):
    code, _, err = call("report", "nonsense", "--output", str(tmp_path / "page.html"))
    assert code == 2
    assert "no weights named 'nonsense'" in err
    assert not (tmp_path / "page.html").exists()


def test_a_name_that_no_file_can_have_is_refused(call):
    assert call("predict", "\ud800.png") == (
        2,
        "",
        r"'\ud800' is not text on this machine: use other characters." "\n",
    )


def test_from_another_folder_the_checkouts_networks_are_found_and_the_report_is_written_here(
    tmp_path,
):
    clean = {k: v for k, v in os.environ.items() if k != "MNIST_APP_WEIGHTS"}
    command = [sys.executable, "-m", "mnist_app", "report", "lenet5", "--dataset", "digits"]
    environment = {**clean, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "<html" in (tmp_path / "lenet5.html").read_text()[:1000]
    assert [path.name for path in tmp_path.iterdir()] == ["lenet5.html"]
