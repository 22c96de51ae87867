//! The plugins that are installed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::read::Root;
use crate::discover::host::Plugins;

/// Where plugins are: our own, those of Debian, of Red Hat, of Alpine and of builds from source.
const DIRECTORIES: [&str; 7] = [
    "/usr/lib/custos/plugins",
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
    "/usr/local/lib/nagios/plugins",
    "/usr/local/libexec/nagios",
    "/usr/local/nagios/libexec",
];

/// The plugins in the usual directories of a host, and first in those of `further`, which are named as here.
pub(super) fn gather(root: Root<'_>, further: &[PathBuf]) -> Plugins {
    let mut plugins = Plugins::default();
    let usual = DIRECTORIES.iter().map(|directory| (root.path(directory), PathBuf::from(directory)));
    let named = further.iter().map(|directory| (directory.clone(), directory.clone()));
    for (here, there) in named.chain(usual) {
        if !here.is_dir() {
            continue;
        }
        for name in Root(&here).names("/") {
            if is_program(&here.join(&name)) {
                plugins.found.entry(name).or_insert_with(|| there.clone());
            }
        }
        plugins.directories.push(there);
    }
    plugins
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
