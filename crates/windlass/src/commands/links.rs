//! `windlass links`: every link in archive files.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use windlass_archive::{Archive, Problem, ProblemKind};
use windlass_links::{Capture, ExtractOptions, Extractor, PublicSuffixList, Rel};

use crate::cli::{LinksFormat, LinksOptions};
use crate::inputs::{self, Inputs};

/// One line of output. The order of fields is the order of columns.
#[derive(Serialize)]
struct Line<'a> {
    page: &'a str,
    time: String,
    target: &'a str,
    anchor: &'a str,
    alt: &'a str,
    rel: String,
    link_type: &'static str,
    nofollow: bool,
    refdomain: &'a str,
    external: bool,
    file: &'a str,
    offset: u64,
}

const COLUMNS: &str =
    "page\ttime\ttarget\tanchor\talt\trel\tlink_type\tnofollow\trefdomain\texternal\tfile\toffset";

pub(crate) fn run(options: &LinksOptions) -> anyhow::Result<ExitCode> {
    let Inputs { files: paths, bad } = inputs::expand(&options.paths).some()?;
    let list = match options.list.text()? {
        Some(text) => PublicSuffixList::parse(&text)?,
        None => PublicSuffixList::bundled(),
    };
    let list = Arc::new(list);
    let mut extractor = Extractor::new(
        Arc::clone(&list),
        ExtractOptions {
            keep_internal: options.internal,
        },
    );
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    if options.output == LinksFormat::Tsv {
        writeln!(out, "{COLUMNS}")?;
    }
    for (path, why) in &bad {
        tracing::warn!(file = %path.display(), "{why}");
    }
    let mut failed = !bad.is_empty();
    for path in &paths {
        let mut archive = match Archive::open(path, options.reading.limits()) {
            Ok(archive) => archive,
            Err(problem) => {
                complain(path, &problem);
                failed = true;
                continue;
            }
        };
        let file = path.display().to_string();
        for item in &mut archive {
            match item {
                Err(problem) => {
                    // The rest of the file was not read; what is damaged in one costs no more than itself.
                    failed |= problem.kind == ProblemKind::Io;
                    complain(path, &problem);
                }
                Ok(record) => {
                    if let Ok(capture) = extractor.capture(&record) {
                        let refdomain = list.registrable_domain(capture.page.host());
                        write_links(
                            &mut out,
                            options.output,
                            &capture,
                            refdomain,
                            &file,
                            record.offset,
                        )?;
                    }
                }
            }
        }
    }
    out.flush()?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn complain(
    path: &Path,
    Problem {
        offset,
        kind,
        message,
    }: &Problem,
) {
    tracing::warn!(file = %path.display(), offset, kind = kind.name(), "{message}");
}

fn write_links(
    out: &mut impl Write,
    format: LinksFormat,
    capture: &Capture,
    refdomain: &str,
    file: &str,
    offset: u64,
) -> io::Result<()> {
    for link in &capture.links {
        let line = Line {
            page: capture.page.as_str(),
            time: capture.time.to_string(),
            target: link.target.as_str(),
            anchor: &link.anchor,
            alt: &link.alt,
            rel: rel_text(link.rel),
            link_type: link.link_type.name(),
            nofollow: link.rel.is_nofollow(),
            refdomain,
            external: link.external,
            file,
            offset,
        };
        match format {
            LinksFormat::Ndjson => serde_json::to_writer(&mut *out, &line)?,
            LinksFormat::Tsv => write_tsv(out, &line)?,
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The rel tokens that bear on following, separated by spaces.
pub(crate) fn rel_text(rel: Rel) -> String {
    rel.names().collect::<Vec<_>>().join(" ")
}

fn write_tsv(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    let Line {
        page,
        time,
        target,
        anchor,
        alt,
        rel,
        link_type,
        nofollow,
        refdomain,
        external,
        file,
        offset,
    } = line;
    for field in [
        page,
        time.as_str(),
        target,
        anchor,
        alt,
        rel.as_str(),
        link_type,
    ] {
        write!(out, "{}\t", escaped(field))?;
    }
    write!(
        out,
        "{nofollow}\t{}\t{external}\t{}\t{offset}",
        escaped(refdomain),
        escaped(file)
    )
}

/// A field that cannot be taken for two.
fn escaped(field: &str) -> std::borrow::Cow<'_, str> {
    if field.contains(['\t', '\n', '\r', '\\']) {
        let text = field
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        return text.into();
    }
    field.into()
}
