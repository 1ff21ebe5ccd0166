"""What of a segment follows from the rest of it: found out anew, and compared."""

from itertools import pairwise

import rules
from blocks import Block
from columns import ascending
from cursor import check
from segment import Segment, Site


def check_segment(segment: Segment) -> None:
    """Complains of the first thing that does not follow as docs/format.md says."""
    _pages(segment)
    for site in segment.sites:
        _block(segment, site)
        check(
            all(_domain(segment, page) != site.key for page in site.block.pages),
            f"{site.key!r} has a page of its own among those that link to it",
        )
    for site in segment.internal:
        _block(segment, site)
        check(
            all(_domain(segment, page) == site.key for page in site.block.pages),
            f"internal links of {site.key!r} are on a page of another domain",
        )
    _linked(segment)
    _counts(segment)


def _domain(segment: Segment, page: int) -> bytes:
    return segment.domains[segment.domain_of(page)]


def _pages(segment: Segment) -> None:
    """Order, domains, latest captures and revisits of the page table."""
    check(ascending(segment.domains), "domains are out of order")
    check(ascending([*segment.domain_starts, len(segment.pages)]), "a domain has no page")
    keys = []
    revisited = []
    for number, page in enumerate(segment.pages):
        domain = _domain(segment, number)
        host = page.key.partition(b"\x01")[0]
        check(rules.is_at_or_below(host, domain), f"{page.key!r} is not in {domain!r}")
        keys.append((domain, page.key))
        seconds = [instant.second for instant in page.instants]
        check(ascending(seconds), f"instants of {page.key!r} are out of order")
        reals = [i.second for i in page.instants if i.refers is None]
        latest = segment.page_latest[number]
        check(latest == max(reals, default=0), f"another latest capture of {page.key!r}")
        if len(reals) < len(seconds):
            revisited.append(number)
    check(ascending(keys), "pages are out of order")
    check(revisited == segment.revisited, "other pages have revisits")


def _block(segment: Segment, site: Site) -> None:
    """Order of the lists of a block and of its links, and their times."""
    block = site.block
    what = f"the block of {site.key!r}"
    check(ascending(block.urls), f"{what}: urls")
    for url in block.urls:
        host = url.partition(b"\x01")[0]
        check(rules.is_at_or_below(host, site.key), f"{what} has {url!r}")
    check(ascending(block.attrs), f"{what}: attrs")
    folds = [rules.folded(form.decode()).encode() for form in block.forms]
    check(ascending(list(zip(folds, block.forms))), f"{what}: forms")
    same = {i for i, (a, b) in enumerate(pairwise(folds), 1) if a == b}
    check(same == block.same_fold, f"{what}: forms of the same fold")
    for page in block.own_times:
        check(block.times[page] != segment.captures[block.pages[page]], f"{what}: own times")
    seen: list[set[int]] = [set() for _ in block.pages]
    before = (False, -1, -1, -1)
    for link in block.links():
        kind = link.link_type if link.form is None else link.form
        place = (link.form is None, link.url, kind, link.page)
        check(before < place, f"{what}: links are out of order")
        before = place
        seconds = [second for second, _ in link.sightings]
        check(ascending(seconds) and bool(seconds), f"{what}: sightings of a link")
        seen[link.page].update(seconds)
    check([sorted(of_page) for of_page in seen] == block.times, f"{what}: times of its pages")


def _linked(segment: Segment) -> None:
    """The outgoing side."""
    expected: list[list[int]] = [[] for _ in segment.domains]
    for number, site in enumerate(segment.sites):
        for domain in {segment.domain_of(page) for page in site.block.pages}:
            expected[domain].append(number)
    check(segment.linked == expected, "the outgoing side does not say what the blocks say")
    starts = [site.offset for site in segment.sites[::32]]
    check(segment.site_starts == starts, "each 32nd block begins elsewhere")


def _counts(segment: Segment) -> None:
    """The counts of the footer."""
    instants = [instant for page in segment.pages for instant in page.instants]
    seconds = [instant.second for instant in instants]
    blocks = [site.block for site in segment.sites]
    expected = {
        "files": len(segment.digests),
        "captures": len(instants),
        "revisits": sum(instant.refers is not None for instant in instants),
        "pages": len(segment.pages),
        "refdomains": len(segment.domains),
        "sites": len(blocks),
        "backlinks": sum(len(block.hrefs.kinds) for block in blocks),
        "other_links": sum(len(block.others.kinds) for block in blocks),
        "internal_links": sum(_links(site.block) for site in segment.internal),
        "first_capture": min(seconds, default=0),
        "last_capture": max(seconds, default=0),
    }
    check(segment.counts == expected, f"counts {segment.counts} instead of {expected}")


def _links(block: Block) -> int:
    return len(block.hrefs.kinds) + len(block.others.kinds)
