"""The result as Markdown."""

import datetime
import os
import pathlib
import platform
import statistics

#: The first time of an engine that was opened anew, and again.
TIMES = ("first_p50_ms", "p50_ms")


def machine() -> str:
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores of {model}, {memory / 2**30:.0f} GiB, Linux {platform.release()}"


def grouped(number: float) -> str:
    return f"{number:,.0f}"


def shown_ms(ms: float) -> str:
    if ms < 1:
        return f"{ms:.3f}"
    return f"{ms:.1f}" if ms < 100 else grouped(ms)


def times(result: dict) -> str:
    """p50 of every question on every engine, asked the first time and again, and how much faster
    Windlass is than the best.

    The orders other than by backlinks are put into one line for each target: Windlass's slowest,
    beside each peer's fastest.
    """
    engines = list(result["engines"])
    lines = [
        "| question | backlinks | anchors | windlass ms, first | again | "
        + " | ".join(f"{engine} ms, first | again" for engine in engines)
        + " | best peer ÷ windlass, first | again |",
        "|---|---|---|---|---|" + "---|" * (2 * len(engines) + 2),
    ]
    orders: dict[str, list[dict]] = {}
    for question in result["questions"]:
        if question["variant"].startswith("by "):
            orders.setdefault(question["of"], []).append(question)
    for question in result["questions"]:
        if question["variant"].startswith("by "):
            continue
        lines.append(times_row(result, engines, question["name"], [question], max))
        # After the last question to this target that is no order.
        of_target = [q for q in result["questions"] if q["of"] == question["of"]]
        others = [q for q in of_target if not q["variant"].startswith("by ")]
        if question is others[-1] and question["of"] in orders:
            asked = orders[question["of"]]
            name = f"{question['of']}, the {len(asked)} other orders"
            lines.append(times_row(result, engines, name, asked, min))
    return "\n".join(lines)


def times_row(result: dict, engines: list[str], name: str, asked: list[dict], of_peers) -> str:
    """One line: Windlass's slowest of the questions asked, and what `of_peers` takes of the others."""
    ours = [result["windlass"]["answers"][question["name"]] for question in asked]
    cells = [name, grouped(ours[0]["backlinks"]), grouped(ours[0]["groups_total"])]
    slowest = [max(answer[time] for answer in ours) for time in TIMES]
    cells += map(shown_ms, slowest)
    peers = [[] for _ in TIMES]
    for engine in engines:
        answers = result["engines"][engine]["answers"]
        got = [answers.get(question["name"], {}) for question in asked]
        for time, of_time in zip(TIMES, peers):
            p50 = [answer[time] for answer in got if time in answer]
            if p50:
                of_time.append(of_peers(p50))
                cells.append(shown_ms(of_time[-1]))
            else:
                cells.append("failed" if any("error" in answer for answer in got) else "–")
    for of_time, our_time in zip(peers, slowest):
        cells.append(f"{min(of_time) / our_time:,.1f}" if of_time else "")
    return "| " + " | ".join(cells) + " |"


def asked_once(result: dict, what: str, groups: list[dict]) -> str:
    """p50 and the slowest of questions that are asked once each, by groups, and how much faster Windlass is than the
    best. `what` is where they are in the result."""
    engines = list(result["engines"])
    lines = [
        "| questions | backlinks each | windlass ms, p50 | slowest | "
        + " | ".join(f"{engine} ms, p50 | slowest" for engine in engines)
        + " | best peer ÷ windlass, p50 |",
        "|---|---|---|---|" + "---|" * (2 * len(engines) + 1),
    ]
    for group in sorted(groups, key=lambda group: group["backlinks"] / group["questions"]):
        name = group["group"]
        cells = [
            f"{group['questions']} × {name}",
            grouped(group["backlinks"] / group["questions"]),
            shown_ms(group["p50_ms"]),
            shown_ms(group["max_ms"]),
        ]
        peers = []
        for engine in engines:
            answers = result["engines"][engine]["answers"]
            got = [answers.get(q["name"], {}) for q in result[what] if q["group"] == name]
            times = [answer["once_ms"] for answer in got if "once_ms" in answer]
            if len(times) == len(got):
                peers.append(statistics.median_high(times))
                cells += [shown_ms(peers[-1]), shown_ms(max(times))]
            else:
                cells += ["failed" if any("error" in answer for answer in got) else "–", ""]
        cells.append(f"{min(peers) / group['p50_ms']:,.1f}" if peers else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def storage(result: dict) -> str:
    links = result["links"]
    lines = ["| | load s | links/s | bytes | bytes a link | peak memory |", "|---|---|---|---|---|---|"]
    ours = result["windlass"]
    build = ours.get("build_s")
    lines.append(row("windlass", build, ours["bytes"], links, ours.get("memory_max")))
    for engine, got in result["engines"].items():
        if "bytes" in got:
            name = f"{engine} ({got['version']})"
            lines.append(row(name, got["load_s"], got["bytes"], links, got.get("memory_max")))
    return "\n".join(lines)


def row(name, seconds, size, links, memory) -> str:
    cells = [
        name,
        f"{seconds:.1f}" if seconds else "",
        grouped(links / seconds) if seconds else "",
        grouped(size),
        f"{size / links:.1f}",
        f"{memory / 2**20:,.0f} MiB" if memory else "",
    ]
    return "| " + " | ".join(cells) + " |"


def cold(result: dict) -> str:
    lines = [
        "| question | backlinks | opening ms | read | asking ms | read KiB | bytes a backlink | reads |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for answer in result["windlass"]["cold"]:
        opening, asking = answer["opening"], answer["asking"]
        cells = [
            answer["name"],
            grouped(answer["backlinks"]),
            shown_ms(opening["ms"]),
            f"{opening['disk_bytes'] / 1024:,.0f} KiB",
            shown_ms(asking["ms"]),
            grouped(asking["disk_bytes"] / 1024),
            f"{asking['disk_bytes'] / max(answer['backlinks'], 1):.1f}",
            grouped(asking["disk_reads"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def markdown(result: dict) -> str:
    versions = [got["version"] for got in result["engines"].values() if "version" in got]
    parts = [
        f"{grouped(result['links'])} live backlinks. {result['machine']}; {result['date']};"
        f" {result['threads']} threads each; {result['windlass']['version']},"
        f" {', '.join(dict.fromkeys(versions))}. p50, everything in the page cache.",
        times(result),
        "Targets that an open engine has been asked about with other conditions, each condition once:",
        asked_once(result, "conditions", result["windlass"]["conditions"]),
        "Targets that an open engine has not been asked about yet, once each:",
        asked_once(result, "new", result["windlass"]["once"]),
        storage(result),
        "Windlass with nothing in the page cache, one process a question:",
        cold(result),
    ]
    for engine, got in result["engines"].items():
        if got.get("failure"):
            parts.append(f"{engine}: {got['failure']}")
        failed = {name: answer["error"] for name, answer in got["answers"].items() if "error" in answer}
        parts += [f"{engine} failed on '{name}': {error}" for name, error in failed.items()]
    return "\n\n".join(parts) + "\n"


def today() -> str:
    return datetime.date.today().isoformat()
