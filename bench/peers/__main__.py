"""Asks Windlass and other engines the same, compares the rows, and prints a table of times.

    python3 -m peers --index DIR --windlass PROGRAM --work DIR [--json FILE]

Exits with 1 where an engine's rows are not Windlass's, and where it gave none.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import pathlib
import shutil
import subprocess
import sys

import duckdb

from . import compare, layout, questions, sql, tables
from .engines import ENGINES

#: Up to so many backlinks the totals (R18) are compared, too.
TOTALS_MAX = 1_000_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=pathlib.Path, required=True)
    parser.add_argument("--windlass", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="for the tables and stores")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=12 << 30, help="bytes for each engine")
    parser.add_argument("--time-limit", type=int, default=5400, help="seconds for each engine")
    parser.add_argument(
        "--allow-missing", action="store_true", help="exit with 0 where an engine did not answer all"
    )
    parser.add_argument("--build", type=pathlib.Path, help="what `windlass bench --links` printed")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    # The engines run in another directory.
    for path in ("index", "windlass", "work", "build", "json"):
        if getattr(options, path):
            setattr(options, path, getattr(options, path).resolve())
    options.work.mkdir(parents=True, exist_ok=True)

    export = options.work / "export"
    if not (export / "links.parquet").exists():
        run(options, "export", "--index", options.index, "--format", "parquet", "--to", export)
    say("the tables that all engines load")
    limits = options.memory, options.threads
    made = apart(layout.prepare, export, options.work / "layout", *limits)
    say("questions")
    asked, conditions = apart(questions.choose, options.work / "layout", *limits)
    known = [question["target"] for question in asked]
    new = apart(questions.choose_new, options.work / "layout", *limits, known)
    probes = [question for question in new if "is_probe" in question]
    new = [question for question in new if "is_probe" not in question]
    files = {
        "questions": asked,
        "conditions": conditions,
        "new": new,
        "all": asked + conditions + probes + new,
        # In processes of their own, with nothing in the page cache.
        "cold": [question for question in asked if not question["variant"].startswith("by ")],
    }
    for name, of_file in files.items():
        file_of(options, name).write_text(json.dumps(of_file, indent=1))

    result = {
        "date": tables.today(),
        "machine": tables.machine(),
        "threads": options.threads,
        "links": made["links"],
        "questions": asked,
        "conditions": conditions,
        "new": new,
        "windlass": ask_windlass(options),
        "engines": {},
    }
    ours = result["windlass"]["answers"]
    faults = wrong_totals(options, asked + conditions + new, ours)
    missing = []
    for engine in options.engines.split(","):
        got = ask_engine(options, engine)
        result["engines"][engine] = got
        faults += compare.differences(ours, engine, got["answers"])
        missing += compare.missing(list(ours), engine, got)
    print(tables.markdown(result))
    if options.json:
        options.json.write_text(json.dumps(without_rows(result), indent=1))
    for fault in faults:
        print(f"DIFFERENT: {fault}", file=sys.stderr)
    for fault in missing:
        print(f"MISSING: {fault}", file=sys.stderr)
    sys.exit(1 if faults or (missing and not options.allow_missing) else 0)


def file_of(options, name: str) -> pathlib.Path:
    """The file with some of the questions."""
    return options.work / f"{name}.json"


def apart(work, *arguments):
    """Does work in a process of its own, so that its memory is free when the engines want theirs."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        return pool.submit(work, *arguments).result()


