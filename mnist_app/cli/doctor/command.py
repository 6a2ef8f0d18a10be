"""The command doctor: one line per check, and an exit code that says whether any failed."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.text import Text

from mnist_app.cli.doctor.check import Check
from mnist_app.cli.doctor.checks import checks
from mnist_app.cli.doctor.server import PORT
from mnist_app.cli.options import JSON_OPTION, print_json

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=PORT,
    show_default=True,
    help="Port that the app will use.",
)
@click.option("--quick", is_flag=True, help="Do not measure the networks' accuracy.")
@JSON_OPTION
def doctor(port: int, quick: bool, as_json: bool) -> None:
    """Check that everything the app needs is there and works, even each network's accuracy.

    Each line says ok or what to do. The exit code is 1 if a check fails.
    """
    if as_json:
        found = list(checks(port, quick=quick))
        print_json({"ok": not _count(found, "fail"), "checks": [c._asdict() for c in found]})
    else:
        found = _shown(port, quick)
    if _count(found, "fail"):
        click.get_current_context().exit(1)


def _shown(port: int, quick: bool) -> list[Check]:
    """Print each check as soon as it is done, then the totals."""
    console, found = Console(soft_wrap=True), []
    with console.status("Checking") as status:
        for check in checks(port, quick=quick, note=status.update):
            found.append(check)
            console.print(_line(check))
    failed, warned = _count(found, "fail"), _count(found, "warn")
    console.print(f"{len(found)} checks: {failed} failed, {warned} warned", highlight=False)
    return found


def _line(check: Check) -> Text:
    remedy = f" -> {check.remedy}" if check.remedy else ""
    level = (f"{check.level:4}", STYLES[check.level])
    return Text.assemble(level, f"  {check.name}: {check.text}{remedy}")


def _count(found: Iterable[Check], level: str) -> int:
    return sum(check.level == level for check in found)
