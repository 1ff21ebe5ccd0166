//! `from=subscription_info`: what is left of the month's rows. Costs nothing; `target` and `mode` are
//! tolerated.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use windlass_index::Snapshot;
use windlass_report::table::SUBSCRIPTION_INFO;
use windlass_report::{Cell, Output, Parameters, Query, write};

use crate::answer::{IndexState, say_rows_left};
use crate::billing::Client;
use crate::headers::{RESULTS_COUNT, ROWS_COST};
use crate::refusal::Refusal;
use crate::request_log::Counted;

/// What an open server says of rows that nobody counts: as large as a client with 32-bit numbers reads.
const ROWS_OPEN: u64 = 1_000_000_000;
const SUBSCRIPTION_OPEN: &str = "open";

/// Whether a request asks for it.
pub(crate) fn is_asked_for(parameters: &Parameters) -> bool {
    let from = parameters.value("from").map(str::trim);
    from.is_some_and(|from| from.eq_ignore_ascii_case(SUBSCRIPTION_INFO.name))
}

/// The answer. Top-ups count in `rows_limit`: so it is never less than `rows_left`.
pub(crate) fn answer(
    client: &Client,
    snapshot: &Snapshot,
    parameters: &Parameters,
) -> Result<Response, Refusal> {
    let (output, dry_run) = Query::form_of(parameters)?;
    let mut body = Vec::new();
    // A vector takes all that is written.
    let content_type = if dry_run {
        let _ = write::dry_run(0, 1, output, &mut body);
        output.of_messages().content_type()
    } else {
        write_info(client, output, &mut body);
        output.content_type()
    };
    let content_type = HeaderValue::from_static(content_type);
    let mut response = ([(CONTENT_TYPE, content_type)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(RESULTS_COUNT, 1.into());
    headers.insert(ROWS_COST, 0.into());
    IndexState::of(snapshot).say(headers);
    say_rows_left(&mut response, client);
    let rows = u64::from(!dry_run);
    let cost = Some(0);
    response.extensions_mut().insert(Counted { rows, cost });
    Ok(response)
}

fn write_info(client: &Client, output: Output, body: &mut Vec<u8>) {
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
    let members = [
        ("rows_left", Cell::Integer(rows_left)),
        ("rows_limit", Cell::Integer(rows_limit)),
        ("subscription", Cell::Text(subscription)),
    ];
    // A vector takes all that is written.
    let _ = write::object(SUBSCRIPTION_INFO.rows_key, &members, output, body);
}
