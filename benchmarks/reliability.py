"""docs/reliability.md, from what load.py and `make torture` measured.

Reads load.json and torture.jsonl in docs/; what is not there is said to be not measured.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import load  # noqa: E402

from mnist_app.settings import write_text  # noqa: E402

HEAD = """# What it holds

Thirty at once, faults in the middle of everything, and input that is broken or hostile. Written by
`benchmarks/reliability.py`; `python benchmarks/load.py` measures the first part, `make torture` the
others.
"""
FAULTS = """
## Faults

Real processes, real signals, real full discs: `make torture`, or a few of each in `make test`.
After each of them every result that was there before is listed, loads, and gives the same answers.

| fault | times | results lost | how it ended |
|---|--:|--:|---|"""
FUZZ = """
## Broken and hostile input

Each case must end in a right answer or in one clear sentence, within 2 s, with less than 300 MB of
memory on top, and no file outside its folder. Each is made from a seed and its number alone.

| input | cases | answers | sentences | crashes | against a rule | slowest, s | most MB | seed |
|---|--:|--:|--:|--:|--:|--:|--:|--:|"""
MISSING = "\nNot measured yet."


@click.command()
@click.argument("docs", type=click.Path(exists=True, path_type=Path), default=ROOT / "docs")
def main(docs: Path) -> None:
    """Write the page from the files in DOCS."""
    lines = [HEAD, *_load(docs / "load.json")]
    told = _read(docs / "torture.jsonl")
    lines += [FAULTS, *map(_fault, [row for row in told if "fault" in row])]
    lines += [FUZZ, *map(_target, [row for row in told if "target" in row])]
    if not told:
        lines.append(MISSING)
    write_text(docs / "reliability.md", "\n".join(lines) + "\n")


def _load(path: Path) -> Iterator[str]:
    if path.exists():
        yield from load.section(json.loads(path.read_text(encoding="utf-8")))
    else:
        yield MISSING


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _fault(row: dict[str, Any]) -> str:
    return f"| {row['fault']} | {row['count']} | {row['lost']} | {row['outcome']} |"


def _target(row: dict[str, Any]) -> str:
    return (
        f"| {row['target']} | {row['count']:,} | {row['answers']:,} | {row['errors']:,} | "
        f"{row['crashes']} | {row['faults']} | {row['slowest_seconds']:.2f} | "
        f"{row['most_megabytes']:.0f} | {row['seed']} |"
    )


if __name__ == "__main__":
    main()
