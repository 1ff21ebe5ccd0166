//! gzip (RFC 1952): a member for each record, or one stream of any number of members.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use crate::codec::{Fault, Retries, Step, find_member};
use crate::member::Member;
use crate::source::Source;
use crate::start;

/// The first bytes of a member: magic, and the one method there is.
pub(crate) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// More than this and a member header is no header.
const HEADER_BYTES_MAX: usize = 128 << 10;

/// Packed bytes that are looked at to see whether a member starts a record.
const PROBE_BYTES: usize = 4 << 10;

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    /// A member that was decoded at once.
    Whole,
    Body,
    Trailer,
}

/// Decodes the members of a gzip file.
pub(crate) struct Gzip {
    member: Member,
    inflate: Decompress,
    crc: crc32fast::Hasher,
    /// Bytes out of this member, modulo 2³² as the trailer counts them.
    size: u32,
    member_offset: u64,
    state: State,
    retries: Retries,
}

impl Default for Gzip {
    fn default() -> Self {
        Self {
            member: Member::new(),
            inflate: Decompress::new(false),
            crc: crc32fast::Hasher::new(),
            size: 0,
            member_offset: 0,
            state: State::Between,
            retries: Retries::default(),
        }
    }
}

impl Gzip {
    pub(crate) fn step(&mut self, source: &mut Source, out: &mut [u8]) -> Result<Step, Fault> {
        loop {
            match self.state {
                State::Between => return self.begin(source),
                State::Whole => match self.member.give(out) {
                    0 => self.state = State::Between,
                    n => return Ok(Step::Data(n)),
                },
                State::Body => {
                    let n = self.inflate_some(source, out)?;
                    if n > 0 {
                        return Ok(Step::Data(n));
                    }
                }
                State::Trailer => self.check_trailer(source)?,
            }
        }
    }

    /// Reads a member's header.
    fn begin(&mut self, source: &mut Source) -> Result<Step, Fault> {
        source.mark();
        self.member_offset = source.offset();
        if source.fill(1)? == 0 {
            return Ok(Step::End);
        }
        if source.available().starts_with(&MAGIC) && self.member.decode(source)? {
            self.state = State::Whole;
            self.retries.ended_well(source.offset());
            return Ok(Step::Member(self.member_offset));
        }
        let mut wanted = 10;
        let length = loop {
            let got = source.fill(wanted)?;
            match header_len(source.available()) {
                Header::Is(length) => break length,
                Header::Not => return Err(self.between(source)),
                Header::Short if got < wanted => {
                    let message = "the file ends inside the header of a gzip member";
                    return Err(self.damage(message).unbegun());
                }
                Header::Short if wanted >= HEADER_BYTES_MAX => {
                    let message =
                        format!("the header of a gzip member is longer than {wanted} bytes");
                    return Err(self.damage(&message).unbegun());
                }
                Header::Short => wanted = (wanted * 4).min(HEADER_BYTES_MAX),
            }
        };
        source.consume(length);
        self.inflate.reset(false);
        self.crc = crc32fast::Hasher::new();
        self.size = 0;
        self.state = State::Body;
        Ok(Step::Member(self.member_offset))
    }

