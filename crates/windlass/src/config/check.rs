//! `serve --check`: whether the server would start.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context;
use windlass_accounts::{Store, check_left};
use windlass_index::Reader;
use windlass_server::check_tls;

use super::Effective;
use crate::progress::{chain, told};

/// Looks at all that the server needs, and says of each whether it is fit. Whether all are.
pub(crate) fn check(effective: &Effective, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut report = Report { out, is_fit: true };
    report.say("settings", effective.check_limits().map(|()| "understood"))?;
    let index = effective.index().and_then(|path| index(&path));
    report.say("index", index)?;
    let accounts = effective.settings().accounts.as_deref().map(has_tokens);
    let accounts = accounts.unwrap_or(Ok(false));
    let is_open = matches!(accounts, Ok(false));
    let said = accounts.map(|has_tokens| match has_tokens {
        true => "requests need a token",
        false => "there is no token yet; everybody is answered",
    });
    report.say("accounts", said)?;
    let files = effective.tls();
    let certificate = files.and_then(|files| match files {
        None => Ok("no certificate; HTTP in the clear".to_owned()),
        Some(files) => Ok(format!("certificates: {}", check_tls(&files)?)),
    });
    report.say("TLS", certificate)?;
    let server = effective.server();
    let address = server.and_then(|server| {
        let is_remote = !server.listen.ip().to_canonical().is_loopback();
        if is_open && is_remote && !server.allow_remote {
            return Err(windlass_server::ServeError::NotLoopback(server.listen).into());
        }
        Ok((server.listen, is_free(server.listen)?))
    });
    match address {
        Ok((address, false)) => report.note(
            "address",
            &format!("{address} is in use; where that is not by this server, it will not start"),
        )?,
        address => report.say(
            "address",
            address.map(|(address, _)| format!("{address} is free")),
        )?,
    }
    Ok(report.is_fit)
}

struct Report<W> {
    out: W,
    is_fit: bool,
}

impl<W: Write> Report<W> {
    fn note(&mut self, what: &str, found: &str) -> anyhow::Result<()> {
        Ok(told(writeln!(self.out, "note {what}: {found}"))?)
    }

    fn say(&mut self, what: &str, found: anyhow::Result<impl Display>) -> anyhow::Result<()> {
        match found {
            Ok(found) => told(writeln!(self.out, "ok   {what}: {found}"))?,
            Err(error) => {
                self.is_fit = false;
                told(writeln!(self.out, "BAD  {what}: {}", chain(&error)))?;
            }
        }
        Ok(())
    }
}

fn index(path: &Path) -> anyhow::Result<String> {
    let reader = Reader::open(path)?;
    let segments = reader.pinned().manifest().segments.len();
    Ok(format!("{}, segments: {segments}", path.display()))
}

/// Opening the accounts would make them where there are none.
fn has_tokens(path: &Path) -> anyhow::Result<bool> {
    let is_there = path
        .try_exists()
        .with_context(|| format!("looking for {}", path.display()))?;
    check_left(path)?;
    Ok(is_there && Store::open(path)?.has_accounts()?)
}

/// Whether an address is free: of one that is in use it cannot be told whether that is by the very server whose new
/// settings are looked at.
fn is_free(address: SocketAddr) -> anyhow::Result<bool> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(false),
        Err(error) => Err(error).with_context(|| format!("listening on {address}")),
    }
}
