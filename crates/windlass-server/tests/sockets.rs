//! Over sockets: what clients send byte for byte, long answers, stopping.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{Server, body, large, small};
use windlass_server::{Limits, ServeError, ServeOptions, serve};

const PROBE: &str = "from=anchors&target=ahrefs.com&mode=domain&limit=2&output=json";
const NODE: &str = "/?where=backlinks%3C10%2Crefpages%3C5&having=word(anchor%2C%22it%5C%27s%20%5C%22q%5C%22%20%5C%5C%20x%22)%2Cfirst_seen%3E%3D%222018-01-01%22&select=anchor%2Cbacklinks&order_by=first_seen%2Clast_visited%3Adesc&mode=domain&output=json&token=TOK&target=ahrefs.com&from=anchors&limit=10&offset=5";
const PHP: &str = "/?output=json&target=ahrefs.com&mode=domain&select=anchor%2Cbacklinks&where=backlinks%3C10%2Cfirst_seen%3E%3D%222018-01-01%22%2Csubdomain%28refdomain%2C%22blogspot.com%22%29&having=word%28anchor%2C%22it%5C%27s+%5C%22q%5C%22+%5C%5C+%C3%BC%22%29%2Canchor%3C%3E%22%22&order_by=backlinks%3Adesc%2Canchor&limit=10&offset=5&from=anchors&token=TOK";
const RAHREFS: &str = "/?token=TOK&from=anchors&target=ahrefs.com&mode=domain&select=anchor,backlinks&limit=2&output=json&where=backlinks%3E10,first_seen%3C%3D%222018-12-31%22,substring%28anchor,%22seo%22%29&having=refdomains%3C%3E1&order_by=refpages%3Aasc";
const MHAIRI: &str = "http://apiv2.ahrefs.com/?target=ahrefs.com%2Fblog&token=TOK&from=anchors&mode=prefix&having=word%28anchor%2C%22seo%22%29%2Cbacklinks%3E%3D%221%22&order_by=backlinks%3Adesc%2Canchor%3Aasc&offset=0&limit=3&output=json";

