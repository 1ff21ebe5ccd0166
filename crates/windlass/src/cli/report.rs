//! The flags of the commands that ask the index: the parameters of the wire contract.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use windlass_report::table::Source;
use windlass_report::{Clause, Output, Table};

#[derive(Debug, Args)]
#[command(after_help = r#"Examples:
  windlass anchors w3.org --index ./index --mode subdomains
  windlass anchors github.com --index ./index --mode domain --where 'backlinks>=2'
  windlass anchors python.org/psf --index ./index --mode prefix --having 'word(anchor,"python")'
  windlass anchors w3.org --index ./index --mode subdomains --output json

With --output table, the default order is referring domains, then backlinks, most first; elsewhere
it is the API's: by anchor."#)]
pub(crate) struct AnchorsOptions {
    #[command(flatten)]
    pub(crate) asked: AskedOptions,
}

const EXAMPLES: &str = r#"Examples:
  windlass report backlinks w3.org --index ./index --mode subdomains --order-by last_visited:desc
  windlass report refdomains github.com --index ./index --mode domain --having 'backlinks>=2'
  windlass report backlinks_new_lost w3.org --index ./index --mode domain --where 'type="lost"' --history since:2024-01-01
  windlass report metrics w3.org --index ./index --mode subdomains --output json
  windlass report pages w3.org --index ./index --mode domain --limit 1M --output csv > pages.csv

With --output table, groups come by their largest numbers and changes by date, the last one first,
and of wide tables some columns are left out: --select '*' shows all. Elsewhere all is as in the
API. --help lists the columns of each table."#;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", tables()))]
pub(crate) struct ReportOptions {
    /// The table
    #[arg(value_parser = table())]
    pub(crate) table: &'static Table,
    #[command(flatten)]
    pub(crate) asked: AskedOptions,
}

/// What is asked of a table.
#[derive(Debug, Args)]
pub(crate) struct AskedOptions {
    /// A URL, folder, host or domain
    pub(crate) target: String,
    /// The index
    #[arg(long, value_name = "DIR", env = "WINDLASS_INDEX")]
    pub(crate) index: PathBuf,
    /// exact, prefix, domain or subdomains
    #[arg(long, default_value = "exact")]
    pub(crate) mode: String,
    /// Conditions on rows before grouping, such as 'subdomain(refdomain,"w3.org")'
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Conditions on results, such as 'refdomains>1'
    #[arg(long, value_name = "FILTER")]
    pub(crate) having: Option<String>,
    /// Columns, comma-separated
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) select: Option<String>,
    /// Columns, comma-separated, each with :asc or :desc
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) order_by: Option<String>,
    /// How many results; 0 for totals only [default: 30 in a table, else 1000]
    #[arg(long, value_name = "N", value_parser = crate::numbers::parse_count)]
    pub(crate) limit: Option<u64>,
    /// How many results are passed over first
    #[arg(long, value_name = "N", value_parser = crate::numbers::parse_count)]
    pub(crate) offset: Option<u64>,
    /// live, since:YYYY-MM-DD or all_time
    #[arg(long, value_name = "HISTORY")]
    pub(crate) history: Option<String>,
    /// How the report is written; json is the API's body to the byte
    #[arg(long, default_value = "table")]
    pub(crate) output: ReportFormat,
}

/// How many results a table for people has, where nothing is said.
const TABLE_LIMIT: &str = "30";

impl AskedOptions {
    /// The flags as the parameters of the wire contract. In a table for people, `select` and `order` count
    /// where nothing is said, if there are any.
    pub(crate) fn parameters(
        &self,
        table: &Table,
        select: &str,
        order: &str,
    ) -> Vec<(&'static str, String)> {
        let is_table = self.output == ReportFormat::Table;
        let or = |given: &Option<String>, default: &str| {
            given
                .clone()
                .or_else(|| (is_table && !default.is_empty()).then(|| default.to_owned()))
        };
        let number = |given: Option<u64>| given.map(|number| number.to_string());
        let given = [
            ("where", self.filter.clone()),
            ("having", self.having.clone()),
            ("select", or(&self.select, select)),
            ("order_by", or(&self.order_by, order)),
            ("limit", or(&number(self.limit), TABLE_LIMIT)),
            ("offset", number(self.offset)),
            ("history", self.history.clone()),
        ];
        let given = given.into_iter();
        let mut parameters = vec![
            ("from", table.name.to_owned()),
            ("target", self.target.clone()),
            ("mode", self.mode.clone()),
            (
                "output",
                self.output.output().unwrap_or_default().name().to_owned(),
            ),
        ];
        parameters.extend(given.filter_map(|(name, value)| Some((name, value?))));
        parameters
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Table,
    /// The API's body
    Json,
    /// One JSON object a line
    Ndjson,
    /// With a header
    Csv,
    /// The API's body as XML
    Xml,
    /// The API's body as PHP's serialize() writes it
    Php,
    /// An Arrow IPC stream
    Arrow,
    /// A Parquet file
    Parquet,
}

impl ReportFormat {
    /// The API's output, where it is one.
    pub(crate) const fn output(self) -> Option<Output> {
        match self {
            Self::Table => None,
            Self::Json => Some(Output::Json),
            Self::Ndjson => Some(Output::Ndjson),
            Self::Csv => Some(Output::Csv),
            Self::Xml => Some(Output::Xml),
            Self::Php => Some(Output::Php),
            Self::Arrow => Some(Output::Arrow),
            Self::Parquet => Some(Output::Parquet),
        }
    }
}

/// The tables that an index can tell of; accounts are none of its business.
fn known_tables() -> impl Iterator<Item = &'static Table> {
    let all = Table::ALL.into_iter();
    all.filter(|table| table.source != Source::Account)
}

fn table() -> impl TypedValueParser<Value = &'static Table> {
    let values = known_tables().map(|table| PossibleValue::new(table.name).help(table.meaning));
    PossibleValuesParser::new(values)
        .try_map(|name| Table::named(&name).ok_or_else(|| format!("there is no table '{name}'")))
}

/// All tables with their columns, for `--help`.
fn tables() -> String {
    let mut text =
        String::from("Columns, with what may use them besides --select and --order-by:\n");
    for table in known_tables() {
        text.extend(["\n  ", table.name, "\n"]);
        for column in table.columns {
            let clauses: Vec<&str> = [Clause::Where, Clause::Having]
                .into_iter()
                .filter(|clause| table.allows(column, *clause))
                .map(Clause::parameter)
                .collect();
            text += &format!("    {:<15} {}", column.name, column.meaning);
            if !clauses.is_empty() {
                text += &format!(" ({})", clauses.join(", "));
            }
            text.push('\n');
        }
    }
    text
}
