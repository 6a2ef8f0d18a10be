"""Mutations of bytes and JSON, and names and texts that do harm where nobody expects them."""

import copy
from typing import Any

import numpy as np

HTML = "<img src=x onerror=alert(1)>"
TEXTS = (
    HTML,
    "",
    " ",
    "[/red]",
    "[bold",
    "{}",
    "%s%n%{x}",
    "../../outside",
    "/etc/passwd",
    "a\0b",
    "a\nb\r\x1b[2J",
    "\ud800",
    "\u202e\u200b",
    "ü" * 300,
    "x" * 100_000,
    "**bold** ![x](https://example.org/x.png)",
    "=1+1",
    "$(id)",
)
VALUES = (
    *(None, True, False, 0, -1, 1, 0.5, 1e308, -1e308, float("nan"), float("inf")),
    *(2**31, 2**63, 2**64, 10**400, -(10**400)),
    *([], {}, [[]], {"": {}}, [None], [1, 2], "1", "nan"),
    *TEXTS,
)
_NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32767,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)


def spoiled(data: bytes, random: np.random.Generator, most: int = 6) -> bytes:
    """Return the bytes with one to `most` faults: changed values; lost, doubled or odd parts."""
    found = bytearray(data)
    for _ in range(int(random.integers(1, most + 1))):
        _FAULTS[int(random.integers(len(_FAULTS)))](found, random)
    return bytes(found)


def _place(data: bytearray, random: np.random.Generator) -> int:
    """Return a random position, half of the time near the beginning, where the headers are."""
    end = len(data) if random.random() < 0.5 else min(len(data), 200)
    return int(random.integers(max(end, 1)))


def _span(data: bytearray, random: np.random.Generator) -> slice:
    start = _place(data, random)
    return slice(start, start + int(random.integers(1, 2 + len(data) // 8)))


def _flip(data: bytearray, random: np.random.Generator) -> None:
    if data:
        data[_place(data, random)] ^= 1 << int(random.integers(8))


def _byte(data: bytearray, random: np.random.Generator) -> None:
    if data:
        data[_place(data, random)] = int(random.integers(256))


def _number(data: bytearray, random: np.random.Generator) -> None:
    size = int(random.choice([1, 2, 4, 8]))
    value = int(_NUMBERS[int(random.integers(len(_NUMBERS)))]) % (1 << 8 * size)
    order = "little" if random.random() < 0.5 else "big"
    start = _place(data, random)
    data[start : start + size] = value.to_bytes(size, order)


def _lose(data: bytearray, random: np.random.Generator) -> None:
    del data[_span(data, random)]


def _double(data: bytearray, random: np.random.Generator) -> None:
    span = _span(data, random)
    data[span.start : span.start] = data[span][:10_000]


def _strange(data: bytearray, random: np.random.Generator) -> None:
    start = _place(data, random)
    data[start:start] = random.bytes(int(random.integers(1, 64)))


def _zeros(data: bytearray, random: np.random.Generator) -> None:
    span = _span(data, random)
    data[span] = bytes(len(data[span]))


def _cut(data: bytearray, random: np.random.Generator) -> None:
    del data[_place(data, random) :]


_FAULTS = (_flip, _flip, _byte, _byte, _number, _number, _lose, _double, _strange, _zeros, _cut)


def spoiled_json(value: Any, random: np.random.Generator, most: int = 3) -> Any:
    """Return a copy of a JSON value with one to `most` parts replaced, removed or renamed."""
    found = [copy.deepcopy(value)]
    for _ in range(int(random.integers(1, most + 1))):
        places = list(_places(found))
        _spoil(*places[int(random.integers(len(places)))], random)
    return found[0] if found else None


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _spoil(holder: Any, key: Any, random: np.random.Generator) -> None:
    chance = random.random()
    if chance < 0.7 or not isinstance(holder, dict):
        holder[key] = copy.deepcopy(VALUES[int(random.integers(len(VALUES)))])
    elif chance < 0.85:
        del holder[key]
    else:
        holder[TEXTS[int(random.integers(len(TEXTS)))]] = holder.pop(key)
