"""What is asked: targets of every mode from few backlinks to many, chosen from the links themselves."""

import contextlib
import datetime
import hashlib
import pathlib

import duckdb

COLUMNS = ("anchor", "backlinks", "refpages", "refdomains", "first_seen", "last_visited")

# Mode, how many backlinks (below 1: of all), whether filters and all orders are asked too.
WANTED = (
    ("exact", 10, False),
    ("exact", 1_000, False),
    ("exact", 0.0116, True),
    ("domain", 1_000, False),
    ("domain", 0.014, True),
    ("prefix", 10_000, False),
    ("prefix", 0.057, True),
    ("subdomains", 0.022, True),
    ("subdomains", 1, True),
)

# Targets that are asked once each: how many backlinks, about, and how many targets of each mode.
NEW_SIZES = (10, 100, 1_000, 10_000)
NEW_TARGETS = 25
# How many more of each tell which way of asking is the fastest.
PROBES = 3
# Conditions of each kind that are asked once each, of a target that has been asked with others before.
NEW_CONDITIONS = 5

#: The group of questions that go before others, and are not timed.
WARMING = "warming"

# From the key of a URL to that of its host.
HOST_KEY = "split_part(surt, chr(1), 1)"
CANDIDATES = {
    "exact": f"SELECT {HOST_KEY} AS key, any_value(host) || path AS target, path, sum(links) AS n"
    " FROM urls GROUP BY key, path",
    "domain": f"SELECT {HOST_KEY} AS key, any_value(host) AS target, '' AS path, sum(links) AS n"
    " FROM urls GROUP BY key",
    "prefix": f"SELECT {HOST_KEY} AS key, any_value(host) || folder AS target, folder AS path,"
    " sum(links) AS n"
    " FROM (SELECT *, unnest([regexp_extract(path, '^/[^/?]+/'),"
    "                         regexp_extract(path, '^/[^/?]+/[^/?]+/')]) AS folder FROM urls)"
    " WHERE folder <> '' GROUP BY key, folder",
    # The site itself, and all hosts below it.
    "subdomains": "SELECT array_to_string(list_reverse(string_split(site, '.')), chr(2)) AS key,"
    " site AS target, '' AS path, sum(links) AS n FROM urls"
    " WHERE NOT regexp_full_match(site, '\\[.*|([^.]*\\.)*[0-9]+') GROUP BY site",
}


def key_range(mode: str, host_key: str, path: str) -> tuple[str, str]:
    """The keys that a target means: from the first, up to the second, which is not meant."""
    if mode == "subdomains":
        return host_key + "\x01", host_key + "\x03"
    start = host_key + "\x01" + path + (" " if mode == "exact" else "")
    return start, start[:-1] + chr(ord(start[-1]) + 1)


