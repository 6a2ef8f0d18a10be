"""The architecture's lines: imports go one way, and only the UI knows Streamlit."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "settings",
    "teacher",
    "network",
    "machine",
    "allocation",
    "recipes",
    "search_space",
    "pictures",
    "photo",
    "pen",
    "nondigits",
    "drawing",
    "segmentation",
    "rendering",
    "layers",
    "models",
    "digits",
    "mnist",
    "archives",
    "folders",
    "data",
    "augment",
    "corruptions",
    "evaluation",
    "calibration",
    "metrics",
    "events",
    "optimizers",
    "training",
    "weights",
    "ensemble",
    "cache",
    "assessment",
    "embedding",
    "neighbours",
    "runs",
    "search",
    "worker",
    "jobs",
    "predictor",
    "unlabelled",
    "explain",
    "comparison",
    "reproduce",
    "doctor",
    "ui.colors",
    "ui.markup",
    "ui.charts",
    "report",
    "progress",
    "cli_predict",
    "cli_doctor",
    "cli",
    "__main__",
    "ui",
    "app",
)
FILES = [*sorted((ROOT / "mnist_app").rglob("*.py")), ROOT / "app.py"]


def layer(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "app":
        return "app"
    return layer_of(parts[1:])


def layer_of(parts: tuple[str, ...] | list[str]) -> str:
    """The entry of ORDER: figures and fragments of HTML are below what makes pages of them."""
    figures = ".".join(parts[:2])
    return figures if figures in ORDER else parts[0]


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_before_it(path):
    if layer(path) == "__init__":
        assert not imports(path)
        return
    rank = ORDER.index(layer(path))
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "mnist_app" and len(parts) > 1 and layer_of(parts[1:]) in ORDER:
            other = layer_of(parts[1:])
            same = other == layer(path) and other.startswith("ui")
            assert ORDER.index(other) < rank or same, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_app_and_its_pages_know_streamlit(path):
    knows = any(name.split(".")[0].startswith("streamlit") for name in imports(path))
    assert not knows or layer(path) in ("ui", "app")  # and not in the figures of the ui


def test_the_app_file_does_not_touch_torch():
    assert not any(name.split(".")[0] == "torch" for name in imports(ROOT / "app.py"))


def test_pickle_is_nowhere():
    for path in FILES:
        text = path.read_text()
        assert "pickle" not in {name.split(".")[0] for name in imports(path)}
        assert "torch.load" not in text
        assert "torch.save" not in text


def test_a_run_that_waits_its_turn_has_not_loaded_torch():
    code = "import mnist_app.worker, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_canvas_does_not_wait_for_torch():
    light = "streamlit", "numpy", "PIL"
    code = (
        f"import sys, types, {', '.join(light)}\n"
        "sys.modules['streamlit_drawable_canvas'] = types.SimpleNamespace(st_canvas=None)\n"
        "import mnist_app.ui.draw, mnist_app.ui.style\n"
        "sys.exit(not sys.modules.keys().isdisjoint(('torch', 'scipy', 'sklearn', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_listing_the_networks_leaves_most_of_torch_alone():
    code = (
        "import sys\nfrom mnist_app import predictor, weights\nweights.scan()\n"
        "predictor.Predictor.load('canvas')\n"
        "sys.exit(not sys.modules.keys().isdisjoint(('sympy', 'torchvision', 'torch._dynamo')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
