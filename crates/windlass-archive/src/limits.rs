//! What one file may cost.

/// Bounds on the memory that reading one file may take. An archive is foreign data: whatever it
/// claims, no more than these is held at once.
///
/// The reader of one file holds at most about `2 × (body_bytes_max + header_bytes_max) +
/// 3 × look_back_bytes_max` bytes, and 16 bytes for each gzip member or zstd frame that begins in the
/// decompressed bytes among them, besides the records that the caller keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body, after its encodings are undone; longer bodies are cut and reported as
    /// [`BodyCut`](crate::ProblemKind::BodyCut). Default 16 MiB.
    pub body_bytes_max: usize,
    /// Bytes of a record header or of an HTTP header; longer ones are problems. Default 1 MiB.
    pub header_bytes_max: usize,
    /// Bytes behind the reading position that are kept, so that after damage the next record can be
    /// looked for where the damage began and not where it was noticed. Default 4 MiB.
    pub look_back_bytes_max: usize,
}

impl Limits {
    /// The most bytes of one record's content that are held: a full header and a full body.
    pub(crate) const fn content_bytes_max(&self) -> usize {
        self.body_bytes_max.saturating_add(self.header_bytes_max)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 << 20,
            header_bytes_max: 1 << 20,
            look_back_bytes_max: 4 << 20,
        }
    }
}
