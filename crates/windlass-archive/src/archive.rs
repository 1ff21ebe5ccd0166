//! The reader of one file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::arc::ArcLine;
use crate::capture::{self, Trouble};
use crate::codec::Codec;
use crate::date;
use crate::framing::{self, Ending, Frame};
use crate::limits::Limits;
use crate::record::{Payload, Problem, ProblemKind, Record};
use crate::source::Source;
use crate::start::{self, Family};
use crate::time::CaptureTime;
use crate::warc::{self, BlockEnd, WarcHeader};
use crate::wat::{self, Wat};
use crate::window::{Reach, Window};

/// After so many damaged members at the beginning, each of which began like a record, the file is taken for
/// an archive: what is reported before the caller takes anything is held in memory.
const EARLY_PROBLEMS_MAX: usize = 1000;

/// What a ZIP file begins with.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Said of a header without an empty line.
const NO_END: &str = "the record's header has no end";

/// Reads the captures of one file in order.
///
/// An iterator of records and problems: a problem does not end the iteration, only the end of the
/// file or an error in reading it does. A record that is handed on in spite of a problem (a body
/// cut at the limit, a wrong length) comes right before it.
///
/// Costs one pass over the file; memory as [`Limits`] says.
pub struct Archive {
    window: Window,
    limits: Limits,
    family: Option<Family>,
    ready: VecDeque<Result<Record, Problem>>,
    skipped: u64,
    ended: bool,
}

/// Where a record begins.
#[derive(Clone, Copy)]
struct Place {
    /// As reported.
    offset: u64,
    /// Its position, where it begins a gzip member or zstd frame.
    member_at: Option<u64>,
}