def say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def run(options, *arguments) -> str:
    say(f"windlass {arguments[0]}")
    done = subprocess.run(
        [options.windlass, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def ask_windlass(options) -> dict:
    """Warm, with rows; new conditions and new targets, once each; then cold, in processes of their own."""
    # Cold answers of an earlier run have taken them out of the page cache.
    files = [path for path in options.index.rglob("*") if path.is_file()]
    for path in files:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass

    def ask(name: str, *flags):
        asked = ["bench", "--index", options.index, "--ask", file_of(options, name), "--output", "json"]
        return json.loads(run(options, *asked, *flags))

    warm = ask("questions", "--repeat", options.repeat, "--rows")
    once = ask("new", "--once")
    conditions = [group for group in ask("conditions", "--once") if group["group"] != questions.WARMING]
    # Their rows are compared, their times are not.
    for name in ("conditions", "new"):
        warm += ask(name, "--repeat", 1, "--rows")
    cold = ask("cold", "--cold")
    got = {
        "version": run(options, "--version").strip(),
        "bytes": sum(path.stat().st_size for path in files),
        "answers": {answer["name"]: answer for answer in warm},
        "once": once,
        "conditions": conditions,
        "cold": cold,
    }
    built = json.loads(options.build.read_text()) if options.build else {}
    if built:
        got["build"] = built
        got["build_s"] = built["build"]["wall_s"] + built["merge"]["wall_s"]
        got["memory_max"] = max(built["build"]["memory_max"], built["merge"]["memory_max"])
    return got


def wrong_totals(options, asked: list[dict], answers: dict[str, dict]) -> list[str]:
    """Compares the totals (R18) of answers that are not too large, and all numbers of backlinks."""
    links = str(options.work / "layout" / "links.parquet").replace("'", "''")
    faults = []
    with duckdb.connect() as connection:
        for question in asked:
            if question["variant"].startswith("by "):
                continue
            ours = answers[question["name"]]
            if not question["variant"] and question["backlinks"] != ours["backlinks"]:
                faults.append(
                    f"{question['name']}: {question['backlinks']} backlinks in the export,"
                    f" {ours['backlinks']} in windlass"
                )
            if question["backlinks"] > TOTALS_MAX:
                continue
            dialect = sql.Dialect()
            start, end = map(dialect.literal, question["range"])
            query = sql.totals(question, f"surt >= {start} AND surt < {end}", dialect)
            query = query.replace("FROM links", f"FROM read_parquet('{links}')")
            theirs = connection.execute(query).fetchone()
            if theirs != (ours["backlinks"], ours["refpages"]):
                faults.append(f"{question['name']}: totals {theirs}, windlass {ours}")
    return faults


def ask_engine(options, engine: str) -> dict:
    """Runs one engine apart, so that its end is not ours; its store goes when it has answered."""
    say(engine)
    store = options.work / f"store-{engine}"
    shutil.rmtree(store, ignore_errors=True)
    out = options.work / f"{engine}.ndjson"
    out.write_text("")
    command = [sys.executable, "-m", "peers.worker", engine]
    for name, value in {
        "layout": options.work / "layout",
        "store": store,
        "questions": file_of(options, "all"),
        "out": out,
        "memory": options.memory,
        "threads": options.threads,
        "repeat": options.repeat,
    }.items():
        command += [f"--{name}", str(value)]
    got = {"answers": {}}
    try:
        done = subprocess.run(
            command, timeout=options.time_limit, cwd=pathlib.Path(__file__).parent.parent
        )
        if done.returncode:
            got["failure"] = f"ended with {done.returncode}"
    except subprocess.TimeoutExpired:
        got["failure"] = f"was stopped after {options.time_limit} s"
    for line in out.read_text().splitlines():
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            continue  # the line that it died in
        if "name" in said:
            got["answers"][said["name"]] = said
        else:
            got |= said
    shutil.rmtree(store, ignore_errors=True)
    return got


def without_rows(result: dict) -> dict:
    """The result without what was only there to be compared."""
    def bare(answers):
        return {name: {k: v for k, v in answer.items() if k != "rows"} for name, answer in answers.items()}

    windlass = result["windlass"] | {"answers": bare(result["windlass"]["answers"])}
    engines = {
        name: got | {"answers": bare(got["answers"])} for name, got in result["engines"].items()
    }
    return result | {"windlass": windlass, "engines": engines}


if __name__ == "__main__":
    main()
