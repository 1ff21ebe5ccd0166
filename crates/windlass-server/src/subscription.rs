//! `from=subscription_info`: what is left of the month's rows. Costs nothing; `target` and `mode` are
//! tolerated.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use windlass_report::Output;

use crate::billing::Client;

/// What `from` says.
const NAME: &str = "subscription_info";
/// What an open server says of rows that nobody counts: as large as a client with 32-bit numbers reads.
const ROWS_OPEN: u64 = 1_000_000_000;
const SUBSCRIPTION_OPEN: &str = "open";

/// Whether a request asks for it.
pub(crate) fn is_asked_for(parameters: &[(String, String)]) -> bool {
    let from = parameters
        .iter()
        .rev()
        .filter(|(name, _)| name.eq_ignore_ascii_case("from"))
        .map(|(_, value)| value.trim())
        .find(|value| !value.is_empty());
    from.is_some_and(|from| from.eq_ignore_ascii_case(NAME))
}

/// The answer. Top-ups count in `rows_limit`: so it is never less than `rows_left`.
pub(crate) fn answer(client: &Client) -> Response {
    let (rows_left, rows_limit, subscription) =
        client
            .account()
            .map_or((ROWS_OPEN, ROWS_OPEN, SUBSCRIPTION_OPEN), |account| {
                let balance = account.balance;
                (
                    balance.left(),
                    balance.granted(),
                    account.subscription.as_str(),
                )
            });
    // serde_json keeps keys in alphabetical order, which is the contract's here.
    let body = json!({ "info": {
        "rows_left": rows_left,
        "rows_limit": rows_limit,
        "subscription": subscription,
    } });
    let json = HeaderValue::from_static(Output::Json.content_type());
    ([(CONTENT_TYPE, json)], body.to_string()).into_response()
}