    fn inflate_some(&mut self, source: &mut Source, out: &mut [u8]) -> Result<usize, Fault> {
        loop {
            let at_end = source.fill(1)? == 0;
            let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(source.available(), out, FlushDecompress::None);
            let eaten = usize::try_from(self.inflate.total_in() - in_before).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflate.total_out() - out_before).unwrap_or(0);
            // Also before damage, so that the source stands where it was noticed.
            source.consume(eaten);
            let status = status
                .map_err(|_| self.damage("a gzip member does not inflate: its data is damaged"))?;
            let written = out.get(..made).unwrap_or_default();
            self.crc.update(written);
            self.size = self.size.wrapping_add(made as u32);
            if status == Status::StreamEnd {
                self.state = State::Trailer;
                return Ok(made);
            }
            if made > 0 {
                return Ok(made);
            }
            if eaten == 0 {
                return Err(self.damage(if at_end {
                    "the file ends inside a gzip member"
                } else {
                    "a gzip member does not inflate: no progress"
                }));
            }
        }
    }

    fn check_trailer(&mut self, source: &mut Source) -> Result<(), Fault> {
        source.fill(8)?;
        let Some(&[a, b, c, d, e, f, g, h]) = source.available().first_chunk() else {
            return Err(self.damage("the file ends inside the trailer of a gzip member"));
        };
        let crc = self.crc.clone().finalize();
        if u32::from_le_bytes([a, b, c, d]) != crc {
            return Err(self.damage("the checksum of a gzip member does not agree with its data"));
        }
        if u32::from_le_bytes([e, f, g, h]) != self.size {
            return Err(self.damage("the length of a gzip member does not agree with its data"));
        }
        source.consume(8);
        self.state = State::Between;
        self.retries.ended_well(source.offset());
        Ok(())
    }

    /// Goes on behind damage: at the next member that inflates to the start of a record.
    pub(crate) fn recover(&mut self, source: &mut Source) -> io::Result<bool> {
        let from = self.retries.look_from(source, self.member_offset);
        self.state = State::Between;
        let inflate = &mut self.inflate;
        find_member(source, from, &MAGIC, PROBE_BYTES, |packed| {
            is_member(packed, inflate)
        })
    }

    fn damage(&self, message: &str) -> Fault {
        Fault::Damage {
            offset: self.member_offset,
            between: false,
            message: format!("{message}; no further record is taken from it"),
        }
    }

    /// Something between members that is none: zero padding, or anything else.
    fn between(&self, source: &mut Source) -> Fault {
        let found = match source.available().first() {
            Some(0) => "zero padding".to_owned(),
            _ => {
                let head = source.available();
                format!("bytes {:02x?}", head.get(..4).unwrap_or(head))
            }
        };
        Fault::Damage {
            offset: self.member_offset,
            between: true,
            message: format!("expected a gzip member, found {found}; skipped to the next member"),
        }
    }
}

/// Whether a member begins here that `inflate` makes the start of a record of.
fn is_member(packed: &[u8], inflate: &mut Decompress) -> bool {
    let Header::Is(length) = header_len(packed) else {
        return false;
    };
    let mut out = [0; 512];
    inflate.reset(false);
    let body = packed.get(length..).unwrap_or_default();
    let inflated = inflate.decompress(body, &mut out, FlushDecompress::None);
    let n = usize::try_from(inflate.total_out()).unwrap_or(0);
    inflated.is_ok() && start::may_begin(out.get(..n).unwrap_or_default())
}

/// Whether there is such a member anywhere in `bytes`: a gzip file whose beginning is damaged.
pub(crate) fn holds_member(bytes: &[u8]) -> bool {
    let mut inflate = Decompress::new(false);
    memchr::memmem::find_iter(bytes, &MAGIC)
        .any(|at| is_member(bytes.get(at..).unwrap_or_default(), &mut inflate))
}

/// What [`header_len`] finds.
pub(crate) enum Header {
    Is(usize),
    Short,
    Not,
}

/// The length of the member header at the start of `bytes`.
pub(crate) fn header_len(bytes: &[u8]) -> Header {
    let magic = bytes.len().min(MAGIC.len());
    if bytes.get(..magic) != MAGIC.get(..magic) {
        return Header::Not;
    }
    let Some(&flags) = bytes.get(3) else {
        return Header::Short;
    };
    if flags & 0xe0 != 0 {
        return Header::Not;
    }
    let optional = || {
        let mut at = 10usize;
        if flags & FEXTRA != 0 {
            let length = [*bytes.get(at)?, *bytes.get(at + 1)?];
            at += 2 + usize::from(u16::from_le_bytes(length));
        }
        for flag in [FNAME, FCOMMENT] {
            if flags & flag != 0 {
                at += memchr::memchr(0, bytes.get(at..)?)? + 1;
            }
        }
        if flags & FHCRC != 0 {
            at += 2;
        }
        (at <= bytes.len()).then_some(at)
    };
    optional().map_or(Header::Short, Header::Is)
}
