//! Settings from a TOML file. Each line is read as the flag of that name is, so that both take the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Command, FromArgMatches};
use toml::{Table, Value};

use crate::cli::serve::Settings;

/// How like a known name an unknown one must be to be taken for a slip.
const LIKENESS_MIN: f64 = 0.8;

/// Reads a file.
pub(super) fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    parse(&text).with_context(|| format!("settings in {}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Settings> {
    let table: Table = toml::from_str(text)?;
    // What the environment says counts before the file, and is looked at elsewhere.
    let flags = Settings::augment_args(Command::new("settings").no_binary_name(true))
        .mut_args(|flag| flag.env(None::<&'static str>));
    let mut settings = Settings::default();
    for (name, value) in &table {
        let Some(flag) = flags.get_arguments().find(|flag| flag.get_id() == name) else {
            bail!("{}", unknown(name, &flags));
        };
        let long = flag.get_long().unwrap_or_default();
        let argument = format!("--{long}={}", argument(name, value)?);
        let matches = flags.clone().try_get_matches_from([argument]);
        let one = matches.and_then(|matches| Settings::from_arg_matches(&matches));
        let one = one.map_err(|error| anyhow::anyhow!("{name}: {}", reason(&error)))?;
        settings = settings.or(one);
    }
    Ok(settings)
}

/// A value as it would stand behind a flag.
fn argument(name: &str, value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| argument(name, item)).collect();
            items?.join(",")
        }
        other => bail!(
            "{name}: wanted is a text, a whole number, true or false, not a {}",
            other.type_str()
        ),
    })
}

fn unknown(name: &str, flags: &Command) -> String {
    let known = flags.get_arguments().map(|flag| flag.get_id().as_str());
    let likeness = |known: &str| strsim::jaro_winkler(known, &name.replace('-', "_"));
    let best = known
        .map(|known| (likeness(known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, known)) if likeness >= LIKENESS_MIN => {
            format!("there is no setting '{name}'; is '{known}' meant?")
        }
        _ => format!("there is no setting '{name}'; 'windlass serve --print-config' lists them"),
    }
}

/// What is wrong, without the advice on flags.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_a_variable_of_its_name_and_is_known_to_files() {
        let flags = Settings::augment_args(Command::new("settings"));
        for flag in flags.get_arguments() {
            let name = flag.get_id().as_str();
            let variable = format!("WINDLASS_{}", name.to_uppercase());
            assert_eq!(flag.get_env(), Some(variable.as_ref()), "{name}");
            assert_eq!(flag.get_long(), Some(name.replace('_', "-").as_str()));
            assert!(unknown(&format!("{name}s"), &flags).contains(name));
        }
    }

    #[test]
    fn what_is_read_and_what_is_refused() {
        let settings = parse(
            "listen = '[::1]:80'\nallow-remote = true\n"
                .replace('-', "_")
                .as_str(),
        );
        assert!(settings.is_ok_and(|s| s.allow_remote == Some(true) && s.listen.is_some()));
        let origins = parse("cors_origin = ['https://a.example', 'https://b.example']").unwrap();
        assert_eq!(origins.cors_origin.unwrap().origins.len(), 2);
        for (text, why) in [
            (
                "lisen = ''",
                "there is no setting 'lisen'; is 'listen' meant?",
            ),
            ("query-time-max = '1s'", "is 'query_time_max' meant?"),
            ("config = 'x'", "there is no setting 'config'"),
            ("queries_max = 0", "queries_max: invalid value '0'"),
            ("merge = 'often'", "possible values: background, off"),
            ("query_time_max = 3.5", "not a float"),
            ("[limits]", "there is no setting 'limits'"),
            ("cors_origin = 'https://a.example/'", "is no origin"),
            ("listen = ", "line 1"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
