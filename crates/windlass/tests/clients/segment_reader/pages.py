"""The page table: what is known of each page and its captures."""

from dataclasses import dataclass, field

from cursor import MET, Cursor, check
from strings import SURT, TEXT, string

OUTCOMES = ["html", "not-html", "redirect", "gone"]
USUAL_STATUS = [200, 200, 301, 404]
CHUNK = 64


@dataclass
class Instant:
    """One second at which a page was captured."""

    second: int
    outcome: int = 0
    warc: bool = False
    # The seconds that a revisit refers to, None for the latest earlier capture; nothing where it is
    # no revisit.
    refers: list[int | None] | None = None
    internal: int = 0
    external: int = 0
    origins: list[tuple[int, int]] = field(default_factory=list)
    status: int | None = None
    title: bytes | None = None


@dataclass
class Page:
    """A page: its SURT and its instants, ascending."""

    key: bytes
    instants: list[Instant]


def read_pages(chunks: list[bytes], latest: list[int]) -> list[Page]:
    """All pages, of which `latest` has the latest real captures."""
    pages: list[Page] = []
    for chunk in chunks:
        cursor = Cursor(chunk)
        key = b""
        for _ in range(min(CHUNK, len(latest) - len(pages))):
            shared = cursor.varint()
            check(shared <= len(key), "a page shares more than there is")
            key = key[:shared] + string(cursor, SURT)
            pages.append(Page(key, _instants(cursor, latest[len(pages)])))
        cursor.done("a chunk of pages")
    check(len(pages) == len(latest), "pages and page_latest have different numbers")
    return pages


def _instants(cursor: Cursor, latest: int) -> list[Instant]:
    instants: list[Instant] = []
    title: bytes | None = None
    for _ in range(cursor.varint()):
        second = instants[-1].second + cursor.varint() if instants else latest - cursor.signed()
        tag = cursor.u8()
        for bit in range(2, 8):
            MET[f"tag with bit {bit}"] += tag >> bit & 1
        instant = Instant(second, tag & 3, bool(tag & 4))
        if tag & 8:
            written = [cursor.varint() for _ in range(cursor.varint())]
            instant.refers = [value - 1 if value else None for value in written]
        else:
            instant.internal, instant.external = cursor.varint(), cursor.varint()
        origins = 1 if tag & 16 else cursor.varint()
        instant.origins = [(cursor.varint(), cursor.varint()) for _ in range(origins)]
        if not tag & 8:
            instant.status = USUAL_STATUS[instant.outcome]
        if tag & 32:
            written_status = cursor.varint()
            instant.status = written_status - 1 if written_status else None
        if tag & 64:
            instant.title = title = string(cursor, TEXT)
        elif tag & 128:
            check(title is not None, "no title comes before")
            instant.title = title
        instants.append(instant)
    return instants
