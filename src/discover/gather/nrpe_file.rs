//! An `nrpe.cfg` with all that it includes.

use std::fs;

use custos_compat::nrpe::{self, Ask, Config, Entry, EntryKind, Found};

use super::read::Root;
use crate::discover::host::NrpeFile;
use crate::limits::DISCOVERED_ENTRIES_MAX;

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
        fault,
    })
}

fn answer(root: Root<'_>, ask: Ask<'_>) -> Found {
    match ask {
        Ask::File(path) => match fs::read(root.path(path)) {
            Ok(content) => Found::File { content, identity: path.to_owned() },
            Err(error) => Found::Nothing(error.to_string()),
        },
        Ask::Directory(path) => match fs::read_dir(root.path(path)) {
            Ok(entries) => Found::Directory(
                entries
                    .take(DISCOVERED_ENTRIES_MAX)
                    .filter_map(Result::ok)
                    .map(|entry| Entry { name: entry.file_name().into_encoded_bytes(), kind: kind(&entry) })
                    .collect(),
            ),
            Err(error) => Found::Nothing(error.to_string()),
        },
    }
}

fn kind(entry: &fs::DirEntry) -> EntryKind {
    match entry.path().metadata() {
        Ok(found) if found.is_file() => EntryKind::File,
        Ok(found) if found.is_dir() => EntryKind::Directory,
        _ => EntryKind::Other,
    }
}
