"""Whether engines agree with Windlass, row by row, and have said something to each question."""

from .questions import COLUMNS, seconds_of


def rows_of(answer: dict) -> list[list]:
    """Windlass's rows, dates as seconds."""
    return [
        [
            row["anchor"],
            row["backlinks"],
            row["refpages"],
            row["refdomains"],
            seconds_of(row["first_seen"]),
            seconds_of(row["last_visited"]),
        ]
        for row in answer["rows"]
    ]


def differences(windlass: dict[str, dict], engine: str, answers: dict[str, dict]) -> list[str]:
    """What an engine answered otherwise: the first row that differs of each question."""
    found = []
    for name, answer in answers.items():
        if "rows" not in answer:
            continue
        ours, theirs = rows_of(windlass[name]), answer["rows"]
        if ours == theirs:
            continue
        place = next(
            (i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs))
        )
        shown = [rows[place] if place < len(rows) else "nothing" for rows in (ours, theirs)]
        found.append(
            f"{name}: row {place} of {len(ours)} and {len(theirs)} ({', '.join(COLUMNS)})\n"
            f"    windlass: {shown[0]}\n    {engine}: {shown[1]}"
        )
    return found


def missing(asked: list[str], engine: str, got: dict) -> list[str]:
    """What an engine was asked and gave no rows for: where nothing was said, nothing was compared."""
    found = [f"{engine}: {got['failure']}"] if got.get("failure") else []
    silent = [name for name in asked if "rows" not in got["answers"].get(name, {})]
    if silent:
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        found.append(f"{engine}: no rows for '{silent[0]}'{more}, of {len(asked)} questions")
    return found
