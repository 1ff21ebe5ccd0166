//! The flags of every command, with their help.

pub(crate) mod accounts;
pub(crate) mod report;
pub(crate) mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use accounts::{TokenOptions, UsageOptions};
use report::{AnchorsOptions, ReportOptions};
use serve::ServeOptions;

/// Windlass, the open, self-hosted backlink index.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "The open, self-hosted backlink index: web crawls in, exact anchors reports out",
    after_help = "Examples:
  windlass ingest --index ./index crawl/*.warc.gz     build an index from archives
  windlass anchors w3.org --index ./index --mode subdomains
  windlass report backlinks w3.org --index ./index --mode subdomains
  windlass serve --index ./index                      answer over HTTP

The counting rules are in docs/counting-rules.md."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What names of values say that they are numbers.
const NUMBERS: [&str; 5] = ["BYTES", "BYTES/S", "N", "SECONDS", "TIME"];

/// Reads the command line, or says what is wrong with it and ends.
pub(crate) fn parse() -> Cli {
    let matches = numbers_may_be_negative(Cli::command()).get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Has `--memory -1` be taken for a value, so that what is said is that no such number is wanted, and not that there is
/// no flag of that name.
fn numbers_may_be_negative(command: clap::Command) -> clap::Command {
    let is_number = |arg: &clap::Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        names.iter().any(|name| NUMBERS.contains(&name.as_str()))
    };
    command
        .mut_args(|arg| {
            let is_number = is_number(&arg);
            if is_number && !arg.is_positional() {
                arg.allow_hyphen_values(true)
            } else {
                arg
            }
        })
        .mut_subcommands(numbers_may_be_negative)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print every link in archive files
    Links(LinksOptions),
    /// Read archive files into an index
    Ingest(IngestOptions),
    /// Show what an index holds
    Stats(StatsOptions),
    /// Merge the segments of an index
    Merge(MergeOptions),
    /// Read all of an index and check it
    Verify(IndexOptions),
    /// Write an index's captures and links for other engines
    Export(ExportOptions),
    /// Report the anchors of the links to a target
    Anchors(AnchorsOptions),
    /// Report any table of the API: backlinks, referring domains, pages and others
    Report(ReportOptions),
    /// Show which archive records a link was seen in
    Trace(TraceOptions),
    /// Answer requests over HTTP
    Serve(Box<ServeOptions>),
    /// Make, list, revoke and top up the tokens of clients
    Token(TokenOptions),
    /// Show who asked how much, by day and table
    Usage(UsageOptions),
    /// Build an index of the crawl in demo/ and serve it
    Demo(DemoOptions),
    /// Measure how fast this machine reads archive files, and builds, merges and asks indexes
    Bench(BenchOptions),
}

/// How results are written where people and programs want different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass links crawl.warc.gz | head
  windlass links --output tsv crawl/ > links.tsv
  windlass links --internal crawl.warc.gz")]
pub(crate) struct LinksOptions {
    /// Archive files, folders of them, or globs
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<String>,
    /// How links are written
    #[arg(long, default_value = "ndjson")]
    pub(crate) output: LinksFormat,
    /// Print links within the page's own registrable domain too
    #[arg(long)]
    pub(crate) internal: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
    #[command(flatten)]
    pub(crate) list: ListOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinksFormat {
    /// One JSON object a line
    Ndjson,
    /// Tab-separated, with a header; tabs, line ends and backslashes in fields are \t, \n, \\
    Tsv,
}

#[derive(Debug, Args)]
pub(crate) struct ReadingOptions {
    /// Longest body that is read of a record, in bytes (suffixes k, M, G); longer ones are cut and
    /// counted
    #[arg(long, value_name = "BYTES", default_value = "16M", value_parser = crate::numbers::parse_bytes)]
    pub(crate) body_max: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// A Public Suffix List (the format of publicsuffix.org) in place of the one that travels with
    /// Windlass
    #[arg(long, value_name = "FILE")]
    pub(crate) psl: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StatsOptions {
    #[command(flatten)]
    pub(crate) index: IndexOptions,
    /// Also what the parts of the site blocks take: reads a little of each block
    #[arg(long)]
    pub(crate) parts: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IndexOptions {
    /// The index
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    pub(crate) index: PathBuf,
    /// How the result is written
    #[arg(long, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass ingest --index ./index crawl.warc.gz
  windlass ingest --index ./index crawls/2024/ 'crawls/2025/*.wat.gz'
  windlass ingest --index ./index --memory 512M --threads 1 crawls/
  windlass ingest --index ./index --merge none --wait 60 crawl.warc.gz

Where another process merges, ingest waits for it: for a merge in the background of 'serve', which
gives way at once, and for 'windlass merge'. Another ingest is not waited for, unless --wait says so.

A file that the index has already is passed over; --force reads it again, which changes nothing
unless the reader has.")]
pub(crate) struct IngestOptions {
    /// Archive files, folders of them, or globs
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// The index; made where there is none
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    pub(crate) index: PathBuf,
    /// Read files again that the index has
    #[arg(long)]
    pub(crate) force: bool,
    /// Keep links within registrable domains too, apart from the backlinks; chosen when the index is made
    #[arg(long)]
    pub(crate) keep_internal: bool,
    /// Files read at once [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Memory for what is not written yet, in bytes (suffixes k, M, G); not below 16 bytes for each page that
    /// links to the largest site [default: a quarter of RAM]
    #[arg(long, value_name = "BYTES", value_parser = crate::numbers::parse_bytes)]
    pub(crate) memory: Option<u64>,
    /// Compressed bytes of input after which what was read is committed
    #[arg(long, value_name = "BYTES", default_value = "4G", value_parser = crate::numbers::parse_bytes)]
    pub(crate) batch: u64,
    /// Which segments are merged after what was read is committed
    #[arg(long, value_name = "WHICH", default_value = "tiered")]
    pub(crate) merge: IngestMerge,
    #[command(flatten)]
    pub(crate) policy: PolicyOptions,
    #[command(flatten)]
    pub(crate) waiting: WaitingOptions,
    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
    #[command(flatten)]
    pub(crate) list: ListOptions,
    /// How the summary is written
    #[arg(long, default_value = "table")]
    pub(crate) output: Format,
}

/// What `ingest` merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IngestMerge {
    /// Those of similar size, once there are four, and smaller ones with them; after each batch
    Tiered,
    /// All into one, at the end
    Full,
    /// None
    None,
}

/// How much is merged at once.
#[derive(Debug, Args)]
pub(crate) struct PolicyOptions {
    /// Bytes of segments that a tiered merge may take at once (suffixes k, M, G), and so the disk that
    /// it needs beside the index [default: what the disk has free]
    #[arg(long, value_name = "BYTES", value_parser = crate::numbers::parse_bytes)]
    pub(crate) merge_max: Option<u64>,
}

/// How long another writer is waited for.
#[derive(Debug, Args)]
pub(crate) struct WaitingOptions {
    /// How long to wait for another process that writes the index [default: 600 for one that merges,
    /// 0 for others]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass merge --index ./index               all segments into one
  windlass merge --index ./index --tiered      only what is due, as 'serve' does in the background

A merge writes the new segment before the old ones go: it needs as much free disk as its segments
take. Reports are the same before, meanwhile and after.")]
pub(crate) struct MergeOptions {
    /// The index
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    pub(crate) index: PathBuf,
    /// Merge only segments of similar size, where there are four, and smaller ones with them, until
    /// nothing is due
    #[arg(long)]
    pub(crate) tiered: bool,
    /// Memory for what waits for its place, in bytes (suffixes k, M, G); not below 16 bytes for each page that
    /// links to the largest site [default: a quarter of RAM]
    #[arg(long, value_name = "BYTES", value_parser = crate::numbers::parse_bytes)]
    pub(crate) memory: Option<u64>,
    #[command(flatten)]
    pub(crate) policy: PolicyOptions,
    #[command(flatten)]
    pub(crate) waiting: WaitingOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass export --index ./index --format parquet --to ./parquet

Writes captures.parquet (one row for each record that the index knows) and links.parquet (one row
for each distinct link), sorted by the SURT of page and target.")]
pub(crate) struct ExportOptions {
    /// The index
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    pub(crate) index: PathBuf,
    /// The format
    #[arg(long, default_value = "parquet")]
    pub(crate) format: ExportFormat,
    /// The directory to write to; made where there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Apache Parquet, compressed with zstd
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass trace https://example.com/page http://www.w3.org/ 'World Wide Web Consortium' --index ./index
  windlass trace https://example.com/page http://www.w3.org/ '' --index ./index --output json

Lists every capture of the page, whether it shows the link, and where its record starts in which
archive file: at that byte, where each record has a gzip member or a zstd frame of its own, else
at that byte of what the file decompresses to. A revisit shows what the captures showed that it
renews.")]
pub(crate) struct TraceOptions {
    /// URL of the page that has the link
    pub(crate) page: String,
    /// URL that it links to
    pub(crate) target: String,
    /// The anchor as written; '' where it is empty
    pub(crate) anchor: String,
    #[command(flatten)]
    pub(crate) index: IndexOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ListeningOptions {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8600")]
    pub(crate) listen: SocketAddr,
    /// Listen on an address that other machines reach, although the server asks for no token
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// The folder with the demo crawl
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub(crate) crawl: PathBuf,
    /// The index to build; made where there is none
    #[arg(long, value_name = "DIR", default_value = "target/demo-index")]
    pub(crate) index: PathBuf,
    #[command(flatten)]
    pub(crate) listening: ListeningOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass bench demo/
  windlass bench crawl-00000.warc.gz crawl-00000.warc.wat.gz
  windlass bench --links 10M
  windlass bench --links 10M --merging --repeat 5
  windlass bench --links 10M --apart --no-ask
  windlass bench --links 10M --cold
  windlass bench --links 10M --keep ./index --no-ask
  windlass bench --shape farm --memory 512M
  windlass bench --shape anchors --links 1M
  windlass bench --index ./index --ask questions.json --repeat 100
  windlass bench --index ./index --ask questions.json --once")]
#[command(group(clap::ArgGroup::new("built").args(["links", "shape"]).multiple(true)))]
#[command(group(clap::ArgGroup::new("asked").args(["links", "ask"]).multiple(true)))]
pub(crate) struct BenchOptions {
    /// gzip-compressed archive files, folders of them, or globs, to be read
    #[arg(value_name = "FILE")]
    pub(crate) paths: Vec<String>,
    /// Build an index of so many synthetic links (suffixes k, M) and ask it
    #[arg(long, value_name = "N", value_parser = crate::numbers::parse_count)]
    pub(crate) links: Option<u64>,
    /// Build an index of links in a hostile shape and ask it; --links says how many [default: as many as
    /// the shape is hostile with]. Fails where an answer is not the exact one, which is known
    #[arg(long, value_name = "SHAPE", conflicts_with_all = ["paths", "merging", "index"])]
    pub(crate) shape: Option<HostileShape>,
    /// Ask it while its segments are merged, with and without making way
    #[arg(long, requires = "links")]
    pub(crate) merging: bool,
    /// Let the halves of the index link to different sites, so that their merge has nothing to unite
    #[arg(long, requires = "links", conflicts_with_all = ["merging", "shape"])]
    pub(crate) apart: bool,
    /// Memory of the build, in bytes (suffixes k, M, G)
    #[arg(long, value_name = "BYTES", default_value = "1G", value_parser = crate::numbers::parse_bytes)]
    pub(crate) memory: u64,
    /// How often each is measured; of readings, the fastest counts
    #[arg(long, default_value_t = 3)]
    pub(crate) repeat: u32,
    /// How the result is written
    #[arg(long, default_value = "table")]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) asking: AskingOptions,
}

/// Links as nobody sets them who means well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostileShape {
    /// A link farm: ten million registrable domains, each with one link to the next
    Farm,
    /// One page that ten million registrable domains link to
    Hub,
    /// One page with a million links
    Page,
    /// One site with a million subdomains
    Subdomains,
    /// Anchors of 64 KiB that differ in their ends alone, on a hundred thousand links
    Anchor,
    /// Ten million different anchors of links to one page
    Anchors,
}

/// What `bench` does with indexes.
#[derive(Debug, Args)]
pub(crate) struct AskingOptions {
    /// Keep the index of synthetic links in this directory, which must hold none yet
    #[arg(long, value_name = "DIR", requires = "built")]
    pub(crate) keep: Option<PathBuf>,
    /// Build the index of synthetic links, and do not ask it
    #[arg(long, requires = "built")]
    pub(crate) no_ask: bool,
    /// An index to be asked
    #[arg(long, value_name = "DIR", requires = "ask", conflicts_with = "links")]
    pub(crate) index: Option<PathBuf>,
    /// What it is asked: a JSON list of objects with name, target, mode, and group, where, having,
    /// order_by, limit, history
    #[arg(long, value_name = "FILE", requires = "index")]
    pub(crate) ask: Option<PathBuf>,
    /// Memory for what is kept for the next questions, in bytes (suffixes k, M, G); 0: nothing is [default: an
    /// eighth of RAM]
    #[arg(long, value_name = "BYTES", requires = "asked", conflicts_with = "shape", value_parser = crate::numbers::parse_size)]
    pub(crate) kept_index_bytes_max: Option<usize>,
    /// Give the rows of the answers too, with --output json
    #[arg(long, requires = "ask")]
    pub(crate) rows: bool,
    /// Ask each question once, in a process of its own, with nothing of the index in the page cache,
    /// and count what is read
    #[arg(long, requires = "asked", conflicts_with_all = ["shape", "merging"])]
    pub(crate) cold: bool,
    /// Ask each question once, one after the other, and say what those of a group took: what targets
    /// take that are new to a server
    #[arg(long, requires = "ask", conflicts_with_all = ["cold", "rows", "repeat"])]
    pub(crate) once: bool,
    /// Ask the question of that name, in this process
    #[arg(long, value_name = "NAME", requires_all = ["cold", "ask"], hide = true)]
    pub(crate) only: Option<String>,
}
