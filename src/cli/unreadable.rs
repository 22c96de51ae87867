//! Files that the configuration names for listeners and that the agent may not be allowed to read, for root, who may read
//! every file.

use std::path::PathBuf;

use crate::config::Config;
use crate::execute::Account;
use crate::nrpe::listener::Settings;

/// The files that a listener reads, with the section of the configuration that it belongs to.
fn files(config: &Config, nrpe: Option<&Settings>) -> Vec<(&'static str, PathBuf)> {
    let mut files: Vec<(&'static str, PathBuf)> = Vec::new();
    files.extend(nrpe.map(Settings::tls_files).unwrap_or_default().into_iter().map(|file| ("nrpe", file)));
    if let Some(http) = &config.http {
        let tls = [&http.tls_certificate, &http.tls_key, &http.tls_client_ca];
        let tokens = http.tokens.iter().filter_map(|token| token.file());
        let all = tls.into_iter().flatten().cloned().chain(tokens.map(PathBuf::from));
        files.extend(all.map(|file| ("http", file)));
    }
    files
}

/// Those of them that this user may not read by their permissions and those of the directories above.
pub(super) fn unreadable(
    config: &Config,
    nrpe: Option<&Settings>,
    account: &Account,
) -> Vec<(&'static str, PathBuf)> {
    let mut files = files(config, nrpe);
    files.retain(|(_, file)| !account.may_read(file));
    files
}
