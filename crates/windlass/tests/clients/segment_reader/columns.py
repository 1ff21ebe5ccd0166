"""Columns of integers, and subsets of lists."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from cursor import MET, Cursor, check

BLOCK = 128
PLACES = 16


def column(cursor: Cursor, n: int) -> list[int]:
    """A column of `n` values."""
    if n < BLOCK:
        return _small(cursor, n)
    blocks = n // BLOCK
    length = cursor.varint()
    end = cursor.at + length
    ends: list[int] = []
    for some in range(0, blocks, PLACES):
        start = cursor.u32()
        check(start == (ends[-1] if ends else 0), "blocks of a column begin elsewhere")
        ends += [start + cursor.u16() for _ in range(min(PLACES, blocks - some))]
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
    head = cursor.u8()
    kinds = ["small column", "?", "small column with a minimum", "small column of steps"]
    MET[kinds[head >> 6]] += 1
    check(head >> 6 != 1, "a small column of a kind that there is not")
    minimum = cursor.varint() if head >= 128 else 0
    if head < 192:
        return [minimum + value for value in _bit_by_bit(cursor, n, head & 63)]
    step, patches = cursor.varint(), _patches(cursor, head & 63)
    return _added_up(minimum, step, _bit_by_bit(cursor, n, head & 63), patches)


def _bit_by_bit(cursor: Cursor, n: int, width: int) -> list[int]:
    """`n` values that follow each other from the lowest bit of the first byte on."""
    check(width <= 32, f"values of {width} bits")
    packed = int.from_bytes(cursor.take((n * width + 7) // 8), "little")
    check(packed >> (n * width) == 0, "what is left of the last byte of a column is not 0")
    return _lowest_first(packed, n, width)


def _patches(cursor: Cursor, width: int) -> list[tuple[int, int]]:
    """The places of values with more bits than `width`, and the bits above these, in their place."""
    head = cursor.u8()
    places = list(cursor.take(head % 32))
    length = head // 32 + 1
    check(length <= 4, "upper bits of more than 4 bytes")
    return [(place, int.from_bytes(cursor.take(length), "little") << width) for place in places]


def _added_up(
    minimum: int, step: int, values: list[int], patches: list[tuple[int, int]]
) -> list[int]:
    """Ascending values from what each is above a step from the one before."""
    for place, upper in patches:
        values[place] += upper
    check(values[0] == 0, "the first of ascending values is not the minimum")
    return list(accumulate((step + value for value in values[1:]), initial=minimum))


def _lowest_first(packed: int, n: int, width: int) -> list[int]:
    mask = (1 << width) - 1
    return [packed >> shift & mask for shift in range(0, n * width, width)] if width else [0] * n


def _block(cursor: Cursor) -> list[int]:
    head = cursor.u8()
    minimum = cursor.varint()
    kind, width = ["plain", "steps", "patched", "patched steps"][head >> 6], head & 63
    MET[f"block: {kind}"] += 1
    step = cursor.varint() if kind == "patched steps" else 0
    patches = _patches(cursor, width) if kind.startswith("patched") else []
    values = _packed(cursor, width)
    if kind == "patched steps":
        return _added_up(minimum, step, values, patches)
    for place, upper in patches:
        values[place] += upper
    if kind == "steps":
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