impl Archive {
    /// Opens a file and finds out what it is.
    ///
    /// # Errors
    /// [`ProblemKind::Io`] where it cannot be read; [`ProblemKind::UnknownFormat`] where it holds no
    /// WARC or ARC record within the first [`Limits::header_bytes_max`] bytes.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, Problem> {
        let file = File::open(path).map_err(|error| Problem {
            offset: 0,
            kind: ProblemKind::Io,
            message: format!("opening {}: {error}", path.display()),
        })?;
        Self::from_reader(file, limits)
    }

    /// Reads an archive from any reader, which need not be buffered; a caller that wraps it sees all
    /// bytes of the file in order, once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        limits: Limits,
    ) -> Result<Self, Problem> {
        let mut source = Source::new(Box::new(reader), limits.look_back_bytes_max);
        let codec = Codec::detect(&mut source).map_err(|error| Problem {
            offset: 0,
            kind: ProblemKind::Io,
            message: format!("reading the file: {error}"),
        })?;
        // Records may lie in a ZIP file as they are; but not all of them would be found.
        if source.available().starts_with(ZIP_MAGIC) {
            return Err(expected(
                "this is a ZIP file (WACZ?): unpack it and give the files in its archive folder",
            ));
        }
        let mut archive = Self {
            window: Window::new(source, codec),
            limits,
            family: None,
            ready: VecDeque::new(),
            skipped: 0,
            ended: false,
        };
        archive.detect()?;
        Ok(archive)
    }

    /// Bytes of the file consumed so far; for progress, against the file's length.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.window.file_offset()
    }

    /// Bytes decompressed so far.
    #[must_use]
    pub fn bytes_decompressed(&self) -> u64 {
        self.window.decoded()
    }

    /// Records passed over so far because they are no captures: `warcinfo`, `request`, `metadata`
    /// that is no WAT, `conversion`, `continuation`, DNS lookups, documents of other schemes than
    /// http and https, the file's own ARC header. They are no problems.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Makes sure that there is a record somewhere near the beginning.
    fn detect(&mut self) -> Result<(), Problem> {
        let mut first_damage: Option<Problem> = None;
        loop {
            self.skip_blank();
            if self.window.family_at(0).is_some() {
                break;
            }
            let got = self.window.ensure(self.limits.header_bytes_max);
            if start::find(self.window.available(), None, true).is_some() {
                break;
            }
            if !framing::is_damaged(&self.window) {
                return Err(first_damage.unwrap_or_else(|| self.unknown_format(got)));
            }
            let Some(problem) = self.window.recover() else {
                break;
            };
            if problem.kind == ProblemKind::Io {
                return Err(problem);
            }
            first_damage.get_or_insert_with(|| problem.clone());
            self.ready.push_back(Err(problem));
            if self.ready.len() >= EARLY_PROBLEMS_MAX {
                break;
            }
        }
        Ok(())
    }

    fn unknown_format(&self, got: usize) -> Problem {
        let bytes = self.window.available();
        let found = if got == 0 {
            "the file is empty".to_owned()
        } else {
            let head = bytes.get(..bytes.len().min(40)).unwrap_or_default();
            format!("found {:?}", String::from_utf8_lossy(head))
        };
        expected(&found)
    }

    /// Steps over line ends, spaces and zero bytes between records; how many zero bytes there were.
    fn skip_blank(&mut self) -> u64 {
        let mut zeros = 0u64;
        loop {
            self.window.pin();
            self.window.ensure(1);
            let blank = |b: &&u8| matches!(b, 0 | b'\t' | b'\n' | b'\r' | b' ');
            let bytes = self.window.available();
            let run = bytes.iter().take_while(blank).count();
            if run == 0 {
                return zeros;
            }
            let run = bytes.get(..run).unwrap_or_default();
            zeros += memchr::memchr_iter(0, run).count() as u64;
            let n = run.len();
            self.window.advance(n);
        }
    }

    /// Reads the next record: puts what comes of it into `ready`, or ends.
    fn advance(&mut self) {
        let blank_at = self.window.record_offset();
        let zeros = self.skip_blank();
        if zeros > 0 {
            let message = format!("{zeros} zero bytes between two records; passed over");
            self.problem(blank_at, ProblemKind::BadHeader, message);
        }
        if self.window.available().is_empty() {
            match self.window.recover() {
                Some(problem) => self.ready.push_back(Err(problem)),
                None => self.ended = true,
            }
            return;
        }
        let place = Place {
            offset: self.window.record_offset(),
            member_at: self
                .window
                .at_member_start()
                .then(|| self.window.position()),
        };
        match self.window.family_at(0) {
            Some(Family::Warc) => self.warc(place),
            Some(Family::Arc) => self.arc(place),
            None => self.no_record(place),
        }
    }

    fn problem(&mut self, offset: u64, kind: ProblemKind, message: String) {
        self.ready.push_back(Err(Problem {
            offset,
            kind,
            message,
        }));
    }

    /// Something that no record starts with.
    fn no_record(&mut self, place: Place) {
        let bytes = self.window.available();
        let head = bytes.get(..bytes.len().min(40)).unwrap_or_default();
        let found = String::from_utf8_lossy(head).into_owned();
        let message = format!("expected the start of a record, found {found:?}");
        self.resume(place, ProblemKind::BadHeader, &message);
    }

    /// Reports a record that cannot be read and goes to the next. Damage of the packing explains
    /// any other trouble in the same member and is reported alone.
    fn resume(&mut self, place: Place, kind: ProblemKind, message: &str) {
        let from = self.window.position();
        framing::find_next(&mut self.window, self.family, |_| {});
        self.passed_over(place, from, kind, message);
    }

    /// Reports a record that cannot be read, of which the bytes from `from` to here were passed over.
    fn passed_over(&mut self, place: Place, from: u64, kind: ProblemKind, message: &str) {
        if place
            .member_at
            .is_some_and(|at| self.window.fault_spoils(at))
        {
            return;
        }
        let passed = self.window.position() - from;
        let message = format!("{message}; passed over {passed} bytes to the next record");
        self.problem(place.offset, kind, message);
    }

    /// Reads a WARC record, the window standing at its version line.
    fn warc(&mut self, place: Place) {
        self.family = Some(Family::Warc);
        let Some(length) = self.header_block(place) else {
            return;
        };
        let block = self.window.available().get(..length).unwrap_or_default();
        let header = WarcHeader::parse(block);
        // A URI may end like a version line; two headers in one have their fields twice.
        if header.has_repeats
            && let Some(length) = warc::last_version_line(block)
        {
            return self.cut_header(place, length);
        }
        self.window.advance(length);
        let claimed = match header.content_length {
            Some(Some(claimed)) => claimed,
            found => {
                let message = match found {
                    None => "the record has no Content-Length",
                    Some(_) => "the record's Content-Length is no number",
                };
                self.resume(place, ProblemKind::BadLength, message);
                return;
            }
        };
        let frame = Frame {
            family: Family::Warc,
            member_at: place.member_at,
            claimed,
        };
        let Some(kind) = Wanted::of(&header) else {
            let ending = frame.pass(&mut self.window, self.limits.content_bytes_max());
            if header.record_type.is_none() && ending != Ending::Spoiled {
                let message = "the record has no WARC-Type; left out".to_owned();
                self.problem(place.offset, ProblemKind::BadHeader, message);
            } else {
                self.skip(place, ending);
            }
            return;
        };
        let uri = warc::uri_text(header.target_uri.as_deref().unwrap_or_default());
        let date = header.date.as_deref().unwrap_or_default();
        let time = date::warc(date);
        self.capture(place, frame, |content, cut, limits| match kind {
            // Called something else, and indeed no HTTP: a lookup, a certificate.
            Wanted::Response if !header.is_http() && !content.starts_with(b"HTTP") => Ok(None),
            Wanted::Response => {
                let (payload, troubles) = capture::response(content, cut, limits)?;
                named(&uri, time, date, payload, troubles)
            }
            Wanted::Resource => {
                let media_type = header.content_type.clone();
                let (payload, troubles) = capture::resource(media_type, content, cut, limits);
                named(&uri, time, date, payload, troubles)
            }
            Wanted::Revisit => {
                let refers_to_date = header.refers_to_date.as_deref();
                let payload = Payload::Revisit {
                    refers_to_uri: header.refers_to_uri.as_deref().map(warc::uri_text),
                    refers_to_time: refers_to_date.and_then(date::warc),
                };
                named(&uri, time, date, payload, Vec::new())
            }
            Wanted::Metadata => metadata(content, cut, limits),
        });
    }

    /// The length of the WARC header block at the window's position; `None`, and reported, where it
    /// has no end. What begins with another record's version line is that record's.
    fn header_block(&mut self, place: Place) -> Option<usize> {
        let limit = self.limits.header_bytes_max;
        let (mut searched, mut wanted) = (0, 4 << 10);
        loop {
            let reached = self.window.reach(wanted);
            let got = match reached {
                Reach::Full => wanted,
                Reach::Record(n) | Reach::Stop(n) => n,
            };
            let bytes = self.window.available().get(..got).unwrap_or_default();
            match warc::block_end(bytes, searched) {
                Some(BlockEnd::EmptyLine(length)) => return Some(length),
                Some(BlockEnd::VersionLine(length)) => {
                    self.cut_header(place, length);
                    return None;
                }
                None => {}
            }
            if reached != Reach::Full || got >= limit {
                let message = if got >= limit {
                    format!("the record's header is longer than {limit} bytes")
                } else {
                    NO_END.to_owned()
                };
                // Its version line is stepped over, or it would be found again.
                self.window.advance(got.min(8));
                self.resume(place, ProblemKind::BadHeader, &message);
                return None;
            }
            searched = got;
            wanted = wanted.saturating_mul(2).min(limit);
        }
    }

    /// Reports a header that ends, without an empty line, after `length` bytes, where another record begins.
    fn cut_header(&mut self, place: Place, length: usize) {
        let from = self.window.position();
        self.window.advance(length);
        self.passed_over(place, from, ProblemKind::BadHeader, NO_END);
    }

    /// Reads an ARC record, the window standing at its header line.
    fn arc(&mut self, place: Place) {
        self.family = Some(Family::Arc);
        let bytes = self.window.available();
        let line_end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        let line = ArcLine::parse(bytes.get(..line_end).unwrap_or_default());
        let Some(line) = line else {
            return self.no_record(place);
        };
        let uri = warc::uri_text(line.url);
        let date = String::from_utf8_lossy(line.date).into_owned();
        let claimed = line.length;
        self.window.advance(line_end + 1);
        let Some(claimed) = claimed else {
            let message = "the record's length is not a number of bytes";
            return self.resume(place, ProblemKind::BadLength, message);
        };
        let frame = Frame {
            family: Family::Arc,
            member_at: place.member_at,
            claimed,
        };
        if !warc::is_web(&uri) {
            let ending = frame.pass(&mut self.window, self.limits.content_bytes_max());
            return self.skip(place, ending);
        }
        let time = date::arc(&date);
        self.capture(place, frame, |content, cut, limits| {
            let (payload, troubles) = capture::response(content, cut, limits)?;
            named(&uri, time, &date, payload, troubles)
        });
    }

    /// Counts a record that is no capture.
    fn skip(&mut self, place: Place, ending: Ending) {
        match ending {
            Ending::Spoiled => return,
            Ending::Right => {}
            Ending::Wrong(why) | Ending::CutShort(why) => {
                self.problem(place.offset, ProblemKind::BadLength, why);
            }
        }
        self.skipped += 1;
    }

    /// Reads the content of a capture and hands on what comes of it.
    fn capture(
        &mut self,
        place: Place,
        frame: Frame,
        read: impl FnOnce(&[u8], bool, &Limits) -> Result<Option<Capture>, Trouble>,
    ) {
        let framed = frame.read(&mut self.window, self.limits.content_bytes_max());
        let content = framed.bytes(&self.window);
        let (is_kept, length_problem) = match &framed.ending {
            // The damage is reported where the stream goes on behind it.
            Ending::Spoiled => return,
            Ending::Right => (true, None),
            Ending::Wrong(why) => (true, Some(why.clone())),
            Ending::CutShort(why) => {
                let is_kept = capture::is_complete(content, &self.limits);
                let fate = if is_kept {
                    "the HTTP message in it is complete and kept"
                } else {
                    "the record is left out"
                };
                (is_kept, Some(format!("{why}; {fate}")))
            }
        };
        let result = is_kept.then(|| read(content, framed.cut, &self.limits));
        let mut troubles = Vec::new();
        match result {
            None => {}
            Some(Ok(None)) => self.skipped += 1,
            Some(Ok(Some(capture))) => {
                self.ready.push_back(Ok(Record {
                    offset: place.offset,
                    target_uri: capture.uri,
                    time: capture.time,
                    payload: capture.payload,
                }));
                troubles = capture.troubles;
            }
            Some(Err(trouble)) => troubles.push(trouble),
        }
        let length_problem = length_problem.map(|why| (ProblemKind::BadLength, why));
        for (kind, message) in length_problem.into_iter().chain(troubles) {
            self.problem(place.offset, kind, message);
        }
    }
}

