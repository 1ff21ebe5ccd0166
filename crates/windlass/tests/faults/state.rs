//! What an index says: the files that it knows, and its answers.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Snapshot};
use windlass_report::{Query, run, write};

/// What is asked: target, mode, history.
const QUESTIONS: [(&str, &str, &str); 5] = [
    ("target.org", "subdomains", "all_time"),
    ("target.org", "subdomains", "live"),
    ("target.org/1", "exact", "live"),
    ("target.org/", "prefix", "since:2021-03-04"),
    ("alice.pages.net", "domain", "all_time"),
];

/// What an index says, whatever segments it has.
#[derive(Debug, PartialEq, Clone)]
pub struct State {
    /// The digests of its files.
    files: Vec<String>,
    answers: Vec<String>,
}

impl State {
    /// Of a whole index; `None` where there is no index.
    pub fn of(index: &Path) -> Result<Option<Self>, IndexError> {
        let snapshot = match Snapshot::open(index) {
            Ok(snapshot) => snapshot,
            Err(IndexError::NotAnIndex(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        verify(&snapshot)?;
        let files = snapshot.manifest().files.iter();
        Ok(Some(Self {
            files: files.map(|file| file.digest.clone()).collect(),
            answers: answers(&snapshot).into_iter().collect::<Result<_, _>>()?,
        }))
    }

    /// Whether it knows no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn answers(&self) -> &[String] {
        &self.answers
    }
}

/// Reads everything, as `windlass verify` does.
pub fn verify(snapshot: &Snapshot) -> Result<(), IndexError> {
    snapshot.public_suffix_list()?;
    snapshot
        .segments()
        .iter()
        .try_for_each(|segment| segment.verify(&AtomicBool::new(false)))
}

/// The answers to all questions, each as the API gives it.
pub fn answers(snapshot: &Snapshot) -> Vec<Result<String, IndexError>> {
    let answer = |(target, mode, history)| {
        let parameters = [
            ("from", "anchors"),
            ("target", target),
            ("mode", mode),
            ("history", history),
        ];
        let query = Query::from_params(parameters).unwrap();
        let rows = snapshot.rows(&query.target, query.history, &AtomicBool::new(false))?;
        let mut body = Vec::new();
        write::report(&run(&query, &rows).unwrap(), query.output, &mut body).unwrap();
        Ok(String::from_utf8(body).unwrap())
    };
    QUESTIONS.into_iter().map(answer).collect()
}

/// The questions as requests over HTTP.
pub fn requests() -> Vec<String> {
    QUESTIONS
        .iter()
        .map(|(target, mode, history)| {
            format!("/?from=anchors&target={target}&mode={mode}&history={history}")
        })
        .collect()
}
