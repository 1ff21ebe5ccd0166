"""Symbols, and lists of strings that begin like the one before."""

import ast
import re
from pathlib import Path

from cursor import MET, Cursor, check

Table = list[bytes]

GROUP = 16
LITERAL = 255
_TABLES = Path(__file__).parents[4] / "windlass-index/src/symbols/tables.rs"


def _table(name: str) -> Table:
    """One of the two tables that are part of the format."""
    source = _TABLES.read_text("utf-8")
    _, _, source = source.partition(f"const {name}: ")
    body, _, _ = source.partition(";\n\n")
    # A byte string of Rust is one of Python.
    return [ast.literal_eval(symbol) for symbol in re.findall(r'b"(?:[^"\\]|\\.)*"', body)]


SURT = _table("SURT")
TEXT = _table("TEXT")


def expand(codes: bytes, table: Table) -> bytes:
    """What is written in symbols of a table."""
    if LITERAL not in codes:
        return b"".join([table[code] for code in codes])
    MET["byte that stands for itself"] += 1
    out = bytearray()
    rest = iter(codes)
    for code in rest:
        out += table[code] if code != LITERAL else bytes([next(rest)])
    return bytes(out)


def string(cursor: Cursor, table: Table) -> bytes:
    """A string whose length says whether it is in symbols of `table`."""
    length = cursor.varint()
    written = cursor.take(length >> 1)
    MET["string in symbols" if length & 1 else "string as it is"] += 1
    return expand(written, table) if length & 1 else written


def string_list(cursor: Cursor, n: int) -> list[bytes]:
    """A string list of `n` strings."""
    head = cursor.varint()
    MET[f"string list of coding {head & 3}"] += 1
    end, coding = cursor.at + (head >> 2), head & 3
    table: Table | None = [None, SURT, TEXT, None][coding]
    if coding == 3:
        table = []
        for _ in range(cursor.u8()):
            size = cursor.u8()
            symbol = cursor.take(8)
            table.append(symbol[:size])
    groups = (n + GROUP - 1) // GROUP
    starts = [cursor.u32() for _ in range(groups)] if groups > 1 else [0] * groups
    first = cursor.at
    strings: list[bytes] = []
    for start in starts:
        check(cursor.at == first + start, "a group of strings does not begin where it should")
        _group(cursor, min(GROUP, n - len(strings)), table, strings)
    check(cursor.at == end, "a string list does not end where it should")
    return strings


def _group(cursor: Cursor, n: int, table: Table | None, strings: list[bytes]) -> None:
    """Reads one group, and adds it to `strings`."""
    before, shared = b"", 0
    for i in range(n):
        if i == 0:
            length = cursor.varint()
        else:
            token = cursor.u8()
            shared = cursor.varint() if token >> 4 == 15 else shared + (token >> 4) - 7
            length = token & 15
            if length == 15:
                length += cursor.varint()
            check(0 <= shared <= len(before), "a string shares more than there is")
        rest = cursor.take(length)
        before = before[:shared] + (rest if table is None else expand(rest, table))
        strings.append(before)
