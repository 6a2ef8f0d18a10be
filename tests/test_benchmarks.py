"""The benchmarks work: small counts, real networks; what they measure is not checked here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_app.common.machine import machine_facts

ROOT = Path(__file__).resolve().parent.parent


def docs() -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in (ROOT / "docs").iterdir())


def run(script: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def measured(*arguments: str) -> subprocess.CompletedProcess:
    return run("drawings.py", *arguments, "--digits", "1", "--count", "2", "--workers", "1")


# Runs each script up to the point where it would begin to measure.
IMPORT_ALL = """
import pathlib, runpy, sys
for path in map(pathlib.Path, sys.argv[1:]):
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="imported")
"""


@pytest.mark.slow
def test_every_script_finds_what_it_imports():
    files = *sorted((ROOT / "benchmarks").glob("*.py")), ROOT / "docs" / "screenshots.py"
    scripts = [str(path) for path in files if '__name__ == "__main__"' in path.read_text()]
    assert len(scripts) > 5
    command = [sys.executable, "-c", IMPORT_ALL, *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.mnist
def test_drawings_are_measured_and_what_was_measured_before_is_kept(real_data, tmp_path):
    if not (real_data / "pendigits").is_dir():
        pytest.skip("needs the UCI pen digits")
    done = measured("several", "--network", "canvas", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    done = measured("grid", "--network", "lenet5", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "drawings.json").read_text())
    assert set(results) == {"several", "grid"}
    assert results["several"]["rows"][0]["n"] == 2
    assert len(results["grid"]["rows"]) == 72
    page = (tmp_path / "drawings.md").read_text()
    assert "three-digit numbers right" in page
    assert "| lenet5 | " in page


@pytest.mark.slow
@pytest.mark.mnist
def test_other_peoples_strokes_leave_our_figures_alone(real_data, tmp_path, monkeypatch):
    strokes = [[[0, 0], [60, 0], [20, 100]]]
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"label": 7, "writer": "me", "strokes": strokes})
    )
    monkeypatch.chdir(tmp_path)
    before = docs()
    done = measured("grid", "--network", "canvas-large", "--strokes", str(tmp_path / "mine.jsonl"))
    assert done.returncode == 0, done.stderr
    assert docs() == before
    page = (tmp_path / "drawings" / "drawings.md").read_text()
    assert "by people whose writing no network has seen" in page
    assert "canvas-large" in page


@pytest.mark.slow
def test_an_unknown_network_is_named():
    done = measured("grid", "--network", "nonsense")
    assert done.returncode != 0
    assert "There are no weights nonsense" in done.stderr


@pytest.mark.slow
@pytest.mark.mnist
def test_a_network_to_which_no_writer_is_new_is_not_passed_over_in_silence(real_data):
    if not (real_data / "pendigits").is_dir():
        pytest.skip("needs the UCI pen digits")
    done = measured("grid", "--network", "canvas-large")
    assert done.returncode != 0
    assert "No writer is new to canvas-large" in done.stderr


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.browser
def test_digits_are_replayed_in_the_browser(real_data, tmp_path):
    if not (real_data / "pendigits").is_dir():
        pytest.skip("needs the UCI pen digits")
    done = run("browser.py", "--count", "2", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "drawings.json").read_text())["browser"]["rows"]
    assert (row["network"], row["n"]) == ("canvas", 2)
    assert row["right"] + sum(bool(wrong["read"]) for wrong in row["wrong"]) == 2  # all were read
    assert "replayed stroke by stroke" in (tmp_path / "drawings.md").read_text()


@pytest.mark.slow
def test_the_time_of_predictions_is_measured(tmp_path):
    done = run("prediction.py", "--rounds", "1", "--images", "5", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "prediction.json").read_text())
    rows = {row["network"]: row for row in result["one"]}
    assert {"canvas", "lenet5"} <= set(rows)
    assert rows["lenet5"]["parameters"] == 61_706
    assert 0 < rows["canvas"]["normal_form_ms"][0] < rows["canvas"]["predict_ms"][0]
    assert all(row["plain_per_second"] > 0 for row in result["many"])
    assert "| lenet5 | 61,706 |" in done.stdout


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.browser
def test_all_speeds_are_measured_and_make_one_page(real_data, tmp_path):
    small = {
        "training.py": "--preset lenet5 --rounds 1 --seconds 0.1 --seeds 1 --images 3000",
        "app.py": "--answers 2 --starts 1 --strokes 8 --runs 1 --seconds 3",
        "prediction.py": "--rounds 1 --images 5",
    }
    for script, options in small.items():
        done = run(script, *options.split(), "--output", str(tmp_path))
        assert done.returncode == 0, done.stderr
    done = run("performance.py", str(tmp_path))
    assert done.returncode == 0, done.stderr
    training, app = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("training", "app"))
    (epoch,) = training["epochs"]["rows"]
    assert epoch["preset"] == "lenet5"
    assert epoch["ours_s"] > 0 < epoch["usual_s"]
    assert [row["way"] for row in training["speedrun"]] == ["our run", "public"]
    assert app["answer"]["alone_ms"]["n"] == app["answer"]["beside_training_ms"]["n"] == 2
    assert app["traffic"]["bytes_per_stroke"]["to_server"] > 0
    page = (tmp_path / "performance.md").read_text()
    for part in ("speed run, seconds", "| lenet5 |", "pen up to new probabilities", "kB/s"):
        assert part in page
    assert "lenet5" in (tmp_path / "performance.svg").read_text()


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.browser
def test_a_small_class_draws_at_once_and_no_answer_is_wrong(real_data, tmp_path):
    options = "--sessions 2 --seconds 8 --every 2"
    done = run("load.py", *options.split(), "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (level,) = json.loads((tmp_path / "load.json").read_text())["levels"]
    assert set(level["what"]) <= {"no answer in 10 s"}  # on a machine with much else to do
    assert (level["sessions"], level["lost"]) == (2, 0)
    assert level["answer_ms"]["n"] >= 2
    assert level["page_ms"]["n"] > 0 < level["look_ms"]["n"]
    assert level["curves"] > 0
    assert level["memory_end_mb"] > 100
    assert f"| 2 | {level['answer_ms']['n']} |" in done.stdout
    assert "polyline" in (tmp_path / "load.svg").read_text()


FUZZ = {
    "target": "pictures",
    "seed": 0,
    "test": "tests/fuzz/test_pictures.py::test_none",
    "count": 10_000,
    "errors": 9000,
    "answers": 999,
    "crashes": 1,
    "slowest_seconds": 0.123,
    "most_megabytes": 45.6,
    "faults": 1,
}
SPREAD = {"p50": 51.0, "p95": 95.0, "p99": 99.0, "max": 100.0, "n": 7}
LEVEL = {
    "sessions": 2,
    "seconds": 8.0,
    "every_s": 3.0,
    "errors": 0,
    "lost": 0,
    "answer_ms": SPREAD,
    "page_ms": SPREAD,
    "opening_ms": SPREAD,
    "look_ms": SPREAD,
    "server_cores": 0.5,
    "clients_cores": 0.1,
    "training_images_per_s": 12345,
    "memory_first_mb": 400.0,
    "memory_end_mb": 410.0,
}


@pytest.mark.slow
def test_what_was_tortured_makes_a_page_and_what_was_not_is_said(tmp_path):
    done = run("reliability.py", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reliability.md").read_text()
    assert page.count("Not measured yet.") == 3
    assert "|--" not in page  # no table without rows

    fault = {"fault": "killed while it saves", "count": 40, "lost": 0, "outcome": "resumed"}
    told = [FUZZ | {"count": 200}, fault, FUZZ]  # of what was done twice the last counts
    (tmp_path / "torture.jsonl").write_text("\n".join(map(json.dumps, told)) + "\n")
    (tmp_path / "load.json").write_text(json.dumps({"levels": [LEVEL], "machine": machine_facts()}))
    done = run("reliability.py", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reliability.md").read_text()
    assert "Not measured" not in page
    assert "| killed while it saves | 40 | 0 | resumed |" in page
    row = "| pictures | 10,000 | 999 | 9,000 | 1 | 0 | 0.12 | 46 | `tests/fuzz/test_pictures.py::"
    assert page.count("| pictures |") == page.count(row) == 1
    assert "| 2 | 7 | 51 | 95 | 99 | 0 | 0 |" in page
    for command in ("python benchmarks/load.py", "make torture", "python -m pytest"):
        assert command in page
