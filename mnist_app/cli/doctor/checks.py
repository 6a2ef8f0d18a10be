"""All checks, in order."""

from collections.abc import Iterator

from mnist_app.cli.doctor.check import Check, Note
from mnist_app.cli.doctor.data import check_data, check_folder, check_shipped
from mnist_app.cli.doctor.networks import check_networks
from mnist_app.cli.doctor.packages import check_packages, check_python, has_torch
from mnist_app.cli.doctor.processors import check_gpu, check_processor
from mnist_app.cli.doctor.server import (
    PORT,
    check_code,
    check_parallel_runs,
    check_port,
    check_proxy,
)


def checks(port: int = PORT, *, quick: bool = False, note: Note | None = None) -> Iterator[Check]:
    """Run all checks; yield the result of each as soon as it is done.

    Args:
        port: the one that the app will use.
        quick: do not measure the networks' accuracy, which takes two minutes.
        note: called with what is being checked.
    """
    note = note or (lambda _text: None)
    yield check_python()
    note("Loading the packages")
    yield from check_packages()
    if has_torch():
        yield from (check_processor(), check_gpu())
        note("Checking the folders")
        yield from check_data()
    yield check_folder("weights")
    yield from check_shipped()
    if has_torch():
        yield from check_networks(quick=quick, note=note)
    else:
        yield Check("networks", "warn", "not checked, because torch does not load")
    yield check_parallel_runs()
    yield check_code()
    yield check_proxy()
    yield check_port(port)
