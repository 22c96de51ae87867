//! `custos store import DIR --from nats://HOST:PORT/STREAM`: a host's store out of what its stream has.
//!
//! Runs that come in the order of their numbers are taken in as they come. A run of a check that is numbered before one that came
//! already was restored by a repair, or sent again; such runs wait until the rest is there, and are taken in unless they are.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use custos_compat::nats::Login;
use custos_compat::nats::jetstream::Stored;
use custos_store::{Bundled, Imported, Importer, Options, Reader, Writer, read_bundle};

use super::directory::{failed, not_opened, taken_in};
use crate::cli::progress::Progress;
use crate::cli::read::Failure;
use crate::cli::usable::unusable;
use crate::feed::nats::{
    Address, Chain, Reading, ReadingError, login_by_credentials, login_by_password, login_by_seed,
    login_by_token,
};
use crate::limits::{AUTHORITIES_MAX_BYTES, NATS_SUBJECTS_SHOWN_MAX, RESTORE_LATE_RUNS_MAX};
use crate::text::human::counted;
use crate::whole_file;

#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct FromArgs {
    /// Rebuild the store of a host from what its stream of NATS JetStream has, and check that nothing of it is missing
    #[arg(long, value_name = "nats://HOST:PORT/STREAM")]
    from: Option<String>,
    /// The host, if the stream has several
    #[arg(long, value_name = "NAME", requires = "from")]
    host: Option<String>,
    /// The site of the host, if the stream has several
    #[arg(long, value_name = "NAME", requires = "from")]
    site: Option<String>,
    /// File of credentials (JWT and key) to log in with
    #[arg(long, value_name = "FILE", requires = "from", group = "login")]
    creds: Option<PathBuf>,
    /// File with the seed of the key to log in with
    #[arg(long, value_name = "FILE", requires = "from", group = "login")]
    nkey: Option<PathBuf>,
    /// User to log in as
    #[arg(long, value_name = "NAME", requires_all = ["from", "password"], group = "login")]
    user: Option<String>,
    /// File with the password of the user
    #[arg(long, value_name = "FILE", requires = "user")]
    password: Option<PathBuf>,
    /// File with the token to log in with
    #[arg(long, value_name = "FILE", requires = "from", group = "login")]
    token: Option<PathBuf>,
    /// PEM file of the authorities of the server's certificate [default: those of the system]
    #[arg(long, value_name = "FILE", requires = "from")]
    ca: Option<PathBuf>,
}

impl FromArgs {
    /// Where from; none if the runs come from stdin.
    pub(super) fn address(&self) -> Option<&str> {
        self.from.as_deref()
    }

    fn open(&self, address: &Address) -> Result<Reading, Failure> {
        let login = self.login()?;
        let authorities = match &self.ca {
            Some(path) => Some(
                whole_file::bytes(path, AUTHORITIES_MAX_BYTES)
                    .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?,
            ),
            None => None,
        };
        let which = (self.site.as_deref(), self.host.as_deref());
        Reading::open(address, (&login, authorities.as_deref()), which).map_err(|error| match &error {
            ReadingError::Several(hosts) => {
                let each = |(site, host): &(String, String)| format!("--site {site} --host {host}");
                let shown: Vec<String> = hosts.iter().take(NATS_SUBJECTS_SHOWN_MAX).map(each).collect();
                Failure::usage(format!(
                    "failed to read the stream: {error}, such as\n  {}",
                    shown.join("\n  ")
                ))
            }
            ReadingError::NoStream => Failure::usage(format!("failed to read the stream: {error}")),
            _ => not_read(address, &error),
        })
    }

    fn login(&self) -> Result<Login, Failure> {
        let login = match self {
            FromArgs { creds: Some(path), .. } => login_by_credentials(path),
            FromArgs { nkey: Some(path), .. } => login_by_seed(path),
            FromArgs { user: Some(user), password: Some(path), .. } => login_by_password(user, path),
            FromArgs { token: Some(path), .. } => login_by_token(path),
            _ => return Ok(Login::None),
        };
        login.map_err(|fault| Failure::new(format!("failed to log in: {fault}")))
    }
}

