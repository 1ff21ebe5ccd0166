//! Reading archive files: links out, beside decompression and the bare tokeniser.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use lol_html::{HtmlRewriter, Settings, element, text};
use serde_json::json;
use windlass_archive::{Archive, Limits, MediaType, Payload, Record};
use windlass_links::{ExtractOptions, Extractor, Outcome, PublicSuffixList};

use crate::cli::{BenchOptions, Format};
use crate::inputs;
use crate::table::{Align, Table};

/// What is measured, each beside its limits: one core, warm files.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    /// Bytes as they lie on disk, decompressed, and of HTML.
    bytes: u64,
    bytes_decompressed: u64,
    bytes_html: u64,
    links: u64,
    decompression: Duration,
    reading: Duration,
    /// The tokeniser alone, over the HTML in memory.
    tokeniser: Duration,
    extraction: Duration,
}

pub(super) fn run(options: &BenchOptions) -> anyhow::Result<()> {
    let paths = inputs::expand(&options.paths).all()?;
    let (wat, warc): (Vec<PathBuf>, Vec<PathBuf>) = paths
        .into_iter()
        .partition(|path| path.to_string_lossy().contains(".wat"));
    let mut results = Vec::new();
    for (name, paths) in [("WARC", warc), ("WAT", wat)] {
        if !paths.is_empty() {
            results.push((name, measure_all(&paths, options.repeat.max(1))?));
        }
    }
    let mut out = anstream::stdout().lock();
    match options.output {
        Format::Json => writeln!(out, "{}", as_json(&results))?,
        Format::Table => show(&results, &mut out)?,
    }
    Ok(())
}

fn measure_all(paths: &[PathBuf], repeat: u32) -> anyhow::Result<Figures> {
    let mut total = Figures::default();
    for path in paths {
        let figures = measure(path, repeat)?;
        total.bytes += figures.bytes;
        total.bytes_decompressed += figures.bytes_decompressed;
        total.bytes_html += figures.bytes_html;
        total.links += figures.links;
        total.decompression += figures.decompression;
        total.reading += figures.reading;
        total.tokeniser += figures.tokeniser;
        total.extraction += figures.extraction;
    }
    Ok(total)
}

fn fastest<T>(
    repeat: u32,
    mut work: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<(Duration, T)> {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..repeat {
        let start = Instant::now();
        let result = work()?;
        let elapsed = start.elapsed();
        if best.as_ref().is_none_or(|(fastest, _)| elapsed < *fastest) {
            best = Some((elapsed, result));
        }
    }
    best.ok_or_else(|| anyhow::anyhow!("nothing was measured"))
}

fn measure(path: &Path, repeat: u32) -> anyhow::Result<Figures> {
    let (decompression, bytes_decompressed) = fastest(repeat, || decompress(path))?;
    let (reading, html) = fastest(repeat, || html_of(path))?;
    let (tokeniser, ()) = fastest(repeat, || {
        html.iter().for_each(|body| tokenise(body));
        Ok(())
    })?;
    let (extraction, links) = fastest(repeat, || extract(path))?;
    Ok(Figures {
        bytes: fs::metadata(path)?.len(),
        bytes_decompressed,
        bytes_html: html.iter().map(|body| body.len() as u64).sum(),
        links,
        decompression,
        reading,
        tokeniser,
        extraction,
    })
}

fn decompress(path: &Path) -> anyhow::Result<u64> {
    let mut decoder = MultiGzDecoder::new(std::io::BufReader::with_capacity(
        1 << 18,
        File::open(path)?,
    ));
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(bytes),
            n => bytes += n as u64,
        }
    }
}

fn records(path: &Path) -> anyhow::Result<impl Iterator<Item = Record>> {
    Ok(Archive::open(path, Limits::default())?.flatten())
}

/// The bodies of HTML responses.
fn html_of(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    for record in records(path)? {
        if let Payload::Response(response) = record.payload {
            let is_html = MediaType::of(&response.headers).is_some_and(|t| t.is_html());
            if response.status == 200 && is_html {
                bodies.push(response.body);
            }
        }
    }
    Ok(bodies)
}

/// The tokeniser with the least that any extraction of anchors asks of it.
fn tokenise(body: &[u8]) {
    let html = String::from_utf8_lossy(body);
    let settings = Settings::new()
        .with_strict(false)
        .append_element_content_handler(element!("a[href]", |anchor| {
            black_box(anchor.get_attribute("href"));
            Ok(())
        }))
        .append_element_content_handler(text!("a[href]", |chunk| {
            black_box(chunk.as_str());
            Ok(())
        }));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    if rewriter.write(html.as_bytes()).is_ok() {
        let _ = rewriter.end();
    }
}

fn extract(path: &Path) -> anyhow::Result<u64> {
    let list = Arc::new(PublicSuffixList::bundled());
    let mut extractor = Extractor::new(list, ExtractOptions::default());
    let mut links = 0;
    for record in records(path)? {
        if let Ok(capture) = extractor.capture(&record)
            && capture.outcome == Outcome::Html
        {
            links += u64::from(capture.counts.internal) + u64::from(capture.counts.external);
            black_box(&capture.links);
        }
    }
    Ok(links)
}

fn per_second(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

fn as_json(results: &[(&str, Figures)]) -> serde_json::Value {
    let all: Vec<_> = results
        .iter()
        .map(|(name, f)| {
            json!({
                "input": name,
                "bytes": f.bytes,
                "bytes_decompressed": f.bytes_decompressed,
                "bytes_html": f.bytes_html,
                "links": f.links,
                "decompression_s": f.decompression.as_secs_f64(),
                "reading_s": f.reading.as_secs_f64(),
                "tokeniser_s": f.tokeniser.as_secs_f64(),
                "extraction_s": f.extraction.as_secs_f64(),
            })
        })
        .collect();
    json!(all)
}

fn show(results: &[(&str, Figures)], out: &mut dyn Write) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("input", Align::Left),
        ("what", Align::Left),
        ("seconds", Align::Right),
        ("MB/s decompressed", Align::Right),
        ("MB/s HTML", Align::Right),
        ("s for 100 MB compressed", Align::Right),
        ("links", Align::Right),
    ]);
    for (name, f) in results {
        let mut lines = vec![
            ("decompression alone", f.decompression, 0),
            ("records read", f.reading, 0),
            ("links extracted", f.extraction, f.links),
        ];
        if f.bytes_html > 0 {
            lines.insert(
                2,
                (
                    "decompression and bare tokeniser",
                    f.decompression + f.tokeniser,
                    0,
                ),
            );
        }
        for (what, time, links) in lines {
            table.row(&[
                (*name).to_owned(),
                what.to_owned(),
                format!("{:.3}", time.as_secs_f64()),
                format!("{:.0}", per_second(f.bytes_decompressed, time)),
                if f.bytes_html > 0 {
                    format!("{:.0}", per_second(f.bytes_html, time))
                } else {
                    String::new()
                },
                format!("{:.2}", time.as_secs_f64() * 1e8 / f.bytes.max(1) as f64),
                if links > 0 {
                    crate::numbers::grouped(links)
                } else {
                    String::new()
                },
            ]);
        }
    }
    table.write(out)
}
