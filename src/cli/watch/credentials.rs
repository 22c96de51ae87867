//! What hosts over HTTP are shown: files for all of them, or for one.

use std::path::{Path, PathBuf};

use crate::cli::read::Failure;
use crate::limits::SECRET_MAX_BYTES;
use crate::text::system_error::words;
use crate::watch::{Credentials, HttpSite, Keyring, Site, Target};
use crate::whole_file;

/// Variable with the token that is shown to hosts over HTTP.
const TOKEN_VARIABLE: &str = "CUSTOS_TOKEN";

/// The options.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct CredentialArgs {
    /// File with the token that is shown to hosts over HTTP, or to this one alone; once for each [default: the variable
    /// CUSTOS_TOKEN, if there is one]
    #[arg(long = "token-file", value_name = "[HOST=]FILE")]
    token_files: Vec<String>,
    /// File with a certificate that is shown to hosts over HTTPS, or to this one alone, in PEM; once for each
    #[arg(long = "certificate", value_name = "[HOST=]FILE", requires = "keys")]
    certificates: Vec<String>,
    /// File with its key, in PEM
    #[arg(long = "key", value_name = "[HOST=]FILE", requires = "certificates")]
    keys: Vec<String>,
}

/// A file for all hosts, or for one.
struct Given<'a> {
    host: Option<&'a str>,
    file: PathBuf,
}

impl<'a> Given<'a> {
    /// What stands before the first `=` is a host unless it has a slash.
    fn read(option: &str, word: &'a str, sites: &[&HttpSite]) -> Result<Given<'a>, Failure> {
        let named = word.split_once('=').filter(|(host, _)| !host.contains('/'));
        let Some((host, file)) = named else { return Ok(Given { host: None, file: PathBuf::from(word) }) };
        if sites.iter().any(|site| site.host() == host || site.authority == host) {
            return Ok(Given { host: Some(host), file: PathBuf::from(file) });
        }
        Err(Failure::usage(format!(
            "{option} {word:?}: no host {host:?} is watched over HTTP; a file of that name is written ./{word}"
        )))
    }
}

impl CredentialArgs {
    /// What each host is shown.
    ///
    /// # Errors
    /// A host is not among the targets, is named twice or has a certificate without a key, or a file cannot be read.
    pub(super) fn keyring(&self, targets: &[Target]) -> Result<Keyring, Failure> {
        let sites: Vec<&HttpSite> = targets
            .iter()
            .filter_map(|target| match &target.site {
                Site::Http(site) => Some(site),
                Site::Here | Site::Ssh(_) => None,
            })
            .collect();
        let mut keyring = Keyring::default();
        for word in &self.token_files {
            let given = Given::read("--token-file", word, &sites)?;
            let token = read_token(&given.file)?;
            let twice = of(&mut keyring, given.host).token.replace(token);
            once("--token-file", given.host, twice.is_none())?;
        }
        if keyring.others.token.is_none() {
            keyring.others.token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
        }
        let mut keys = Vec::new();
        for word in &self.keys {
            keys.push(Given::read("--key", word, &sites)?);
        }
        for word in &self.certificates {
            let Given { host, file } = Given::read("--certificate", word, &sites)?;
            let Some(at) = keys.iter().position(|key| key.host == host) else {
                return Err(Failure::usage(format!("--certificate {word:?} has no --key for the same host")));
            };
            let key = keys.remove(at).file;
            let twice = of(&mut keyring, host).identity.replace((file, key));
            once("--certificate", host, twice.is_none())?;
        }
        match keys.first() {
            Some(key) => Err(Failure::usage(format!(
                "--key {:?} has no --certificate for the same host",
                key.file.display().to_string()
            ))),
            None => Ok(keyring),
        }
    }
}

fn of<'k>(keyring: &'k mut Keyring, host: Option<&str>) -> &'k mut Credentials {
    match host {
        Some(host) => keyring.hosts.entry(host.to_owned()).or_default(),
        None => &mut keyring.others,
    }
}

fn once(option: &str, host: Option<&str>, is_once: bool) -> Result<(), Failure> {
    match (is_once, host) {
        (true, _) => Ok(()),
        (false, Some(host)) => Err(Failure::usage(format!("{option} is given twice for {host}"))),
        (false, None) => Err(Failure::usage(format!("{option} is given twice for all hosts"))),
    }
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let failed = |why: &str| Failure::new(format!("failed to read the token in {}: {why}", path.display()));
    let bytes = whole_file::bytes(path, SECRET_MAX_BYTES as u64).map_err(|error| failed(&words(&error)))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is no text"))?;
    match text.trim() {
        "" => Err(failed("the file is empty")),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(options: &[(&str, &str)]) -> Result<Keyring, String> {
        let all = |name: &str| {
            options.iter().filter(|(option, _)| *option == name).map(|(_, word)| (*word).to_owned()).collect()
        };
        let args = CredentialArgs { token_files: all("t"), certificates: all("c"), keys: all("k") };
        let targets = ["https://web1:43191/load", "https://[::1]/load", "ssh://web2/load"];
        let targets: Vec<Target> = targets.iter().map(|word| Target::parse(word).unwrap()).collect();
        args.keyring(&targets).map_err(|failure| failure.message)
    }

    #[test]
    fn each_host_has_its_own_files() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (all, one, odd) = (file("all", "a\n"), file("one", "b\n"), file("x=y", "c"));
        let found = keyring(&[
            ("t", &all),
            ("t", &format!("web1={one}")),
            ("t", &format!("::1={odd}")),
            ("k", "web1:43191=key"),
            ("c", "web1:43191=certificate"),
        ])
        .unwrap();
        let token = |host: &str| found.hosts[host].token.as_deref();
        assert_eq!(found.others.token.as_deref(), Some("a"));
        assert_eq!((token("web1"), token("::1")), (Some("b"), Some("c")));
        assert_eq!(found.hosts["web1:43191"].identity, Some(("certificate".into(), "key".into())));
        for (options, why) in [
            (&[("t", &*all), ("t", &*all)][..], "--token-file is given twice for all hosts"),
            (
                &[("t", "web2=x")],
                "no host \"web2\" is watched over HTTP; a file of that name is written ./web2=x",
            ),
            (&[("t", "web1=")], "failed to read the token in "),
            (&[("c", "web1=x"), ("k", "y")], "--certificate \"web1=x\" has no --key for the same host"),
            (
                &[("c", "x"), ("k", "x"), ("k", "web1=y")],
                "--key \"y\" has no --certificate for the same host",
            ),
        ] {
            let told = keyring(options).err();
            assert!(told.as_ref().is_some_and(|told| told.contains(why)), "{told:?}");
        }
    }
}
