"""A segment: its sections, verified, and what is in them."""

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from blocks import Block, read_block
from columns import column
from captures import read_captures
from cursor import Cursor, Damage, check, check_crc32, fixed
from fst import read_map
from pages import Page, read_pages
from ready import Ready, read_ready
from strings import string_list

FORMAT_VERSION = 7
RULES_VERSION = 1
STRETCH = 16_384
LATEST_VALUES = 1023
ALWAYS = (
    "files pages page_index page_latest recaptured recaptured_checksums revisited domains domain_checksums domain_starts sites "
    "site_checksums directory directory_checksums site_starts linked linked_index"
).split()
INTERNAL = ["internal", "internal_checksums", "internal_directory"]
READY = ["ready", "ready_checksums", "ready_directory"]
# Sections that are not checked as a whole, by what has their checksums.
STRETCHES = {
    "recaptured": "recaptured_checksums",
    "domains": "domain_checksums",
    "sites": "site_checksums",
    "directory": "directory_checksums",
    "internal": "internal_checksums",
    "ready": "ready_checksums",
}
OWN_CHECKSUMS = {"pages", "page_latest", "linked", *STRETCHES}


@dataclass
class Site:
    """A site that is linked to: its key, where its block is in the section, and the block."""

    key: bytes
    offset: int
    block: Block


