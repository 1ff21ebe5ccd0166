"""What is ready-made of large sites."""

from dataclasses import dataclass
from typing import NamedTuple

from columns import column
from cursor import MET, Cursor, check

HEADS = 1024
HEADS_FROM = 4_096


class Group(NamedTuple):
    """A group of the report (R17).

    That of a single backlink says instead of its dates which one that is: its number among the live links of the site.
    """

    fold: int
    backlinks: int
    refpages: int
    refdomains: int
    first_seen: int | None
    last_visited: int | None
    link: int | None = None


@dataclass
class Node:
    """The groups of a range of urls, by backlinks, most first, then by anchor.

    The heads are places of groups in four other orders.
    """

    urls: tuple[int, int]
    backlinks: int
    refpages: int
    groups: list[Group]
    heads: list[list[int]]


@dataclass
class Ready:
    """The live links of a site in the order of the report, and its finished groups."""

    first_of_fold: list[int]
    pages: list[int]
    own_dates: dict[int, tuple[int, int]]
    nodes: list[Node]


def read_ready(data: bytes) -> Ready:
    """What is ready-made of one site."""
    cursor = Cursor(data)
    live, folds = cursor.varint(), cursor.varint()
    first_of_fold, pages = column(cursor, folds), column(cursor, live)
    own_dates: dict[int, tuple[int, int]] = {}
    n = cursor.varint()
    MET["ready links with dates"] += n
    if n > 0:
        links, first, last = (column(cursor, n) for _ in range(3))
        own_dates = dict(zip(links, zip(first, last)))
    nodes: list[Node] = []
    n = cursor.varint()
    if n > 0:
        heads = [column(cursor, n) for _ in range(6)]
        rows = list(zip(*heads))
        data = cursor.take(cursor.varint())
        start = 0
        for first_url, end_url, backlinks, refpages, groups, end in rows:
            parts = _groups(data[start:end], groups, first_of_fold)
            nodes.append(Node((first_url, end_url), backlinks, refpages, *parts))
            start = end
    cursor.done("what is ready-made")
    return Ready(first_of_fold, pages, own_dates, nodes)


def _groups(
    data: bytes, n: int, first_of_fold: list[int]
) -> tuple[list[Group], list[list[int]]]:
    cursor = Cursor(data)
    several = cursor.varint()
    folds, backlinks = column(cursor, n), column(cursor, n)
    columns = [column(cursor, several) for _ in range(4)]
    groups = [
        Group(fold, links, links - a, links - a - b, first, first + seconds)
        for fold, links, a, b, first, seconds in zip(folds, backlinks, *columns)
    ]
    check(all(group.backlinks > 1 for group in groups), "a group with one link has dates")
    for fold, links, link in zip(
        folds[several:], backlinks[several:], column(cursor, n - several)
    ):
        check(links == 1, "a group with several links has no dates")
        groups.append(Group(fold, 1, 1, 1, None, None, first_of_fold[fold] + link))
        MET["link behind others of its anchor"] += link > 0
    MET["groups of one link"] += n - several
    h = cursor.varint()
    MET["heads"] += h
    heads = [column(cursor, h) for _ in range(4)] if h > 0 else []
    cursor.done("a node")
    return groups, heads
