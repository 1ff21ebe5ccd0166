"""What is ready-made of large sites, made anew from their blocks, and compared."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import rules
from blocks import Block
from cursor import check
from ready import HEADS, HEADS_FROM, Group, Node
from segment import Segment, Site

LIVE_FROM = 32_768


@dataclass
class Live:
    """A live backlink: places in the lists of its block, and its dates."""

    fold: int
    page: int
    url: int
    dates: rules.Dates
    has_own_dates: bool

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """What orders live links: of one anchor on one page those with dates of their own come first, by these."""
        if not self.has_own_dates:
            return (self.fold, self.page, 1, 0, 0)
        return (self.fold, self.page, 0, self.dates.first_seen, self.dates.last_visited)


def check_ready(segment: Segment) -> int:
    """Compares all that is ready-made; how many nodes there are."""
    timelines = [rules.timeline(page.instants) for page in segment.pages]
    revisited = set(segment.revisited)
    large = []
    for site in segment.sites:
        if len(site.block.hrefs.kinds) >= LIVE_FROM:
            live = _live(site.block, timelines, revisited)
            if len(live) >= LIVE_FROM:
                large.append(site.key)
                _site(segment, site, live)
    check(list(segment.ready) == large, "other sites are ready")
    return sum(len(ready.nodes) for ready in segment.ready.values())


def _folds(block: Block) -> list[int]:
    """The number of each form's folded anchor."""
    is_next = (int(form not in block.same_fold) for form in range(1, len(block.forms)))
    return list(accumulate(is_next, initial=0))


def _live(block: Block, timelines: list[rules.Timeline], revisited: set[int]) -> list[Live]:
    """The live backlinks in the order of the report."""
    folds = _folds(block)
    live = []
    for link in block.links():
        if link.form is not None:
            seconds = {second for second, _ in link.sightings}
            dates = rules.dates(timelines[block.pages[link.page]], seconds)
            if dates is not None and dates.lost is None:
                has_own = link.is_exception or block.pages[link.page] in revisited
                live.append(Live(folds[link.form], link.page, link.url, dates, has_own))
    return sorted(live, key=lambda link: link.order)


def _site(segment: Segment, site: Site, live: list[Live]) -> None:
    ready, block, what = segment.ready[site.key], site.block, f"what is ready of {site.key!r}"
    check(ready.pages == [link.page for link in live], f"{what}: pages in the order of the report")
    folds = len(block.forms) - len(block.same_fold)
    of_fold = [0] * folds
    for link in live:
        of_fold[link.fold] += 1
    check(ready.first_of_fold == list(accumulate(of_fold, initial=0))[:-1], f"{what}: folds")
    own = {}
    for place, link in enumerate(live):
        dates, times = (link.dates.first_seen, link.dates.last_visited), block.times[link.page]
        if link.has_own_dates:
            own[place] = dates
        else:
            check(dates == (times[0], times[-1]), f"{what}: a link that was not seen all the time")
    check(ready.own_dates == own, f"{what}: dates of links")
    ranges = list(_ranges(block.urls, live))
    check([node.urls for node in ready.nodes] == ranges, f"{what}: ranges of urls {ranges}")
    places: dict[tuple[int, int, int, int, int], int] = {}
    for place, link in enumerate(live):
        places.setdefault(link.order, place)
    for node in ready.nodes:
        _node(segment, site, node, live, places)


def _ranges(urls: list[bytes], live: list[Live]) -> Iterator[tuple[int, int]]:
    """The ranges of urls that a target can ask for and to which enough links lead (R16)."""
    before = [0] * (len(urls) + 1)
    for link in live:
        before[link.url + 1] += 1
    before = list(accumulate(before))
    found = set()
    waiting = [(0, len(urls), 0)]
    while waiting:
        start, end, shared = waiting.pop()
        if before[end] - before[start] < LIVE_FROM:
            continue
        if end - start == 1 or _can_be_asked_for(urls[start], shared):
            found.add((start, end))
        parts: dict[bytes, list[int]] = defaultdict(list)
        for url in range(start, end):
            parts[urls[url][shared : shared + 1]].append(url)
        waiting += [(of[0], of[-1] + 1, shared + 1) for byte, of in parts.items() if byte]
    return iter(sorted(found))


def _can_be_asked_for(url: bytes, shared: int) -> bool:
    """Whether all urls that begin with so many bytes of this one are those of a target."""
    if b"\x01" in url[:shared]:
        return True
    # A host and those below it: behind its key there is nothing but a path or a label.
    return url[shared : shared + 1] in (b"\x01", b"\x02")


def _node(
    segment: Segment,
    site: Site,
    node: Node,
    live: list[Live],
    places: dict[tuple[int, int, int, int, int], int],
) -> None:
    """Groups the links of a range as a report does (R15, R17)."""
    start, end = node.urls
    what = f"the node {node.urls} of {site.key!r}"
    links = [link for link in live if start <= link.url < end]
    check(node.backlinks == len(links), f"{what}: backlinks")
    check(node.refpages == len({link.page for link in links}), f"{what}: refpages")
    by_fold: dict[int, list[Live]] = defaultdict(list)
    for link in links:
        by_fold[link.fold].append(link)
    domains = {number: segment.domain_of(page) for number, page in enumerate(site.block.pages)}
    groups = [_group(fold, of, domains) for fold, of in by_fold.items()]
    groups.sort(key=lambda group: (-group.backlinks, group.fold))
    written = [
        group._replace(first_seen=None, last_visited=None, link=places[by_fold[group.fold][0].order])
        if group.backlinks == 1
        else group
        for group in groups
    ]
    check(node.groups == written, f"{what}: groups")
    heads = _heads(groups) if len(groups) >= HEADS_FROM else []
    check(node.heads == heads, f"{what}: heads")


def _heads(groups: list[Group]) -> list[list[int]]:
    """The first places by each date, earliest first and latest first; equal ones by anchor."""
    by_anchor = sorted(range(len(groups)), key=lambda place: groups[place].fold)
    heads = []
    for dates in ([g.first_seen for g in groups], [g.last_visited for g in groups]):
        # Sorting keeps the order of what is equal, also where it is reversed.
        heads.append(sorted(by_anchor, key=dates.__getitem__)[:HEADS])
        heads.append(sorted(by_anchor, key=dates.__getitem__, reverse=True)[:HEADS])
    return heads


def _group(fold: int, links: list[Live], domains: dict[int, int]) -> Group:
    pages = {link.page for link in links}
    return Group(
        fold,
        len(links),
        len(pages),
        len({domains[page] for page in pages}),
        min(link.dates.first_seen for link in links),
        max(link.dates.last_visited for link in links),
    )
