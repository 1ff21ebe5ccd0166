"""One engine in a process of its own: loads, answers, and writes one JSON line for each thing done.

    python3 -m peers.worker ENGINE --layout DIR --store DIR --questions FILE --out FILE ...

Where it dies, what it wrote until then stands.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import time

from . import sql
from .engines import BY_SURT, ENGINES
from .layout import TABLES

#: As in `windlass bench --ask`: at least so often, and after that no more than so long.
REPETITIONS_MIN = 3
SECONDS_MAX = 2.0
#: How often a question is asked for the first time, where that is fast.
FIRST_TIMES = 3
#: An answer in another order takes what the one by backlinks takes; slow ones are timed once.
SLOW_SECONDS = 5.0


def ask(engine, question: dict, way: sql.Way):
    """One answer, from the question to the rows in memory; and how long it took."""
    start = time.perf_counter()
    key_filter = engine.key_filter(way.by_surt, *question["range"])
    table = engine.table(sql.report(question, key_filter, way, engine.dialect))
    return table, time.perf_counter() - start


def fastest_way(engine, question: dict) -> tuple[sql.Way, float]:
    """The way in which a question is answered in the least time, and how long that is."""
    found = ways_of(engine, question)
    best = min(found, key=found.get)
    return best, found[best]


def ways_of(engine, question: dict) -> dict[sql.Way, float]:
    """Asks in all ways. Each is asked twice where that is cheap, for the first answer also reads.

    Where answers are slow, keys instead of numbers are tried with the fastest way by numbers only.
    """
    found, failures = {}, []

    def attempt(way: sql.Way):
        try:
            _, seconds = ask(engine, question, way)
            if seconds < 1:
                _, seconds = ask(engine, question, way)
            found[way] = seconds
        except Exception as error:  # noqa: BLE001 - engines fail in their own ways
            failures.append(f"{way.name}: {error}")

    for way in sql.WAYS:
        if not way.by_surt:
            attempt(way)
    best = min(found, key=found.get, default=None)
    for way in sql.WAYS:
        is_like_best = best and dataclasses.replace(best, by_surt=True) == way
        if way.by_surt and (best is None or found[best] < 1 or is_like_best):
            attempt(way)
    if not found:
        raise RuntimeError("; ".join(failures))
    return found


def measure(engine, question: dict, repeat: int, ways: dict) -> dict:
    """The rows of an answer, and how long it takes when it has been given before, and when not."""
    is_order = question["variant"].startswith("by ")
    if is_order and question["of"] in ways:
        way, seconds = ways[question["of"]]
        enough = 1 if seconds > SLOW_SECONDS else REPETITIONS_MIN
    else:
        way, seconds = fastest_way(engine, question)
        enough = REPETITIONS_MIN
        ways[question["name"]] = way, seconds
    times = []
    start = time.perf_counter()
    while len(times) < enough or (
        len(times) < repeat and time.perf_counter() - start < SECONDS_MAX
    ):
        table, seconds = ask(engine, question, way)
        times.append(seconds)
    first_times = []
    while not first_times or (len(first_times) < FIRST_TIMES and first_times[-1] < 1):
        engine.close()
        engine.open()
        first_times.append(ask(engine, question, way)[1])
    return {
        "name": question["name"],
        "way": way.name,
        "repetitions": len(times),
        "first_p50_ms": statistics.median(first_times) * 1e3,
        "p50_ms": statistics.median(times) * 1e3,
        "rows": rows_of(table),
    }


def probe(engine, question: dict, sums: dict) -> None:
    """Adds up what each way takes for the first targets of a group, which are not timed."""
    of_group = sums.setdefault(question["group"], {})
    for way, seconds in ways_of(engine, question).items():
        of_group[way] = of_group.get(way, 0) + seconds


def measure_once(engine, question: dict, sums: dict, ways: dict) -> dict:
    """The rows of an answer that is given once, in the way that is the fastest for others like it."""
    if "like" in question:
        way, _ = ways[question["like"]]
    else:
        of_group = sums[question["group"]]
        way = min(of_group, key=of_group.get)
    table, seconds = ask(engine, question, way)
    return {
        "name": question["name"],
        "way": way.name,
        "once_ms": seconds * 1e3,
        "rows": rows_of(table),
    }


def rows_of(table) -> list[list]:
    names = ("backlinks", "refpages", "refdomains", "seen_first", "seen_last")
    return [[row["anchor"], *(int(row[name]) for name in names)] for row in table.to_pylist()]


def peak_memory() -> int:
    """Bytes. Not by getrusage, which also counts what the process was before it began this program."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--layout", type=pathlib.Path, required=True)
    parser.add_argument("--store", type=pathlib.Path, required=True)
    parser.add_argument("--questions", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    options = parser.parse_args()
    engine = ENGINES[options.engine](
        options.layout, options.store, options.memory, options.threads
    )
    with open(options.out, "w", encoding="utf-8") as out:

        def say(**what):
            out.write(json.dumps(what) + "\n")
            out.flush()

        options.store.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        engine.load(TABLES)
        say(version=engine.version(), load_s=time.perf_counter() - start, bytes=engine.size())
        engine.load((BY_SURT,))
        engine.open()
        ways, sums = {}, {}
        for question in json.loads(options.questions.read_text()):
            try:
                if "is_probe" in question:
                    probe(engine, question, sums)
                    continue
                if "group" in question:
                    answer = measure_once(engine, question, sums, ways)
                else:
                    answer = measure(engine, question, options.repeat, ways)
            except Exception as error:  # noqa: BLE001
                answer = {"name": question["name"], "error": f"{type(error).__name__}: {error}"[:2000]}
            say(**answer)
        say(memory_max=peak_memory())


if __name__ == "__main__":
    main()
