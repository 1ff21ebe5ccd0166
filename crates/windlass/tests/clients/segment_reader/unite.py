"""An index: what its segments say together (R14)."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rules
from cursor import check
from pages import Instant, Page
from segment import FORMAT_VERSION, RULES_VERSION, Segment, Site

# The place of a link among those to a site: no href, url, folded anchor, anchor or number of
# the type, registrable domain of the page, page.
LinkKey = tuple[bool, bytes, bytes, bytes | int, bytes, bytes]


@dataclass
class UnitedPage:
    """A page, with the origins of its instants by digest, and what each instant shows."""

    url: str
    domain: bytes
    instants: list[tuple[Instant, list[tuple[str, int]]]]
    timeline: rules.Timeline


@dataclass
class UnitedLink:
    """A link to a site and when it was seen."""

    key: LinkKey
    link_type: int
    sightings: dict[int, rules.Attr]


class Index:
    """The segments that a manifest names."""

    def __init__(self, directory: Path) -> None:
        text = (directory / "manifest.json").read_bytes()
        head, _, manifest = text.partition(b',"manifest":')
        manifest = manifest.rstrip().removesuffix(b"}")
        check(head == b'{"crc32":%d' % zlib.crc32(manifest), "the manifest has another checksum")
        self.manifest: dict[str, Any] = json.loads(manifest)
        versions = (self.manifest["format_version"], self.manifest["rules_version"])
        check(versions == (FORMAT_VERSION, RULES_VERSION), f"an index of versions {versions}")
        self.names = {f["digest"]: f["names"][0] for f in self.manifest["files"]}
        self.segments: list[Segment] = []
        for listed in self.manifest["segments"]:
            path = directory / "segments" / listed["name"]
            check(path.stat().st_size == listed["bytes"], f"{path} has another length")
            self.segments.append(Segment(path))
            check(self.segments[-1].counts == listed["counts"], f"{path} has other counts")
        self.pages = self._unite_pages()

    def _unite_pages(self) -> dict[bytes, UnitedPage]:
        """All pages by their key, in their order."""
        found: dict[tuple[bytes, bytes], dict[int, list[tuple[Instant, Segment]]]] = {}
        for segment in self.segments:
            ends = [*segment.domain_starts[1:], len(segment.pages)]
            for domain, start, end in zip(segment.domains, segment.domain_starts, ends):
                for page in segment.pages[start:end]:
                    seconds = found.setdefault((domain, page.key), {})
                    for instant in page.instants:
                        seconds.setdefault(instant.second, []).append((instant, segment))
        united: dict[bytes, UnitedPage] = {}
        for (domain, key), seconds in sorted(found.items()):
            instants = [_unite_instants(seconds[second]) for second in sorted(seconds)]
            shows = rules.timeline([instant for instant, _ in instants])
            united[key] = UnitedPage(rules.url_of(key), domain, instants, shows)
        return united

    def links(self, internal: bool) -> Iterator[tuple[bytes, list[UnitedLink]]]:
        """Of each site that is linked to, or links to itself, its links in their order."""
        by_key: dict[bytes, list[tuple[Segment, Site]]] = {}
        for segment in self.segments:
            for site in segment.internal if internal else segment.sites:
                by_key.setdefault(site.key, []).append((segment, site))
        for key in sorted(by_key):
            links: dict[LinkKey, UnitedLink] = {}
            for segment, site in by_key[key]:
                self._add_links(segment, site, links)
            yield key, [links[key] for key in sorted(links)]

    def _add_links(self, segment: Segment, site: Site, links: dict[LinkKey, UnitedLink]) -> None:
        """Adds the links of a block, with those sightings that are of captures which count."""
        block = site.block
        folds = [rules.folded(form.decode()).encode() for form in block.forms]
        attrs = [_rel_and_alt(attr) for attr in block.attrs]
        pages = [segment.pages[number] for number in block.pages]
        united_pages = [self.pages[page.key] for page in pages]
        outdone = [_outdone(page, united) for page, united in zip(pages, united_pages)]
        for link in block.links():
            url, page = block.urls[link.url], pages[link.page]
            domain = united_pages[link.page].domain
            if link.form is None:
                key: LinkKey = (True, url, b"", link.link_type, domain, page.key)
            else:
                form = block.forms[link.form]
                key = (False, url, folds[link.form], form, domain, page.key)
            sightings = links.setdefault(key, UnitedLink(key, link.link_type, {})).sightings
            for second, place in link.sightings:
                if second in outdone[link.page]:
                    continue
                attr = attrs[place]
                before = sightings.get(second)
                sightings[second] = attr if before is None else rules.of_copies(before, attr)


def _rel_and_alt(attr: bytes) -> tuple[int, bytes]:
    """What an attr says: its last byte is the rel, where that is no text."""
    return (attr[-1], attr[:-1]) if attr and attr[-1] < 32 else (0, attr)


def _outdone(page: Page, united: UnitedPage) -> set[int]:
    """The seconds of a segment's page of which another segment has a better record."""
    ranks = {instant.second: _rank(instant) for instant, _ in united.instants}
    return {i.second for i in page.instants if _rank(i) != ranks[i.second]}


def _rank(instant: Instant) -> int:
    """WARC before WAT before revisit."""
    if instant.refers is not None:
        return 2
    return 0 if instant.warc else 1


def _unite_instants(
    instants: list[tuple[Instant, Segment]],
) -> tuple[Instant, list[tuple[str, int]]]:
    """What the segments say of one second of a page, and where they have it from."""
    rank = min(_rank(instant) for instant, _ in instants)
    best = [(instant, segment) for instant, segment in instants if _rank(instant) == rank]
    first = best[0][0]
    refers = {second for instant, _ in best for second in instant.refers or []}
    united = Instant(
        first.second,
        min(instant.outcome for instant, _ in best),
        first.warc,
        None if first.refers is None else list(refers),
        max(instant.internal for instant, _ in best),
        max(instant.external for instant, _ in best),
        [],
        min((i.status for i, _ in best if i.status is not None), default=None),
        min((i.title for i, _ in best if i.title is not None), default=None),
    )
    origins = {
        (segment.digests[file], offset)
        for instant, segment in best
        for file, offset in instant.origins
    }
    return united, sorted(origins)
