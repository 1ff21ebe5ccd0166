//! What an index says: the files that it knows, and its answers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Snapshot};
use windlass_report::{AnswerLimits, Query, answer};

/// What is asked, as parameters of the API: every table, other orders, filters, other times.
const QUESTIONS: [&str; 16] = [
    "from=anchors&target=target.org&mode=subdomains&history=all_time",
    "from=anchors&target=target.org&mode=subdomains",
    "from=anchors&target=target.org&mode=subdomains&order_by=backlinks:desc&limit=3",
    "from=anchors&target=target.org&mode=subdomains&order_by=first_seen:desc&limit=3",
    "from=anchors&target=target.org&mode=subdomains&order_by=last_visited&limit=3",
    "from=anchors&target=target.org&mode=subdomains&where=first_seen>\"2021-01-01\"",
    "from=anchors&target=target.org/1",
    "from=anchors&target=target.org/&mode=prefix&history=since:2021-03-04",
    "from=anchors&target=alice.pages.net&mode=domain&history=all_time",
    "from=anchors_refdomains&target=target.org&mode=domain&where=word(anchor,\"chapter\")",
    "from=refdomains&target=target.org&mode=subdomains&history=all_time",
    "from=backlinks&target=target.org&mode=subdomains&history=all_time&limit=100",
    "from=backlinks_new_lost&target=target.org&mode=subdomains&limit=100",
    "from=linked_anchors&target=site1.com&mode=domain&history=all_time",
    "from=linked_domains&target=site2.com&mode=subdomains",
    "from=pages&target=site3.com&mode=domain",
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
    pub fn of(index: &Path) -> Result<Option<Self>, String> {
        let snapshot = match Snapshot::open(index) {
            Ok(snapshot) => Arc::new(snapshot),
            Err(IndexError::NotAnIndex(_)) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        verify(&snapshot).map_err(|error| error.to_string())?;
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
pub fn answers(snapshot: &Arc<Snapshot>) -> Vec<Result<String, String>> {
    let answered = |question: &&str| {
        let parameters = question
            .split('&')
            .map(|pair| pair.split_once('=').unwrap());
        let query = Query::from_params(parameters).unwrap();
        let cancel = AtomicBool::new(false);
        let answer = answer(&query, snapshot, AnswerLimits::default(), &cancel);
        let answer = answer.map_err(|error| error.to_string())?;
        let mut body = Vec::new();
        let written = answer.write(query.output, &mut body);
        written.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(body).unwrap())
    };
    QUESTIONS.iter().map(answered).collect()
}

/// The questions as requests over HTTP.
pub fn requests() -> Vec<String> {
    let encoded = |question: &&str| question.replace('"', "%22").replace('>', "%3E");
    QUESTIONS
        .iter()
        .map(|question| format!("/?{}", encoded(question)))
        .collect()
}
