//! `GET /operations`: for operators alone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use windlass_accounts::{Account, AccountsError, Day, Days, Moment, Usage};
use windlass_web::pages::message::{Message, Tone, Way};
use windlass_web::pages::operations::{self, Operations, TokenLine, UsageFilter, UsageLine};
use windlass_web::{Document, Part};

use super::asked::{Access, Asked};
use super::{asked, document, page};
use crate::admin;
use crate::app::App;
use crate::billing::{Accounts, Client};
use crate::refusal::Reason;

/// Days whose usage is shown where none are asked about.
const DAYS_DEFAULT: i64 = 30;
/// Days beyond which those without usage are left out.
const DAYS_MAX: usize = 366;
const DAY_SECONDS: i64 = 86_400;

/// The page, or how to get a token that opens it.
pub(crate) async fn operations(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Response> {
    let asked = Asked::read(&app, request, Access::Everyone).await?;
    let document = document::of(&asked, "Operations", Part::Operations);
    let accounts = match &asked.client {
        Client::Account(account, accounts) if account.is_admin => Arc::clone(accounts),
        _ => return Ok(closed(&asked, &document)),
    };
    let now = Moment::now();
    let (filter, days) = filter(&asked, now);
    let name = filter.name.clone();
    let read = move || read(&accounts, &name, days, now);
    let (tokens, used) = match admin::read(&asked.id, read).await {
        Ok(found) => found,
        Err(refusal) => return Ok(page::refused(&document, &refusal, &asked.id)),
    };
    let problem = used.as_ref().err().map(ToString::to_string);
    let filter = UsageFilter {
        problem: filter.problem.or(problem),
        ..filter
    };
    let operations = Operations {
        tokens: tokens.iter().map(token_line).collect(),
        usage: operations::Usage {
            filter,
            days: all_days(days, now),
            lines: used
                .unwrap_or_default()
                .into_iter()
                .map(usage_line)
                .collect(),
        },
        merges: app.merges.shown(),
        all_files: asked.value("files") == Some("all"),
        first_file: asked.start(),
    };
    Ok(page::page(app, asked, document, 0, move |view| {
        operations::page(&operations, view)
    })
    .await)
}

type Read = (Vec<Account>, Result<Vec<Usage>, AccountsError>);

/// All tokens, and what was used; that there is no such token is no failure of the page.
fn read(accounts: &Accounts, name: &str, days: Days, now: Moment) -> Result<Read, AccountsError> {
    let tokens = accounts.store.accounts(now)?;
    let account = match name {
        "" => None,
        name => match accounts.store.find(name, now) {
            Ok(account) => Some(account.id),
            Err(error @ AccountsError::NoSuchAccount(_)) => return Ok((tokens, Err(error))),
            Err(error) => return Err(error),
        },
    };
    Ok((tokens, Ok(accounts.store.usage(account, days)?)))
}

/// What usage is asked about, and the days that are meant by it.
fn filter(asked: &Asked, now: Moment) -> (UsageFilter, Days) {
    let mut problem = None;
    let mut day = |name: &str| {
        let text = asked.value(name).unwrap_or_default().trim();
        if text.is_empty() {
            return None;
        }
        let day = text.parse::<Day>();
        day.map_err(|error| problem = Some(error.to_string())).ok()
    };
    let (from, to) = (day("from"), day("to"));
    let default = Moment::from_unix(now.as_unix() - (DAYS_DEFAULT - 1) * DAY_SECONDS).day();
    let to = to.unwrap_or_else(|| now.day());
    let from = from.unwrap_or_else(|| default.min(to));
    let filter = UsageFilter {
        from: from.to_string(),
        to: to.to_string(),
        name: asked.value("name").unwrap_or_default().trim().to_owned(),
        problem,
    };
    let days = Days {
        from: Some(from),
        to: Some(to),
    };
    (filter, days)
}

/// Each of the days, the last one first; none where they are too many to be shown without gaps.
fn all_days(days: Days, now: Moment) -> Vec<String> {
    let (Some(from), Some(to)) = (days.from, days.to) else {
        return Vec::new();
    };
    let before = |n: i64| Moment::from_unix(now.as_unix() - n * DAY_SECONDS).day();
    let all = (0..).map(before);
    let wanted = all
        .skip_while(|day| *day > to)
        .take_while(|day| *day >= from);
    let found: Vec<Day> = wanted.take(DAYS_MAX + 1).collect();
    if found.len() > DAYS_MAX {
        return Vec::new();
    }
    found.iter().map(ToString::to_string).collect()
}

fn token_line(account: &Account) -> TokenLine {
    let balance = &account.balance;
    TokenLine {
        id: account.id.get(),
        name: account.name.clone(),
        subscription: account.subscription.clone(),
        is_admin: account.is_admin,
        rows_limit: balance.rows_limit,
        topped_up: balance.topped_up,
        used: balance.used,
        left: balance.left(),
        created: account.created.to_string(),
        revoked: account.revoked.map(|revoked| revoked.to_string()),
    }
}

fn usage_line(usage: Usage) -> UsageLine {
    UsageLine {
        day: usage.day.to_string(),
        id: usage.account.get(),
        name: usage.name,
        table: usage.table,
        requests: usage.requests,
        rows: usage.rows,
    }
}

/// Says who may see the page, and how that is come by.
fn closed(asked: &Asked, document: &Document) -> Response {
    const MAKE: &str = "windlass token create --admin --name operator";
    let is_known = asked.client.account().is_some();
    let (status, heading, text) = if is_known {
        let text = format!(
            "Your token opens reports, not this page. Operators have tokens of their own; whoever runs this \
             server makes one with '{MAKE}'. Sign in with it."
        );
        (StatusCode::FORBIDDEN, "This page is for operators", text)
    } else if asked.is_metered {
        let text = format!(
            "Sign in with an operator's token to see tokens, segments and files. Whoever runs this server makes \
             one with '{MAKE}'."
        );
        (StatusCode::UNAUTHORIZED, "This page is for operators", text)
    } else {
        let text = format!(
            "This server has no tokens yet. '{MAKE}' makes one that opens this page; from then on reports need \
             a token too."
        );
        (StatusCode::FORBIDDEN, "This page needs a token", text)
    };
    let sign_in = Way {
        text: "Sign in".to_owned(),
        href: asked::sign_in_address(&asked.target),
    };
    let index = Way {
        text: "What the index holds".to_owned(),
        href: "/index".to_owned(),
    };
    let message = Message {
        tone: Tone::Empty,
        heading: heading.to_owned(),
        text,
        ways: if asked.is_metered {
            vec![sign_in, index]
        } else {
            vec![index]
        },
        request: None,
    };
    let mut response = page::ready(document, message.html());
    *response.status_mut() = status;
    response.extensions_mut().insert(Reason::Status(status));
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}
