//! zstd (RFC 8878) as WARC uses it (IIPC, "WARC file compression using Zstandard"): a frame for each
//! record or one frame for all, with a dictionary in a first skippable frame where there is one.

use std::io::{self, Read};

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use crate::codec::{Fault, Retries, Step, find_member};
use crate::source::Source;
use crate::start;

const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Skippable frames begin with 0x184D2A50 to 0x184D2A5F, little-endian.
const SKIPPABLE_MAGIC: [u8; 3] = [0x2a, 0x4d, 0x18];
/// The low byte of the skippable frame that holds a dictionary.
const DICTIONARY_MAGIC: u8 = 0x5d;

/// A dictionary longer than this is refused; the trained ones are about 1 MiB.
const DICTIONARY_BYTES_MAX: usize = 64 << 20;
/// Windows beyond 2²⁷ bytes (128 MiB, zstd's own default) are refused.
const WINDOW_LOG_MAX: u32 = 27;

/// Packed bytes that are looked at to see whether a frame starts a record.
const PROBE_BYTES: usize = 128 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Body,
}

/// Decodes the frames of a zstd file.
pub(crate) struct Zst {
    /// Knows the dictionary; used for every frame, for taking in a dictionary costs more than most frames.
    /// `None` before the first.
    decoder: Option<Decoder<'static>>,
    frame_offset: u64,
    state: State,
    retries: Retries,
}

impl Zst {
    pub(crate) fn new() -> Self {
        Self {
            decoder: None,
            frame_offset: 0,
            state: State::Between,
            retries: Retries::default(),
        }
    }

    /// Whether a file that begins like this is zstd.
    pub(crate) fn is_start(head: &[u8]) -> bool {
        head.starts_with(&FRAME_MAGIC) || is_skippable(head)
    }

    pub(crate) fn step(&mut self, source: &mut Source, out: &mut [u8]) -> Result<Step, Fault> {
        loop {
            if self.state == State::Between {
                source.mark();
                self.frame_offset = source.offset();
                if source.fill(8)? == 0 {
                    return Ok(Step::End);
                }
                if is_skippable(source.available()) {
                    self.skippable(source).map_err(Fault::unbegun)?;
                    continue;
                }
                if !source.available().starts_with(&FRAME_MAGIC) {
                    return Err(self.between(source));
                }
                decoder_for_frame(&mut self.decoder)?;
                self.state = State::Body;
                return Ok(Step::Member(self.frame_offset));
            }
            let n = self.decode_some(source, out)?;
            if n > 0 {
                return Ok(Step::Data(n));
            }
        }
    }

    fn decode_some(&mut self, source: &mut Source, out: &mut [u8]) -> Result<usize, Fault> {
        let at_end = source.fill(1)? == 0;
        let Some(decoder) = &mut self.decoder else {
            return Err(self.damage("a zstd frame has no decoder"));
        };
        let mut input = InBuffer::around(source.available());
        let mut output = OutBuffer::around(out);
        let result = decoder.run(&mut input, &mut output);
        let (eaten, made) = (input.pos(), output.pos());
        source.consume(eaten);
        match result {
            Err(error) => Err(self.damage(&format!("a zstd frame does not decode: {error}"))),
            Ok(0) => {
                self.state = State::Between;
                self.retries.ended_well(source.offset());
                Ok(made)
            }
            Ok(_) if made == 0 && at_end => Err(self.damage("the file ends inside a zstd frame")),
            Ok(_) => Ok(made),
        }
    }