/// The parts of a URI in which the small index answers something.
fn answering(uri: &str) -> String {
    uri.replace("2018-01-01", "2010-01-01")
        .replace("offset=5", "offset=0")
        .replace("%5C%5C%20x", "%5C%5C%20%C3%BC")
        .replace("blogspot.com", "a.example")
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(small(directory.path()), Limits::default()).await;
    let empty = r#"{"anchors":[],"stats":{"backlinks":0,"refpages":0}}"#;
    let quoted = r#"{"anchors":[{"anchor":"it's \"q\" \\ ü/","backlinks":1}],"stats":{"backlinks":2,"refpages":1}}"#;
    let seo = r#"{"anchors":[{"anchor":"seo","backlinks":1,"refpages":1,"refdomains":1,"first_seen":"2013-08-08T19:04:00Z","last_visited":"2013-08-08T19:04:00Z"}],"stats":{"backlinks":1,"refpages":1}}"#;
    let none_of_two = r#"{"anchors":[],"stats":{"backlinks":2,"refpages":1}}"#;
    let answering_node = answering(NODE);
    let answering_php = answering(PHP);
    for (request, expected) in [
        (
            format!("GET {NODE} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"),
            none_of_two,
        ),
        (
            format!(
                "GET {answering_node} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
            ),
            quoted,
        ),
        (
            format!(
                "POST {answering_node} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
                 content-length: 0\r\n\r\n"
            ),
            quoted,
        ),
        (
            format!("GET {PHP} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"),
            empty,
        ),
        (
            format!("GET {answering_php} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"),
            quoted,
        ),
        (
            format!(
                "POST {answering_php} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
                 Content-Length: 0\r\nContent-Type: text/plain\r\n\r\n"
            ),
            quoted,
        ),
        (
            format!("GET {RAHREFS} HTTP/1.1\r\nHost: apiv2.ahrefs.com\r\n\r\n"),
            empty,
        ),
        (
            format!(
                "GET {MHAIRI} HTTP/1.1\r\nHost: apiv2.ahrefs.com\r\nProxy-Connection: Keep-Alive\r\n\r\n"
            ),
            seo,
        ),
        (
            format!(
                "GET http://apiv2.ahrefs.com?{PROBE}&where=backlinks>9,first_seen<\"2020-01-01\" HTTP/1.0\r\n\r\n"
            ),
            empty,
        ),
        (
            format!("GET http://apiv2.ahrefs.com?{PROBE}&offset=9 HTTP/1.0\r\n\r\n"),
            none_of_two,
        ),
    ] {
        let answer = server.raw(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") || answer.starts_with("HTTP/1.0 200 OK\r\n"),
            "{request}{answer}"
        );
        assert_eq!(body(&answer), expected, "{request}");
    }
    server.stop().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again_also_after_a_body_that_is_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(small(directory.path()), Limits::default()).await;
    let one = format!(
        "POST /?{PROBE} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nx=1"
    );
    let three = format!(
        "{one}{one}GET /?{PROBE}&where=backlinks<>7 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    );
    let answer = server.raw(&three).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{answer}");
    let too_long = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    assert!(server.raw(&too_long).await.starts_with("HTTP/1.1 414 "));
    assert!(
        server
            .raw("CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .contains(" 404 ")
    );
    assert!(
        server
            .raw("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .contains(" 404 ")
    );
    server.stop().await.unwrap().unwrap();
}

const LARGE: &str = "GET /?from=anchors&target=t.example&limit=5000000 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
/// Larger than all buffers between the server and a client that does not read.
const LARGE_ANCHORS: usize = 8000;

fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut start = vec![0; 4096];
    let length = stream.read(&mut start).unwrap();
    start.truncate(length);
    start
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_flight_is_finished_when_the_server_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(large(directory.path(), LARGE_ANCHORS), Limits::default()).await;
    let address = server.address;
    let old_form = LARGE.replace("HTTP/1.1", "HTTP/1.0");
    let plain = server.raw(&old_form).await;
    assert!(plain.ends_with(r#""stats":{"backlinks":8000,"refpages":1}}"#));
    assert!(!plain.contains("transfer-encoding"));

    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(LARGE.as_bytes()).unwrap();
    let mut answer = read_head(&mut stream);
    let mut stopped = server.stop();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut stopped)
            .await
            .is_err(),
        "it must wait for the answer"
    );
    assert!(
        TcpStream::connect(address).is_err(),
        "it must not accept any more"
    );
    tokio::task::spawn_blocking(move || {
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(b"\r\n0\r\n\r\n"));
        assert!(answer.len() > body(&plain).len());
    })
    .await
    .unwrap();
    stopped.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_off_and_can_tell() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        stall_time_max: Duration::from_millis(100),
        queries_max: 1,
        ..Limits::default()
    };
    let server = Server::start(large(directory.path(), LARGE_ANCHORS), limits).await;
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(LARGE.as_bytes()).unwrap();
    let mut answer = read_head(&mut stream);
    // The only place for queries is free again before the queue's time is over.
    let probe = "GET /?from=anchors&target=t.example&limit=0 HTTP/1.0\r\n\r\n";
    assert!(server.raw(probe).await.starts_with("HTTP/1.0 200"));
    tokio::task::spawn_blocking(move || {
        // A reset is as good a sign as an end without the last chunk.
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.ends_with(b"\r\n0\r\n\r\n"));
    })
    .await
    .unwrap();
    server.stop().await.unwrap().unwrap();
}

