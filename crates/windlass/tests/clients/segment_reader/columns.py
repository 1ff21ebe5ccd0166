"""Columns of integers, and subsets of lists."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from cursor import MET, Cursor, check

BLOCK = 128


def column(cursor: Cursor, n: int) -> list[int]:
    """A column of `n` values."""
    if n < BLOCK:
        return _small(cursor, n)
    blocks = n // BLOCK
    length = cursor.varint()
    end = cursor.at + length
    ends = [cursor.u32() for _ in range(blocks)]
    first = cursor.at
    values: list[int] = []
    for block_end in ends:
        values += _block(cursor)
        check(cursor.at == first + block_end, "a block of a column does not end where it should")
    values += _small(cursor, n - len(values))
    check(cursor.at == end, "a column does not end where it should")
    return values


def ascending(values: Sequence[Any]) -> bool:
    """Whether each value is above the one before."""
    return all(a < b for a, b in pairwise(values))


def _small(cursor: Cursor, n: int) -> list[int]:
    if n == 0:
        return []
    width = cursor.u8()
    minimum = 0
    MET["small column with a minimum" if width >= 128 else "small column"] += 1
    if width >= 128:
        width -= 128
        minimum = cursor.varint()
    packed = int.from_bytes(cursor.take((n * width + 7) // 8), "little")
    check(packed >> (n * width) == 0, "what is left of the last byte of a column is not 0")
    return [minimum + value for value in _lowest_first(packed, n, width)]


def _lowest_first(packed: int, n: int, width: int) -> list[int]:
    mask = (1 << width) - 1
    return [packed >> shift & mask for shift in range(0, n * width, width)] if width else [0] * n


def _block(cursor: Cursor) -> list[int]:
    minimum = cursor.u32()
    kind = cursor.u8()
    MET[["plain block", "block of steps", "patched block", "?"][kind >> 6]] += 1
    patches: list[tuple[int, int]] = []
    if kind >= 128:
        places = list(cursor.take(cursor.u8()))
        patches = [(place, cursor.u32()) for place in places]
    values = _packed(cursor, kind & 63)
    for place, value in patches:
        values[place] = value
    if kind & 192 == 64:
        values = list(accumulate(values))
    return [minimum + value for value in values]


def _packed(cursor: Cursor, width: int) -> list[int]:
    """128 values in four lanes of 32-bit words that alternate."""
    check(width <= 32, f"values of {width} bits")
    words = memoryview(cursor.take(BLOCK // 8 * width)).cast("I")
    values = [0] * BLOCK
    for lane in range(4):
        packed = int.from_bytes(words[lane::4].tobytes(), "little")
        values[lane::4] = _lowest_first(packed, BLOCK // 4, width)
    return values


def subset(cursor: Cursor, of: int) -> list[int]:
    """The places that are in a subset of a list of `of`, ascending."""
    n = cursor.varint()
    if n == 0:
        return []
    if 64 * n < of:
        MET["subset by places"] += 1
        places = column(cursor, n)
    else:
        MET["subset in bits" if of <= 512 else "subset in groups of bits"] += 1
        places = _places_of_bits(cursor, of)
    check(len(places) == n, "a subset has not as many places as it says")
    check(ascending(places) and places[-1] < of, "places of a subset are out of order")
    return places


def _places_of_bits(cursor: Cursor, of: int) -> list[int]:
    places: list[int] = []
    for start in range(0, of, 512):
        if start > 0:
            check(cursor.u32() == len(places), "a subset counts other places before")
        size = min(512, of - start)
        bits = int.from_bytes(cursor.take((size + 7) // 8), "little")
        check(bits >> size == 0, "a subset has places behind its list")
        places += [start + i for i in range(size) if bits >> i & 1]
    return places
