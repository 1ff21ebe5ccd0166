//! `serve --check`: whether the server would start.

use std::fmt::Display;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context;
use windlass_accounts::Store;
use windlass_index::Reader;
use windlass_server::check_tls;

use super::Effective;

/// Looks at all that the server needs, and says of each whether it is fit. Whether all are.
pub(crate) fn check(effective: &Effective, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut report = Report { out, is_fit: true };
    report.say("settings", Ok("understood"))?;
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
        free(server.listen)
    });
    report.say("address", address)?;
    Ok(report.is_fit)
}

struct Report<W> {
    out: W,
    is_fit: bool,
}

impl<W: Write> Report<W> {
    fn say(&mut self, what: &str, found: anyhow::Result<impl Display>) -> anyhow::Result<()> {
        match found {
            Ok(found) => writeln!(self.out, "ok   {what}: {found}")?,
            Err(error) => {
                self.is_fit = false;
                writeln!(self.out, "BAD  {what}: {error:#}")?;
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
    Ok(is_there && Store::open(path)?.has_accounts()?)
}

fn free(address: SocketAddr) -> anyhow::Result<String> {
    TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
    Ok(format!("{address} is free"))
}
