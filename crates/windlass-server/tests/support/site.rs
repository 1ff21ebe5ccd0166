//! The pages of a server with accounts, through the router.

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request};
use tempfile::TempDir;
use windlass_accounts::{Charge, Meter, Moment, NewAccount, Store};
use windlass_server::{Limits, metered_router};

pub(crate) const ORIGIN: &str = "http://windlass.test";

/// A server, and where its index and accounts are.
pub(crate) struct Site {
    pub(crate) directory: TempDir,
    router: Router,
}

/// An answer.
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Shown {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The only cookie that is set: its name, its value, and the rest.
    pub(crate) fn cookie(&self) -> (String, String, String) {
        let cookies: Vec<_> = self.headers.get_all(SET_COOKIE).iter().collect();
        let [cookie] = cookies.as_slice() else {
            unreachable!("{cookies:?}")
        };
        let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned(), attributes.to_owned())
    }
}

impl Site {
    /// Of an index that `fill` has filled.
    pub(crate) fn new(fill: impl FnOnce(&std::path::Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path());
        let accounts = directory.path().join("accounts.sqlite");
        let reader = super::reader(directory.path());
        let router = metered_router(reader, Limits::default(), &accounts);
        Self { directory, router }
    }

    fn accounts(&self) -> PathBuf {
        self.directory.path().join("accounts.sqlite")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.accounts()).unwrap()
    }

    /// Makes a token.
    pub(crate) fn token(&self, name: &str, rows: u64, is_admin: bool) -> String {
        let new = NewAccount {
            is_admin,
            ..NewAccount::new(name, rows)
        };
        let (_, token) = self.store().create(&new, Moment::now()).unwrap();
        token.reveal().to_owned()
    }

    /// Charges the token of that name for an answer.
    pub(crate) fn charge(&self, name: &str, table: &'static str, rows: u64, at: Moment) {
        let charge = Charge {
            account: self.store().find(name, at).unwrap().id,
            table: table.into(),
            rows,
            at,
        };
        let meter = Meter::start(&self.accounts()).unwrap();
        meter.charge(charge).unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Shown {
        let (status, headers, body) = super::send(&self.router, request).await;
        Shown {
            status: status.as_u16(),
            headers,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// A page, with headers.
    pub(crate) async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> Shown {
        let mut request = Request::get(uri).header(HOST, "windlass.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A page, for who has signed in with a token.
    pub(crate) async fn see(&self, uri: &str, token: &str) -> Shown {
        let cookie = format!("windlass-token={token}");
        self.get(uri, &[(COOKIE.as_str(), &cookie)]).await
    }

    /// A form, as a page of the server sends it, or with other headers.
    pub(crate) async fn post(
        &self,
        uri: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Shown {
        let body = fields
            .iter()
            .fold(
                form_urlencoded::Serializer::new(String::new()),
                |mut form, (name, value)| {
                    form.append_pair(name, value);
                    form
                },
            )
            .finish();
        let mut request = Request::post(uri)
            .header(HOST, "windlass.test")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}
