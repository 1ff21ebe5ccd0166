"""Rows of captures and links, with the names and values of `windlass export`."""

from collections.abc import Iterator

import rules
from blocks import LINK_TYPES
from pages import OUTCOMES
from unite import Index, UnitedLink

Row = dict[str, str | int | bool | None]

REL = [(1, "nofollow"), (2, "ugc"), (4, "sponsored"), (8, "page-nofollow"), (16, "followed-copy")]


def captures(index: Index) -> Iterator[Row]:
    """A row for each record that the index knows."""
    for page in index.pages.values():
        domain = rules.host_of(page.domain)
        for instant, origins in page.instants:
            revisit = instant.refers is not None
            for digest, offset in origins:
                yield {
                    "row": "capture",
                    "page": page.url,
                    "refdomain": domain,
                    "time": instant.second,
                    "outcome": "revisit" if revisit else OUTCOMES[instant.outcome],
                    "source": None if revisit else "warc" if instant.warc else "wat",
                    "status": instant.status,
                    "title": None if instant.title is None else instant.title.decode(),
                    "internal_links": instant.internal,
                    "external_links": instant.external,
                    "file": index.names.get(digest, ""),
                    "file_digest": digest,
                    "offset": offset,
                }


def links(index: Index, internal: bool) -> Iterator[Row]:
    """A row for each link that some capture shows."""
    for site, united in index.links(internal):
        for link in united:
            row = _link(index, "internal" if internal else "link", rules.host_of(site), link)
            if row is not None:
                yield row


def _link(index: Index, name: str, site: str, link: UnitedLink) -> Row | None:
    page = index.pages[link.key[5]]
    dates = rules.dates(page.timeline, link.sightings.keys())
    if dates is None:
        return None
    rel, alt = link.sightings[dates.last_shown_by[0]]
    for second in dates.last_shown_by[1:]:
        rel, alt = rules.of_copies((rel, alt), link.sightings[second])
    anchor = link.key[3] if isinstance(link.key[3], bytes) else b""
    return {
        "row": name,
        "site": site,
        "target": rules.url_of(link.key[1]),
        "page": page.url,
        "refdomain": rules.host_of(page.domain),
        "link_type": LINK_TYPES[link.link_type],
        "anchor": anchor.decode(),
        "anchor_folded": link.key[2].decode(),
        "alt": alt.decode(),
        "rel": " ".join(name for bit, name in REL if rel & bit),
        "nofollow": rules.is_nofollow(rel),
        "first_seen": dates.first_seen,
        "last_visited": dates.last_visited,
        "lost": dates.lost,
    }
