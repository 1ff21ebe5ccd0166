//! `GET /openapi.json`: what can be asked, for programs (OpenAPI 3.1). It follows from the tables'
//! definitions, so that it cannot say anything else.

use std::sync::LazyLock;

use axum::http::HeaderName;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use windlass_report::table::{Field, Grouping};
use windlass_report::{Clause, Column, ColumnType, LIMIT_DEFAULT, LIMIT_MAX, Output, Table};

use crate::headers;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /openapi.json`.
pub(crate) async fn openapi() -> Response {
    let body = DOCUMENT.as_str();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Windlass",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The open, self-hosted backlink index. A method that a path does not list is answered 405.",
        },
        // A request without a token is answered as long as no token was made.
        "security": [{}, { "bearer": [] }, { "token": [] }],
        "paths": {
            "/": { "get": report("get"), "post": report("post") },
            "/healthz": { "get": page("whether requests are answered, and from which state of the index", &json!({
                "application/json": { "schema": {
                    "type": "object",
                    "required": ["status", "index"],
                    "properties": { "status": { "enum": ["ok", "stale"] }, "index": { "type": "string" } },
                } },
            }), &[]) },
            "/metrics": { "get": page("what the server counts of itself, for Prometheus", &json!({
                "application/openmetrics-text": { "schema": { "type": "string" } },
            }), &[404]) },
            "/openapi.json": { "get": page("this document", &json!({
                "application/json": { "schema": { "type": "object" } },
            }), &[]) },
            "/admin/tokens": { "get": page("all tokens, for operators", &listed("tokens"), &[401, 403, 503]) },
            "/admin/usage": { "get": usage() },
        },
        "components": {
            "schemas": schemas(),
            "responses": refused(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "token": { "type": "apiKey", "in": "query", "name": "token" },
            },
        },
    })
}

/// What may be refused, in the order of its status.
fn refused() -> Map<String, Value> {
    let mut refused: Map<_, _> = ERRORS
        .iter()
        .map(|(status, what)| (status.to_string(), error(what)))
        .collect();
    // The HTTP library's own, which it gives before there is a request to look at.
    let headers = "the headers are too many or too long; without a body";
    refused.insert("431".to_owned(), json!({ "description": headers }));
    refused
}

const ERRORS: [(u16, &str); 12] = [
    (
        400,
        "a parameter is missing or wrong; the text says which, where in it, and what is allowed",
    ),
    (401, "the token is missing or unknown"),
    (402, "the answer costs more rows than are left"),
    (403, "the token is no operator's"),
    (404, "there is nothing at this path"),
    (
        405,
        "the path does not know the method; Allow says which it knows",
    ),
    (408, "the request took too long to come"),
    (413, "the body is too long"),
    (414, "path and query are too long"),
    (
        429,
        "too many requests at once; Retry-After says when to try again",
    ),
    (
        500,
        "an error inside the server, whose log has more under the id in the text",
    ),
    (
        503,
        "the query took too long, or the accounts cannot be reached",
    ),
];

/// What a request for a report may end in, beside success.
const OF_REPORTS: [u16; 10] = [400, 401, 402, 408, 413, 414, 429, 431, 500, 503];

fn refusals(statuses: &[u16]) -> impl Iterator<Item = (String, Value)> {
    statuses.iter().map(|status| {
        let reference = format!("#/components/responses/{status}");
        (status.to_string(), json!({ "$ref": reference }))
    })
}

fn error(what: &str) -> Value {
    let mut content = Map::new();
    for output in [Output::Json, Output::Xml, Output::Php] {
        let schema = match output {
            Output::Json => json!({ "$ref": "#/components/schemas/error" }),
            _ => json!({ "type": "string" }),
        };
        content.insert(essence(output).to_owned(), json!({ "schema": schema }));
    }
    json!({ "description": what, "content": content })
}

/// The media type without its parameters.
fn essence(output: Output) -> &'static str {
    let content_type = output.content_type();
    content_type.split(';').next().unwrap_or(content_type)
}

fn page(summary: &str, content: &Value, statuses: &[u16]) -> Value {
    let mut responses: Map<_, _> = refusals(statuses).collect();
    responses.insert(
        "200".to_owned(),
        json!({ "description": summary, "content": content }),
    );
    json!({ "summary": summary, "responses": responses })
}

fn listed(key: &str) -> Value {
    json!({ "application/json": { "schema": {
        "type": "object",
        "required": [key],
        "properties": { key: { "type": "array", "items": { "type": "object" } } },
    } } })
}

fn usage() -> Value {
    let statuses = [400, 401, 403, 503];
    let mut usage = page(
        "what was used, by token, day and table, for operators",
        &listed("usage"),
        &statuses,
    );
    let day = json!({ "type": "string", "format": "date" });
    if let Some(members) = usage.as_object_mut() {
        members.insert("parameters".to_owned(), json!([
            { "name": "from", "in": "query", "schema": day, "description": "the first day" },
            { "name": "to", "in": "query", "schema": day, "description": "the last day" },
            { "name": "name", "in": "query", "schema": { "type": "string" }, "description": "the token's name or id" },
        ]));
    }
    usage
}

fn report(method: &str) -> Value {
    let parameters = parameters();
    let mut responses: Map<_, _> = refusals(&OF_REPORTS).collect();
    responses.insert("200".to_owned(), answer());
    if method == "get" {
        let unchanged = "the client has this answer: its If-None-Match names the ETag";
        let headers = headers_of(&NOT_MODIFIED);
        responses.insert(
            "304".to_owned(),
            json!({ "description": unchanged, "headers": headers }),
        );
    }
    let mut operation = json!({
        "summary": "a report: one of the tables",
        "operationId": format!("{method}Report"),
        "parameters": parameters.iter().map(|(name, (schema, what))| json!({
            "name": name, "in": "query", "required": *name == "from" && method == "get",
            "schema": schema, "description": what,
        })).collect::<Vec<_>>(),
        "responses": responses,
    });
    if method == "post"
        && let Some(members) = operation.as_object_mut()
    {
        let properties: Map<_, _> = parameters
            .into_iter()
            .map(|(name, (schema, _))| (name.to_owned(), schema))
            .collect();
        members.insert(
            "requestBody".to_owned(),
            json!({
                "description": "any of the parameters, where they are longer than a URL may be",
                "content": { "application/x-www-form-urlencoded": { "schema": {
                    "type": "object", "properties": properties,
                } } },
            }),
        );
    }
    operation
}

/// Name, schema and meaning.
fn parameters() -> Vec<(&'static str, (Value, String))> {
    let tables = Table::ALL.map(|table| table.name);
    let outputs = Output::ALL.map(Output::name);
    let text = || json!({ "type": "string" });
    let columns = |clause: Clause| {
        Table::ALL
            .into_iter()
            .filter_map(|table| {
                let names: Vec<_> = table.columns_of(clause).map(|column| column.name).collect();
                (!names.is_empty()).then(|| format!("{}: {}", table.name, names.join(", ")))
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    let of_columns = |what: &str, clause| format!("{what}. Columns of {}", columns(clause));
    vec![
        (
            "from",
            (
                json!({ "type": "string", "enum": tables }),
                "the table".to_owned(),
            ),
        ),
        (
            "target",
            (
                json!({ "type": "string", "examples": ["w3.org"] }),
                "a domain, a folder or a URL".to_owned(),
            ),
        ),
        (
            "mode",
            (
                json!({ "type": "string", "enum": ["exact", "domain", "subdomains", "prefix"], "default": "exact" }),
                "which URLs of the target are meant".to_owned(),
            ),
        ),
        (
            "select",
            (
                text(),
                of_columns("columns, comma-separated, or *", Clause::Select),
            ),
        ),
        (
            "where",
            (
                text(),
                of_columns("conditions on rows before grouping", Clause::Where),
            ),
        ),
        (
            "having",
            (text(), of_columns("conditions on groups", Clause::Having)),
        ),
        (
            "order_by",
            (
                text(),
                of_columns("columns, each with :asc or :desc", Clause::OrderBy),
            ),
        ),
        (
            "limit",
            (
                json!({ "type": "integer", "minimum": 0, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT }),
                "how many results; 0 for totals only".to_owned(),
            ),
        ),
        (
            "offset",
            (
                json!({ "type": "integer", "minimum": 0, "default": 0 }),
                "how many results are passed over first".to_owned(),
            ),
        ),
        (
            "output",
            (
                json!({ "type": "string", "enum": outputs, "default": Output::default().name() }),
                "the format".to_owned(),
            ),
        ),
        (
            "history",
            (
                json!({ "type": "string", "pattern": "^(live|all_time|since:[0-9]{4}-[0-9]{2}-[0-9]{2})$", "default": "live" }),
                "live, since:YYYY-MM-DD (live or lost since), or all_time".to_owned(),
            ),
        ),
        (
            "dry_run",
            (
                json!({ "type": "string", "enum": ["0", "1", "false", "true"], "default": "0" }),
                "1: only the cost and the number of results; charges nothing".to_owned(),
            ),
        ),
    ]
}

fn answer() -> Value {
    let bodies = Table::ALL
        .iter()
        .map(|table| format!("#/components/schemas/{}", table.name));
    let dry_run = ["#/components/schemas/dry_run".to_owned()];
    let any_of: Vec<_> = bodies
        .chain(dry_run)
        .map(|to| json!({ "$ref": to }))
        .collect();
    let mut content = Map::new();
    for output in Output::ALL {
        let schema = match output {
            Output::Json => json!({ "anyOf": any_of }),
            Output::Ndjson | Output::Csv | Output::Xml | Output::Php => json!({ "type": "string" }),
            // Bytes.
            Output::Arrow | Output::Parquet => json!({}),
        };
        content.insert(essence(output).to_owned(), json!({ "schema": schema }));
    }
    let headers = headers_of(&HEADERS.map(|(name, ..)| name));
    json!({ "description": "the report", "headers": headers, "content": content })
}

/// Headers of answers: name, type and meaning.
const HEADERS: [(HeaderName, &str, &str); 8] = [
    (headers::RESULTS_COUNT, "integer", "rows returned"),
    (
        headers::ROWS_COST,
        "integer",
        "what the answer costs, in account rows",
    ),
    (
        headers::ROWS_LEFT,
        "integer",
        "account rows left, where they are counted",
    ),
    (
        headers::INDEX,
        "string",
        "the state of the index that the answer is from",
    ),
    (
        headers::NEWEST_CAPTURE,
        "string",
        "the time of the newest capture in it",
    ),
    (
        headers::EMPTY,
        "string",
        "why there is no row, where there is none",
    ),
    (
        headers::REQUEST_ID,
        "string",
        "names the request in the server's log",
    ),
    (ETAG, "string", "for If-None-Match"),
];

/// Those of an answer that the client has already.
const NOT_MODIFIED: [HeaderName; 6] = [
    headers::ROWS_COST,
    headers::ROWS_LEFT,
    headers::INDEX,
    headers::NEWEST_CAPTURE,
    headers::REQUEST_ID,
    ETAG,
];

fn headers_of(names: &[HeaderName]) -> Map<String, Value> {
    let headers = HEADERS
        .into_iter()
        .filter(|(name, ..)| names.contains(name));
    headers
        .map(|(name, kind, what)| {
            let schema = match kind {
                "integer" => json!({ "type": kind, "minimum": 0 }),
                _ => json!({ "type": kind }),
            };
            let header = json!({ "description": what, "schema": schema });
            (name.as_str().to_owned(), header)
        })
        .collect()
}

fn schemas() -> Map<String, Value> {
    let mut schemas: Map<_, _> = Table::ALL
        .into_iter()
        .map(|table| (table.name.to_owned(), body(table)))
        .collect();
    schemas.insert(
        "error".to_owned(),
        json!({
            "type": "object",
            "required": ["error"],
            "properties": { "error": { "type": "string", "minLength": 1 } },
            "additionalProperties": false,
        }),
    );
    let count = json!({ "type": "integer", "minimum": 0 });
    let numbers = json!({
        "type": "object",
        "required": ["rows_cost", "results"],
        "properties": { "rows_cost": count, "results": count },
        "additionalProperties": false,
    });
    schemas.insert(
        "dry_run".to_owned(),
        json!({
            "type": "object",
            "required": ["dry_run"],
            "properties": { "dry_run": numbers },
            "additionalProperties": false,
        }),
    );
    schemas
}

/// The JSON body of a table's answers. `select` leaves columns out.
fn body(table: &'static Table) -> Value {
    let is_object = table.grouping == Grouping::Object;
    let columns = table.columns_of(Clause::Select);
    let row = json!({
        "type": "object",
        "properties": columns
            .map(|column| (column.name.to_owned(), cell(column, is_object)))
            .collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let rows = if is_object {
        row
    } else {
        json!({ "type": "array", "items": row })
    };
    let mut required = vec![table.rows_key];
    let mut properties = Map::from_iter([(table.rows_key.to_owned(), rows)]);
    if !table.stats.is_empty() {
        let names: Vec<_> = table.stats.iter().map(|stat| stat.name).collect();
        let count = json!({ "type": "integer", "minimum": 0 });
        required.push("stats");
        properties.insert("stats".to_owned(), json!({
            "type": "object",
            "required": names,
            "properties": names.iter().map(|name| ((*name).to_owned(), count.clone())).collect::<Map<_, _>>(),
            "additionalProperties": false,
        }));
    }
    json!({
        "type": "object",
        "description": table.meaning,
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A value of a column; `null` where captures may not show it.
fn cell(column: &Column, is_object: bool) -> Value {
    let kind = match column.column_type {
        ColumnType::Anchor
        | ColumnType::Host
        | ColumnType::Text
        | ColumnType::Url
        | ColumnType::Kind => "string",
        ColumnType::Integer => "integer",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => {
            return json!({ "type": "string", "format": "date-time", "description": column.meaning });
        }
    };
    let may_be_missing = matches!(
        column.field,
        Field::Title | Field::HttpCode | Field::LinksInternal | Field::LinksExternal
    );
    if may_be_missing || is_object {
        json!({ "type": [kind, "null"], "description": column.meaning })
    } else {
        json!({ "type": kind, "description": column.meaning })
    }
}