class Segment:
    """A segment file, of which all sections have been verified."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        data = path.read_bytes()
        check(data[:8] == b"WINDLASS", f"{path} is no segment")
        versions = fixed(data[8:16], 4)
        if versions != [FORMAT_VERSION, RULES_VERSION]:
            raise Damage(f"{path} has versions {versions}")
        check(data[-8:] == b"WNDLSEND", f"{path} has no end")
        crc32, length = fixed(data[-16:-8], 4)
        footer_at = len(data) - 16 - length
        footer = data[footer_at:-16]
        check_crc32(footer, crc32, "the footer")
        self.footer: dict[str, Any] = json.loads(footer)
        self.counts: dict[str, int] = self.footer["counts"]
        self._sections = self._cut(data, footer_at)
        self._verify()

    def _cut(self, data: bytes, end: int) -> dict[str, bytes]:
        """The sections, which must follow each other without gaps."""
        sections: dict[str, bytes] = {}
        at = 16
        for name, place in self.footer["sections"].items():
            check(place["offset"] == at, f"{name} does not begin where the one before ends")
            at += place["length"]
            sections[name] = data[place["offset"] : at]
        check(at == end, "the footer does not begin where the last section ends")
        expected = list(ALWAYS)
        expected += INTERNAL if "internal" in sections else []
        expected += READY if "ready" in sections else []
        check(list(sections) == expected, f"sections {list(sections)}")
        return sections

    def _verify(self) -> None:
        """Compares all sections that have no checksums of their own parts."""
        for name, data in self._sections.items():
            crc32 = self.footer["sections"][name]["crc32"]
            if name not in OWN_CHECKSUMS:
                check_crc32(data, crc32, name)
            else:
                check(crc32 == 0, f"{name} has a checksum of the whole")
        for name, of in STRETCHES.items():
            data = self._sections.get(name, b"")
            checksums = fixed(self._sections.get(of, b""), 4)
            starts = range(0, len(data), STRETCH)
            check(len(checksums) == len(starts), f"{of}: not one for each stretch")
            for start, crc32 in zip(starts, checksums):
                check_crc32(data[start : start + STRETCH], crc32, f"{name} at {start}")

    @cached_property
    def digests(self) -> list[str]:
        """BLAKE3 digests of the archive files, by number."""
        data = self._sections["files"]
        digests = [data[i : i + 32].hex() for i in range(0, len(data), 32)]
        check(digests == sorted(digests), "digests are out of order")
        return digests

    @cached_property
    def page_latest(self) -> list[int]:
        """Of each page the second of its latest real capture."""
        data, values = self._sections["page_latest"], []
        size = LATEST_VALUES * 4 + 4
        for start in range(0, len(data), size):
            block = data[start : start + size]
            check_crc32(block[:-4], fixed(block[-4:], 4)[0], f"page_latest at {start}")
            values += fixed(block[:-4], 4)
        return values

    @cached_property
    def captures(self) -> list[list[int]]:
        """Of each page the seconds of its real captures."""
        return read_captures(self._sections["recaptured"], self.page_latest)

    @cached_property
    def revisited(self) -> list[int]:
        """Numbers of the pages with revisits."""
        return fixed(self._sections["revisited"], 4)

    @cached_property
    def domains(self) -> list[bytes]:
        """Keys of the registrable domains that have pages."""
        cursor = Cursor(self._sections["domains"])
        domains = string_list(cursor, self.counts["refdomains"])
        cursor.done("domains")
        return domains

    @cached_property
    def domain_starts(self) -> list[int]:
        """The first page of each domain."""
        cursor = Cursor(self._sections["domain_starts"])
        starts = column(cursor, len(self.domains))
        cursor.done("domain_starts")
        return starts

    @cached_property
    def pages(self) -> list[Page]:
        """The page table."""
        chunks = chunked(self._sections["pages"], self._sections["page_index"])
        pages = read_pages(chunks, self.page_latest)
        real = [[i.second for i in page.instants if i.refers is None] or [0] for page in pages]
        check(real == self.captures, "pages have other captures than they have")
        return pages

    def domain_of(self, page: int) -> int:
        """The number of the registrable domain that a page is of."""
        return bisect_right(self.domain_starts, page) - 1

    @cached_property
    def linked(self) -> list[list[int]]:
        """Of each domain the numbers of the blocks that have pages of it."""
        lists: list[list[int]] = []
        for chunk in chunked(self._sections["linked"], self._sections["linked_index"]):
            cursor = Cursor(chunk)
            for _ in range(min(64, len(self.domains) - len(lists))):
                numbers, site = Cursor(cursor.take(cursor.varint())), 0
                of_domain = []
                while numbers.at < len(numbers.data):
                    site += numbers.varint()
                    of_domain.append(site)
                lists.append(of_domain)
            cursor.done("a chunk of linked")
        return lists

    @cached_property
    def site_starts(self) -> list[int]:
        """The offset of each 32nd block."""
        return fixed(self._sections["site_starts"], 8)

    @cached_property
    def sites(self) -> list[Site]:
        """The sites that others link to."""
        return self._blocks("sites", "directory")

    @cached_property
    def internal(self) -> list[Site]:
        """The sites that link to themselves, where the index keeps that."""
        return self._blocks("internal", "internal_directory")

    def _blocks(self, section: str, directory: str) -> list[Site]:
        parts = self._parts(section, directory)
        return [Site(key, at, read_block(key, part, self.captures)) for key, at, part in parts]

    @cached_property
    def ready(self) -> dict[bytes, Ready]:
        """What is ready-made of large sites."""
        return {key: read_ready(part) for key, _, part in self._parts("ready", "ready_directory")}

    def _parts(self, section: str, directory: str) -> list[tuple[bytes, int, bytes]]:
        """The parts of a section with a directory: key, offset, bytes."""
        if section not in self._sections:
            return []
        cursor = Cursor(self._sections[section])
        parts = []
        for key, offset in read_map(self._sections[directory]):
            check(offset == cursor.at, f"{section}: the part of {key!r} is not at {offset}")
            parts.append((key, offset, cursor.take(cursor.varint())))
        cursor.done(section)
        return parts


def chunked(data: bytes, index: bytes) -> list[bytes]:
    """The chunks of a section with an index, verified."""
    cursor = Cursor(data)
    chunks = []
    for offset in fixed(index, 8):
        check(offset == cursor.at, f"a chunk is not at {offset}")
        chunk = cursor.take(cursor.varint())
        check_crc32(chunk, cursor.u32(), f"the chunk at {offset}")
        chunks.append(chunk)
    cursor.done("chunks")
    return chunks
