"""Write docs/reliability.md, from what load.py and `make torture` measured.

Reads load.json and torture.jsonl in docs/. If one is missing, the page says "Not measured yet."
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import load  # noqa: E402

from mnist_app.common.files import write_text  # noqa: E402

HEAD = """# Reliability

What happens when thirty people draw at once, when something fails in the middle of something else,
and when the input is broken or hostile? `benchmarks/reliability.py` writes this page from the
results of `python benchmarks/load.py` and `make torture`.

## Many people at once
"""
FAULTS = """
## Faults

Real processes, real signals, disks that are really full. After each fault, every earlier result is
listed, loads, and gives the same answers. `make torture` causes all of these faults, `make test` a
few of each kind.

| fault | times | results lost | how it ended |
|---|--:|--:|---|"""
FUZZ = """
## Broken and hostile input

Each case must end in the right answer, or in an error: one clear sentence that says what is wrong.
It may take at most 10 s of CPU time and 300 MB of extra memory, and it may not write a file outside
its folder. Any other exception, a wrong answer, an unclear message and a stray file count as
crashes. Each case is made from its number and a seed (here {seeds}), and from nothing else.

`make torture` runs all cases, `make test` a few of each kind. To run the cases of one row:

    MNIST_APP_TORTURE=1 python -m pytest TEST

| input | cases | answers | errors | crashes | too slow or large | slowest, s | most MB | TEST |
|---|--:|--:|--:|--:|--:|--:|--:|---|"""
MISSING = "\nNot measured yet."

Row = dict[str, Any]


@click.command()
@click.argument("docs", type=click.Path(exists=True, path_type=Path), default=ROOT / "docs")
def main(docs: Path) -> None:
    """Write the page from the files in DOCS."""
    told = _read(docs / "torture.jsonl")
    fuzz = _last(told, "target")
    seeds = " and ".join(sorted({str(row["seed"]) for row in fuzz}))
    lines = [HEAD, *_load(docs / "load.json")]
    lines += _table(FAULTS, _last(told, "fault"), _fault)
    lines += _table(FUZZ.format(seeds=seeds), fuzz, _target)
    write_text(docs / "reliability.md", "\n".join(lines) + "\n")


def _load(path: Path) -> Iterator[str]:
    if path.exists():
        yield from load.section(json.loads(path.read_text(encoding="utf-8")))
    else:
        yield MISSING


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _last(told: list[Row], kind: str) -> list[Row]:
    """Return the last row of each fault or target, in the order in which they first appeared."""
    return list({row[kind]: row for row in told if kind in row}.values())


def _table(head: str, rows: list[Row], line: Callable[[Row], str]) -> list[str]:
    if rows:
        return [head, *map(line, rows)]
    return [head[: head.rindex("\n\n")], MISSING]


def _fault(row: Row) -> str:
    return f"| {row['fault']} | {row['count']:,} | {row['lost']:,} | {row['outcome']} |"


def _target(row: Row) -> str:
    return (
        f"| {row['target']} | {row['count']:,} | {row['answers']:,} | {row['errors']:,} | "
        f"{row['crashes']:,} | {row['faults'] - row['crashes']:,} | "
        f"{row['slowest_seconds']:.2f} | {row['most_megabytes']:.0f} | `{row['test']}` |"
    )


if __name__ == "__main__":
    main()
