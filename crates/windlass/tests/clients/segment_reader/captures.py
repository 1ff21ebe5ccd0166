"""When pages were really captured."""

from cursor import MET, Cursor, check

GROUP = 512


def read_captures(data: bytes, latest: list[int]) -> list[list[int]]:
    """Of each page the seconds of its real captures, ascending; second 0 where there is none."""
    captures = [[second] for second in latest]
    if not data:
        return captures
    cursor = Cursor(data)
    n = cursor.u32()
    check(n > 0, "there are pages with several captures, and there are none")
    pages: list[int] = []
    starts: list[int] = []
    for start in range(0, len(latest), GROUP):
        check(cursor.u32() == len(pages), "a group counts other pages before")
        before = int.from_bytes(cursor.take(8), "little")
        bits = int.from_bytes(cursor.take(GROUP // 8), "little")
        check(bits >> (len(latest) - start) == 0, "a group has pages behind all")
        of_group = [start + i for i in range(GROUP) if bits >> i & 1]
        pages += of_group
        starts += [before] * len(of_group)
    check(len(pages) == n, "not as many pages have several captures as it says")
    ends = [start + cursor.u32() for start in starts]
    rest = cursor.take(len(data) - cursor.at)
    at = 0
    for page, end in zip(pages, ends):
        part = Cursor(rest[at:end])
        check(bool(part.data), "a page with several captures has one")
        while part.at < len(part.data):
            captures[page].insert(0, captures[page][0] - part.varint())
        at = end
    check(at == len(rest), "bytes are left behind the captures of the last page")
    MET["pages with several captures"] += n
    return captures
