"""The links of an index as the peers like them best: numbers for what is compared, in the order of the
target's SURT, with the texts beside them.

    links.parquet       surt, url_id, anchor, anchor_id, page_id, refdomain_id, first_seen, last_visited
    urls.parquet        url_id, surt, host, path, site, links
    anchors.parquet     anchor_id, anchor
    pages.parquet       page_id, page, refdomain_id
    refdomains.parquet  refdomain_id, refdomain

Live `href` links only. All are sorted by their first columns, so that a target mode is a range of
`surt` and of `url_id`; anchors are numbered in byte order, so that ordering by number is ordering by
anchor; times are seconds since 1970. What it makes once, all engines load.
"""

import json
import pathlib
import time

import duckdb

TABLES = ("links", "urls", "anchors", "pages", "refdomains")
ROW_GROUP = 122_880

# Windlass's key of a URL: labels reversed with 02 between them, 01, path and query, a space, the port
# where it is not the scheme's own, the scheme. Addresses are not reversed.
KEYS = r"""
CREATE TABLE keyed AS
SELECT target, site, links, part.host AS host, part.path AS path,
       CASE WHEN part.host LIKE '[%' OR regexp_full_match(part.host, '([^.]*\.)*[0-9]+')
            THEN part.host
            ELSE array_to_string(list_reverse(string_split(part.host, '.')), chr(2)) END
       || chr(1) || part.path || ' '
       || CASE WHEN part.port = '' THEN '' ELSE part.port || ' ' END || part.scheme AS surt
FROM (SELECT target, any_value(site) AS site, count(*) AS links,
             regexp_extract(target, '^(https?)://([^/:\[]+|\[[^\]]*\])(:[0-9]+)?(/.*)$',
                            ['scheme', 'host', 'port', 'path']) AS part
      FROM live GROUP BY target)
"""

NUMBERED = (
    "CREATE TABLE urls AS SELECT (row_number() OVER (ORDER BY surt) - 1)::UINTEGER AS url_id,"
    " surt, host, path, site, links::UINTEGER AS links, target FROM keyed ORDER BY surt",
    "DROP TABLE keyed",
    "CREATE TABLE anchors AS SELECT (row_number() OVER (ORDER BY anchor) - 1)::UINTEGER AS anchor_id,"
    " anchor FROM (SELECT DISTINCT anchor FROM live) ORDER BY anchor",
    "CREATE TABLE refdomains AS"
    " SELECT (row_number() OVER (ORDER BY refdomain) - 1)::UINTEGER AS refdomain_id, refdomain"
    " FROM (SELECT DISTINCT refdomain FROM live) ORDER BY refdomain",
    "CREATE TABLE pages AS"
    " SELECT (row_number() OVER (ORDER BY refdomain_id, page) - 1)::UINTEGER AS page_id,"
    " page, refdomain_id"
    " FROM (SELECT DISTINCT page, refdomain FROM live) JOIN refdomains USING (refdomain)"
    " ORDER BY page_id",
    "CREATE TABLE numbers AS SELECT url_id, anchor_id, page_id, refdomain_id, first_seen, last_visited"
    " FROM live JOIN urls USING (target) JOIN anchors USING (anchor) JOIN pages USING (page)"
    " ORDER BY url_id, anchor_id, page_id",
)

WRITTEN = {
    "urls": "SELECT url_id, surt, host, path, site, links FROM urls ORDER BY url_id",
    "anchors": "FROM anchors ORDER BY anchor_id",
    "pages": "FROM pages ORDER BY page_id",
    "refdomains": "FROM refdomains ORDER BY refdomain_id",
    "links": "SELECT surt, url_id, anchor, anchor_id, page_id, refdomain_id, first_seen, last_visited"
    " FROM numbers JOIN urls USING (url_id) JOIN anchors USING (anchor_id)"
    " ORDER BY url_id, anchor_id, page_id",
}


def prepare(export: pathlib.Path, to: pathlib.Path, memory: int, threads: int) -> dict:
    """Makes the tables from an export of Windlass, or finds them made. Returns their sizes."""
    done = to / "layout.json"
    if done.exists():
        return json.loads(done.read_text())
    to.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    scratch = to / "scratch.duckdb"
    scratch.unlink(missing_ok=True)
    with duckdb.connect(str(scratch)) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{memory}B'")
        connection.execute(f"SET threads = {threads}")
        connection.execute(f"SET temp_directory = '{to / 'tmp'}'")
        source = str(export / "links.parquet").replace("'", "''")
        connection.execute(
            "CREATE VIEW live AS SELECT target, site, page, refdomain, anchor_folded AS anchor,"
            " epoch(first_seen)::UINTEGER AS first_seen, epoch(last_visited)::UINTEGER AS last_visited"
            f" FROM read_parquet('{source}') WHERE link_type = 'href' AND lost IS NULL"
        )
        for statement in (KEYS, *NUMBERED):
            connection.execute(statement)
        for table, query in WRITTEN.items():
            connection.execute(
                f"COPY ({query}) TO '{to / table}.parquet'"
                f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
        rows = connection.execute("SELECT count(*) FROM numbers").fetchone()[0]
        live = connection.execute("SELECT count(*) FROM live").fetchone()[0]
    scratch.unlink()
    if rows != live:
        raise RuntimeError(f"{live} live links became {rows}")
    sizes = {
        "links": rows,
        "seconds": time.perf_counter() - start,
        "bytes": {table: (to / f"{table}.parquet").stat().st_size for table in TABLES},
    }
    done.write_text(json.dumps(sizes))
    return sizes
