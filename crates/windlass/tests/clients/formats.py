"""Every format says what the JSON says: read by expat, csv, pyarrow and DuckDB."""

import csv
import datetime
import io
import json
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import duckdb
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import requests

BASE = sys.argv[1]
SESSION = requests.Session()
NUMBERS = ("backlinks", "refpages", "refdomains")
DATES = ("first_seen", "last_visited")


def ask(output, **more):
    asked = {"from": "anchors", "mode": "subdomains", "history": "all_time", "output": output}
    return SESSION.get(BASE, params={**asked, **more})


def as_json(row):
    """A row of a columnar format, with moments as JSON has them."""
    return {
        name: value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(value, datetime.datetime)
        else value
        for name, value in row.items()
    }


def check_xml(body, expected):
    root = ElementTree.fromstring(body)
    assert root.tag == "AhrefsApiResponse"
    rows, stats = root
    assert (rows.tag, stats.tag) == ("anchors", "stats")
    assert all(row.tag == "anchor" for row in rows)
    found = [[(cell.tag, cell.text or "") for cell in row] for row in rows]
    # XML 1.0 has no way to write these two.
    lost = str.maketrans("\ufffe\uffff", "\ufffd\ufffd")
    wanted = [[(k, str(v).translate(lost)) for k, v in row.items()] for row in expected["anchors"]]
    assert found == wanted
    assert {cell.tag: int(cell.text) for cell in stats} == expected["stats"]


def check_csv(body, expected):
    found = list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))
    assert len(found) == len(expected)
    defused = 0
    for row, wanted in zip(found, expected):
        for name, value in wanted.items():
            if row[name] != str(value):
                # The only difference that there may be: a formula was defused.
                assert row[name].replace("'", "") == value.replace("'", ""), (row, wanted)
                defused += 1
            assert not row[name].lstrip().startswith(("=", "+", "-", "@")), row
    return defused


def check_schema(schema, unit):
    for name in schema.names:
        kind = schema.field(name).type
        if name in NUMBERS:
            assert kind == pyarrow.uint64(), kind
        elif name in DATES:
            assert kind == pyarrow.timestamp(unit, "UTC"), kind
        else:
            assert kind == pyarrow.string(), kind


def check_columnar(arrow, parquet, expected):
    rows = expected["anchors"]
    table = pyarrow.ipc.open_stream(arrow).read_all()
    table.validate(full=True)
    check_schema(table.schema, "s")
    assert [as_json(row) for row in table.to_pylist()] == rows

    file = pyarrow.parquet.ParquetFile(io.BytesIO(parquet))
    check_schema(file.schema_arrow, "ms")
    assert [as_json(row) for row in file.read().to_pylist()] == rows
    for name, value in expected["stats"].items():
        assert file.metadata.metadata[f"windlass.stats.{name}".encode()] == str(value).encode()

    with duckdb.connect() as duck, tempfile.NamedTemporaryFile(suffix=".parquet") as named:
        named.write(parquet)
        named.flush()
        duck.register("from_arrow", table)
        # Formatted by DuckDB: its Python types would ask for a library of time zones.
        columns = ", ".join(
            f"strftime(make_timestamp(epoch_us({n})), '%Y-%m-%dT%H:%M:%SZ') AS {n}" if n in DATES else n
            for n in table.column_names
        )
        for source in ("from_arrow", f"read_parquet('{named.name}')"):
            cursor = duck.execute(f"SELECT {columns} FROM {source}")
            names = [column[0] for column in cursor.description]
            assert [dict(zip(names, row)) for row in cursor.fetchall()] == rows, source


def main():
    compared = defused = 0
    for target in ("github.com", "wikipedia.org", "python.org", "hostile.example", "nowhere.invalid"):
        for more in ({}, {"select": "last_visited,anchor"}, {"limit": "0"}):
            more = {"target": target, **more}
            answer = ask("json", **more)
            # Long answers come compressed, as requests asks for.
            assert len(answer.content) < 1000 or answer.headers["content-encoding"] in ("gzip", "br", "zstd")
            expected = answer.json()
            rows = expected["anchors"]
            lines = ask("ndjson", **more).content.splitlines()
            assert [json.loads(line) for line in lines] == rows
            check_xml(ask("xml", **more).content, expected)
            defused += check_csv(ask("csv", **more).content, rows)
            check_columnar(ask("arrow", **more).content, ask("parquet", **more).content, expected)
            compared += len(rows)
    assert compared > 600 and defused >= 12, (compared, defused)

    refused = ask("xml", target="github.com", limit="x")
    assert refused.status_code == 400
    error = ElementTree.fromstring(refused.content)
    assert error.find("error").text.startswith("bad limit: 'x'"), refused.content
    print(compared, "rows,", defused, "cells defused; all right")


main()
