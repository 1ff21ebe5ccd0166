#!/usr/bin/env python3
"""What FastWARC and selectolax (lexbor) need, on one core, for the work of an ingest's reading side: from
WARC files to (page, target, anchor) triples of external links.

    pip install -r requirements.txt
    taskset -c 0 python3 peer_extract.py FILE.warc.gz ... [--triples]

Prints, for all files together: records, links, MB of HTML (decoded from the archive, 1 MB = 10^6
bytes), seconds, MB/s. `--triples` writes each triple to standard output instead, for comparing.

What it does not do, and Windlass does: rules for anchors beyond the text of the node, folding,
writing an index.
"""

import argparse
import functools
import pathlib
import sys
import time
from urllib.parse import urldefrag, urljoin, urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType
from publicsuffixlist import PublicSuffixList
from resiliparse.parse.encoding import detect_encoding
from selectolax.lexbor import LexborHTMLParser

LIST = pathlib.Path(__file__).parent.parent / "data" / "public_suffix_list.dat"
HTML = ("text/html", "application/xhtml+xml")


def registrable_domains():
    with open(LIST, "rb") as file:
        rules = PublicSuffixList(file)
    return functools.lru_cache(maxsize=1 << 20)(lambda host: rules.privatesuffix(host) or host)


def links(url, html, encoding, domain_of):
    """External links of one page."""
    try:
        text = html.decode(encoding, "replace")
    except LookupError:
        text = html.decode("utf-8", "replace")
    tree = LexborHTMLParser(text)
    first = tree.css_first("base[href]")
    base = urljoin(url, first.attributes["href"] or "") if first is not None else url
    here = domain_of(urlsplit(url).hostname or "")
    for element in tree.css("a[href], area[href]"):
        try:
            target = urldefrag(urljoin(base, (element.attributes["href"] or "").strip())).url
            parts = urlsplit(target)
            host = parts.hostname
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and host and domain_of(host) != here:
            yield target, " ".join(element.text().split())


def pages(path):
    """(URL, HTML, character encoding) of the HTML pages answered with 200."""
    with open(path, "rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            http = record.http_headers
            if http is None or http.status_code != 200:
                continue
            if record.http_content_type not in HTML:
                continue
            html = record.reader.read()
            charset = record.http_charset or detect_encoding(html, from_html_meta=True)
            yield record.headers["WARC-Target-URI"].strip("<>"), html, charset


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--triples", action="store_true")
    options = parser.parse_args()
    domain_of = registrable_domains()
    page_count = link_count = byte_count = 0
    start = time.perf_counter()
    for path in options.files:
        for url, html, encoding in pages(path):
            page_count += 1
            byte_count += len(html)
            for target, anchor in links(url, html, encoding, domain_of):
                link_count += 1
                if options.triples:
                    sys.stdout.write(f"{url}\t{target}\t{anchor}\n")
    seconds = time.perf_counter() - start
    if not options.triples:
        mb = byte_count / 1e6
        print(f"pages {page_count}  external links {link_count}  HTML {mb:.1f} MB"
              f"  {seconds:.2f} s  {mb / seconds:.1f} MB/s")


if __name__ == "__main__":
    main()
