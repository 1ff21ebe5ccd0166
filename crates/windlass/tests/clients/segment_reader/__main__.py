"""Reads an index as docs/format.md describes it, and prints what is there as JSON lines.

    python3 segment_reader DIR

Rows of captures, links and internal links have the names and values of `windlass export`; the
last line counts what was read and what was found to follow from the rest.
"""

import gc
import json
import sys
from pathlib import Path

import rows
from cursor import MET
from follows import check_segment
from follows_ready import check_ready
from unite import Index


def main() -> None:
    """Prints all rows of the index in the directory that is named."""
    # Millions of objects and no cycles: looking for those takes more time than anything else.
    gc.disable()
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    index = Index(Path(sys.argv[1]))
    for found in (rows.captures(index), rows.links(index, False), rows.links(index, True)):
        sys.stdout.writelines(encode(row) + "\n" for row in found)
    nodes = 0
    for segment in index.segments:
        check_segment(segment)
        nodes += check_ready(segment)
    print(encode({"row": "checked", "segments": len(index.segments), "nodes": nodes, "met": MET}))


main()
