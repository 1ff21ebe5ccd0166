//! `GET /admin/tokens` and `GET /admin/usage`: for operators, with an operator's token. Only
//! `Authorization: Bearer` is read: addresses end up in histories and logs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::task::spawn_blocking;
use windlass_accounts::{Account, AccountsError, Day, Days, Moment, Usage};
use windlass_report::{Output, Parameters};

use crate::app::App;
use crate::billing::{self, Accounts, Client, Unavailable, unavailable};
use crate::refusal::Refusal;
use crate::request_log::RequestId;

/// All tokens: `{"tokens":[…]}`.
pub(crate) async fn tokens(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Tokens {
        tokens: Vec<Account>,
    }
    let accounts = operator(&app, &headers, &id).await?;
    let tokens = read(&id, move || accounts.store.accounts(Moment::now())).await?;
    Ok(json(&Tokens { tokens }))
}

/// What was used: `{"usage":[…]}`; of the days `from` to `to`, and of the token `name` (or its id),
/// where they are given.
pub(crate) async fn usage(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Used {
        usage: Vec<Usage>,
    }
    let accounts = operator(&app, &headers, &id).await?;
    let query = query.unwrap_or_default();
    let parameters: Parameters = form_urlencoded::parse(query.as_bytes()).collect();
    let value = |name: &str| parameters.value(name).map(str::trim);
    let day = |name: &str| {
        let day = value(name).map(str::parse::<Day>).transpose();
        day.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("bad {name}: {error}")))
    };
    let days = Days {
        from: day("from")?,
        to: day("to")?,
    };
    let name = value("name").map(str::to_owned);
    let usage = read(&id, move || {
        let account = name.map(|name| accounts.store.find(&name, Moment::now()));
        let account = account.transpose()?.map(|account| account.id);
        accounts.store.usage(account, days)
    })
    .await?;
    Ok(json(&Used { usage }))
}

/// The accounts, for an operator: 401 without a token, 403 with one that is no operator's.
async fn operator(
    app: &App,
    headers: &HeaderMap,
    id: &RequestId,
) -> Result<Arc<Accounts>, Refusal> {
    match app.billing.client(billing::bearer(headers), id).await? {
        Client::Account(account, accounts) if account.is_admin => Ok(accounts),
        Client::Account(..) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "this page is for operators; their tokens are made with 'windlass token create --admin'"
                .to_owned(),
        )),
        Client::Open => Err(billing::missing_token()),
    }
}

/// Reads accounts on a thread that may block.
pub(crate) async fn read<T: Send + 'static>(
    id: &RequestId,
    read: impl FnOnce() -> Result<T, AccountsError> + Send + 'static,
) -> Result<T, Refusal> {
    match spawn_blocking(read).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error @ AccountsError::NoSuchAccount(_))) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("bad name: {error}"),
        )),
        Ok(Err(error)) => Err(unavailable(&error, id)),
        Err(_) => Err(unavailable(&Unavailable::Crashed, id)),
    }
}

fn json(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => {
            let headers = [
                (CONTENT_TYPE, Output::Json.content_type()),
                (CACHE_CONTROL, "no-store"),
            ];
            (headers, body).into_response()
        }
        // These types have string keys and finite numbers only.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
