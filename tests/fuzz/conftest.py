"""End the process that runs a file's cases when the file's tests are done."""

from collections.abc import Iterator

import pytest
from fuzz import limits


@pytest.fixture(autouse=True, scope="module")
def one_process() -> Iterator[None]:
    yield
    limits.close()