impl Iterator for Archive {
    type Item = Result<Record, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            self.advance();
        }
        self.ready.pop_front()
    }
}

/// A file is no archive.
fn expected(found: &str) -> Problem {
    Problem {
        offset: 0,
        kind: ProblemKind::UnknownFormat,
        message: format!("expected a WARC, ARC or WAT file, plain or in gzip or zstd; {found}"),
    }
}

/// A capture that lacks nothing but its place.
struct Capture {
    uri: String,
    time: CaptureTime,
    payload: Payload,
    troubles: Vec<Trouble>,
}

/// The WARC records that may be captures.
#[derive(Clone, Copy)]
enum Wanted {
    Response,
    Resource,
    Revisit,
    Metadata,
}

impl Wanted {
    /// What to read a record as; `None` for what is passed over.
    fn of(header: &WarcHeader) -> Option<Self> {
        // A missing URI is a problem of a capture, not a reason to pass over it.
        let uri = header.target_uri.as_deref().map(warc::uri_text);
        let is_web = uri.is_none_or(|uri| uri.is_empty() || warc::is_web(&uri));
        match header.record_type.as_deref()? {
            "response" if is_web => Some(Self::Response),
            "resource" if is_web => Some(Self::Resource),
            "revisit" if is_web => Some(Self::Revisit),
            "metadata" if header.is_json() => Some(Self::Metadata),
            _ => None,
        }
    }
}