    /// Reads a dictionary, or passes over a skippable frame of another kind.
    fn skippable(&mut self, source: &mut Source) -> Result<(), Fault> {
        let Some(&[kind, _, _, _, a, b, c, d]) = source.available().first_chunk() else {
            return Err(self.damage("the file ends inside the header of a skippable zstd frame"));
        };
        source.consume(8);
        let size = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let is_dictionary = kind == DICTIONARY_MAGIC && self.frame_offset == 0;
        if is_dictionary && size > DICTIONARY_BYTES_MAX {
            return Err(self.damage(&format!(
                "the zstd dictionary is said to have {size} bytes, more than {DICTIONARY_BYTES_MAX}"
            )));
        }
        let mut packed = Vec::new();
        let mut left = size;
        while left > 0 {
            source.mark();
            let got = source.fill(1)?.min(left);
            if got == 0 {
                return Err(self.damage("the file ends inside a skippable zstd frame"));
            }
            if is_dictionary {
                packed.extend_from_slice(source.available().get(..got).unwrap_or_default());
            }
            source.consume(got);
            left -= got;
        }
        if is_dictionary {
            let dictionary = self.unpack_dictionary(packed)?;
            let decoder = new_decoder(&dictionary);
            self.decoder =
                Some(decoder.map_err(|_| self.damage("the zstd dictionary is damaged"))?);
        }
        Ok(())
    }

    /// The dictionary itself may be a zstd frame.
    fn unpack_dictionary(&self, packed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        if !packed.starts_with(&FRAME_MAGIC) {
            return Ok(packed);
        }
        let mut dictionary = Vec::new();
        let limit = DICTIONARY_BYTES_MAX as u64 + 1;
        let read = zstd::stream::read::Decoder::with_buffer(packed.as_slice())
            .and_then(|decoder| decoder.take(limit).read_to_end(&mut dictionary));
        match read {
            Ok(n) if n <= DICTIONARY_BYTES_MAX => Ok(dictionary),
            Ok(_) => Err(self.damage("the zstd dictionary unpacks to more than 64 MiB")),
            Err(error) => {
                Err(self.damage(&format!("the zstd dictionary does not unpack: {error}")))
            }
        }
    }

    /// Goes on behind damage: at the next frame that decodes to the start of a record.
    pub(crate) fn recover(&mut self, source: &mut Source) -> io::Result<bool> {
        self.state = State::Between;
        let from = self.retries.look_from(source, self.frame_offset);
        let decoder = &mut self.decoder;
        find_member(source, from, &FRAME_MAGIC, PROBE_BYTES, |packed| {
            let mut out = [0; 512];
            let mut output = OutBuffer::around(out.as_mut_slice());
            let mut input = InBuffer::around(packed);
            let decoded =
                decoder_for_frame(decoder).and_then(|decoder| decoder.run(&mut input, &mut output));
            decoded.is_ok() && start::may_begin(output.as_slice())
        })
    }

    fn damage(&self, message: &str) -> Fault {
        Fault::Damage {
            offset: self.frame_offset,
            between: false,
            message: format!("{message}; no further record is taken from it"),
        }
    }

    fn between(&self, source: &mut Source) -> Fault {
        let head = source.available();
        let found = head.get(..4).unwrap_or(head);
        Fault::Damage {
            offset: self.frame_offset,
            between: true,
            message: format!(
                "expected a zstd frame, found bytes {found:02x?}; skipped to the next frame"
            ),
        }
    }
}

fn is_skippable(head: &[u8]) -> bool {
    matches!(head.split_first(), Some((0x50..=0x5f, rest)) if rest.starts_with(&SKIPPABLE_MAGIC))
}

/// The decoder, ready for the beginning of a frame.
fn decoder_for_frame<'a>(
    decoder: &'a mut Option<Decoder<'static>>,
) -> io::Result<&'a mut Decoder<'static>> {
    match decoder {
        Some(decoder) => {
            decoder.reinit()?;
            Ok(decoder)
        }
        None => Ok(decoder.insert(new_decoder(&[])?)),
    }
}

fn new_decoder(dictionary: &[u8]) -> io::Result<Decoder<'static>> {
    let mut decoder = Decoder::with_dictionary(dictionary)?;
    decoder.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
    Ok(decoder)
}
