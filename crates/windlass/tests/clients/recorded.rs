//! Requests that clients sent, byte for byte, and what their parsing needs of the answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::crawl;
use crate::support::{Server, ingest};

const NODE: &str = "/?where=backlinks%3C10%2Crefpages%3C5&having=word(anchor%2C%22it%5C%27s%20%5C%22q%5C%22%20%5C%5C%20x%22)%2Cfirst_seen%3E%3D%222018-01-01%22&select=anchor%2Cbacklinks&order_by=first_seen%2Clast_visited%3Adesc&mode=domain&output=json&token=TOK&target=ahrefs.com&from=anchors&limit=10&offset=5";
const PHP: &str = "/?output=json&target=ahrefs.com&mode=domain&select=anchor%2Cbacklinks&where=backlinks%3C10%2Cfirst_seen%3E%3D%222018-01-01%22%2Csubdomain%28refdomain%2C%22blogspot.com%22%29&having=word%28anchor%2C%22it%5C%27s+%5C%22q%5C%22+%5C%5C+%C3%BC%22%29%2Canchor%3C%3E%22%22&order_by=backlinks%3Adesc%2Canchor&limit=10&offset=5&from=anchors&token=TOK";
const RAHREFS: &str = "/?token=TOK&from=anchors&target=ahrefs.com&mode=domain&select=anchor,backlinks&limit=2&output=json&where=backlinks%3E10,first_seen%3C%3D%222018-12-31%22,substring%28anchor,%22seo%22%29&having=refdomains%3C%3E1&order_by=refpages%3Aasc";
const RAHREFS_PROBE: &str =
    "/?token=TOK&from=anchors&target=ahrefs.com&mode=domain&limit=2&output=json";
const MHAIRI: &str = "http://apiv2.ahrefs.com/?target=ahrefs.com%2Fblog&token=TOK&from=anchors&mode=prefix&having=word%28anchor%2C%22seo%22%29%2Cbacklinks%3E%3D%222%22&order_by=backlinks%3Adesc%2Canchor%3Aasc&offset=0&limit=3&output=json";

/// What a client gets.
struct Answer {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

/// Sends bytes, and reads to the end: as a client of its own, which takes no library's view of HTTP.
fn send(server: &Server, request: &str) -> Answer {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut body = bytes[end + 4..].to_vec();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    if header("transfer-encoding").is_some() {
        body = dechunked(&body);
    }
    if header("content-encoding").as_deref() == Some("gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        body = plain;
    }
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: header("content-type").unwrap(),
        body,
    }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// How each client sends it: request line, then head.
fn node(method: &str, uri: &str) -> String {
    let length = if method == "POST" {
        "content-length: 0\r\n"
    } else {
        ""
    };
    format!("{method} {uri} HTTP/1.1\r\nhost: 127.0.0.1\r\n{length}Connection: close\r\n\r\n")
}

fn php_curl(uri: &str) -> String {
    format!("GET {uri} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n")
}

fn php_stream(uri: &str) -> String {
    format!(
        "POST {uri} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\
         Content-Type: text/plain\r\n\r\n"
    )
}

fn rahrefs(uri: &str) -> String {
    format!(
        "GET {uri} HTTP/1.1\r\nHost: apiv2.ahrefs.com\r\nUser-Agent: libcurl/7.64.1 r-curl/4.3 \
         httr/1.4.2\r\nAccept-Encoding: deflate, gzip\r\nAccept: application/json, text/xml, \
         application/xml, */*\r\n\r\n"
    )
}

fn mhairi(uri: &str) -> String {
    format!(
        "GET {uri} HTTP/1.1\r\nHost: apiv2.ahrefs.com\r\nUser-Agent: \
         http://github.com/mhairi/ahrefs\r\nAccept-Encoding: deflate, gzip\r\nProxy-Connection: \
         Keep-Alive\r\nAccept: application/json, text/xml, application/xml, */*\r\n\r\n"
    )
}

fn server() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().unwrap();
    let crawl = directory.path().join("crawl.warc");
    crawl::write(&crawl);
    let index = directory.path().join("index");
    ingest(&index, &[crawl], &[]);
    let server = Server::start(&index);
    (directory, server)
}

