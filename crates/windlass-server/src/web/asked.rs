//! What is known of a request for a page before its question is answered.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use windlass_report::Parameters;
use windlass_web::address::{ADDRESS_BYTES_MAX, Address};
use windlass_web::pages::anchors::Surroundings;
use windlass_web::pages::sign_in::PATH;
use windlass_web::{Viewer, ViewerAccount};

use super::{address, cookies, document, page, see_other};
use crate::answer::PageRequest;
use crate::app::App;
use crate::billing::Client;
use crate::clients::{Asker, Peer};
use crate::connection::IsSecure;
use crate::parameters;
use crate::refusal::Refusal;
use crate::request_log::RequestId;

/// A request for a page.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) client: Client,
    pub(crate) is_head: bool,
    /// Whether reports need a token.
    pub(crate) is_metered: bool,
    /// Whether the browser came through TLS.
    pub(crate) is_secure: bool,
    pub(crate) headers: HeaderMap,
    /// Path and query, as they came.
    pub(crate) target: String,
    pub(crate) parameters: Parameters,
    /// The same as they came, for what may be said several times.
    given: Vec<(String, String)>,
    base: String,
    peer: Option<Peer>,
}

/// How long an address may be where one signs in: the address of another page stands in it, each byte of which takes three at most.
const SIGN_IN_BYTES_MAX: usize = 3 * ADDRESS_BYTES_MAX + 256;

/// Said where one signs in: that a page of another origin led there.
pub(crate) const ELSEWHERE: &str = "elsewhere";

/// Whether a page is for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nobody needs to have signed in.
    Everyone,
    /// Where there are accounts, whoever looks has one, and pays for rows with it.
    Accounts,
}

impl Asked {
    /// Reads a request. Whoever must sign in first is led there; what cannot be read is answered by a page
    /// that says so.
    pub(crate) async fn read(
        app: &Arc<App>,
        request: Request,
        access: Access,
    ) -> Result<Self, Response> {
        let id = request.extensions().get::<RequestId>().copied();
        let id = id.unwrap_or_else(RequestId::next);
        let is_secure = request.extensions().get::<IsSecure>().copied();
        let is_secure = is_secure.unwrap_or(IsSecure(false));
        let peer = request.extensions().get::<Peer>().copied();
        let headers = request.headers().clone();
        let target = request
            .uri()
            .path_and_query()
            .map_or_else(|| "/start".to_owned(), ToString::to_string);
        let is_head = request.method() == Method::HEAD;
        let base = address::base(&headers, is_secure);
        let fail = |refusal: &Refusal| page::refused(&document::plain("Error"), refusal, &id);
        let bytes_max = match request.uri().path() {
            PATH => SIGN_IN_BYTES_MAX,
            _ => ADDRESS_BYTES_MAX,
        };
        if target.len() > bytes_max {
            let text = format!(
                "the address of this page has {} bytes; allowed: {bytes_max}; the API takes longer filters",
                target.len()
            );
            return Err(fail(&Refusal::new(StatusCode::URI_TOO_LONG, text)));
        }
        // Whoever claims it without TLS has a cookie for it that no browser of others sends.
        let is_secure = is_secure.0 || base.starts_with("https:");
        let token = cookies::token(&headers, is_secure).filter(|_| !is_from_elsewhere(&headers));
        let is_metered = app.billing.is_metered().await;
        let is_metered =
            is_metered.map_err(|error| fail(&crate::billing::unavailable(&error, &id)))?;
        let client = match app.billing.client(token.as_deref(), &id).await {
            Ok(client) => client,
            // A cookie that is not right any more is none.
            Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => match access {
                Access::Everyone => Client::Open,
                Access::Accounts => return Err(sign_in(&target)),
            },
            Err(refusal) => return Err(fail(&refusal)),
        };
        let given = match parameters::read(request, &app.limits).await {
            Ok(given) => given,
            Err(refusal) => return Err(fail(&refusal)),
        };
        Ok(Self {
            id,
            client,
            is_head,
            is_metered,
            is_secure,
            headers,
            target,
            parameters: given.iter().cloned().collect(),
            given,
            base,
            peer,
        })
    }

    /// The last value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.value(name)
    }

    /// Names and values of the parameters, as they came.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.given.iter();
        pairs.map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// A number of rows to pass over; what is none is none.
    pub(crate) fn start(&self) -> u64 {
        self.value("start")
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings {
            base: self.base.clone(),
            is_metered: self.is_metered,
        }
    }

    pub(crate) fn asker(&self) -> Asker {
        Asker::of(self.client.account().map(|account| account.id), self.peer)
    }

    pub(crate) fn viewer(&self) -> Viewer {
        Viewer {
            account: self.client.account().map(|account| ViewerAccount {
                name: account.name.clone(),
                rows_left: account.balance.left(),
                is_admin: account.is_admin,
            }),
            is_metered: self.is_metered,
        }
    }
}

impl From<Asked> for PageRequest {
    fn from(asked: Asked) -> Self {
        Self {
            id: asked.id,
            peer: asked.peer,
            is_head: asked.is_head,
            client: asked.client,
        }
    }
}

/// Whether a page of another origin made the browser send this, as browsers say. Those of a neighbour, which is another
/// port or name of the same site, bring the cookie along.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"cross-site" | b"same-site"))
}

/// The way to where one signs in, and back.
fn sign_in(target: &str) -> Response {
    see_other(&sign_in_address(target))
}

/// The address of where one signs in, to come back from there.
pub(crate) fn sign_in_address(target: &str) -> String {
    way_back_to(target).to_string()
}

/// The same for who came from elsewhere, and may have signed in: that takes one there who says so.
pub(crate) fn go_on_address(target: &str) -> String {
    way_back_to(target).with(ELSEWHERE, "1").to_string()
}

fn way_back_to(target: &str) -> Address {
    Address::new(PATH).with("next", target)
}
