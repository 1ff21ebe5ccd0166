//! Common Crawl WAT: the JSON of a `metadata` record, read straight into what is kept.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::loose::{Fields, FromObject, List, Object, Scalars};
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
    let Object(document) = Object::<Document>::deserialize(&mut deserializer)
        .map_err(|error| format!("the JSON of a WAT record cannot be read: {error}"))?;
    let Some(Object(envelope)) = document.envelope else {
        return Ok(Wat::Other);
    };
    let Some(Object(response)) = envelope.payload.and_then(|Object(p)| p.response) else {
        return Ok(Wat::Other);
    };
    let header = some_or_default(envelope.warc);
    let is_response = header
        .record_type
        .first
        .is_none_or(|t| t.eq_ignore_ascii_case("response"));
    if !is_response {
        return Ok(Wat::Other);
    }
    let arc = some_or_default(envelope.arc);
    let written = some_or_default(response.message).status.first;
    let written = written.unwrap_or_default();
    let status = written.trim().parse().map_err(|_| {
        format!("Response-Message.Status of a WAT record is {written:?}, not an HTTP status")
    })?;
    let is_html = response.html.is_some();
    let html = some_or_default(response.html);
    let head = some_or_default(html.head);
    let links = html.links.0.into_iter().chain(head.links.0);
    Ok(Wat::Page {
        page: WatPage {
            status,
            headers: header_fields(response.headers),
            is_html,
            base: head.base.first,
            title: head.title.first,
            metas: head.metas.0.into_iter().filter_map(Meta::pair).collect(),
            links: links.map(Link::into_link).collect(),
        },
        target_uri: header.target_uri.first.or(arc.target_uri.first),
        date: header.date.first.or(arc.date.first),
    })
}

fn some_or_default<T: Default>(object: Option<Object<T>>) -> T {
    object.map(|Object(inner)| inner).unwrap_or_default()
}

/// Names the fields of an object that are wanted, and where they go.
macro_rules! wanted {
    ($name:ident { $($key:literal => $field:ident),* $(,)? }) => {
        impl FromObject for $name {
            fn field<'de, A: MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $($key => self.$field = map.next_value()?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}

#[derive(Default)]
struct Document {
    envelope: Option<Object<Envelope>>,
}

wanted!(Document { "Envelope" => envelope });

#[derive(Default)]
struct Envelope {
    payload: Option<Object<PayloadMetadata>>,
    warc: Option<Object<HeaderMetadata>>,
    arc: Option<Object<ArcMetadata>>,
}

wanted!(Envelope {
    "Payload-Metadata" => payload,
    "WARC-Header-Metadata" => warc,
    "ARC-Header-Metadata" => arc,
});

#[derive(Default)]
struct PayloadMetadata {
    response: Option<Object<ResponseMetadata>>,
}

wanted!(PayloadMetadata { "HTTP-Response-Metadata" => response });

#[derive(Default)]
struct HeaderMetadata {
    record_type: Scalars,
    target_uri: Scalars,
    date: Scalars,
}

wanted!(HeaderMetadata {
    "WARC-Type" => record_type,
    "WARC-Target-URI" => target_uri,
    "WARC-Date" => date,
});

#[derive(Default)]
struct ArcMetadata {
    target_uri: Scalars,
    date: Scalars,
}

wanted!(ArcMetadata { "Target-URI" => target_uri, "Date" => date });

#[derive(Default)]
struct ResponseMetadata {
    message: Option<Object<ResponseMessage>>,
    headers: Fields,
    html: Option<Object<HtmlMetadata>>,
}

wanted!(ResponseMetadata {
    "Response-Message" => message,
    "Headers" => headers,
    "HTML-Metadata" => html,
});

#[derive(Default)]
struct ResponseMessage {
    status: Scalars,
}

wanted!(ResponseMessage { "Status" => status });

#[derive(Default)]
struct HtmlMetadata {
    head: Option<Object<HeadMetadata>>,
    links: List<Link>,
}

wanted!(HtmlMetadata { "Head" => head, "Links" => links });

#[derive(Default)]
struct HeadMetadata {
    base: Scalars,
    title: Scalars,
    metas: List<Meta>,
    links: List<Link>,
}

wanted!(HeadMetadata {
    "Base" => base,
    "Title" => title,
    "Metas" => metas,
    "Link" => links,
});

/// An entry of a link list.
#[derive(Default)]
struct Link {
    path: Scalars,
    url: Scalars,
    text: Scalars,
    alt: Scalars,
    rel: Scalars,
}

wanted!(Link {
    "path" => path,
    "url" => url,
    "href" => url,
    "text" => text,
    "alt" => alt,
    "rel" => rel,
});

/// A `meta` element.
#[derive(Default)]
struct Meta {
    name: Scalars,
    http_equiv: Scalars,
    content: Scalars,
}

wanted!(Meta { "name" => name, "http-equiv" => http_equiv, "content" => content });

impl Link {
    fn into_link(self) -> WatLink {
        WatLink {
            path: self.path.first.unwrap_or_default(),
            url: self.url.first.unwrap_or_default(),
            text: self.text.first,
            alt: self.alt.first,
            rel: self.rel.first,
        }
    }
}

impl Meta {
    /// Name or `http-equiv`, lower case, and content; `None` where the element has neither (it is a
    /// `property` or an `itemprop`, of no use here).
    fn pair(self) -> Option<(String, String)> {
        let name = self
            .name
            .first
            .or(self.http_equiv.first)?
            .trim()
            .to_ascii_lowercase();
        Some((name, self.content.first.unwrap_or_default()))
    }
}

/// HTTP header fields; one that was sent several times may be an array.
fn header_fields(fields: Fields) -> Vec<(String, Vec<u8>)> {
    let mut headers = Vec::with_capacity(fields.0.len());
    for (name, values) in fields.0 {
        for value in values.first.into_iter().chain(values.more) {
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
        assert_eq!(page.title.as_deref(), Some("t"));
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
            "nonsense",
            r#"{"Envelope":{"Payload-Metadata":"#,
            &no_status,
        ] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
