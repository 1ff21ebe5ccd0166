//! Common Crawl WAT: the JSON of a `metadata` record, read straight into what is kept.

use serde::Deserialize;

use crate::loose::{Fields, FromFields, List, Scalars};
use crate::record::{WatLink, WatPage};

/// What a WAT record turned out to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Wat {
    /// An HTTP response: its page, the target URI and the date as written.
    Page {
        page: WatPage,
        target_uri: Option<String>,
        date: Option<String>,
    },
    /// An envelope around something else (a request, a warcinfo), or JSON without envelope.
    Other,
}

/// Reads the JSON of a WAT record. The error says what is wrong with it.
pub(crate) fn parse(json: &[u8]) -> Result<Wat, String> {
    let mut deserializer = sonic_rs::Deserializer::from_slice(json).utf8_lossy();
    let document = Document::deserialize(&mut deserializer)
        .map_err(|error| format!("the JSON of a WAT record cannot be read: {error}"))?;
    let Some(envelope) = document.envelope else {
        return Ok(Wat::Other);
    };
    let Some(response) = envelope.payload.and_then(|p| p.response) else {
        return Ok(Wat::Other);
    };
    let header = envelope.warc.unwrap_or_default();
    let is_response = header
        .record_type
        .as_deref()
        .is_none_or(|t| t.eq_ignore_ascii_case("response"));
    if !is_response {
        return Ok(Wat::Other);
    }
    let arc = envelope.arc.unwrap_or_default();
    let message = response.message.unwrap_or_default();
    let written = message.status.first.unwrap_or_default();
    let status = written.trim().parse().map_err(|_| {
        format!("Response-Message.Status of a WAT record is {written:?}, not an HTTP status")
    })?;
    let is_html = response.html.is_some();
    let html = response.html.unwrap_or_default();
    let head = html.head.unwrap_or_default();
    let links = html.links.0.into_iter().chain(head.links.0);
    Ok(Wat::Page {
        page: WatPage {
            status,
            headers: header_fields(response.headers),
            is_html,
            base: head.base.first,
            metas: head.metas.0.into_iter().filter_map(Meta::pair).collect(),
            links: links.map(Link::into_link).collect(),
        },
        target_uri: header.target_uri.or(arc.target_uri),
        date: header.date.or(arc.date),
    })
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Envelope")]
    envelope: Option<Envelope>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Payload-Metadata")]
    payload: Option<PayloadMetadata>,
    #[serde(rename = "WARC-Header-Metadata")]
    warc: Option<HeaderMetadata>,
    #[serde(rename = "ARC-Header-Metadata")]
    arc: Option<ArcMetadata>,
}

#[derive(Deserialize)]
struct PayloadMetadata {
    #[serde(rename = "HTTP-Response-Metadata")]
    response: Option<ResponseMetadata>,
}

#[derive(Deserialize, Default)]
struct HeaderMetadata {
    #[serde(rename = "WARC-Type")]
    record_type: Option<String>,
    #[serde(rename = "WARC-Target-URI")]
    target_uri: Option<String>,
    #[serde(rename = "WARC-Date")]
    date: Option<String>,
}

#[derive(Deserialize, Default)]
struct ArcMetadata {
    #[serde(rename = "Target-URI")]
    target_uri: Option<String>,
    #[serde(rename = "Date")]
    date: Option<String>,
}

#[derive(Deserialize)]
struct ResponseMetadata {
    #[serde(rename = "Response-Message")]
    message: Option<ResponseMessage>,
    #[serde(rename = "Headers", default)]
    headers: Fields,
    #[serde(rename = "HTML-Metadata")]
    html: Option<HtmlMetadata>,
}

#[derive(Deserialize, Default)]
struct ResponseMessage {
    #[serde(rename = "Status", default)]
    status: Scalars,
}

#[derive(Deserialize, Default)]
struct HtmlMetadata {
    #[serde(rename = "Head")]
    head: Option<HeadMetadata>,
    #[serde(rename = "Links", default)]
    links: List<Link>,
}

#[derive(Deserialize, Default)]
struct HeadMetadata {
    #[serde(rename = "Base", default)]
    base: Scalars,
    #[serde(rename = "Metas", default)]
    metas: List<Meta>,
    #[serde(rename = "Link", default)]
    links: List<Link>,
}

/// An entry of a link list as the JSON has it.
#[derive(Default)]
struct Link {
    path: Option<String>,
    url: Option<String>,
    text: Option<String>,
    alt: Option<String>,
    rel: Option<String>,
}

impl FromFields for Link {
    fn field(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "path" => Some(&mut self.path),
            "url" | "href" => Some(&mut self.url),
            "text" => Some(&mut self.text),
            "alt" => Some(&mut self.alt),
            "rel" => Some(&mut self.rel),
            _ => None,
        }
    }
}

