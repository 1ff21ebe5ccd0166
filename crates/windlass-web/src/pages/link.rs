//! The last step down: a link, its captures, and where in which archive file each is.

use crate::state::ReportState;

/// Where it is on the server.
pub const PATH: &str = "/report/link";

/// The address of a link that a report counts.
#[must_use]
pub fn href(
    state: &ReportState,
    refdomain: &str,
    page: &str,
    target: &str,
    anchor: &str,
) -> String {
    state
        .changed(|state| state.limit.clear())
        .address(PATH)
        .with("refdomain", refdomain)
        .with("page", page)
        .with("to", target)
        .with_blank("anchor", anchor)
        .to_string()
}