/// Gives a payload its URI and time, or tells which of them is missing.
fn named(
    uri: &str,
    time: Option<CaptureTime>,
    date: &str,
    payload: Payload,
    troubles: Vec<Trouble>,
) -> Result<Option<Capture>, Trouble> {
    if !warc::is_web(uri) {
        let message = format!("the record's target URI is {uri:?}, expected an http or https URL");
        return Err((ProblemKind::BadTargetUri, message));
    }
    let time = time.ok_or_else(|| {
        let shown: String = date.chars().take(64).collect();
        let message = format!(
            "the record's date is {shown:?}, expected a date between 1970 and 2106 such as \
             2014-01-02T10:20:30Z or 20140102102030"
        );
        (ProblemKind::BadDate, message)
    })?;
    Ok(Some(Capture {
        uri: uri.to_owned(),
        time,
        payload,
        troubles,
    }))
}

/// Reads a `metadata` record that holds JSON: a WAT, or something else.
fn metadata(content: &[u8], cut: bool, limits: &Limits) -> Result<Option<Capture>, Trouble> {
    if cut {
        let limit = limits.content_bytes_max();
        let message = format!("the JSON of a WAT record is longer than {limit} bytes; left out");
        return Err((ProblemKind::BadWat, message));
    }
    match wat::parse(content).map_err(|why| (ProblemKind::BadWat, why))? {
        Wat::Other => Ok(None),
        Wat::Page {
            page,
            target_uri,
            date,
        } => {
            let uri = warc::uri_text(target_uri.unwrap_or_default().as_bytes());
            if !uri.is_empty() && !warc::is_web(&uri) {
                return Ok(None);
            }
            let date = date.unwrap_or_default();
            let time = date::warc(&date);
            named(&uri, time, &date, Payload::Wat(page), Vec::new())
        }
    }
}

/// Reads an archive that lies in memory, whole: for tests and fuzzing.
#[must_use]
pub fn read_all(data: &[u8], limits: Limits) -> (Vec<Record>, Vec<Problem>) {
    let reader = std::io::Cursor::new(data.to_vec());
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    match Archive::from_reader(reader, limits) {
        Err(problem) => problems.push(problem),
        Ok(archive) => {
            for item in archive {
                match item {
                    Ok(record) => records.push(record),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    (records, problems)
}
