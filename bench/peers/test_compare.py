"""Differences between engines, and engines that say nothing, are found."""

import unittest

from . import compare
from .tables import asked_once, times


def group(anchor: str, backlinks: int) -> dict:
    return {
        "anchor": anchor,
        "backlinks": backlinks,
        "refpages": 1,
        "refdomains": 1,
        "first_seen": "1970-01-01T00:00:05Z",
        "last_visited": "1970-01-01T00:00:09Z",
    }


OURS = {
    "one": {"rows": [group("a", 2), group("b", 1)]},
    "two": {"rows": []},
}
SAME = {
    "one": {"rows": [["a", 2, 1, 1, 5, 9], ["b", 1, 1, 1, 5, 9]]},
    "two": {"rows": []},
}


class Compare(unittest.TestCase):
    def test_equal_rows_are_no_difference(self):
        self.assertEqual(compare.differences(OURS, "it", SAME), [])
        self.assertEqual(compare.missing(list(OURS), "it", {"answers": SAME}), [])

    def test_any_number_that_differs_is_found(self):
        for row in (0, 1):
            for column in range(6):
                theirs = [list(row) for row in SAME["one"]["rows"]]
                theirs[row][column] = "other" if column == 0 else 77
                found = compare.differences(OURS, "it", {"one": {"rows": theirs}})
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith(f"one: row {row} of 2 and 2"), found)

    def test_rows_too_few_and_too_many_are_found(self):
        fewer = {"one": {"rows": SAME["one"]["rows"][:1]}}
        self.assertIn("row 1 of 2 and 1", compare.differences(OURS, "it", fewer)[0])
        more = {"two": {"rows": SAME["one"]["rows"]}}
        self.assertIn("row 0 of 0 and 2", compare.differences(OURS, "it", more)[0])

    def test_who_says_nothing_is_not_equal(self):
        asked = list(OURS)
        self.assertEqual(len(compare.missing(asked, "it", {"answers": {}})), 1)
        failed = {"answers": {"one": SAME["one"], "two": {"error": "no memory"}}}
        self.assertIn("'two', of 2", compare.missing(asked, "it", failed)[0])
        stopped = {"answers": SAME, "failure": "was stopped after 5 s"}
        self.assertEqual(compare.missing(asked, "it", stopped), ["it: was stopped after 5 s"])


class Tables(unittest.TestCase):
    def test_best_peer_is_the_fastest_and_ours_the_slowest_of_orders(self):
        def question(name, variant=""):
            return {"name": name, "variant": variant, "of": "q"}

        def answer(ms):
            return {"first_p50_ms": 10 * ms, "p50_ms": ms, "backlinks": 5, "groups_total": 3}

        result = {
            "questions": [question("q"), question("q1", "by anchor asc"), question("q2", "by anchor desc")],
            "windlass": {"answers": {"q": answer(1), "q1": answer(2), "q2": answer(4)}},
            "engines": {
                "slow": {"answers": {"q": answer(100), "q1": answer(80), "q2": answer(60)}},
                "fast": {"answers": {"q": answer(50), "q1": answer(40)}},
                "dead": {"answers": {}},
            },
        }
        lines = times(result).splitlines()
        self.assertTrue(lines[2].endswith("| – | – | 50.0 | 50.0 |"), lines[2])
        self.assertTrue(lines[3].startswith("| q, the 2 other orders |"), lines[3])
        self.assertTrue(lines[3].endswith("| 10.0 | 10.0 |"), lines[3])

    def test_of_questions_asked_once_an_engine_counts_that_answered_all(self):
        result = {
            "new": [{"name": "a", "group": "g"}, {"name": "b", "group": "g"}],
            "engines": {
                "whole": {"answers": {"a": {"once_ms": 4}, "b": {"once_ms": 6}}},
                "half": {"answers": {"a": {"once_ms": 1}}},
            },
        }
        groups = [{"group": "g", "questions": 2, "backlinks": 20, "p50_ms": 2, "max_ms": 3}]
        line = asked_once(result, "new", groups).splitlines()[2]
        self.assertTrue(line.endswith("| 6.0 | 6.0 | – |  | 3.0 |"), line)


if __name__ == "__main__":
    unittest.main()
