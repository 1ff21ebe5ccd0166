//! An index with a damaged segment: all that is asked of an index, and merging it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use windlass_index::{Snapshot, merge_to_file};
use windlass_report::{AnswerLimits, Clause, Query, Table, answer, answer_with_totals, summary};

use crate::segment::fill;

/// An index of which one segment can be replaced.
#[derive(Debug)]
pub struct Index {
    directory: TempDir,
    segment: PathBuf,
    seed: Vec<u8>,
}

impl Index {
    /// With so many segments.
    #[must_use]
    pub fn new(segments: u32) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fill(directory.path(), segments);
        let snapshot = Snapshot::open(directory.path()).expect("an index");
        assert_eq!(snapshot.segments().len(), segments as usize);
        let segment = snapshot.segments().first().expect("a segment");
        let segment = segment.path().to_owned();
        let seed = std::fs::read(&segment).expect("its bytes");
        Self {
            directory,
            segment,
            seed,
        }
    }

    /// The first segment, as it is.
    #[must_use]
    pub fn seed(&self) -> &[u8] {
        &self.seed
    }

    /// Has these bytes in the place of the first segment, asks for every table in several orders, for the best sites, and
    /// merges: errors, never panics. How much of it there was no error for.
    pub fn target(&self, data: &[u8]) -> usize {
        std::fs::write(&self.segment, data).expect("a temporary file");
        let Ok(snapshot) = Snapshot::open(self.directory.path()).map(Arc::new) else {
            return 0;
        };
        let never = AtomicBool::new(false);
        let mut answered = usize::from(snapshot.top_sites(5, usize::MAX, &never).is_ok());
        for table in Table::ALL {
            for (target, mode) in [
                ("t.example", "subdomains"),
                ("example", "subdomains"),
                ("t1.t.example", "domain"),
                ("http://p1.example/", "prefix"),
            ] {
                for history in ["live", "all_time"] {
                    let parameters = [
                        ("from", table.name),
                        ("target", target),
                        ("mode", mode),
                        ("history", history),
                    ];
                    answered += usize::from(is_answered(&snapshot, &parameters));
                    for column in table.columns_of(Clause::OrderBy).step_by(3) {
                        let order = format!("{}:desc", column.name);
                        let ordered = [parameters.as_slice(), &[("order_by", &order)]].concat();
                        answered += usize::from(is_answered(&snapshot, &ordered));
                    }
                }
            }
        }
        let merged = self.directory.path().join("merged");
        if let Ok(segment) = merge_to_file(&snapshot, &merged, &(), &never) {
            answered += usize::from(segment.verify(&never).is_ok());
        }
        answered
    }
}

fn is_answered(snapshot: &Arc<Snapshot>, parameters: &[(&str, &str)]) -> bool {
    let query = Query::from_params(parameters.iter().copied()).expect("a query");
    let never = AtomicBool::new(false);
    let limits = AnswerLimits::default();
    let found = if query.table.name == "anchors" {
        let _ = summary::summarise(&query, snapshot, limits, &never);
        let _ = summary::timeline(&query.target, snapshot, limits, &never);
        answer_with_totals(&query, snapshot, limits, &never).map(|found| found.0)
    } else {
        answer(&query, snapshot, limits, &never)
    };
    found.is_ok_and(|answer| answer.write(query.output, std::io::sink()).is_ok())
}
