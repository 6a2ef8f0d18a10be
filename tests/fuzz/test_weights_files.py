"""Files in the weights folder that are not results, or pretend to be."""

import copy
import json
import os
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import VALUES, spoiled, spoiled_json

from mnist_app.cli import main as cli
from mnist_app.data import bundled
from mnist_app.drawing import pen
from mnist_app.figures import fragments, training_charts
from mnist_app.recognition import predictor
from mnist_app.report import facts, html_report
from mnist_app.report.training_command import training_command
from mnist_app.results import accuracy_text, weights

REAL = "lenet5", "speedrun", "mlp-128-64"
LENGTHS = 0, 1, 7, 8, 2**31, 2**32, 2**40, 2**63, 2**64 - 1
DTYPES = "F64", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "U64", "C64", "F4"
ODD_NUMBERS = float("nan"), float("inf"), -float("inf"), 3e38, -3e38, -1.0
Kind = Callable[[Case, Any, Any, bytes], bytes]
ODD_NAMES = "a b", "ä", ".hidden", "[", "[red]", "<b>", "x" * 200, "a\nb", "-", "a\udcff"


@lru_cache
def real(name: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return a result's header, the app's facts in it, and the bytes of its tensors."""
    content = (limits.ROOT / "weights" / f"{name}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["mnist_app"]), content[8 + length :]


def packed(header: Any, tensors: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + tensors


def with_facts(header: dict[str, Any], facts: Any) -> dict[str, Any]:
    return header | {"__metadata__": {"mnist_app": json.dumps(facts)}}


def any_bytes(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    return spoiled(packed(with_facts(header, facts), tensors), case.random)


def header_length(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    text = len(json.dumps(header))
    lengths = (*LENGTHS, text - 1, text + 1, text + len(tensors))
    return packed(header, tensors, case.one_of(lengths))


def header_json(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    return packed(spoiled_json(header, case.random), tensors)


def facts_json(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    return packed(with_facts(header, spoiled_json(facts, case.random)), tensors)


def one_fact(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    """Change one fact: at the top level, in the recipe or in the calibration."""
    holder = case.one_of([facts, facts["recipe"], facts["calibration"]])
    holder[case.one_of(list(holder))] = copy.deepcopy(case.one_of(VALUES))
    return packed(with_facts(header, facts), tensors)


def other_type(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    header[case.one_of([key for key in header if key != "__metadata__"])]["dtype"] = case.one_of(
        DTYPES
    )
    return packed(header, tensors)


def other_shape(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    entry = header[case.one_of([key for key in header if key != "__metadata__"])]
    shape = entry["shape"]
    entry["shape"] = case.one_of(
        [shape[::-1], [*shape, 1], [-1], [2**62, 4], [0], [], [2**64], [1] * 10_000, None]
    )
    return packed(header, tensors)


def odd_numbers(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    values = np.frombuffer(tensors, dtype=np.float32).copy()
    some = case.random.integers(0, len(values), int(case.one_of([1, 10, len(values)])))
    values[some] = case.one_of(ODD_NUMBERS)
    return packed(header, values.tobytes())


def endless_header(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    """Make a header of many megabytes, each byte of which may become many in memory."""
    size = (90_000_000, 3_000_000, 30_000_000)[case.number // 2 % 3]
    filling = case.one_of(['"' + "x" * size + '"', "[" + "1," * (size // 2) + "1]", "[" * size])
    text = json.dumps(facts)[:-1] + f', "device": {filling}}}'
    return packed(header | {"__metadata__": {"mnist_app": text}}, tensors)


def deep_facts(case: Case, header: Any, facts: Any, tensors: bytes) -> bytes:
    text = json.dumps(facts)[:-1] + ', "history": ' + "[" * 50_000 + "]" * 50_000 + "}"
    return packed(header | {"__metadata__": {"mnist_app": text}}, tensors)


KINDS = (
    *(any_bytes, any_bytes, header_length, header_json, header_json, facts_json, facts_json),
    *(one_fact, one_fact, one_fact, other_type, other_shape, odd_numbers),
)


def spoiled_file(case: Case) -> Attempt:
    return written(case, case.one_of(KINDS))


def endless_file(case: Case) -> Attempt:
    return written(case, (endless_header, deep_facts)[case.number % 2])


def written(case: Case, kind: Kind) -> Attempt:
    """Use a real file that was spoiled in this way."""
    header, facts, tensors = real(case.one_of(REAL))
    header, facts = json.loads(json.dumps(header)), json.loads(json.dumps(facts))
    path = case.folder / "weights" / f"fuzz-{case.number}.safetensors"
    path.parent.mkdir()
    path.write_bytes(kind(case, header, facts, tensors))
    if case.random.random() < 0.01:
        os.truncate(path, 20_000_000_000)  # a sparse file: it takes no space on the disk
    case.names = (path.name,)
    return lambda: used(path.stem)


def used(name: str) -> None:
    """Do what the app does with a weights file."""
    listing = weights.scan()
    assert len(listing.weights) + len(listing.broken) == 1
    assert cli.main(["list"]) == 0
    assert cli.main(["list", "--json"]) == 0
    model, info = weights.load(name)
    assert all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values())
    assert weights._shapes_of(info.recipe) == {
        k: tuple(v.shape) for k, v in model.state_dict().items()
    }
    for accuracy, interval in (
        (info.test_accuracy, info.test_interval),
        (info.val_accuracy, info.val_interval),
    ):
        if interval:
            assert 0 <= interval[0] <= accuracy <= interval[1] <= 1 + 1e-9
    assert accuracy_text.full_text(info)
    answer = predictor.Predictor(model, info.recipe, info).predict(DRAWING)
    assert np.isfinite(answer.probabilities).all()
    assert answer.probabilities.sum() == pytest.approx(1)
    assert 0 <= answer.confidence <= 1
    shown(info, answer)


def shown(info: weights.WeightsInfo, answer: predictor.Prediction) -> None:
    """Make the texts and figures that the page shows about it."""
    fragments.probability_bars(answer)
    training_command(info)
    facts.summary(info, *_ASSESSED)
    html_report.learning_curves(info)
    training_charts.accuracy_curves({info.name: info.history})
    training_charts.loss_curves({info.name: info.history})
    if measured := info.calibration.at(0.5):
        fragments.coverage_text(*measured, info.calibration.n, "digits")
    text = f"{info.parameters / 1000:,.0f} {info.seconds:.0f} {info.date}{info.trained_on}"
    fragments.facts({"Text": text})


DRAWING = pen.canvas_rgba(pen.draw([np.array([[80.0, 60], [200, 60], [130, 220]])]))


def _assessed() -> Any:
    from mnist_app.recognition.assessment import Assessment

    test = bundled.load_bundled().test
    return Assessment(test.labels.numpy(), np.full((len(test), 10), 0.1)), test


_ASSESSED = _assessed()


def odd_name(case: Case) -> Attempt:
    """Use a real file under an invalid name."""
    header, facts, tensors = real(REAL[0])
    folder = case.folder / "weights"
    folder.mkdir()
    path = folder / f"{case.one_of(ODD_NAMES)}.safetensors"
    path.write_bytes(packed(with_facts(header, facts), tensors))

    def attempt() -> None:
        listing = weights.scan()
        assert all(limits.is_one_line(item.problem) for item in listing.broken)
        assert cli.main(["list"]) == 0
        assert cli.main(["list", "--json"]) == 0
        weights.load(path.stem)

    return attempt


def test_no_file_in_the_weights_folder_does_harm():
    limits.check(spoiled_file, "weights files: mutations of real ones", limits.count(10_000))


def test_no_endless_header_does_harm():
    what = "weights files: endless and deeply nested headers"
    limits.check(endless_file, what, limits.count(60, 6))


def test_no_name_of_a_file_in_the_weights_folder_does_harm():
    limits.check(odd_name, "weights files: names", limits.count(200, 20))


def test_the_real_files_are_right_answers(tmp_path: Path, weights_folder: Path):
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    weights_folder.mkdir()
    header, facts, tensors = real(REAL[0])
    (weights_folder / "same.safetensors").write_bytes(packed(with_facts(header, facts), tensors))
    used("same")