/// What was found in the stream.
#[derive(Debug, Default)]
struct Found {
    messages: u64,
    first: u64,
    last: u64,
    chain: Chain,
    /// What is wrong with messages, in words.
    faults: Vec<String>,
}

/// A store that is being rebuilt.
struct Restoring<'a> {
    importer: Importer<'a>,
    /// The number of the last run of each check that was taken in.
    numbers: HashMap<Arc<str>, u64>,
    late: Vec<Bundled>,
}

impl Restoring<'_> {
    fn add(&mut self, one: Bundled) -> Result<(), Failure> {
        let last = self.numbers.get(&one.check).copied();
        if last.is_some_and(|last| one.number <= last) && self.late.len() < RESTORE_LATE_RUNS_MAX {
            self.late.push(one);
            return Ok(());
        }
        let newest = last.unwrap_or(0).max(one.number);
        self.importer.add(&one.check, one.run).map_err(|error| failed("restore the store", &error))?;
        self.numbers.insert(one.check, newest);
        Ok(())
    }
}

pub(super) fn restore(
    address: &str,
    args: &FromArgs,
    dir: &Path,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let address = Address::read(address)
        .map_err(|fault| Failure::usage(format!("failed to read the address {address:?}: {fault}")))?;
    let mut reading = args.open(&address)?;
    let mut writer =
        Writer::open(dir, Options::default()).map_err(|error| failed("restore the store", &error))?;
    let mut reader = Reader::open(dir).map_err(|error| not_opened(dir, &error))?;
    let mut restoring = Restoring {
        importer: Importer::restoring(&reader, &mut writer),
        numbers: HashMap::new(),
        late: Vec::new(),
    };
    let mut found = Found::default();
    let mut status = Progress::new();
    while let Some(stored) = reading.message().map_err(|error| not_read(&address, &error))? {
        take(&stored, &mut found, &mut restoring)?;
        status.show(&format!("{} read", counted(found.messages, "message")));
    }
    drop(status);
    let Restoring { importer, late, .. } = restoring;
    let mut done = importer.finish().map_err(|error| failed("restore the store", &error))?;
    if !late.is_empty() {
        reader.refresh().map_err(|error| not_opened(dir, &error))?;
        let mut importer = Importer::restoring(&reader, &mut writer);
        for one in late {
            importer.add(&one.check, one.run).map_err(|error| failed("restore the store", &error))?;
        }
        let again = importer.finish().map_err(|error| failed("restore the store", &error))?;
        done += again;
    }
    writer
        .compact()
        .and_then(|()| writer.close())
        .map_err(|error| failed("seal what was restored", &error))?;
    report(&found, &done, out)
}

fn not_read(address: &Address, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("failed to read the stream {} of {address}: {error}", address.path))
}

fn report(found: &Found, done: &Imported, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{}", taken_in(done))?;
    if found.messages == 0 {
        return Ok(());
    }
    let (messages, first, last) = (counted(found.messages, "message"), found.first, found.last);
    writeln!(out, "{messages}, the first is number {first} of the stream, the last {last}")?;
    if found.chain.begins_late() {
        writeln!(out, "what the stream had before the first of them is gone")?;
    }
    if found.faults.is_empty() {
        return Ok(writeln!(out, "none is missing between them, none is doubled, none was changed")?);
    }
    Err(Failure::new(format!("the stream is not whole:\n  {}", found.faults.join("\n  "))))
}

fn take(stored: &Stored, found: &mut Found, restoring: &mut Restoring<'_>) -> Result<(), Failure> {
    let number = stored.seq;
    if found.messages == 0 {
        found.first = number;
    }
    found.messages += 1;
    found.last = number;
    if let Err(fault) = found.chain.follow(&stored.headers, &stored.payload) {
        found.faults.push(format!("message {number}: {fault}"));
        if fault.is_of_content() {
            return Ok(());
        }
    }
    let runs = match read_bundle(&stored.payload) {
        Ok(runs) => runs,
        Err(fault) => {
            found.faults.push(format!("message {number}: failed to read the bundle: {fault}"));
            return Ok(());
        }
    };
    for one in runs {
        match unusable(&one.check, &one.run) {
            Some(what) => found.faults.push(format!("message {number}, run {}: {what}", one.number)),
            None => restoring.add(one)?,
        }
    }
    Ok(())
}
