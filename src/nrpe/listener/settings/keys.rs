//! Settings from the agent's configuration: the keys of `nrpe`, over an `nrpe.cfg` if it names one.

use std::path::Path;

use custos_compat::nrpe::{AddressFamily, AllowedHosts, ClientCerts, Config, SslVersion, UseAdh};

use super::model::{Listen, Overrides, ServedCommand, ServedTask, Settings};
use super::nrpe_cfg::read_config;
use crate::config::{NrpeConfig, NrpeKeys};
use crate::nrpe::listener::access::CommandAccess;
use crate::nrpe::listener::error::Error;

impl Settings {
    /// The settings of the listener inside the agent: its `nrpe.cfg`, if there is one, the YAML keys that override it, and
    /// the checks of the configuration and the agent's own as commands.
    pub fn from_agent<'a>(
        nrpe: &NrpeConfig,
        checks: impl IntoIterator<Item = &'a str>,
        own_checks: impl IntoIterator<Item = &'static str>,
    ) -> Result<Settings, Error> {
        let config = match &nrpe.config {
            Some(path) => read_config(path, Path::new(""))?,
            // Without an nrpe.cfg the agent's own log is enough.
            None => Config { disable_syslog: true, ..Config::default() },
        };
        let overrides = Overrides {
            no_ssl: nrpe.keys.tls == Some(false),
            allow_arguments: nrpe.keys.allow_arguments,
            ..Overrides::default()
        };
        let mut settings = Settings::from_config(&config, overrides)?;
        let root = nix::unistd::geteuid().is_root() && settings.credentials.is_none();
        if let (true, false, Some(path)) =
            (root && !config.commands.is_empty(), nrpe.keys.commands_as_root, &nrpe.config)
        {
            return Err(Error::User(format!(
                "the commands of {} would run as root, since it names no nrpe_user; name one there, or say \
                 `commands_as_root: true` under `nrpe`",
                path.display()
            )));
        }
        for check in checks {
            // A check takes precedence over a command of the same name: it has a schedule and thresholds.
            let command = ServedCommand { task: ServedTask::Check, access: None };
            settings.commands.insert(check.as_bytes().to_vec(), command);
        }
        for check in own_checks {
            // A command of the same name in an `nrpe.cfg` is what its pollers know.
            let command = ServedCommand { task: ServedTask::Check, access: None };
            settings.commands.entry(check.as_bytes().to_vec()).or_insert(command);
        }
        settings.apply_keys(&nrpe.keys)?;
        Ok(settings)
    }

    fn apply_keys(&mut self, keys: &NrpeKeys) -> Result<(), Error> {
        if !keys.listen.is_empty() {
            self.listen =
                keys.listen.iter().map(|written| parse_listen(written)).collect::<Result<_, _>>()?;
        }
        if !keys.allowed_hosts.is_empty() {
            self.allowed_hosts = AllowedHosts::everyone();
            let bad = self.allowed_hosts.add(keys.allowed_hosts.join(",").as_bytes());
            if let Some(bad) = bad.first() {
                return Err(Error::Setting(format!("allowed_hosts: {bad}")));
            }
        }
        if let Some(timeout) = keys.command_timeout {
            self.command_timeout = timeout;
        }
        if let Some(tcp_wrappers) = keys.tcp_wrappers {
            self.tcp_wrappers = tcp_wrappers;
        }
        self.coalesce = keys.coalesce;
        self.apply_tls_keys(keys)?;
        for (pattern, list) in &keys.access {
            let matcher = globset::Glob::new(pattern)
                .map_err(|error| Error::Setting(format!("access: {error}")))?
                .compile_matcher();
            let access = CommandAccess::parse(list)?;
            for (name, command) in &mut self.commands {
                if matcher.is_match(String::from_utf8_lossy(name).as_ref()) {
                    command.access = Some(access.clone());
                }
            }
        }
        Ok(())
    }

    fn apply_tls_keys(&mut self, keys: &NrpeKeys) -> Result<(), Error> {
        let path = |path: &Path| std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
        if let Some(enabled) = keys.tls {
            self.ssl.enabled = enabled;
        }
        if let Some(file) = &keys.tls_certificate {
            self.ssl.cert_file = Some(path(file));
        }
        if let Some(file) = &keys.tls_key {
            self.ssl.privatekey_file = Some(path(file));
        }
        if let Some(file) = &keys.tls_client_ca {
            self.ssl.cacert_file = Some(path(file));
        }
        if let Some(written) = &keys.tls_client_certificates {
            self.ssl.client_certs = match written.as_str() {
                "ignore" => ClientCerts::Ignored,
                "ask" => ClientCerts::Asked,
                "require" => ClientCerts::Required,
                other => {
                    return Err(Error::Setting(format!(
                        "client_certificates: {other:?}; ignore, ask or require was expected"
                    )));
                }
            };
        }
        if let Some(written) = &keys.tls_versions {
            self.ssl.version = SslVersion::parse(written.as_bytes()).ok_or_else(|| {
                Error::Setting(format!("versions: {written:?}; such as TLSv1.2+ was expected"))
            })?;
        }
        if let Some(ciphers) = &keys.tls_ciphers {
            self.ssl.cipher_list = ciphers.clone();
        }
        if keys.tls_anonymous == Some(false) {
            // NRPE's ssl_use_adh=0 leaves the anonymous suites over elliptic curves; `false` excludes all.
            self.ssl.use_adh = UseAdh::Never;
            self.ssl.cipher_list.push_str(":!aNULL");
        }
        Ok(())
    }
}

