//! The archive readers, and what is made of their records.

use std::sync::Arc;

use windlass_archive::{Limits, Payload, read_all};
use windlass_links::{ExtractOptions, Extractor};

use crate::extract;

/// Reads the bytes as an archive and extracts the links of what is in it: no panic, and nothing longer
/// than the limits allow.
pub fn target(data: &[u8]) {
    let limits = Limits {
        body_bytes_max: 1 << 16,
        header_bytes_max: 1 << 12,
        look_back_bytes_max: 1 << 16,
    };
    let (records, _problems) = read_all(data, limits);
    let mut extractor = Extractor::new(
        Arc::clone(&extract::LIST),
        ExtractOptions {
            keep_internal: true,
        },
    );
    for record in records {
        let body = match &record.payload {
            Payload::Response(response) => response.body.len(),
            Payload::Resource { body, .. } => body.len(),
            Payload::Revisit { .. } | Payload::Wat(_) => 0,
        };
        assert!(body <= limits.body_bytes_max, "a body of {body} bytes");
        if let Ok(capture) = extractor.capture(&record) {
            extract::check(&capture);
        }
    }
}
