//! The filter parser.

use windlass_report::{Clause, Filter, Query, Table};

/// Parses the bytes as a filter of every table, and as every parameter of a request: what parses is shown as a
/// text that parses to the same.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for table in Table::ALL {
        for clause in [Clause::Where, Clause::Having] {
            if let Ok(filter) = Filter::parse(&text, clause, table) {
                let shown = filter.to_string();
                let again = Filter::parse(&shown, clause, table).ok();
                assert_eq!(again, Some(filter), "{}: {shown}", table.name);
            }
        }
    }
    for name in [
        "target", "mode", "select", "where", "having", "order_by", "limit", "offset", "output",
        "history",
    ] {
        let parameters = [("from", "anchors"), ("target", "a.example"), (name, &*text)];
        // An error is an answer like any other.
        let _ = Query::from_params(parameters);
    }
}
