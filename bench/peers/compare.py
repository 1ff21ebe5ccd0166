"""Whether engines agree with Windlass, row by row."""

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
