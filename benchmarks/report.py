"""Write docs/drawings.md and its heat map, from what benchmarks/drawings.py measured."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grid import BRUSHES, PLACES, ROTATIONS, SIZES

from mnist_app.common.files import write_text

Rows = list[dict[str, Any]]
Figure = tuple[str, list[float], str]  # text, value per seed, target

HEAD = """\
# Drawings

How well do the networks read what people draw? The drawings are real pen strokes on a canvas of
280 pixels.
"""
OURS = """\
The strokes are UCI's pen digits, by 30 writers. A network that learned from pen strokes is tested
on the writers that its seed held out. *canvas, all seeds* combines all seeds.

    MNIST_APP_DATA=... python benchmarks/drawings.py
"""
FOREIGN = """\
The strokes come from a folder given with --strokes, by people whose writing no network has seen.
"""
GRID = """
## Brush, size, place, rotation

The table shows accuracy. Every digit is drawn once in each of the {cells} cells: brushes of 8 to 40
pixels, 30 to 90% of the canvas, centred or anywhere, rotated by -15, 0 or 15 degrees.

- *Painted*: the network gets the pixels of the canvas, in normal form.
- *Pen path*: the strokes are first redrawn with a finer brush. The app does this when the brush is
  thick.
- *Squeezed*: the canvas is scaled to 28x28 without a normal form, as demos do.

| network | painted | worst cell | pen path | worst cell | squeezed | n per cell |
|---|--:|--:|--:|--:|--:|--:|"""
HEAT = """
![Accuracy of canvas per cell](drawings.svg)

| brush | size | painted | pen path | n |
|--:|--:|--:|--:|--:|"""
HONESTY = """
## Confidence and refusals

Confidence is calibrated on validation digits. If it is below the threshold, the answer is "not a
digit". The calibration error is the expected calibration error over 15 bins. The digits are
MNIST's test images, and pen strokes by writers that neither training nor calibration used.

The app looks for several digits, so it may find some in a drawing that the network alone refuses.
Here it reads the painted pixels.

| network | digits | accuracy | calibration error | refused | refused by the app \
| accuracy of the answers | n |
|---|---|--:|--:|--:|--:|--:|--:|"""
REFUSED = """
The next table shows what share of drawings that are not digits is refused: by the network, which
sees the whole drawing, and by the app.

| network | drawings | refused | refused by the app | n |
|---|---|--:|--:|--:|"""
SEVERAL = """
## Numbers

- *Numbers* have three digits in one writer's hand, with natural gaps (normally distributed, 25% of
  the height, sd 10%, at least 2%).
- *Pairs* are two digits that touch or overlap (gap -3%, sd 5%). The app may read or refuse them.
- *Single digits* must not be split.

| network | numbers right | pairs right | pairs refused | single digits whole \
| single digits right | n of each |
|---|--:|--:|--:|--:|--:|--:|"""
BROWSER = """
## In the browser

Digits are replayed stroke by stroke, with the mouse, in the real app in Chromium. Nothing about the
network was fitted to their writers. Size (25 to 85% of the canvas) and place are random, and the
brush is the app's default: `python benchmarks/browser.py`.

| network | accuracy | n | misread |
|---|--:|--:|---|"""
TRIED = """
## Missed targets, and what was tried

- MNIST's test images: the mean of five seeds is 99.67%; the ensemble of four, `canvas-large`, has
  99.71%. A larger network (691,419 parameters; 48, 128, 256 channels; 11 epochs) has 99.64 and
  99.69% with seeds 0 and 1, but takes twice the time. On validation digits it has 99.53 and 99.24%,
  where `canvas` has 99.44 and 99.36%. So the small network was kept.
- Thick brushes: a 40 px brush leaves no loop open in the painted pixels of a digit of 84 px. The
  app does not read those pixels. It knows the path of the pen and redraws it with a finer brush.
- Printed letters: the threshold refuses 0.3% of the validation digits. A threshold that refused 1%
  of them also refused 1.94% of the digits of held-out writers (seeds 0 and 1). Pieces cut from one
  part are read as a number only if the network is confident about each and they are about equally
  high. Without the first condition, the app refused 88.7% of letters drawn as in training; with it,
  96.6%. The network alone refused 99.8% (five seeds, n = 1,000).
- Letters that look like digits are meant to be read as digits: to any eye, an O is a 0.
"""
SUMMARY = """\
## At a glance

`canvas`, with each seed tested on the writers it held out: the mean over the seeds, and the worst
seed.

