#!/usr/bin/env python3
"""Makes the archives in this directory; see README.md.

    pip install -r requirements.txt
    python3 make_demo.py --snapshots DIR

DIR holds the site snapshots as WARC, and the WAT of one of them, under the names in SNAPSHOTS.
The SQLAlchemy documentation is downloaded from PyPI. The same input gives the same bytes.
"""

import argparse
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import uuid
from datetime import datetime, timezone
from email.utils import format_datetime

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

# name: (SHA-256, what the archive says of itself)
SNAPSHOTS = {
    "awesome-selfhosted.net.warc.gz": (
        "b3ed206c077acc80c90c4c07b9ed24bdc13d6c78daa2514d75d610c52a941600",
        "awesome-selfhosted.net; repository awesome-selfhosted/awesome-selfhosted-html,"
        " commit 1d01f061aeacb69c72219839233451762e4a9dfc; CC BY-SA 3.0",
    ),
    "nodejs.org.warc.gz": (
        "e26be69c2a7b952a6685a6a8baad0ff9a91829f534297ac5b70da177d3b7d088",
        "nodejs.org API documentation; Debian package nodejs-doc 18.20.4+dfsg-1~deb12u3; MIT",
    ),
    "www.postgresql.org.warc.gz": (
        "39c5fb373e7d6d1ae2df07b70f37180bbb0db6ffda53fb0908edee419f5af2a4",
        "www.postgresql.org documentation; Debian package postgresql-doc-15 15.20-0+deb12u1;"
        " PostgreSQL Licence",
    ),
    "www.sqlite.org.warc.gz": (
        "01890accac61d232858b1a0eac06ca5ac3385119576c38c293789da155fb68a3",
        "www.sqlite.org documentation; Debian package sqlite3-doc 3.40.1-2+deb12u2; public domain",
    ),
}

WATS = {
    "awesome-selfhosted.net.warc.wat.gz": "3a76b5503d935ab6742bdb9bc68189fceb739bbd3ecb874ea5e8b34a844d052f",
}

# version: SHA-256 of the source distribution
SQLALCHEMY = {
    "1.4.0": "9cfef2ad30c5ee1d494d98f3c55a9ac29ec6d294b70849c541d139e4fe1a74e6",
    "1.4.54": "4470fbed088c35dc20b78a39aaf4ae54fe81790c783b3264872a0224f437c31a",
}

# Where the documentation of the series 1.4 is published.
SQLALCHEMY_SITE = "https://docs.sqlalchemy.org/en/14/"
# Parts of it that are taken, besides the pages at its root.
SQLALCHEMY_PARTS = ("dialects", "faq", "tutorial")

SOFTWARE = "make_demo.py (re-packed from public snapshots; HTTP headers are synthetic)"


def checked(path, sha256):
    """The bytes of a file that must be the one this script was written for."""
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{path}: SHA-256 is {found}, expected {sha256}")
    return data


def record_id(*parts):
    """The same name for the same record, whenever it is made."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join(parts))}>"


def write_warcinfo(writer, name, date, description):
    fields = f"software: {SOFTWARE}\r\nformat: WARC File Format 1.0\r\ndescription: {description}\r\n"
    headers = {
        "WARC-Date": date,
        "WARC-Record-ID": record_id("warcinfo", name),
        "WARC-Filename": name,
    }
    payload = io.BytesIO(fields.encode())
    writer.write_record(
        writer.create_warc_record(
            None,
            "warcinfo",
            payload=payload,
            warc_content_type="application/warc-fields",
            warc_headers_dict=headers,
        )
    )


def write_page(writer, url, date, body, server):
    """One HTML page as it would have been answered at that time."""
    moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    http = StatusAndHeaders(
        "200 OK",
        [
            ("Date", format_datetime(moment, usegmt=True)),
            ("Server", server),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ],
        protocol="HTTP/1.1",
    )
    headers = {"WARC-Date": date, "WARC-Record-ID": record_id("response", url, date)}
    writer.write_record(
        writer.create_warc_record(
            url,
            "response",
            payload=io.BytesIO(body),
            http_headers=http,
            warc_headers_dict=headers,
        )
    )


def repack(name, data, description, out):
    """The responses of a snapshot, without the requests; dates, headers and bodies as they are."""
    with open(out / name, "wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.0")
        is_first = True
        for record in ArchiveIterator(io.BytesIO(data)):
            if record.rec_type != "response":
                continue
            if is_first:
                date = record.rec_headers.get_header("WARC-Date")
                write_warcinfo(writer, name, date, description)
                is_first = False
            record.rec_headers.remove_header("WARC-Warcinfo-ID")
            writer.write_record(record)


def download(version, directory):
    """The source distribution of a release of SQLAlchemy."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*command, "--dest", directory, f"SQLAlchemy=={version}"], check=True)
    return next(p for p in pathlib.Path(directory).iterdir() if p.name.endswith(f"-{version}.tar.gz"))


def is_taken(page):
    part, slash, _ = page.partition("/")
    return part in SQLALCHEMY_PARTS if slash else page != "genindex.html"


def pack_sqlalchemy(version, data, out):
    """The documentation in a release; captured when the release was packed for publication."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [member for member in archive if member.isfile()]
        moment = max(member.mtime for member in members)
        date = datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        pages = {}
        for member in members:
            _, _, page = member.name.partition("/doc/")
            if page.endswith(".html") and is_taken(page):
                pages[page] = archive.extractfile(member).read()
    name = f"docs.sqlalchemy.org-{date[:10]}.warc.gz"
    with open(out / name, "wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.0")
        description = f"docs.sqlalchemy.org/en/14; SQLAlchemy {version} from PyPI; MIT"
        write_warcinfo(writer, name, date, description)
        for page, body in sorted(pages.items()):
            write_page(writer, SQLALCHEMY_SITE + page, date, body, "nginx")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshots", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, (sha256, description) in SNAPSHOTS.items():
        repack(name, checked(options.snapshots / name, sha256), description, options.out)
    for name, sha256 in WATS.items():
        (options.out / name).write_bytes(checked(options.snapshots / name, sha256))
    for version, sha256 in SQLALCHEMY.items():
        with tempfile.TemporaryDirectory() as directory:
            pack_sqlalchemy(version, checked(download(version, directory), sha256), options.out)


if __name__ == "__main__":
    main()
