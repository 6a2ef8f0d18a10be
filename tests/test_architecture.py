"""What the architecture promises beyond the direction of imports, which `lint-imports` checks."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = [*sorted((ROOT / "mnist_app").rglob("*.py")), ROOT / "app.py"]


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_pickle_is_nowhere():
    for path in FILES:
        text = path.read_text()
        assert "pickle" not in {name.split(".")[0] for name in imports(path)}
        assert "torch.load" not in text
        assert "torch.save" not in text


def test_a_run_that_waits_its_turn_has_not_loaded_torch():
    code = "import mnist_app.runs.worker, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_canvas_does_not_wait_for_torch():
    light = "streamlit", "numpy", "PIL"
    code = (
        f"import sys, types, {', '.join(light)}\n"
        "sys.modules['streamlit_drawable_canvas'] = types.SimpleNamespace(st_canvas=None)\n"
        "import mnist_app.ui.draw.tab, mnist_app.ui.style\n"
        "sys.exit(not sys.modules.keys().isdisjoint(('torch', 'scipy', 'sklearn', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_listing_the_networks_leaves_most_of_torch_alone():
    code = (
        "import sys\nfrom mnist_app.recognition import predictor\n"
        "from mnist_app.results import weights\nweights.scan()\n"
        "predictor.Predictor.load('canvas')\n"
        "sys.exit(not sys.modules.keys().isdisjoint(('sympy', 'torch._dynamo')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
