//! `windlass verify`: reads all of an index.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;
use windlass_index::{Verdict, verify};

use crate::cli::{Format, IndexOptions};
use crate::progress;
use crate::signals::cancel_on_signal;
use crate::table::defused;

pub(crate) fn run(options: &IndexOptions) -> anyhow::Result<ExitCode> {
    let cancel = cancel_on_signal()?;
    let (mut verdicts, mut told) = (Vec::new(), Ok(()));
    verify(&options.index, &cancel, |verdict| {
        if options.output == Format::Table && told.is_ok() {
            told = progress::told(tell(&verdict));
        }
        verdicts.push(verdict);
    })?;
    told?;
    let is_whole = verdicts.iter().all(|verdict| verdict.error.is_none());
    if options.output == Format::Json {
        let error = |verdict: &Verdict| verdict.error.as_ref().map(ToString::to_string);
        // The list is the last of them.
        let list = verdicts.pop();
        let segments: Vec<_> = verdicts
            .iter()
            .map(|verdict| json!({"segment": verdict.name, "error": error(verdict)}))
            .collect();
        let value = json!({
            "whole": is_whole,
            "segments": segments,
            "public_suffix_list": {"error": list.as_ref().and_then(error)},
        });
        progress::told(writeln!(anstream::stdout(), "{value}"))?;
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(verdict: &Verdict) -> io::Result<()> {
    let name = &verdict.name;
    let mut out = anstream::stdout();
    match &verdict.error {
        None => writeln!(out, "{name}: whole"),
        Some(error) => writeln!(out, "{name}: {}", defused(&error.to_string())),
    }
}
