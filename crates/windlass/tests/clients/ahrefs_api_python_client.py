"""PyPI's ahrefs-api-python 0.0.1, its file as published, against a server.

Two things stand between it and an answer, and both are given from outside: the names that Python 2 had
in `urllib` and `urllib2`; and its test `mode != 'json'`, meant for the output, which no mode passes that
the API knows, so that it gave up on every answer. A mode that is sent as 'domain' and calls itself equal
to 'json' brings the rest of the client to work.
"""

import sys
import types
import urllib
import urllib.parse
import urllib.request

urllib.quote_plus = urllib.parse.quote_plus
urllib2 = types.ModuleType("urllib2")
urllib2.urlopen = urllib.request.urlopen
sys.modules["urllib2"] = urllib2

from ahrefs_api_python.api import AhrefsApi  # noqa: E402


class Mode(str):
    def __ne__(self, other):
        return other != "json" and str.__ne__(self, other)


def main():
    api = AhrefsApi(sys.argv[1], "TOK")
    found = api.anchors("github.com", mode=Mode("domain")).get()
    assert list(found) == ["anchors", "stats"], found
    assert found["anchors"][0].keys() == {
        "anchor", "backlinks", "refpages", "refdomains", "first_seen", "last_visited"
    }

    few = (
        api.anchors("github.com", mode=Mode("domain"))
        .where('backlinks>1,first_seen>="2018-01-01"')
        .having('substring(anchor,"s"),refdomains>=1')
        .order_by("backlinks:desc,anchor")
        .get()["anchors"]
    )
    assert few and all("s" in row["anchor"] and row["backlinks"] > 1 for row in few), few
    keys = [(-row["backlinks"], row["anchor"].encode()) for row in few]
    assert keys == sorted(keys)

    # As its caller would: the client asks, and then gives up by itself.
    try:
        api.anchors("github.com").get()
    except Exception as error:  # noqa: BLE001: the client raises nothing narrower
        assert error.args == ("anchors", "not implemented mode"), error
    else:
        raise AssertionError("the client has changed")

    # Errors have a status that urllib raises on.
    try:
        api.anchors("github.com", mode=Mode("domain")).where("color=1").get()
    except urllib.error.HTTPError as error:
        assert error.code == 400 and b"table 'anchors' has no column 'color'" in error.read()
    else:
        raise AssertionError("no error")
    print("all right")


main()
