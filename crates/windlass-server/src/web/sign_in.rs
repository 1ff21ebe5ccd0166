//! `/sign-in` and `/sign-out`: a token becomes a cookie, and is forgotten.
//!
//! Both are done by `POST` from pages of this server alone, so that no other site can sign anybody in or out.
//! The token comes in the body and goes into a header: neither addresses nor pages nor the log have it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN, REFRESH, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use windlass_web::Part;
use windlass_web::pages::sign_in::{PATH, SIGN_OUT_PATH, SignIn};

use super::asked::{self, Access, Asked, ELSEWHERE, go_on_address};
use super::{cookies, document, page, see_other};
use crate::app::App;
use crate::billing::Client;
use crate::refusal::{Reason, Refusal};

/// What a browser is to forget.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// Where one goes from here where nothing else was asked for.
const NEXT_DEFAULT: &str = "/start";
/// The longest address that is gone back to.
const NEXT_BYTES_MAX: usize = 8192;

/// `GET /sign-in`: the form.
pub(crate) async fn form(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Everyone).await?;
    let wanted = asked.value("next").map(local);
    let is_from_elsewhere = asked.value(ELSEWHERE).is_some();
    let is_signed_in = asked.client.account().is_some();
    if is_signed_in
        && !is_from_elsewhere
        && let Some(next) = wanted
    {
        return Ok(see_other(next));
    }
    let next = wanted.unwrap_or(NEXT_DEFAULT);
    let mut response = show(&asked, next, None);
    // A link from another site comes without the cookie, for nothing of another site shall use it: asked for
    // once more from here, it comes along where there is one. Then one says whether to go on, for that may cost rows.
    if !is_signed_in && !is_from_elsewhere && asked::is_from_elsewhere(&asked.headers) {
        let again = HeaderValue::try_from(format!("0; url={}", go_on_address(next)));
        response
            .headers_mut()
            .extend(again.map(|again| (REFRESH, again)));
    }
    Ok(response)
}

/// `POST /sign-in`: whose token it is, in a cookie from now on.
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = posted(&app, request, PATH).await?;
    let next = asked.value("next").map_or(NEXT_DEFAULT, local);
    let token = asked.value("token").unwrap_or_default().trim();
    if token.is_empty() {
        return Ok(not_signed_in(&asked, next, "The field was empty."));
    }
    match app.billing.client(Some(token), &asked.id).await {
        Ok(Client::Open) => Ok(see_other(next)),
        Ok(Client::Account(..)) => {
            let mut response = see_other(next);
            if let Some(cookie) = cookies::keep(token, asked.is_secure) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => {
            let problem = "No account has this token: it is mistyped, or was revoked. Tokens have 40 \
                           letters and digits.";
            Ok(not_signed_in(&asked, next, problem))
        }
        Err(refusal) => {
            let document = document::of(&asked, "Sign in", Part::Other);
            Ok(page::refused(&document, &refusal, &asked.id))
        }
    }
}

/// `GET /sign-out`: where the button is.
pub(crate) async fn sign_out_page() -> Response {
    see_other(PATH)
}

/// `POST /sign-out`: the cookie goes, and with it what the browser keeps of pages.
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = posted(&app, request, SIGN_OUT_PATH).await?;
    let mut response = see_other(NEXT_DEFAULT);
    if let Some(cookie) = cookies::forget(asked.is_secure) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// Reads a form that was sent from a page of this server: of its body alone.
async fn posted(
    app: &Arc<App>,
    mut request: Request,
    path: &'static str,
) -> Result<Asked, Response> {
    let is_own = is_same_origin(request.headers());
    // What the address says is nothing that the form sent.
    *request.uri_mut() = Uri::from_static(path);
    let asked = Asked::read(app, request, Access::Everyone).await?;
    if is_own {
        return Ok(asked);
    }
    let text = "another site sent this form, or the browser does not say which; forms are taken from pages of \
                this server alone";
    let refusal = Refusal::new(StatusCode::FORBIDDEN, text.to_owned());
    let document = document::of(&asked, "Sign in", Part::Other);
    Err(page::refused(&document, &refusal, &asked.id))
}

fn show(asked: &Asked, next: &str, problem: Option<&str>) -> Response {
    let document = document::of(asked, "Sign in", Part::Other);
    let page = SignIn {
        account: document.viewer.account.as_ref(),
        is_metered: asked.is_metered,
        next,
        goes_on: problem.is_none() && next != NEXT_DEFAULT,
        problem,
    };
    page::ready(&document, page.html())
}

fn not_signed_in(asked: &Asked, next: &str, problem: &str) -> Response {
    const STATUS: StatusCode = StatusCode::UNAUTHORIZED;
    let mut response = show(asked, next, Some(problem));
    *response.status_mut() = STATUS;
    response.extensions_mut().insert(Reason::Status(STATUS));
    // RFC 9110 wants to hear how else it is done.
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

/// Whether a page of this server sent a request: browsers say where from, in one of two headers.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = header(headers, "sec-fetch-site") {
        return site == "same-origin";
    }
    // The scheme may be another one to a proxy in between.
    let origin = header(headers, ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    match (origin, header(headers, HOST.as_str())) {
        (Some((_, authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// An address, if it is one of this server: a path and what follows, of characters that a header may have and
/// that browsers do not leave out. `//host`, and `/\host`, which they read alike, are other servers.
fn local(address: &str) -> &str {
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    let is_path = address.starts_with('/') && !address.starts_with("//");
    if is_path && address.len() <= NEXT_BYTES_MAX && address.bytes().all(is_plain) {
        address
    } else {
        NEXT_DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_this_server() {
        for address in [
            "/",
            "/report?target=a.com%2F&where=a%3D%22b%22",
            "/a//b#c",
            "/a?b=//c",
        ] {
            assert_eq!(local(address), address);
        }
        let long = format!("/{}", "a".repeat(NEXT_BYTES_MAX));
        for address in [
            "",
            "report",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nset-cookie: b=c",
            "/a b",
            "/ä",
            " /",
            &long,
        ] {
            assert_eq!(local(address), NEXT_DEFAULT, "{address:?}");
        }
    }

    #[test]
    fn origins_are_told_apart() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            is_same_origin(&pairs.collect())
        };
        let host = ("host", "windlass.example:8600");
        for (headers, is_own) in [
            (&[host, ("sec-fetch-site", "same-origin")][..], true),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ("sec-fetch-site", "cross-site")], false),
            (
                &[
                    host,
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://windlass.example:8600"),
                ],
                false,
            ),
            (&[host, ("origin", "http://windlass.example:8600")], true),
            (&[host, ("origin", "https://WINDLASS.example:8600")], true),
            (&[host, ("origin", "http://windlass.example")], false),
            (&[host, ("origin", "http://evil.example")], false),
            (&[host, ("origin", "null")], false),
            (&[host], false),
            (&[("origin", "http://windlass.example:8600")], false),
            (&[], false),
        ] {
            assert_eq!(own(headers), is_own, "{headers:?}");
        }
    }
}
