"""Directories: maps in the format of the fst crate, version 3."""

from collections.abc import Iterator
from dataclasses import dataclass

from cursor import MET, check

# Bytes that the node itself names, by how often they occur in URLs: 1 is `t`, 2 is `e` …
COMMON = b"te/oasripcnw.hlm-du012g=:bf3y5&_4v9678k%?xCDASFIBEjPTzRNM+LOqHG"
INDEX_FROM = 33
KINDS = ["node", "final node", "node of one step", "node that leads to the one before"]


def read_map(data: bytes) -> list[tuple[bytes, int]]:
    """All keys, ascending, with their values."""
    check(len(data) >= 36, "an fst map is too short")
    check(int.from_bytes(data[:8], "little") == 3, "an fst map of another version")
    check(_masked_crc32c(data[:-4]) == int.from_bytes(data[-4:], "little"), "an fst map: checksum")
    n, root = (int.from_bytes(data[i : i + 8], "little") for i in (len(data) - 20, len(data) - 12))
    entries = list(_walk(data, root))
    check(len(entries) == n, "an fst map has not as many keys as it says")
    return entries


@dataclass
class Node:
    """A node: whether a key ends here, with what value, and where bytes lead."""

    final: bool
    value: int
    steps: list[tuple[int, int, int]]  # byte, value, address


def _walk(data: bytes, root: int) -> Iterator[tuple[bytes, int]]:
    waiting = [(root, b"", 0)]
    while waiting:
        address, key, value = waiting.pop()
        node = _node(data, address)
        if node.final:
            yield key, value + node.value
        for byte, more, to in reversed(node.steps):
            waiting.append((to, key + bytes([byte]), value + more))


def _node(data: bytes, address: int) -> Node:
    """The node whose last byte is at `address`; it is read from there to the front."""
    if address == 0:
        return Node(True, 0, [])
    state = data[address]
    MET[KINDS[state >> 6]] += 1
    at = address - 1
    low = state & 63
    if state >= 128:
        byte = COMMON[low - 1] if low else data[at]
        at -= low == 0
        if state >= 192:
            return Node(False, 0, [(byte, 0, at)])
        to_size, value_size = data[at] >> 4, data[at] & 15
        start = at - to_size - value_size
        to = _uint(data, at - to_size, to_size)
        return Node(False, 0, [(byte, _uint(data, start, value_size), to and start - to)])
    n = low
    if n == 0:
        n = 256 if data[at] == 1 else data[at]
        at -= 1
    to_size, value_size = data[at] >> 4, data[at] & 15
    final = state >= 64
    MET["node with an index"] += n >= INDEX_FROM
    inputs = at - (256 if n >= INDEX_FROM else 0)
    targets = inputs - n
    values = targets - n * to_size
    end = values - n * value_size
    start = end - (value_size if final else 0)
    steps = []
    for i in range(1, n + 1):
        to = _uint(data, targets - i * to_size, to_size)
        value = _uint(data, values - i * value_size, value_size)
        steps.append((data[inputs - i], value, to and start - to))
    return Node(final, _uint(data, start, end - start), steps)


def _uint(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def _masked_crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[crc & 255 ^ byte] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
