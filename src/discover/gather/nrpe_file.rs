//! An `nrpe.cfg` with all that it includes.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use custos_compat::nrpe::{self, Ask, Config, Entry, EntryKind, Found, Severity};

use super::read::Root;
use crate::discover::host::NrpeFile;
use crate::limits::{DISCOVERED_ENTRIES_MAX, NRPE_CONFIG_MAX_BYTES};
use crate::text::system_error;

/// Where it is: in Debian and Red Hat, and in builds from source.
const PATHS: [&str; 4] = [
    "/etc/nagios/nrpe.cfg",
    "/etc/nrpe/nrpe.cfg",
    "/usr/local/nagios/etc/nrpe.cfg",
    "/usr/local/etc/nrpe/nrpe.cfg",
];

/// The first that is there.
pub(super) fn gather(root: Root<'_>) -> Option<NrpeFile> {
    let path = PATHS.iter().find(|path| root.has(path))?;
    let (config, fault): (Config, Option<String>) =
        match nrpe::load(path.as_ref(), &mut |ask| answer(root, ask)) {
            Ok(config) => (config, None),
            Err(bad) => (*bad.config, Some(bad.message)),
        };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(NrpeFile {
        path: path.into(),
        commands: config.commands.iter().map(|(name, command)| (text(name), text(&command.line))).collect(),
        port: config.server_port,
        left_out: left_out(&config),
        fault,
    })
}

fn answer(root: Root<'_>, ask: Ask<'_>) -> Found {
    let found = match ask {
        Ask::File(path) => {
            read(root, path).and_then(|content| Ok(Found::File { content, identity: root.below(path)? }))
        }
        Ask::Directory(path) => list(root, path).map(Found::Directory),
    };
    found.unwrap_or_else(|error| Found::Nothing(system_error::words(&error)))
}

fn read(root: Root<'_>, path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    root.open(path)?.take(NRPE_CONFIG_MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > NRPE_CONFIG_MAX_BYTES {
        let most = NRPE_CONFIG_MAX_BYTES >> 20;
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} MiB")));
    }
    Ok(content)
}

fn list(root: Root<'_>, path: &Path) -> io::Result<Vec<Entry>> {
    let entries = fs::read_dir(root.below(path)?)?
        .take(DISCOVERED_ENTRIES_MAX + 1)
        .filter_map(Result::ok)
        .map(|entry| Entry { name: entry.file_name().into_encoded_bytes(), kind: kind(&entry) })
        .collect::<Vec<_>>();
    if entries.len() > DISCOVERED_ENTRIES_MAX {
        return Err(io::Error::other(format!("more than {DISCOVERED_ENTRIES_MAX} entries")));
    }
    Ok(entries)
}

/// What was left out, and the first reason, in the words of nrpe.
fn left_out(config: &Config) -> Option<String> {
    let mut errors = config
        .notes
        .iter()
        .filter(|note| note.severity == Severity::Error && note.text != "Continuing with errors...");
    let first = errors.next()?;
    let further = match errors.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{}{further}", first.text))
}

fn kind(entry: &fs::DirEntry) -> EntryKind {
    match entry.path().metadata() {
        Ok(found) if found.is_file() => EntryKind::File,
        Ok(found) if found.is_dir() => EntryKind::Directory,
        _ => EntryKind::Other,
    }
}