/// To it the end of an answer is that of the connection.
#[test]
fn a_client_of_old_http_can_tell_that_it_was_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let reader = large(directory.path(), LARGE_ANCHORS);
    let stalling = Limits {
        stall_time_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let stopping = Limits {
        shutdown_time_max: Duration::from_millis(100),
        ..Limits::default()
    };
    for (limits, is_finished) in [(stalling, true), (stopping, false)] {
        // The program's own end is that of its runtime.
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(Server::start(reader.clone(), limits));
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = LARGE.replace("HTTP/1.1", "HTTP/1.0");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = read_head(&mut stream);
        if is_finished {
            std::thread::sleep(Duration::from_millis(500));
        }
        let stopped = runtime.block_on(server.stop()).unwrap();
        assert_eq!(stopped.is_ok(), is_finished, "{stopped:?}");
        drop(runtime);
        let ended = stream.read_to_end(&mut answer);
        let ended = ended.map_err(|error| error.kind());
        assert_eq!(ended, Err(ErrorKind::ConnectionReset), "{is_finished}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_takes_no_place_from_who_asks() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        connections_max: 3,
        ..Limits::default()
    };
    let server = Server::start(large(directory.path(), LARGE_ANCHORS), limits).await;
    // The oldest of all is being answered, and takes its time.
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(LARGE.as_bytes()).unwrap();
    let mut answer = read_head(&mut slow);
    let mut silent = TcpStream::connect(server.address).unwrap();
    let mut half = TcpStream::connect(server.address).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost:").unwrap();
    let probe = "GET /?from=anchors&target=t.example&limit=0 HTTP/1.0\r\n\r\n";
    // Each takes the place of one of those, and then that of the one before.
    for _ in 0..3 {
        assert!(server.raw(probe).await.starts_with("HTTP/1.0 200"));
    }
    let mut more = Vec::new();
    for _ in 0..3 {
        more.push(TcpStream::connect(server.address).unwrap());
        assert!(server.raw(probe).await.starts_with("HTTP/1.0 200"));
    }
    tokio::task::spawn_blocking(move || {
        for stream in [&mut silent, &mut half] {
            // Closed, or reset.
            assert_eq!(stream.read(&mut [0]).unwrap_or_default(), 0);
        }
        slow.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(b"\r\n0\r\n\r\n"));
    })
    .await
    .unwrap();
    drop(more);
    server.stop().await.unwrap().unwrap();
}

/// RFC 9112, section 6: where a body ends is where the next request begins, for whoever reads it.
#[tokio::test]
async fn a_body_is_no_request_however_its_length_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(small(directory.path()), Limits::default()).await;
    let mut inner = "GET /robots.txt HTTP/1.1\r\nhost: x\r\nx: ".to_owned();
    inner.push_str(&"a".repeat(inner.len() % 2));
    // Three bytes for each of these would be as long as what is behind them.
    let body = format!("{}\n{inner}", "<".repeat(inner.len() / 2));
    let length = body.len();
    for length in [
        length.to_string(),
        format!("{}{length}", "0".repeat(260)),
        format!("{}{length}", " ".repeat(260)),
        format!("{}{length}{}", " ".repeat(200), " ".repeat(200)),
    ] {
        let answers = server
            .raw(&format!(
                "POST /?{PROBE} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}\
                 GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            ))
            .await;
        let heads = answers.matches("HTTP/1.1 ").count();
        let last = answers.rsplit("HTTP/1.1 ").next().unwrap();
        assert!(
            heads == 2 && last.starts_with("200"),
            "{length:?}: {answers}"
        );
        assert!(!answers.contains("User-agent"), "{answers}");
    }
    server.stop().await.unwrap().unwrap();
}

#[tokio::test]
async fn other_machines_are_kept_out_unless_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let reader = small(directory.path());
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let options = ServeOptions {
            listen: listen.parse().unwrap(),
            ..ServeOptions::default()
        };
        let result = serve(options, reader.clone(), async {}, |_| {}).await;
        assert!(
            matches!(result, Err(ServeError::NotLoopback(_))),
            "{listen}"
        );
    }
    let options = ServeOptions {
        listen: "0.0.0.0:0".parse().unwrap(),
        allow_remote: true,
        ..ServeOptions::default()
    };
    let mut bound = None;
    serve(options, reader, async {}, |address| bound = Some(address))
        .await
        .unwrap();
    assert_ne!(bound.unwrap().port(), 0);
}