impl Link {
    fn into_link(self) -> WatLink {
        WatLink {
            path: self.path.unwrap_or_default(),
            url: self.url.unwrap_or_default(),
            text: self.text,
            alt: self.alt,
            rel: self.rel,
        }
    }
}

/// A `meta` element as the JSON has it.
#[derive(Default)]
struct Meta {
    name: Option<String>,
    http_equiv: Option<String>,
    content: Option<String>,
}

impl FromFields for Meta {
    fn field(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "name" => Some(&mut self.name),
            "http-equiv" => Some(&mut self.http_equiv),
            "content" => Some(&mut self.content),
            _ => None,
        }
    }
}

impl Meta {
    /// Name or `http-equiv`, lower case, and content; `None` where the element has neither (it is a
    /// `property` or an `itemprop`, of no use here).
    fn pair(self) -> Option<(String, String)> {
        let name = self.name.or(self.http_equiv)?.trim().to_ascii_lowercase();
        Some((name, self.content.unwrap_or_default()))
    }
}

/// HTTP header fields; one that was sent several times may be an array.
fn header_fields(fields: Fields) -> Vec<(String, Vec<u8>)> {
    let mut headers = Vec::with_capacity(fields.0.len());
    for (name, values) in fields.0 {
        for value in values.more.into_iter().chain(values.first).rev() {
            headers.push((name.clone(), value.trim().as_bytes().to_vec()));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(html: &str) -> String {
        format!(
            r#"{{"Container":{{"x":[1,{{"y":null}}]}},"Envelope":{{"Payload-Metadata":{{
            "Actual-Content-Type":"application/http; msgtype=response",
            "HTTP-Response-Metadata":{{"Response-Message":{{"Status":"200","Reason":"OK"}},
            "Headers":{{"Content-Type":"text/html","Link":["a","b"],"Age":5}}{html}}}}},
            "WARC-Header-Metadata":{{"WARC-Type":"response","WARC-Date":"2024-05-18T01:58:10Z",
            "WARC-Target-URI":"https://a.org/"}}}}}}"#
        )
    }

    fn page(json: &str) -> WatPage {
        match parse(json.as_bytes()) {
            Ok(Wat::Page {
                page,
                target_uri,
                date,
            }) => {
                assert_eq!(target_uri.as_deref(), Some("https://a.org/"));
                assert_eq!(date.as_deref(), Some("2024-05-18T01:58:10Z"));
                page
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn r1_reads_a_response() {
        let page = page(&envelope(
            r#","HTML-Metadata":{"Head":{"Base":"http://b/","Title":"t",
            "Metas":[{"name":"ROBOTS","content":"nofollow"},{"property":"og:x","content":"y"},
            {"http-equiv":"Refresh","content":"0"}],
            "Link":[{"path":"LINK@/href","url":"c.css","rel":"stylesheet"}]},
            "Links":[{"path":"A@/href","url":"/x","text":"T\u00e9\ud83d","rel":"nofollow","url":"/y"},
            {"path":"IMG@/src","url":"i.png","alt":7,"width":null}]}"#,
        ));
        assert_eq!(page.status, 200);
        assert!(page.is_html);
        assert_eq!(page.base.as_deref(), Some("http://b/"));
        let names: Vec<_> = page
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_slice()))
            .collect();
        assert_eq!(
            names,
            [
                ("Content-Type", b"text/html".as_slice()),
                ("Link", b"a"),
                ("Link", b"b"),
                ("Age", b"5")
            ]
        );
        let metas = [("robots", "nofollow"), ("refresh", "0")];
        assert_eq!(page.metas, metas.map(|(n, c)| (n.to_owned(), c.to_owned())));
        assert_eq!(page.links.len(), 3);
        assert_eq!(page.links[0].url, "/y");
        assert_eq!(page.links[0].text.as_deref(), Some("Té\u{fffd}"));
        assert_eq!(page.links[1].alt.as_deref(), Some("7"));
        assert_eq!(page.links[2].path, "LINK@/href");
    }

    #[test]
    fn r1_reads_a_response_that_is_no_html() {
        let page = page(&envelope("").replace(r#""200""#, "200"));
        assert_eq!((page.status, page.is_html), (200, false));
    }

    #[test]
    fn passes_over_what_describes_no_response() {
        for json in [
            r#"{"Envelope":{"Payload-Metadata":{"HTTP-Request-Metadata":{}}}}"#,
            r#"{"Envelope":{}}"#,
            r#"{"a":[1,2,{"b":"c"}]}"#,
        ] {
            assert_eq!(parse(json.as_bytes()), Ok(Wat::Other), "{json}");
        }
    }

    #[test]
    fn tells_what_is_broken() {
        let no_status = envelope("").replace(r#""Status":"200","#, "");
        for json in [
            "",
            "{",
            "[]",
            r#"{"Envelope":{"Payload-Metadata":"#,
            &no_status,
        ] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
