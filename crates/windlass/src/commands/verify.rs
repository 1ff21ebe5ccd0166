//! `windlass verify`: reads all of an index.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use windlass_index::Snapshot;

use crate::cli::{Format, IndexOptions};
use crate::progress::cancel_on_signal;

pub(crate) fn run(options: &IndexOptions) -> anyhow::Result<ExitCode> {
    let cancel = cancel_on_signal()?;
    let snapshot = Snapshot::open(&options.index)?;
    let mut results = Vec::new();
    for segment in snapshot.segments() {
        let name = segment
            .path()
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let wrong = segment.verify(&cancel).err();
        if options.output == Format::Table {
            let line = wrong
                .as_ref()
                .map_or_else(|| "whole".to_owned(), ToString::to_string);
            writeln!(anstream::stdout(), "{name}: {line}")?;
        }
        results.push((name, wrong));
    }
    let list = snapshot.public_suffix_list().err();
    if let Some(wrong) = list.as_ref().filter(|_| options.output == Format::Table) {
        writeln!(anstream::stdout(), "public_suffix_list.dat: {wrong}")?;
    }
    let is_whole = list.is_none() && results.iter().all(|(_, wrong)| wrong.is_none());
    if options.output == Format::Json {
        let segments: Vec<_> = results
            .iter()
            .map(|(name, wrong)| json!({"segment": name, "error": wrong.as_ref().map(ToString::to_string)}))
            .collect();
        let value = json!({
            "whole": is_whole,
            "segments": segments,
            "public_suffix_list": {"error": list.map(|wrong| wrong.to_string())},
        });
        writeln!(anstream::stdout(), "{value}")?;
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