/// `192.0.2.1:5666`, `[::1]:5666`, `name:5666`, or `*:5666` for every address.
fn parse_listen(written: &str) -> Result<Listen, Error> {
    let expected = || {
        Error::Setting(format!(
            "listen: {written:?}; an address with port such as 192.0.2.1:5666, [::1]:5666 or *:5666 was expected"
        ))
    };
    let (host, port) = written.rsplit_once(':').ok_or_else(expected)?;
    let port = port.parse::<u16>().map_err(|_| expected())?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(expected)?,
        None if host.is_empty() || host.contains(':') => return Err(expected()),
        None => host,
    };
    let host = (host != "*").then(|| host.to_owned());
    Ok(Listen { host, port, family: AddressFamily::Any })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::AGENT_CHECK;

    fn with_keys(keys: NrpeKeys, checks: &[&str]) -> Result<Settings, Error> {
        Settings::from_agent(&NrpeConfig { config: None, keys }, checks.iter().copied(), [AGENT_CHECK])
    }

    #[test]
    fn keys_do_without_a_file() {
        let keys = NrpeKeys {
            listen: vec!["127.0.0.1:5666".into(), "[::1]:5667".into(), "*:5668".into()],
            allowed_hosts: vec!["192.0.2.0/24".into()],
            tls: Some(false),
            access: BTreeMap::from([("disk*".to_owned(), vec!["192.0.2.1".to_owned()])]),
            ..NrpeKeys::default()
        };
        let settings = with_keys(keys, &["disk_root", "load"]).unwrap();
        let hosts: Vec<Option<&str>> = settings.listen.iter().map(|listen| listen.host.as_deref()).collect();
        assert_eq!(hosts, [Some("127.0.0.1"), Some("::1"), None]);
        assert!(!settings.ssl.enabled);
        assert_eq!(settings.commands[&b"load"[..]], ServedCommand { task: ServedTask::Check, access: None });
        assert!(settings.commands[&b"disk_root"[..]].access.is_some());
    }

    #[test]
    fn mistakes_are_named() {
        let message = |keys| with_keys(keys, &[]).unwrap_err().to_string();
        let listen = |written: &str| NrpeKeys { listen: vec![written.into()], ..NrpeKeys::default() };
        for written in ["5666", "::1:5666", "x:port", ":5666", "[::1:5666"] {
            assert!(message(listen(written)).contains("was expected"), "{written}");
        }
        assert!(
            message(NrpeKeys { allowed_hosts: vec!["*".into()], ..NrpeKeys::default() })
                .contains("allowed_hosts")
        );
        let keys = NrpeKeys { tls_versions: Some("1.2".into()), ..NrpeKeys::default() };
        assert!(message(keys).contains("TLSv1.2+"));
    }

    #[test]
    fn anonymous_false_means_all_of_it() {
        let settings =
            with_keys(NrpeKeys { tls_anonymous: Some(false), ..NrpeKeys::default() }, &[]).unwrap();
        assert!(settings.ssl.effective_cipher_list().contains("!aNULL"));
    }
}
