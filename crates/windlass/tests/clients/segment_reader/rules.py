"""The counting rules that say what follows from instants and sightings."""

from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

from pages import Instant

NOFOLLOW = 15
FOLLOWED_COPY = 16


# A byte of rel, and the alt.
Attr = tuple[int, bytes]
# The seconds of a page that count, ascending, each with the real captures that it shows.
Timeline = list[tuple[int, tuple[int, ...]]]


@dataclass
class Dates:
    """First seen, last visited, lost, and the real captures that showed the link last (R13)."""

    first_seen: int
    last_visited: int
    lost: int | None
    last_shown_by: list[int]


def timeline(instants: list[Instant]) -> Timeline:
    """What each instant of a page shows; a revisit that refers to nothing earlier is not there."""
    shows: dict[int, tuple[int, ...]] = {}
    for instant in instants:
        second = instant.second
        if instant.refers is None:
            shows[second] = (second,)
            continue
        # Those of the latest instant before it that is there.
        latest = next(reversed(shows.values()), ())
        found = {
            real
            for earlier in instant.refers
            for real in (latest if earlier is None else shows.get(earlier, ()))
        }
        if found:
            shows[second] = tuple(sorted(found))
    return list(shows.items())


def dates(times: Timeline, seen: Set[int]) -> Dates | None:
    """The dates of a link with sightings at these seconds; none where nothing shows it."""
    showing = [i for i, (_, reals) in enumerate(times) if any(real in seen for real in reals)]
    if not showing:
        return None
    first, last = showing[0], showing[-1]
    lost = times[last + 1][0] if last + 1 < len(times) else None
    by = [real for real in times[last][1] if real in seen]
    return Dates(times[first][0], times[last][0], lost, by)


def is_nofollow(rel: int) -> bool:
    """R10, R12."""
    return rel & NOFOLLOW != 0 and rel & FOLLOWED_COPY == 0


def of_copies(a: Attr, b: Attr) -> Attr:
    """The rel and alt of a link of which one capture shows two copies (R12)."""
    rel = (a[0] | b[0]) & NOFOLLOW
    if rel and not (is_nofollow(a[0]) and is_nofollow(b[0])):
        rel |= FOLLOWED_COPY
    return rel, min((alt for alt in (a[1], b[1]) if alt), default=b"")


@lru_cache(None)
def folded(anchor: str) -> str:
    """R9a: each character's simple lower case."""
    return anchor.lower() if anchor.isascii() else "".join(map(_lower, anchor))


def _lower(character: str) -> str:
    lower = character.lower()
    # Of all characters, İ alone has a lower case of two.
    return lower if len(lower) == 1 else "i"


@lru_cache(1 << 16)
def url_of(key: bytes) -> str:
    """The URL of a SURT."""
    host, _, rest = key.partition(b"\x01")
    path, _, rest = rest.partition(b" ")
    scheme = rest
    port = b""
    if rest.startswith(b":"):
        port, _, scheme = rest.partition(b" ")
    return f"{scheme.decode()}://{host_of(host)}{port.decode()}{path.decode()}"


@lru_cache(None)
def host_of(key: bytes) -> str:
    """The host of a host key."""
    return b".".join(reversed(key.split(b"\x02"))).decode()


def is_at_or_below(host: bytes, domain: bytes) -> bool:
    """Whether the host of a key is a domain or below it."""
    return host == domain or host.startswith(domain + b"\x02")
