"""The self-check: each check, run on something intact and on something really broken."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import committed_weights
import pytest
import serve
import torch
from click.testing import CliRunner
from effort import scaled
from installation import pretend_installed
from packaging.requirements import Requirement
from PIL import Image
from rights import without_rights

from mnist_app.cli.doctor import packages
from mnist_app.cli.doctor.check import Check
from mnist_app.cli.doctor.data import check_folder, check_mnist, check_shipped, check_strokes
from mnist_app.cli.doctor.networks import check_network, check_networks
from mnist_app.cli.doctor.packages import (
    OLDEST_PYTHON,
    check_packages,
    check_python,
)
from mnist_app.cli.doctor.processors import check_gpu, check_processor
from mnist_app.cli.doctor.server import check_code, check_parallel_runs, check_port, check_proxy
from mnist_app.cli.main import commands
from mnist_app.data import bundled, catalogue, mnist, training_data
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import weights
from mnist_app.training import loop as training
from mnist_app.training.device import computes_bfloat16

ROOT = Path(__file__).resolve().parents[2]


def failed(check: Check, *words: str) -> bool:
    """Return whether the check failed, with these words in its text or its remedy."""
    said = f"{check.text} {check.remedy}"
    return check.level == "fail" and all(word in said for word in words)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Python, packages, processor


def test_this_python_is_new_enough():
    check = check_python()
    assert check.level == "ok"
    assert sys.version.split()[0].rstrip("+") in check.text
    assert sys.executable in check.text


def test_an_old_python_is_too_old():
    assert failed(check_python((3, 10, 13)), "3.10.13", "3.11 or newer")


def test_the_oldest_python_is_the_one_that_the_project_names():
    oldest = ".".join(map(str, OLDEST_PYTHON))
    assert f'requires-python = ">={oldest}"' in (ROOT / "pyproject.toml").read_text()


def needed_here() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    needs = [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]
    return [need.name for need in needs if need.marker is None or need.marker.evaluate()]


def test_every_required_package_is_checked_and_loads():
    found = list(check_packages())
    assert {check.level for check in found} == {"ok"}
    assert [check.name.split()[1] for check in found] == needed_here()


@pytest.fixture
def requirements(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "requirements.txt"
    monkeypatch.setattr(packages, "_requirements_file", lambda: path)
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("click>=999", (">=999 is needed", "pip install -r")),
        ("click<2,>=1", ("is installed", "pip install -r")),
        ("no-such-package-of-this-app>=1", ("not installed", "pip install -r")),
    ],
)
def test_a_package_out_of_its_range_fails(line, words, requirements):
    requirements.write_text(f"# what is needed\nrich>=1 # for output\n\n{line}\n")
    good, bad = check_packages()
    assert (good.name, good.level) == ("package rich", "ok")
    assert failed(bad, *words, str(requirements))


def test_an_installed_app_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setattr(packages, "is_checkout", lambda: False)
    needs = ["pillow>=1", "no-such-package>=1", 'pytest>=8; extra == "dev"']
    monkeypatch.setattr(packages.metadata, "requires", lambda _name: needs)
    good, bad = check_packages()
    assert (good.name, good.level) == ("package pillow", "ok")
    assert failed(bad, "not installed", "pip install 'no-such-package>=1'")


def test_a_package_for_other_systems_is_passed_over(requirements):
    requirements.write_text("no-such-package-of-this-app>=1; sys_platform == 'none'\n")
    assert list(check_packages()) == []


def test_without_the_requirements_the_packages_are_not_checked(requirements):
    (check,) = check_packages()
    assert check.level == "warn"
    assert "requirements.txt cannot be read" in check.text


def run_with(path: Path, code: str) -> str:
    """Return what the code prints in a process that looks for packages in `path` first."""
    places = [str(path), str(ROOT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_package_that_does_not_load_fails(tmp_path):
    (tmp_path / "captum.py").write_text("import no_such_module")
    code = (
        "from mnist_app.cli.doctor import packages\n"
        "packages.required = lambda: ['rich', 'captum>=0.9', 'click']\n"
        "for c in packages.check_packages(): print(*c, sep='|')"
    )
    lines = run_with(tmp_path, code).splitlines()
    assert [line.split("|")[1] for line in lines] == ["ok", "fail", "ok"]
    assert lines[1].startswith("package captum|fail|")
    assert "No module named 'no_such_module'" in lines[1]
    assert "--force-reinstall" in lines[1]


def test_a_canvas_without_its_files_fails(tmp_path):
    (record,) = Path(torch.__file__).parents[1].glob("streamlit_drawable_canvas-*.dist-info")
    shutil.copytree(record, tmp_path / record.name)  # its list of files, without the files
    code = (
        "import json\nfrom mnist_app.cli.doctor import packages\n"
        "packages.required = lambda: ['streamlit-drawable-canvas>=0.13']\n"
        "print(json.dumps(list(packages.check_packages())))"
    )
    (check,) = json.loads(run_with(tmp_path, code))
    assert failed(Check(*check), "does not load (its file", "is missing", "--force-reinstall")


def test_a_broken_torch_ends_only_the_checks_that_need_it(tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libtorch.so: cannot open')")
    code = (
        "from mnist_app.cli.doctor.checks import checks\n"
        "for c in checks(quick=True): print(c.name, c.level, c.text, sep='|')"
    )
    said = run_with(tmp_path, code)
    assert "package torch|fail|" in said
    assert "networks|warn|not checked" in said
    assert "package click|ok|" in said
    assert "\nport 8501|" in said


def test_the_processor_is_described():
    check = check_processor()
    assert check.level == "ok"
    assert torch.backends.cpu.get_cpu_capability() in check.text
    assert f"{torch.get_num_threads()} thread" in check.text
    word = "with" if computes_bfloat16(torch.device("cpu")) else "without"
    assert f" {word} bfloat16" in check.text


def test_a_gpu_is_not_needed():
    check = check_gpu(torch.device("cpu"))
    assert (check.level, check.text) == ("ok", "none: training uses the CPU")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU that works")
def test_a_gpu_that_does_not_compute_fails():
    assert failed(check_gpu(torch.device("cuda")), "does not work", "driver")


# Folders, data sets


def test_a_folder_is_written_and_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(tmp_path))
    check = check_folder("weights")
    assert check.level == "ok"
    assert check.text.startswith(f"{tmp_path} (set by MNIST_APP_WEIGHTS), ")
    assert "GB free" in check.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_can_be_made(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b"
    monkeypatch.setenv("MNIST_APP_WEIGHTS", str(path))
    check = check_folder("weights")
    assert check.level == "ok"
    assert f"{path} (set by MNIST_APP_WEIGHTS) will be created" in check.text
    assert not path.exists()


def test_a_file_in_the_folders_place_fails(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    path.write_text("")
    for place in (path, path / "inner"):
        monkeypatch.setenv("MNIST_APP_WEIGHTS", str(place))
        assert failed(check_folder("weights"), "cannot be written", "set MNIST_APP_WEIGHTS")


def test_a_folder_without_rights_fails(open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(open_folder))
    open_folder.chmod(0o555)
    with without_rights():
        check = check_folder("data")
    open_folder.chmod(0o755)
    assert failed(check, "cannot be written (Permission denied)", "set MNIST_APP_DATA")


def test_a_full_disk_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    assert failed(check_folder("data", space=10**18), "MB free", "MNIST_APP_DATA")


def test_the_networks_of_an_installed_app_are_counted(tmp_path, monkeypatch):
    assert list(check_shipped()) == []  # a checkout has its networks in the weights folder
    shipped = pretend_installed(tmp_path, monkeypatch)
    (shipped / "one.safetensors").touch()
    (check,) = check_shipped()
    assert (check.level, check.text) == ("ok", f"1 in {shipped}, which is read-only")
    (shipped / "one.safetensors").unlink()
    (check,) = check_shipped()
    assert (check.level, check.remedy) == ("warn", "install the app again")


def test_mnist_that_is_absent_is_no_failure_and_not_downloaded(root):
    check = check_mnist()
    assert check.level == "warn"
    assert "mnist_app evaluate canvas" in check.remedy
    assert not root.exists()


@pytest.mark.mnist
def test_mnist_is_verified(real_data):
    check = check_mnist()
    assert (check.level, check.text) == ("ok", "60,000 + 10,000 images, verified")


def test_mnist_that_is_damaged_fails(root):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in mnist.MNIST_FILES:
        (raw / name).write_bytes(b"half")
    assert failed(check_mnist(), "has 4 bytes instead of", "delete it")


def test_pen_strokes_are_counted_if_there_are_any(root):
    assert check_strokes() == Check("pen strokes", "ok", "none: only training canvas needs them")
    (root / "pendigits").mkdir(parents=True)
    line = json.dumps({"label": 1, "writer": "a", "strokes": [[[0, 0], [0, 9]]]})
    (root / "pendigits" / "mine.jsonl").write_text(f"{line}\n" * 3)
    assert check_strokes().text == "3 digits"
    (root / "pendigits" / "mine.jsonl").write_text("{")
    assert failed(check_strokes(), "mine.jsonl")


# Networks


def train(dataset: str, name: str) -> None:
    recipe = Recipe(
        name=name, model="mlp-128-64", dataset=dataset, epochs=2, learning_rate=0.01, batch_size=16
    )
    parts = training_data.prepare(recipe)
    end = list(training.train(recipe, parts.train, parts.val, parts.test))[-1]
    weights.save(name, end.network, weights.info_of(end, parts))


@pytest.fixture
def trained(weights_folder) -> str:
    train("digits", "mine")
    return "mine"


def levels(**options: bool) -> dict[str, str]:
    return {check.name: check.level for check in check_networks(**options)}


def test_a_network_is_as_good_as_it_says_on_what_it_was_trained_on(trained):
    check = check_network(trained, catalogue.load_dataset)
    assert check.level == "ok"
    stored = weights.load(trained)[1].test_accuracy
    assert check.text == f"{stored:.2%} of 359 test images right, as its header says"


def test_a_network_whose_numbers_were_changed_fails(trained):
    path = weights.path_of(trained)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20_000] + bytes(20_000))
    assert failed(
        check_network(trained, catalogue.load_dataset), "according to its header", "restore it"
    )
    assert check_network(trained, None).level == "ok"  # as with --quick: not measured
    assert levels() == {"networks": "warn", "network mine": "fail"}
    assert levels(quick=True) == {"networks": "warn", "network mine": "ok"}


def test_a_truncated_file_fails_and_the_others_do_not(trained):
    whole = weights.path_of(trained).read_bytes()
    weights.path_of("cut").write_bytes(whole[:-1000])
    found = {check.name: check for check in check_networks(quick=True)}
    assert failed(found["network cut.safetensors"], "cut off", "remove it")
    assert found["network mine"].level == "ok"


def test_a_network_that_goes_meanwhile_fails(weights_folder):
    assert failed(check_network("gone", None), "no weights named 'gone'")


def test_an_empty_weights_folder_fails(weights_folder):
    (check,) = check_networks()
    assert failed(check, "There are no weights", "train")


def test_other_networks_than_the_one_for_drawings_are_worth_knowing(trained):
    networks, _mine = check_networks(quick=True)
    assert (networks.level, "mine reads drawings" in networks.text) == ("warn", True)
    assert "canvas" in networks.remedy


def test_a_number_of_trainings_that_is_none_fails(monkeypatch):
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "many")
    assert failed(check_parallel_runs(), "MNIST_APP_PARALLEL_RUNS is 'many'", "whole number")
    monkeypatch.setenv("MNIST_APP_PARALLEL_RUNS", "3")
    assert check_parallel_runs() == Check("parallel trainings", "ok", "3")


def test_a_code_is_told_to_be_set_and_not_shown(monkeypatch):
    monkeypatch.delenv("MNIST_APP_TEACHER_CODE", raising=False)
    assert "not set" in check_code().text
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "sesame")
    assert check_code().text.startswith("set")
    assert "sesame" not in check_code().text


def test_a_code_that_is_too_short_fails_and_is_not_shown(monkeypatch):
    monkeypatch.setenv("MNIST_APP_TEACHER_CODE", "4711")
    assert failed(check_code(), "fewer than 6 characters", "MNIST_APP_TEACHER_CODE")
    assert "4711" not in str(check_code())


def test_the_address_and_the_proxies_are_checked(monkeypatch):
    monkeypatch.delenv("MNIST_APP_ADDRESS", raising=False)
    monkeypatch.setenv("MNIST_APP_PROXIES", "10.0.0.0/8")
    assert check_proxy().level == "ok"
    monkeypatch.setenv("MNIST_APP_PROXIES", "proxy")
    assert failed(check_proxy(), "MNIST_APP_PROXIES is 'proxy'")


def test_a_network_is_told_while_it_is_tested(trained):
    told = []
    list(check_networks(quick=True, note=told.append))
    assert told == ["Testing mine"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    digits = bundled.load_bundled().train
    for label in range(10):
        (folder / str(label)).mkdir(parents=True)
        for number, image in enumerate(digits.images[digits.labels == label][:10]):
            Image.fromarray(image.numpy()).save(folder / str(label) / f"{number}.png")
    return folder


def test_a_network_of_a_folder_is_measured_on_that_folder(weights_folder, pictures):
    train(str(pictures), "own")
    check = check_network("own", catalogue.load_dataset)
    assert check.level == "ok"
    assert "of 20 test images right, as its header says" in check.text


def test_a_network_whose_folder_changed_or_went_is_not_measured(weights_folder, pictures):
    train(str(pictures), "own")
    (pictures / "3" / "5.png").unlink()
    check = check_network("own", catalogue.load_dataset)
    assert check.level == "warn"
    assert "has changed since" in check.text
    shutil.rmtree(pictures)
    check = check_network("own", catalogue.load_dataset)
    assert check.level == "warn"
    assert "not measured" in check.text
    assert str(pictures) in check.remedy


def test_a_network_of_mnist_is_not_measured_without_mnist(root):
    found = {check.name: check for check in check_networks()}
    assert found["networks"].text.endswith("canvas reads drawings")
    assert found["network lenet5"].level == "warn"
    assert "not measured" in found["network lenet5"].text
    assert not root.exists()  # nothing was downloaded


@pytest.mark.mnist
@pytest.mark.parametrize("name", ["lenet5", "speedrun"])
def test_a_committed_network_is_as_good_as_it_says(name, real_data):
    assert check_network(name, catalogue.load_dataset).level == "ok"


# The port


def test_a_free_port_is_free_and_stays_so(port):
    assert check_port(port) == Check(f"port {port}", "ok", "free")
    assert check_port(port).level == "ok"


class OtherServer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def other_server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), OtherServer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_another_web_server_takes_the_port(other_server):
    assert failed(check_port(other_server), "another program", "STREAMLIT_SERVER_PORT")


def test_a_port_that_answers_nothing_is_taken(port):
    with socket.create_server(("127.0.0.1", port)):
        assert failed(check_port(port), "another program", "STREAMLIT_SERVER_PORT")


def test_a_port_that_is_taken_but_not_listened_to_cannot_be_used(port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        assert failed(check_port(port), "cannot be used", "STREAMLIT_SERVER_PORT")


def test_the_running_app_is_known_by_its_answer(tmp_path):
    with serve.served(tmp_path) as (url, _):
        check = check_port(int(url.rsplit(":", 1)[1]))
    assert check.level == "warn"
    assert "a Streamlit app is running there already" in check.text


# The command


@pytest.fixture
def call(port):
    def run(*arguments: str):
        return CliRunner().invoke(commands, ["doctor", "--port", str(port), *arguments])

    return run


def test_the_exit_code_is_0_if_nothing_fails(call, trained):
    result = call("--quick")
    assert result.exit_code == 0, result.output
    assert "ok    network mine: loads" in result.output
    assert " checks: 0 failed" in result.output


def test_the_exit_code_is_1_if_something_fails(call, trained):
    weights.path_of("cut").write_bytes(b"")
    result = call("--quick")
    assert result.exit_code == 1
    assert "fail  network cut.safetensors: " in result.output
    assert " checks: 1 failed" in result.output


def test_json_is_one_object_with_every_check(call, trained, port):
    result = call("--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"], result.stderr) == (0, True, "")
    assert set(answer["checks"][0]) == {"name", "level", "text", "remedy"}
    names = [check["name"] for check in answer["checks"]]
    assert names[0] == "Python"
    assert names[-5] == "network mine"
    assert names[-1] == f"port {port}"
    assert len(set(names)) == len(names)


def test_names_with_brackets_are_printed_as_they_are(call, trained):
    weights.path_of("cut").with_name("[red]cut.safetensors").write_bytes(b"")
    assert "network [red]cut.safetensors: " in call("--quick").output


def test_a_port_out_of_range_is_bad_input():
    assert CliRunner().invoke(commands, ["doctor", "--port", "70000"]).exit_code == 2


def test_a_port_that_is_taken_is_told_by_the_exit_code(trained, other_server):
    options = ["doctor", "--quick", "--port", str(other_server)]
    assert CliRunner().invoke(commands, options).exit_code == 1


def test_a_real_process_finds_all_packages_and_networks(weights_folder, port):
    names = scaled(("canvas", "lenet5"), committed_weights.NETWORKS)
    committed_weights.copy_to(weights_folder, names)
    command = [sys.executable, "-m", "mnist_app", "doctor", "--quick", "--port", str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert done.stdout.count("\nok    package ") == len(needed_here())
    assert done.stdout.count("\nok    network ") == len(names)


def test_without_its_packages_the_command_line_says_what_to_install():
    command = [sys.executable, "-S", "-m", "mnist_app", "doctor"]  # -S: without site-packages
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The package click is missing: run ")
    assert len(done.stderr.splitlines()) == 1
