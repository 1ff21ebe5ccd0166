//! The archive readers.

use windlass_archive::{Limits, Payload, read_all};

/// Reads the bytes as an archive: no panic, and nothing longer than the limits allow.
pub fn target(data: &[u8]) {
    let limits = Limits {
        body_bytes_max: 1 << 16,
        header_bytes_max: 1 << 12,
        look_back_bytes_max: 1 << 16,
    };
    let (records, _problems) = read_all(data, limits);
    for record in records {
        let body = match &record.payload {
            Payload::Response(response) => response.body.len(),
            Payload::Resource { body, .. } => body.len(),
            Payload::Revisit { .. } | Payload::Wat(_) => 0,
        };
        assert!(body <= limits.body_bytes_max, "a body of {body} bytes");
    }
}
