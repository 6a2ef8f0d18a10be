"""How well the networks recognise what people draw: python benchmarks/drawings.py [PART ...].

Parts: grid, honesty, several, cost; without any, all. Writes drawings.json, drawings.md and
drawings.svg into docs/. A network that learned from pen strokes is measured on the writers that
its seed held out; with all seeds in weights/.seeds that is a cross-validation over all writers.
No writer is new to canvas-large, as each of its members held out others: other people's strokes
(--strokes) are needed to measure it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cost  # noqa: E402
import grid  # noqa: E402
import honesty  # noqa: E402
import report  # noqa: E402
import several  # noqa: E402

from mnist_app import data, pen, rendering, weights  # noqa: E402
from mnist_app.pen import PenDigit  # noqa: E402
from mnist_app.predictor import Predictor  # noqa: E402
from mnist_app.recipes import JOINED  # noqa: E402
from mnist_app.settings import weights_folder, write_text  # noqa: E402

PARTS = ("grid", "honesty", "several", "cost")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--network", "networks", multiple=True, help="Weights (default: all, all seeds).")
@click.option("--strokes", type=click.Path(path_type=Path), help="A folder of UNIPEN or JSON.")
@click.option("--digits", default=500, show_default=True, help="Digits per cell and network.")
@click.option("--count", default=1000, show_default=True, help="Numbers, and non-digits per kind.")
@click.option("--seed", default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs")
def main(
    parts: tuple[str, ...],
    networks: tuple[str, ...],
    strokes: Path | None,
    digits: int,
    count: int,
    seed: int,
    output: Path,
) -> None:
    """Measure the networks on drawings."""
    predictors = _predictors(networks)
    writers = pen.read_strokes(strokes) if strokes else data.load_pen_digits()
    if not writers:
        raise SystemExit("There are no pen strokes in the data folder: give some with --strokes.")
    output.mkdir(parents=True, exist_ok=True)
    results = _known(output / "drawings.json")
    for part in parts or PARTS:
        print(f"{part}:", flush=True)
        results[part] = {"seed": seed, "rows": []}
        chosen = predictors if strokes or part == "cost" else _with_new_writers(predictors)
        for fold, members in _by_fold(chosen, is_foreign=bool(strokes)).items():
            _, validation, test = rendering.split_writers(writers, fold or 0)
            held_out = writers if fold is None else validation + test
            unseen = writers if fold is None else test
            if part == "grid":
                rows = grid.measure(members, _some(held_out, digits, seed), seed)
            elif part == "cost":
                rows = [] if fold else cost.measure(members, held_out, count, seed)
            else:
                measure = honesty.measure if part == "honesty" else several.measure
                rows = [
                    {"network": name, **measure(predictor, unseen, count, seed)}
                    for name, predictor in members.items()
                    if predictor.recipe.pen_copies
                ]
            results[part]["rows"] += rows
            print(f"  {', '.join(members)}", flush=True)
    write_text(output / "drawings.json", json.dumps(results, indent=1) + "\n")
    report.write(results, output)


def _predictors(names: tuple[str, ...]) -> dict[str, Predictor]:
    if names:
        return {name: Predictor.load(name) for name in names}
    found = {info.name: Predictor.load(info.name) for info in weights.list_weights()}
    seeds = weights_folder() / weights.SEEDS
    for path in sorted(seeds.glob("*.safetensors")):
        model, info = weights.load(path.stem, seeds)
        if info.recipe.pen_copies:
            found[path.stem] = Predictor(model, info.recipe, info)
    return found


def _with_new_writers(predictors: dict[str, Predictor]) -> dict[str, Predictor]:
    return {name: p for name, p in predictors.items() if p.recipe.name not in JOINED}


def _by_fold(
    predictors: dict[str, Predictor], *, is_foreign: bool
) -> dict[int | None, dict[str, Predictor]]:
    """The networks by the writers they held out; None: any writer is new to them.

    Networks that never saw a pen stroke go with the first fold: all see the same drawings.
    """
    folds: dict[int | None, dict[str, Predictor]] = {}
    for name, predictor in predictors.items():
        fold = predictor.recipe.seed % rendering.FOLDS if predictor.recipe.pen_copies else 0
        folds.setdefault(None if is_foreign else fold, {})[name] = predictor
    return folds


def _some(digits: list[PenDigit], count: int, seed: int) -> list[PenDigit]:
    order = data.torch.randperm(len(digits), generator=data.torch.Generator().manual_seed(seed))
    return [digits[i] for i in order[:count]]


def _known(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


if __name__ == "__main__":
    main()
