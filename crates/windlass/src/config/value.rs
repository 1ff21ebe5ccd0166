//! A setting as TOML, in the form in which it is read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use humantime::format_duration;
use toml::Value;

use crate::cli::serve::{CorsOrigins, LogFormat, MetricsReaders, ServeMerge};

/// What a setting may hold.
pub(crate) trait Setting {
    /// As it stands in a file.
    fn to_toml(&self) -> Value;
}

impl Setting for PathBuf {
    fn to_toml(&self) -> Value {
        self.display().to_string().into()
    }
}

impl Setting for SocketAddr {
    fn to_toml(&self) -> Value {
        self.to_string().into()
    }
}

impl Setting for bool {
    fn to_toml(&self) -> Value {
        (*self).into()
    }
}

impl Setting for u64 {
    fn to_toml(&self) -> Value {
        // TOML has integers to 2⁶³ − 1; more is as good as no bound.
        i64::try_from(*self).unwrap_or(i64::MAX).into()
    }
}

impl Setting for usize {
    fn to_toml(&self) -> Value {
        (*self as u64).to_toml()
    }
}

impl Setting for Duration {
    fn to_toml(&self) -> Value {
        format_duration(*self).to_string().into()
    }
}

impl Setting for CorsOrigins {
    fn to_toml(&self) -> Value {
        self.text.clone().into()
    }
}

impl Setting for ServeMerge {
    fn to_toml(&self) -> Value {
        keyword(self)
    }
}

impl Setting for MetricsReaders {
    fn to_toml(&self) -> Value {
        keyword(self)
    }
}

impl Setting for LogFormat {
    fn to_toml(&self) -> Value {
        keyword(self)
    }
}

fn keyword(value: &impl ValueEnum) -> Value {
    let possible = value.to_possible_value();
    possible
        .map_or_else(String::new, |v| v.get_name().to_owned())
        .into()
}