fn quoted(word: &str) -> Vec<Value> {
    let row = |i| json!({ "anchor": format!("it's \"q\" \\ {word} {i}"), "backlinks": 1 });
    (5..9).map(row).collect()
}

const SEO: &str = r#"{"anchor":"best seo tools","backlinks":22,"refpages":2,"refdomains":2,"first_seen":"2018-06-01T00:00:00Z","last_visited":"2018-06-01T00:00:00Z"}"#;

#[test]
fn requests_as_recorded_are_answered() {
    let (_directory, server) = server();
    let of_blog = json!({ "backlinks": 18, "refpages": 1 });
    let seo: Value = serde_json::from_str(SEO).unwrap();
    let first = json!({
        "anchor": "it's \"q\" \\ x 0",
        "backlinks": 1,
        "refpages": 1,
        "refdomains": 1,
        "first_seen": "2018-06-01T00:00:00Z",
        "last_visited": "2018-06-01T00:00:00Z",
    });
    let node_answer = json!({ "anchors": quoted("x"), "stats": of_blog });
    let php_answer = json!({ "anchors": quoted("ü"), "stats": of_blog });
    for (request, expected) in [
        (node("GET", NODE), &node_answer),
        (node("POST", NODE), &node_answer),
        (php_curl(PHP), &php_answer),
        (php_stream(PHP), &php_answer),
        (
            rahrefs(RAHREFS),
            &json!({
                "anchors": [{ "anchor": "best seo tools", "backlinks": 22 }],
                "stats": { "backlinks": 22, "refpages": 2 },
            }),
        ),
        (
            rahrefs(RAHREFS_PROBE),
            &json!({ "anchors": [seo, first], "stats": { "backlinks": 40, "refpages": 3 } }),
        ),
        (
            mhairi(MHAIRI),
            &json!({ "anchors": [seo], "stats": { "backlinks": 22, "refpages": 2 } }),
        ),
    ] {
        let answer = send(&server, &request);
        assert_eq!(answer.status, 200, "{request}");
        assert_eq!(answer.content_type, "application/json; charset=utf-8");
        let found: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(found, *expected, "{request}");
        // The R clients look for `error`, bind rows of single values by their names, and read dates
        // by this pattern.
        assert!(found.get("error").is_none());
        for row in found["anchors"].as_array().unwrap() {
            for (name, value) in row.as_object().unwrap() {
                assert!(value.is_string() || value.is_u64());
                if name == "first_seen" || name == "last_visited" {
                    assert!(is_date(value.as_str().unwrap()), "{value}");
                }
            }
        }
    }
}

/// `%Y-%m-%dT%H:%M:%OS`, with `Z`.
fn is_date(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00Z";
    let fits = |(c, p): (char, char)| if p == '0' { c.is_ascii_digit() } else { c == p };
    text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
}

#[test]
fn refusals_are_what_the_clients_look_for() {
    let (_directory, server) = server();
    let wrong = NODE.replace("backlinks%3C10", "color%3C10");
    let text = "bad where: table 'anchors' has no column 'color'; allowed in 'where': anchor, \
                backlinks, refpages, refdomain, first_seen, last_visited, kind (at character 1)";
    // The node and PHP clients read the body whatever the status; the R clients stop at a status that
    // is an error.
    let answer = send(&server, &node("GET", &wrong));
    let found: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(found, json!({ "error": text }));
    assert_eq!(answer.status, 400);
    let in_php = wrong.replace("output=json", "output=php");
    let answer = send(&server, &php_stream(&in_php));
    let expected = format!("a:1:{{s:5:\"error\";s:{}:\"{text}\";}}", text.len());
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    assert_eq!(answer.status, 400);
}
