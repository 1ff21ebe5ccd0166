"""The engines, each with the layout that suits it.

An engine loads the tables of `layout` into a store of its own, and answers from it. Links are held
twice: in `links` a target is a range of the number `url_id`, whose bounds are looked up in `urls` as a
part of the question; in `links_by_surt` it is a range of the text `surt`. Which is faster depends on
engine and question. What loading takes is measured for the first alone, which is the smaller.
"""

import pathlib
import shutil

from .layout import ROW_GROUP, TABLES
from .sql import Dialect

BY_SURT = "links_by_surt"
SORTED_BY = {
    "links": ("url_id", "anchor_id", "page_id"),
    BY_SURT: ("surt", "anchor_id", "page_id"),
    "urls": ("url_id",),
    "anchors": ("anchor_id",),
    "pages": ("page_id",),
    "refdomains": ("refdomain_id",),
}
REST = "anchor, anchor_id, page_id, refdomain_id, first_seen, last_visited"
COLUMNS = {"links": f"url_id, {REST}", BY_SURT: f"surt, {REST}"}


class Engine:
    """What all have in common. `memory` is in bytes; `threads` is a number."""

    dialect = Dialect()

    def __init__(self, layout: pathlib.Path, store: pathlib.Path, memory: int, threads: int):
        self.layout, self.store, self.memory, self.threads = layout, store, memory, threads

    def version(self) -> str:
        raise NotImplementedError

    def load(self, tables: tuple[str, ...]) -> None:
        """Makes tables of the store, durably."""
        raise NotImplementedError

    def open(self) -> None:
        """Makes ready for questions."""
        raise NotImplementedError

    def close(self) -> None:
        """Forgets what was read, until it is opened again."""
        raise NotImplementedError

    def table(self, query: str):
        """The answer as an Arrow table: all of it is here when this returns."""
        raise NotImplementedError

    def key_filter(self, by_surt: bool, start: str, end: str) -> str:
        """The condition that chooses a target's links. May ask the engine for it."""
        if by_surt:
            literal = self.dialect.literal
            return f"surt >= {literal(start)} AND surt < {literal(end)}"
        first, last = self.url_range(start, end)
        return f"url_id >= {first} AND url_id < {last}"

    def url_range(self, start: str, end: str) -> tuple[int, int]:
        """The numbers of the URLs with these keys."""
        return self.first_url(start), self.first_url(end)

    def first_url(self, key: str) -> int:
        """The number of the first URL whose key is not below `key`."""
        query = (
            f"SELECT url_id FROM urls WHERE surt >= {self.dialect.literal(key)}"
            " ORDER BY url_id LIMIT 1"
        )
        found = self.table(query)
        return found.column(0)[0].as_py() if found.num_rows else 2**32 - 1

    def size(self) -> int:
        """Bytes of what was loaded."""
        files = [path for path in self.store.rglob("*") if path.is_file() and not path.is_symlink()]
        return sum(path.stat().st_size for path in files)

    def source(self, table: str) -> tuple[str, str]:
        """The columns that go into a table, and the file that they are in, in order."""
        name = "links" if table == BY_SURT else table
        return COLUMNS.get(table, "*"), str(self.layout / f"{name}.parquet")


class DuckDB(Engine):
    """Common to both ways of using it."""

    def version(self) -> str:
        import duckdb

        return f"DuckDB {duckdb.__version__}"

    def connect(self, database: str, read_only: bool):
        import duckdb

        self.connection = duckdb.connect(database, read_only=read_only)
        self.connection.execute("SET enable_progress_bar = false")
        self.connection.execute(f"SET memory_limit = '{self.memory}B'")
        self.connection.execute(f"SET threads = {self.threads}")
        self.connection.execute(f"SET temp_directory = '{self.store / 'tmp'}'")

    def close(self):
        self.connection.close()

    def table(self, query):
        return self.connection.sql(query).to_arrow_table()


class DuckDBNative(DuckDB):
    """Its own file: rows in order, with the least and greatest of each row group."""

    def load(self, tables):
        self.connect(str(self.store / "links.duckdb"), read_only=False)
        for table in tables:
            columns, file = self.source(table)
            self.connection.execute(
                f"CREATE TABLE {table} AS SELECT {columns} FROM read_parquet('{file}')"
            )
        self.connection.execute("CHECKPOINT")
        self.connection.close()

    def open(self):
        self.connect(str(self.store / "links.duckdb"), read_only=True)


