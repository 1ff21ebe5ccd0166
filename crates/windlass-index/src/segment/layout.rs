//! What a segment file is made of.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::IndexError;

/// First bytes of a segment.
pub(super) const MAGIC: &[u8; 8] = b"WINDLASS";
/// Last bytes of a segment.
pub(super) const END: &[u8; 8] = b"WNDLSEND";
/// Magic, format version, rules version.
pub(super) const HEADER_LENGTH: usize = 16;
/// CRC, length, end.
pub(super) const TRAILER_LENGTH: usize = 16;

/// The version of the format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 7;
/// The version of the counting rules that the numbers follow.
pub const RULES_VERSION: u32 = 1;

/// Refuses a file whose versions, of the format and of the counting rules, are others than those that are known here.
pub(crate) fn check_versions(
    path: &Path,
    found: impl IntoIterator<Item = Result<u32, IndexError>>,
) -> Result<(), IndexError> {
    let known = [
        ("format", FORMAT_VERSION),
        ("counting rules", RULES_VERSION),
    ];
    for ((what, known), found) in known.into_iter().zip(found) {
        let found = found?;
        if found != known {
            return Err(IndexError::Version {
                path: path.to_owned(),
                what,
                found: found.into(),
                known: known.into(),
            });
        }
    }
    Ok(())
}

/// The BLAKE3 digest of an archive file: its name inside segments.
pub(crate) type Digest = [u8; 32];

/// The parts of a segment, in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// BLAKE3 digests of the archive files that it was made of, sorted.
    Files,
    /// Pages, their keys and instants, in chunks of 64.
    Pages,
    /// Offset of each chunk of pages.
    PageIndex,
    /// Time of the latest real capture of each page.
    PageLatest,
    /// Times of the real captures of the pages that have several.
    Recaptured,
    /// CRC-32 of each 16 KiB of them.
    RecapturedChecksums,
    /// Numbers of the pages that have revisits.
    Revisited,
    /// Site keys of the pages' registrable domains.
    Domains,
    /// CRC-32 of each 16 KiB of them.
    DomainChecksums,
    /// First page of each registrable domain.
    DomainStarts,
    /// Site blocks.
    Sites,
    /// CRC-32 of each 16 KiB of the site blocks.
    SiteChecksums,
    /// From site key to block.
    Directory,
    /// CRC-32 of each 16 KiB of it.
    DirectoryChecksums,
    /// Offset of each 32nd site block.
    SiteStarts,
    /// Which sites the pages of each registrable domain link to.
    Linked,
    /// Offset of each 64 domains in it.
    LinkedIndex,
    /// Site blocks of links within registrable domains.
    Internal,
    /// CRC-32 of each 16 KiB of them.
    InternalChecksums,
    /// From site key to its block of internal links.
    InternalDirectory,
    /// Ready-made parts of large sites.
    Ready,
    /// CRC-32 of each 16 KiB of them.
    ReadyChecksums,
    /// From site key to its ready-made part.
    ReadyDirectory,
}

impl Section {
    /// All of them, in file order.
    pub const ALL: [Self; 23] = [
        Self::Files,
        Self::Pages,
        Self::PageIndex,
        Self::PageLatest,
        Self::Recaptured,
        Self::RecapturedChecksums,
        Self::Revisited,
        Self::Domains,
        Self::DomainChecksums,
        Self::DomainStarts,
        Self::Sites,
        Self::SiteChecksums,
        Self::Directory,
        Self::DirectoryChecksums,
        Self::SiteStarts,
        Self::Linked,
        Self::LinkedIndex,
        Self::Internal,
        Self::InternalChecksums,
        Self::InternalDirectory,
        Self::Ready,
        Self::ReadyChecksums,
        Self::ReadyDirectory,
    ];

    /// Whether a segment can be without it: not all have internal links, and what is ready-made is added to a
    /// segment that is whole.
    pub(super) const fn is_optional(self) -> bool {
        self.is_ready_made()
            || matches!(
                self,
                Self::Internal | Self::InternalChecksums | Self::InternalDirectory
            )
    }

    /// Whether it is added to a segment that is whole.
    pub(super) const fn is_ready_made(self) -> bool {
        matches!(
            self,
            Self::Ready | Self::ReadyChecksums | Self::ReadyDirectory
        )
    }

