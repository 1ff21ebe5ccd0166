"""Site blocks: the links to one site."""

from collections.abc import Iterator
from dataclasses import dataclass

from columns import ascending, column, subset
from cursor import MET, Cursor, check
from strings import string_list

HREF = 0
LINK_TYPES = ["href", "redirect", "refresh", "canonical", "alternate", "form", "frame"]


@dataclass
class Table:
    """Links of a block as columns, in their order; exceptions by the number of the link."""

    first_of_url: list[int]
    kinds: list[int]
    pages: list[int]
    attrs: list[int]
    exceptions: dict[int, list[tuple[int, int]]]


@dataclass
class Link:
    """A link: places in the lists of its block, and when it was seen, each time with what attr.

    An exception was not seen at each of its page's times with the attr of its column.
    """

    url: int
    link_type: int
    form: int | None
    page: int
    sightings: list[tuple[int, int]]
    is_exception: bool


@dataclass
class Block:
    """What a block holds. `times` are those of each page, ascending."""

    pages: list[int]
    urls: list[bytes]
    forms: list[bytes]
    same_fold: set[int]
    attrs: list[bytes]
    times: list[list[int]]
    own_times: set[int]
    hrefs: Table
    others: Table

    def links(self) -> Iterator[Link]:
        """All links: hrefs, then those of other types."""
        for is_href, table in ((True, self.hrefs), (False, self.others)):
            ends = [*table.first_of_url[1:], len(table.kinds)]
            for url, (first, end) in enumerate(zip(table.first_of_url, ends)):
                for i in range(first, end):
                    kind, page = table.kinds[i], table.pages[i]
                    exception = table.exceptions.get(i)
                    seen = exception or [(second, table.attrs[i]) for second in self.times[page]]
                    link_type, form = (HREF, kind) if is_href else (kind, None)
                    yield Link(url, link_type, form, page, seen, exception is not None)


def read_block(site_key: bytes, data: bytes, captures: list[list[int]]) -> Block:
    """The block of a site; `captures` are the real ones of each page of the segment."""
    cursor = Cursor(data)
    pages = column(cursor, cursor.varint())
    urls, forms, attrs, hrefs, others = (cursor.varint() for _ in range(5))
    times = [list(captures[page]) for page in pages]
    own = _own_times(cursor, times)
    block = Block(
        pages,
        [site_key + rest for rest in string_list(cursor, urls)],
        string_list(cursor, forms),
        set(subset(cursor, forms)),
        string_list(cursor, attrs),
        times,
        own,
        _table(cursor, hrefs, urls),
        _table(cursor, others, urls),
    )
    cursor.done("a block")
    check(ascending(pages), "pages of a block are out of order")
    return block


def _own_times(cursor: Cursor, times: list[list[int]]) -> set[int]:
    """Reads the times of pages that have their own, and puts them in place."""
    places = subset(cursor, len(times))
    MET["own times"] += len(places)
    for place, part in zip(places, _parts(cursor, len(places)) if places else []):
        reader, real = Cursor(part), times[place]
        second, times[place] = real[-1], []
        while reader.at < len(part):
            second -= reader.varint()
            times[place].insert(0, second)
        check(set(times[place]) < set(real), "own times are some real captures of their page")
    return set(places)


def _parts(cursor: Cursor, n: int) -> list[bytes]:
    """`n` strings of bytes by their ends."""
    ends = column(cursor, n)
    data = cursor.take(cursor.varint())
    check(ends[-1] == len(data), "the last part does not end where all do")
    return [data[start:end] for start, end in zip([0, *ends], ends)]


def _table(cursor: Cursor, links: int, urls: int) -> Table:
    if links == 0:
        return Table([0] * urls, [], [], [], {})
    first_of_url = column(cursor, urls)
    kinds, pages, attrs = (column(cursor, links) for _ in range(3))
    exceptions: dict[int, list[tuple[int, int]]] = {}
    n = cursor.varint()
    MET["exception"] += n
    if n > 0:
        numbers = column(cursor, n)
        for number, part in zip(numbers, _parts(cursor, n)):
            exceptions[number] = _sightings(part)
    return Table(first_of_url, kinds, pages, attrs, exceptions)


def _sightings(part: bytes) -> list[tuple[int, int]]:
    cursor, second = Cursor(part), 0
    sightings = []
    for _ in range(cursor.varint()):
        second += cursor.varint()
        sightings.append((second, cursor.varint()))
    cursor.done("sightings")
    return sightings