| | mean | worst | target | |
|---|--:|--:|--:|---|"""


def known(folder: Path) -> dict[str, Any]:
    """Read what was measured so far, by part."""
    path = folder / "drawings.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def merged(known: dict[str, Any] | None, rows: Rows, seed: int) -> dict[str, Any]:
    """Merge a part's rows with the known rows of other networks, if the seed is the same."""
    measured = {row["network"] for row in rows}
    others = known["rows"] if known and known["seed"] == seed else []
    kept = [row for row in others if row["network"] not in measured]
    return {"seed": seed, "rows": sorted([*kept, *rows], key=lambda row: row["network"])}


def save(results: dict[str, Any], folder: Path, *, are_foreign: bool = False) -> None:
    """Write drawings.json, and drawings.md with its heat map."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(results, folder, are_foreign=are_foreign)
    write_text(folder / "drawings.json", json.dumps(results, indent=1) + "\n")


def _write(results: dict[str, Any], folder: Path, *, are_foreign: bool) -> None:
    lines = [HEAD, FOREIGN if are_foreign else OURS, *_summary(results)]
    if "grid" in results:
        rows = _pooled(results["grid"]["rows"])
        lines += [GRID.format(cells=len(_cells(rows))), *_networks(rows)]
        best = [row for row in rows if _is_canvas(row["network"])]
        if best:
            lines += [HEAT, *_brushes(best)]
            write_text(folder / "drawings.svg", heat_map(best))
    if "honesty" in results:
        lines += [HONESTY, *_digits(results["honesty"]["rows"])]
        lines += [REFUSED, *_non_digits(results["honesty"]["rows"])]
    if "several" in results:
        lines += [SEVERAL, *_several(results["several"]["rows"])]
    if "browser" in results:
        lines += [BROWSER, *_browser(results["browser"]["rows"])]
    if not are_foreign:
        lines.append(TRIED)
    seeds = ", ".join(f"{part} {value['seed']}" for part, value in results.items())
    write_text(
        folder / "drawings.md", "\n".join([*lines, "", f"Seeds of the measurements: {seeds}.", ""])
    )


def _summary(results: dict[str, Any]) -> Iterator[str]:
    """Yield the figures of canvas that readers look for first."""
    own = {
        part: [row for row in value["rows"] if _is_canvas(row["network"])]
        for part, value in results.items()
    }
    parts = {"grid": _grid_figures, "honesty": _honest_figures, "several": _several_figures}
    figures = [line for part, of in parts.items() if own.get(part) for line in of(own[part])]
    if figures:
        yield SUMMARY
    for text, values, wanted in figures:
        mean, limit = sum(values) / len(values), float(wanted.removeprefix(MOST)[:-1]) / 100
        is_most = wanted.startswith(MOST)
        worst = max(values) if is_most else min(values)
        missed = "" if (mean <= limit if is_most else mean >= limit) else "missed"
        yield f"| {text} | {mean:.2%} | {worst:.2%} | {wanted} | {missed} |"


def _grid_figures(rows: Rows) -> Iterator[Figure]:
    seeds = _grouped(rows, lambda row: row["network"]).values()
    for text, way in WAYS.items():
        yield f"accuracy, {text}, all cells", [_share(own, way) for own in seeds], "99.3%"
        cells = [_share(own, way) for own in _cells(rows).values()]
        yield f"accuracy, {text}, worst cell of all seeds", [min(cells)], "98%"


def _honest_figures(rows: Rows) -> Iterator[Figure]:
    yield "accuracy, MNIST test", [row["digits"]["MNIST test"]["accuracy"] for row in rows], "99.7%"
    for kind, wanted in (("MNIST test", "0.5%"), ("held-out pen strokes", "1.5%")):
        digits = [row["digits"][kind] for row in rows]
        errors = [d["calibration_error"] for d in digits]
        yield f"calibration error, {kind}", errors, MOST + wanted
        key, by = ("refused", "network") if kind == "MNIST test" else ("refused_by_app", "app")
        yield f"digits refused by the {by}, {kind}", [d[key] for d in digits], f"{MOST}1%"
    for text, kinds in _KINDS.items():
        shares = [_mean_refused(row, kinds) for row in rows]
        yield f"non-digits refused by the app: {text}", shares, "90%"


def _several_figures(rows: Rows) -> Iterator[Figure]:
    for key, text, wanted in (
        ("numbers_right", "three-digit numbers right", "97%"),
        ("singles_whole", "single digits not split", "99.5%"),
    ):
        yield text, [row[key] / row["n"] for row in rows], wanted


MOST = "at most "
WAYS = {"painted": "pixels", "pen path": "path"}
_KINDS = {
    "kinds in training": lambda kind: kind.startswith("new "),
    "printed letters": lambda kind: kind.startswith("printed"),
    "letters that look like digits": lambda kind: "look like" in kind,
    "kinds never seen": lambda kind: kind.endswith("never seen") and not kind.startswith("printed"),
}


def _mean_refused(row: dict[str, Any], belongs: Callable[[str], bool]) -> float:
    shares = [v["refused_by_app"] for kind, v in row["non_digits"].items() if belongs(kind)]
    return sum(shares) / len(shares)


def _is_canvas(name: str) -> bool:
    return bool(re.fullmatch(r"canvas(, seed \d+|, all seeds)?", name))


def _pooled(rows: Rows) -> Rows:
    """Return the rows, with all seeds of canvas under one name."""
    return [
        {**row, "network": "canvas, all seeds"} if _is_canvas(row["network"]) else row
        for row in rows
    ]


def _share(rows: Rows, way: str) -> float:
    return sum(row[way] for row in rows) / sum(row["n"] for row in rows)


def _grouped(rows: Rows, key: Callable[[dict[str, Any]], Any]) -> dict[Any, Rows]:
    groups: dict[Any, Rows] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _cells(rows: Rows) -> dict[Any, Rows]:
    return _grouped(rows, lambda r: (r["brush"], r["size"], r["place"], r["rotation"]))


def _networks(rows: Rows) -> Iterator[str]:
    networks = _grouped(rows, lambda row: row["network"])
    for name, own in sorted(networks.items(), key=lambda item: -_share(item[1], "pixels")):
        cells = _cells(own).values()
        shares = [
            f"{_share(own, way):.1%} | {min(_share(cell, way) for cell in cells):.1%}"
            for way in ("pixels", "path")
        ]
        n = sum(row["n"] for row in next(iter(cells)))
        yield f"| {name} | {shares[0]} | {shares[1]} | {_share(own, 'squeeze'):.1%} | {n:,} |"


def _brushes(rows: Rows) -> Iterator[str]:
    for (brush, size), own in _grouped(rows, lambda r: (r["brush"], r["size"])).items():
        painted, path = _share(own, "pixels"), _share(own, "path")
        n = sum(row["n"] for row in own)
        yield f"| {brush} px | {size:.0%} | {painted:.2%} | {path:.2%} | {n:,} |"


def heat_map(rows: Rows) -> str:
    """Draw accuracy per cell as an SVG picture: brush and size down, place and rotation across."""
    cells = _cells(rows)
    parts = []
    for y, (brush, size) in enumerate((b, s) for b in BRUSHES for s in SIZES):
        parts.append(_text(150, y, f"brush {brush} px, size {size:.0%}", "end"))
        for x, (place, turn) in enumerate((p, r) for p in PLACES for r in ROTATIONS):
            share = _share(cells[brush, size, place, turn], "pixels")
            lightness = 96 - 46 * min(1, (1 - share) / 0.1)
            parts.append(
                f'<rect x="{160 + 90 * x}" y="{30 + 28 * y}" width="88" height="26" '
                f'fill="hsl(215 70% {lightness:.0f}%)"/>' + _text(204 + 90 * x, y, f"{share:.1%}")
            )
            if not y:
                parts.append(_text(204 + 90 * x, -1, f"{place}, {turn}°"))
    style = "font:13px sans-serif;fill:#111"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 710 375" style="{style}">'
        f'<rect width="710" height="375" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _text(x: int, row: int, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{48 + 28 * row}" text-anchor="{anchor}">{text}</text>'


def _digits(rows: Rows) -> Iterator[str]:
    for row in rows:
        for kind, values in row["digits"].items():
            by_app = f"{values['refused_by_app']:.2%}" if "refused_by_app" in values else "–"
            yield (
                f"| {row['network']} | {kind} | {values['accuracy']:.2%} "
                f"| {values['calibration_error']:.2%} | {values['refused']:.2%} | {by_app} "
                f"| {values['accuracy_of_answers']:.2%} | {values['n']:,} |"
            )


def _non_digits(rows: Rows) -> Iterator[str]:
    for row in rows:
        for kind, values in row["non_digits"].items():
            yield (
                f"| {row['network']} | {kind} | {values['refused']:.1%} "
                f"| {values['refused_by_app']:.1%} | {values['n']:,} |"
            )


def _browser(rows: Rows) -> Iterator[str]:
    for row in rows:
        wrong = ", ".join(f"{one['label']} as {one['read']}" for one in row["wrong"])
        yield f"| {row['network']} | {row['right'] / row['n']:.1%} | {row['n']:,} | {wrong} |"


def _several(rows: Rows) -> Iterator[str]:
    for row in rows:
        n = row["n"]
        yield (
            f"| {row['network']} | {row['numbers_right'] / n:.1%} | {row['pairs_right'] / n:.1%} "
            f"| {row['pairs_refused'] / n:.1%} | {row['singles_whole'] / n:.1%} "
            f"| {row['singles_right'] / n:.1%} | {n:,} |"
        )