@contextlib.contextmanager
def reading(layout: pathlib.Path, memory: int, threads: int):
    """A connection that has the tables as views."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{memory}B'")
        connection.execute(f"SET threads = {threads}")
        connection.execute(f"SET temp_directory = '{layout / 'tmp'}'")
        for table in ("urls", "links", "anchors"):
            connection.execute(
                f"CREATE VIEW {table} AS FROM read_parquet('{layout / table}.parquet')"
            )
        yield connection


def choose_new(layout: pathlib.Path, memory: int, threads: int, known: list[str]) -> list[dict]:
    """Targets that are asked once each, none of those that are known, in an order without order; fewer where there
    are not so many. Before them come some of each group that tell which way of asking is the fastest."""
    probes, chosen = [], []
    with reading(layout, memory, threads) as connection:
        for mode, candidates in CANDIDATES.items():
            connection.execute(f"CREATE TEMP TABLE {mode}_targets AS {candidates}")
            for size in NEW_SIZES:
                rows = connection.execute(
                    f"SELECT key, target, path, n FROM {mode}_targets WHERE n BETWEEN ? AND ?"
                    f" AND NOT list_contains(?, target)"
                    f" ORDER BY md5(key || path) LIMIT {PROBES + NEW_TARGETS}",
                    [size * 0.8, size * 1.25, known],
                ).fetchall()
                for at, (key, target, path, backlinks) in enumerate(rows):
                    found = {
                        "target": target,
                        "mode": mode,
                        "backlinks": int(backlinks),
                        "range": key_range(mode, key, path),
                        "is_large": False,
                    }
                    (question,) = asked_of(found, [])
                    question |= {"name": f"new {question['name']}", "group": f"{mode} {size:,}"}
                    if at < PROBES:
                        probes.append(question | {"is_probe": True})
                    else:
                        chosen.append(question)
    chosen.sort(key=lambda question: hashlib.md5(question["name"].encode()).digest())
    return probes + chosen


def choose(layout: pathlib.Path, memory: int, threads: int) -> tuple[list[dict], list[dict]]:
    """The questions for these links, those about few backlinks first; and new conditions."""
    with reading(layout, memory, threads) as connection:
        total = connection.execute("SELECT sum(links) FROM urls").fetchone()[0]
        chosen: list[dict] = []
        for mode, wanted, is_large in WANTED:
            size = wanted * total if wanted <= 1 else wanted
            taken = [question["target"] for question in chosen if question["mode"] == mode]
            row = connection.execute(
                f"SELECT key, target, path, n FROM ({CANDIDATES[mode]})"
                " WHERE NOT list_contains(?, target) ORDER BY abs(ln(n / ?)), key, path LIMIT 1",
                [taken, size],
            ).fetchone()
            if row is not None:
                key, target, path, backlinks = row
                chosen.append({
                    "target": target,
                    "mode": mode,
                    "backlinks": int(backlinks),
                    "range": key_range(mode, key, path),
                    "is_large": is_large,
                })
        chosen.sort(key=lambda question: question["backlinks"])
        dates, letters = choose_filters(connection, chosen[-1])
    filters = [*dates[:1], *letters[:1]]
    asked = [question for target in chosen for question in asked_of(target, filters)]
    return asked, new_conditions(chosen, (dates, letters))


def new_conditions(targets: list[dict], kinds: tuple[list[dict], ...]) -> list[dict]:
    """Conditions that are asked once each. Before those of a target, the first of each kind are asked, which
    are not timed; `like` says which question of the others is like it, and is asked in the same way."""
    asked = []
    for target in targets:
        if not target["is_large"]:
            continue
        (plain,) = asked_of(target | {"is_large": False}, [])
        for at in range(1 + NEW_CONDITIONS):
            for name, kind in zip(("dates", "letters"), kinds):
                if at < len(kind):
                    question = plain | kind[at]
                    question["variant"] = kind[at]["name"]
                    question["name"] = f"new condition: {plain['name']}, {kind[at]['name']} {at}"
                    question["like"] = f"{plain['name']}, {kind[0]['name']}"
                    question["group"] = f"{plain['name']}, {name}" if at else WARMING
                    asked.append(question)
    return asked


def choose_filters(connection, biggest: dict) -> tuple[list[dict], list[dict]]:
    """Dates that about half of the links lie behind, and letters that some anchors hold; the first of each are
    asked again and again, the others once."""
    # Of some of the pages, but always the same: an estimate would ask something else each time.
    shares = [0.5] + [0.4 + 0.2 * (at + 0.5) / NEW_CONDITIONS for at in range(NEW_CONDITIONS)]
    times = connection.execute(
        f"SELECT quantile_disc(first_seen, {shares}) FROM links WHERE page_id % 32 = 0"
    ).fetchone()[0]
    start, end = biggest["range"]
    anchors = connection.execute(
        "SELECT anchor FROM links WHERE surt >= ? AND surt < ? AND regexp_matches(anchor, '^[a-z]{4}')"
        " GROUP BY anchor ORDER BY count(*) DESC, anchor LIMIT 20",
        [start, end],
    ).fetchall()
    dates = [
        {
            "name": "first seen late",
            "where": f'first_seen>="{shown_time(int(time))}"',
            "first_seen_min": int(time),
        }
        for time in dict.fromkeys(times)
    ]
    letters = list(dict.fromkeys(anchor[:3] for (anchor,) in reversed(anchors)))
    return dates, [
        {
            "name": f"anchor holds {three}",
            "where": f'substring(anchor,"{three}")',
            "anchor_holds": three,
        }
        for three in letters[: 1 + NEW_CONDITIONS]
    ]


def asked_of(target: dict, filters: list[dict]) -> list[dict]:
    """The questions to one target: most backlinks first; filtered; in every order."""
    name = f"{target['mode']} {target['target']}"
    plain = {
        "name": name,
        "target": target["target"],
        "mode": target["mode"],
        "order_by": "backlinks:desc",
        "limit": 1000,
        "range": list(target["range"]),
        "backlinks": target["backlinks"],
        "variant": "",
        "of": name,
    }
    asked = [plain]
    if target["is_large"]:
        for choice in filters:
            asked.append(
                plain | choice | {"name": f"{name}, {choice['name']}", "variant": choice["name"]}
            )
        for column in COLUMNS:
            for direction in ("asc", "desc"):
                order = f"{column}:{direction}"
                if order != plain["order_by"]:
                    variant = f"by {column} {direction}"
                    asked.append(
                        plain | {"name": f"{name}, {variant}", "order_by": order, "variant": variant}
                    )
    return asked


def shown_time(seconds: int) -> str:
    """As on Windlass's wire."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> int:
    """The other way."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())
