#!/usr/bin/env python3
"""What Python's standard library needs, on one core, to read WAT files: gzip and json, no more.

    taskset -c 0 python3 peer_wat.py FILE.wat.gz ...

Prints records, links in their link lists, compressed MB (1 MB = 10^6 bytes), seconds, and seconds
for each 100 MB compressed.
"""

import argparse
import gzip
import json
import pathlib
import time


def records(path):
    """The blocks of a WARC file's records, one by one."""
    with gzip.open(path, "rb") as file:
        while line := file.readline():
            if not line.startswith(b"WARC/"):
                continue
            length = 0
            while (header := file.readline()).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            yield file.read(length)


def links(block):
    """The number of links that one record lists."""
    if not block.startswith(b"{"):
        return 0
    payload = json.loads(block)["Envelope"].get("Payload-Metadata", {})
    html = payload.get("HTTP-Response-Metadata", {}).get("HTML-Metadata", {})
    return len(html.get("Links", ()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    record_count = link_count = 0
    start = time.perf_counter()
    for path in options.files:
        for block in records(path):
            record_count += 1
            link_count += links(block)
    seconds = time.perf_counter() - start
    mb = sum(path.stat().st_size for path in options.files) / 1e6
    print(f"records {record_count}  links {link_count}  compressed {mb:.1f} MB  {seconds:.2f} s"
          f"  {100 * seconds / mb:.1f} s for each 100 MB")


if __name__ == "__main__":
    main()