    /// What is wrong where its checksum is.
    pub(super) const fn checksum(self) -> &'static str {
        match self {
            Self::Files => "the checksum of the archive files",
            Self::Pages => "the checksum of the pages",
            Self::PageIndex => "the checksum of the page index",
            Self::PageLatest => "the checksum of the latest captures",
            Self::Recaptured => "the checksum of the pages' captures",
            Self::RecapturedChecksums => "the checksum of the checksums of the pages' captures",
            Self::Revisited => "the checksum of the revisited pages",
            Self::Domains => "the checksum of the domains",
            Self::DomainChecksums => "the checksum of the domains' checksums",
            Self::DomainStarts => "the checksum of the domains' first pages",
            Self::Sites => "the checksum of the site blocks",
            Self::SiteChecksums => "the checksum of the site blocks' checksums",
            Self::Directory => "the checksum of the directory",
            Self::DirectoryChecksums => "the checksum of the directory's checksums",
            Self::SiteStarts => "the checksum of the offsets of site blocks",
            Self::Linked => "the checksum of the linked sites",
            Self::LinkedIndex => "the checksum of the linked sites' index",
            Self::Internal => "the checksum of the internal links",
            Self::InternalChecksums => "the checksum of the internal links' checksums",
            Self::InternalDirectory => "the checksum of the directory of internal links",
            Self::Ready => "the checksum of the ready-made parts",
            Self::ReadyChecksums => "the checksum of the ready-made parts' checksums",
            Self::ReadyDirectory => "the checksum of the directory of ready-made parts",
        }
    }

    /// The section that has the checksums of its pages, where it is one that is written whole.
    pub(super) const fn checksums(self) -> Option<Self> {
        match self {
            Self::Recaptured => Some(Self::RecapturedChecksums),
            Self::Domains => Some(Self::DomainChecksums),
            Self::Directory => Some(Self::DirectoryChecksums),
            _ => None,
        }
    }

    /// Whether its parts have checksums of their own, so that it can be read in parts.
    pub(super) const fn checks_itself(self) -> bool {
        matches!(
            self,
            Self::Pages
                | Self::PageLatest
                | Self::Recaptured
                | Self::Domains
                | Self::Sites
                | Self::Directory
                | Self::Linked
                | Self::Internal
                | Self::Ready
        )
    }
}

/// Where a section lies.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u64,
    /// CRC-32 of the whole; 0 for sections that check themselves.
    pub(super) crc32: u32,
}

impl Place {
    /// As a range of the file's bytes.
    pub(super) fn range(&self) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        let end = usize::try_from(self.offset.checked_add(self.length)?).ok()?;
        Some(start..end)
    }
}

/// What a segment holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Archive files.
    pub files: u64,
    /// Distinct (page, second) pairs.
    pub captures: u64,
    /// Those of them that are revisits.
    pub revisits: u64,
    /// Pages.
    pub pages: u64,
    /// Registrable domains of pages.
    pub refdomains: u64,
    /// Registrable domains that are linked to.
    pub sites: u64,
    /// Distinct (page, target, anchor) triples ever seen (R12).
    pub backlinks: u64,
    /// Distinct (page, target, link type) triples of other types.
    pub other_links: u64,
    /// Distinct links of any type within registrable domains; 0 where they are not kept.
    pub internal_links: u64,
    /// Time of the earliest capture, seconds since 1970.
    pub first_capture: Option<u32>,
    /// Time of the latest capture, seconds since 1970.
    pub last_capture: Option<u32>,
}

impl Counts {
    /// Units of work that merging counts: captures and links.
    pub(crate) const fn merge_units(&self) -> u64 {
        self.captures + self.backlinks + self.other_links + self.internal_links
    }
}

/// Which links a site block has, and so in which sections it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those from other registrable domains (R11).
    External,
    /// Those within the registrable domain.
    Internal,
}

impl Side {
    /// Both, in file order.
    pub(crate) const ALL: [Self; 2] = [Self::External, Self::Internal];

    /// Which of two is its own.
    pub(crate) fn pick<T>(self, [external, internal]: [T; 2]) -> T {
        match self {
            Self::External => external,
            Self::Internal => internal,
        }
    }

    /// Blocks, their checksums, and the directory.
    pub(super) const fn sections(self) -> [Section; 3] {
        match self {
            Self::External => [Section::Sites, Section::SiteChecksums, Section::Directory],
            Self::Internal => [
                Section::Internal,
                Section::InternalChecksums,
                Section::InternalDirectory,
            ],
        }
    }
}

/// The last part of the file before the trailer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Footer {
    /// The Public Suffix List's version (R7).
    pub(super) public_suffix_list: String,
    pub(super) counts: Counts,
    pub(super) sections: BTreeMap<Section, Place>,
}
