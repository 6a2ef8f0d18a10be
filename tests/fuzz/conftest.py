"""One process for the cases of each file, which ends with the file."""

from collections.abc import Iterator

import pytest
from fuzz import limits


@pytest.fixture(autouse=True, scope="module")
def one_process() -> Iterator[None]:
    yield
    limits.close()
