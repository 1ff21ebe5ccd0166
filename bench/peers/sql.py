"""The anchors report in SQL, in several ways: which one is fastest depends on engine and size.

R15–R19 of Windlass's counting rules: a row for each (anchor, refdomain), filtered by its own numbers;
a group for each anchor; a page belongs to one refdomain, so that distinct pages of rows add up.
"""

import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to ask."""

    #: Group by the anchor's number and look up the texts of the page returned, or by its text.
    by_number: bool
    #: Group by (anchor, refdomain, page), then (anchor, refdomain), then anchor, or count distinct.
    nested: bool
    #: A target is a range of its URLs' keys, or of their numbers.
    by_surt: bool

    @property
    def name(self) -> str:
        return ", ".join([
            "anchors by number" if self.by_number else "anchors by text",
            "nested" if self.nested else "distinct",
            "URLs by key" if self.by_surt else "URLs by number",
        ])


WAYS = [Way(*flags) for flags in itertools.product((False, True), repeat=3)]


@dataclasses.dataclass(frozen=True)
class Dialect:
    """What engines write differently."""

    contains: str = "contains({column}, {text})"
    escapes_backslash: bool = False

    def literal(self, text: str) -> str:
        if self.escapes_backslash:
            text = text.replace("\\", "\\\\")
        return "'" + text.replace("'", "''") + "'"


def report(question: dict, key_filter: str, way: Way, dialect: Dialect) -> str:
    """The query for a question over the links that `key_filter` lets through."""
    column = "anchor_id" if way.by_number else "anchor"
    conditions = [key_filter]
    if letters := question.get("anchor_holds"):
        holds = dialect.contains.format(column="anchor", text=dialect.literal(letters))
        conditions.append(
            f"anchor_id IN (SELECT anchor_id FROM anchors WHERE {holds})" if way.by_number else holds
        )
    table = "links_by_surt" if way.by_surt else "links"
    links = f"FROM {table} WHERE {' AND '.join(conditions)}"
    having = ""
    if "first_seen_min" in question:
        having = f" HAVING min(first_seen) >= {question['first_seen_min']}"
    # Names that are no column's: engines differ in which of the two an ORDER BY then means.
    dates = "min(first_seen) AS seen_first, max(last_visited) AS seen_last"
    dates_of_rows = "min(seen_first) AS seen_first, max(seen_last) AS seen_last"
    if way.nested:
        rows = (
            f"SELECT {column}, refdomain_id, sum(n) AS n_row, count(*) AS pages, {dates_of_rows} FROM"
            f" (SELECT {column}, refdomain_id, page_id, count(*) AS n, {dates} {links}"
            f" GROUP BY {column}, refdomain_id, page_id) AS of_page"
            f" GROUP BY {column}, refdomain_id{having.replace('first_seen', 'seen_first')}"
        )
    elif having:
        rows = (
            f"SELECT {column}, refdomain_id, count(*) AS n_row, count(DISTINCT page_id) AS pages, {dates}"
            f" {links} GROUP BY {column}, refdomain_id{having}"
        )
    else:
        rows = ""
    if rows:
        groups = (
            f"SELECT {column}, sum(n_row) AS backlinks, sum(pages) AS refpages,"
            f" count(*) AS refdomains, {dates_of_rows} FROM ({rows}) AS of_row GROUP BY {column}"
        )
    else:
        groups = (
            f"SELECT {column}, count(*) AS backlinks, count(DISTINCT page_id) AS refpages,"
            f" count(DISTINCT refdomain_id) AS refdomains, {dates} {links} GROUP BY {column}"
        )
    first, direction = question["order_by"].split(":")
    first = {"first_seen": "seen_first", "last_visited": "seen_last"}.get(first, first)
    keys = [f"{column} {direction}"] if first == "anchor" else [f"{first} {direction}", f"{column} ASC"]
    page = f"{groups} ORDER BY {', '.join(keys)} LIMIT {question['limit']}"
    if not way.by_number:
        return page
    return (
        "SELECT anchor, backlinks, refpages, refdomains, seen_first, seen_last"
        f" FROM ({page}) AS page JOIN anchors ON page.anchor_id = anchors.anchor_id"
        f" ORDER BY {', '.join('page.' + key for key in keys)}"
    )


def totals(question: dict, key_filter: str, dialect: Dialect) -> str:
    """R18: backlinks and distinct pages of the rows that pass."""
    conditions = [key_filter]
    if letters := question.get("anchor_holds"):
        conditions.append(dialect.contains.format(column="anchor", text=dialect.literal(letters)))
    links = f"FROM links WHERE {' AND '.join(conditions)}"
    if "first_seen_min" in question:
        of_row = "min(first_seen) OVER (PARTITION BY anchor_id, refdomain_id) AS row_first_seen"
        links = f"FROM (SELECT page_id, {of_row} {links}) AS of_row WHERE row_first_seen >= {question['first_seen_min']}"
    return f"SELECT count(*), count(DISTINCT page_id) {links}"