class DuckDBParquet(DuckDB):
    """Sorted Parquet, row groups of 122,880."""

    def load(self, tables):
        copy_parquet(self, tables)

    def open(self):
        self.connect(":memory:", read_only=False)
        self.connection.execute("SET parquet_metadata_cache = true")
        for table in (*TABLES, BY_SURT):
            self.connection.execute(
                f"CREATE VIEW {table} AS FROM read_parquet('{self.store / table}.parquet')"
            )


class DataFusion(Engine):
    """Sorted Parquet, the order declared."""

    def version(self):
        import datafusion

        return f"DataFusion {datafusion.__version__}"

    def load(self, tables):
        copy_parquet(self, tables)

    def open(self):
        import datafusion

        config = datafusion.SessionConfig({
            "datafusion.execution.target_partitions": str(self.threads),
            "datafusion.execution.parquet.pushdown_filters": "true",
            "datafusion.execution.parquet.reorder_filters": "true",
        })
        runtime = (
            datafusion.RuntimeEnvBuilder()
            .with_temp_file_path(str(self.store / "tmp"))
            .with_fair_spill_pool(self.memory)
        )
        self.context = datafusion.SessionContext(config, runtime)
        for table in (*TABLES, BY_SURT):
            order = [datafusion.col(column).sort() for column in SORTED_BY[table]]
            self.context.register_parquet(
                table, str(self.store / f"{table}.parquet"), file_sort_order=[order]
            )

    def close(self):
        del self.context

    def url_range(self, start, end):
        # Not by ORDER BY and LIMIT: with a declared order and filters that are pushed down, 55.0.0
        # takes the limit from the row groups that match as a whole, not from the first.
        literal = self.dialect.literal
        found = self.table(
            "SELECT min(url_id), max(url_id) FROM urls"
            f" WHERE surt >= {literal(start)} AND surt < {literal(end)}"
        )
        first, last = (found.column(i)[0].as_py() for i in (0, 1))
        return (0, 0) if first is None else (first, last + 1)

    def table(self, query):
        return self.context.sql(query).to_arrow_table()


class ClickHouse(Engine):
    """MergeTree in the order of the keys, merged to one part, by way of chdb."""

    dialect = Dialect("position({column}, {text}) > 0", escapes_backslash=True)

    def version(self):
        import chdb

        return f"ClickHouse {chdb.query('SELECT version()').data().strip().strip(chr(34))} (chdb)"

    def load(self, tables):
        self.open()
        for table in tables:
            columns, file = self.source(table)
            self.session.query(
                f"CREATE TABLE {table} ENGINE = MergeTree ORDER BY ({', '.join(SORTED_BY[table])})"
                f" AS SELECT {columns} FROM file('{file}', Parquet)"
            )
            self.session.query(f"OPTIMIZE TABLE {table} FINAL")
        # The parts that were merged stay for some minutes, and do not count.
        parts = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default'"
        self.bytes = self.table(parts).column(0)[0].as_py()
        self.close()

    def size(self):
        return self.bytes

    def open(self):
        from chdb import session

        self.session = session.Session(str(self.store / "clickhouse"))
        for name, value in {
            "max_threads": self.threads,
            "max_memory_usage": self.memory,
            "max_bytes_before_external_group_by": self.memory // 2,
            "max_bytes_before_external_sort": self.memory // 2,
            "schema_inference_make_columns_nullable": 0,
        }.items():
            self.session.query(f"SET {name} = {value}")

    def close(self):
        self.session.close()

    def table(self, query):
        return self.session.query(query, "ArrowTable")


def copy_parquet(engine: Engine, tables: tuple[str, ...]) -> None:
    """A Parquet file of each table, sorted."""
    import duckdb

    for table in tables:
        columns, file = engine.source(table)
        target = engine.store / f"{table}.parquet"
        if table not in COLUMNS:
            shutil.copyfile(file, target)
            continue
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"SET memory_limit = '{engine.memory}B'")
            connection.execute(f"SET threads = {engine.threads}")
            connection.execute(
                f"COPY (SELECT {columns} FROM read_parquet('{file}')) TO '{target}'"
                f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )


ENGINES = {
    "duckdb": DuckDBNative,
    "duckdb-parquet": DuckDBParquet,
    "datafusion": DataFusion,
    "clickhouse": ClickHouse,
}
