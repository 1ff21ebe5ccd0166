"""Bytes, read from the front: fixed-width integers, varints, and checksums."""

import zlib
from collections import Counter

# How often each form of what can be written in several was met: a test of the format that never met
# one says nothing of it.
MET: Counter[str] = Counter()


class Damage(Exception):
    """What was read is not what the format says."""


def check(holds: bool, what: str) -> None:
    """Complains of what does not hold."""
    if not holds:
        raise Damage(what)


def check_crc32(data: bytes, expected: int, what: str) -> None:
    """Compares the CRC-32 of `data` with the one that is written."""
    check(zlib.crc32(data) == expected, f"{what}: another checksum")


class Cursor:
    """A place in some bytes, which moves on with each read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        end = self.at + length
        check(end <= len(self.data), f"{length} bytes at {self.at} of {len(self.data)}")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def u8(self) -> int:
        """One byte."""
        check(self.at < len(self.data), f"a byte at {self.at} of {len(self.data)}")
        self.at += 1
        return self.data[self.at - 1]

    def u16(self) -> int:
        """16 bits, little-endian."""
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        """32 bits, little-endian."""
        return int.from_bytes(self.take(4), "little")

    def varint(self) -> int:
        """LEB128, unsigned."""
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            check(shift < 70, f"a varint of more than 10 bytes before {self.at}")

    def signed(self) -> int:
        """Zigzag, then LEB128."""
        value = self.varint()
        return value >> 1 if value & 1 == 0 else -(value >> 1) - 1

    def done(self, what: str) -> None:
        """Nothing may be left."""
        check(self.at == len(self.data), f"{what}: {len(self.data) - self.at} bytes are left")


def fixed(data: bytes, width: int) -> list[int]:
    """Little-endian integers of `width` bytes each, to the end."""
    check(len(data) % width == 0, f"{len(data)} bytes are no integers of {width}")
    return [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]
