//! Everything the listener goes by: `nrpe.cfg`, the native keys over it, and the command line over both.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use custos_compat::nrpe::{
    self, AddressFamily, AllowedHosts, ClientCerts, Config, Note, Policy, Severity, SslConfig, SslVersion,
    UseAdh, with_prefix,
};
use custos_shim::Credentials;

use super::access::CommandAccess;
use super::disk;
use super::error::Error;
use super::log::LogSettings;
use super::tls;
use super::user;
use crate::config::{Native, NrpeConfig};
use crate::limits;

/// The settings of a listener, whole and checked except for what only the system can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Connections that the kernel may hold until they are accepted.
    pub backlog: u32,
    /// Who may connect.
    pub allowed_hosts: AllowedHosts,
    /// Whether `hosts.allow` and `hosts.deny` count.
    pub tcp_wrappers: bool,
    /// TLS.
    pub ssl: SslConfig,
    /// TLS made ready by [`Settings::prepare`]; otherwise that happens when the listener takes the settings.
    pub tls: tls::Prepared,
    /// Commands by name.
    pub commands: BTreeMap<Vec<u8>, ServedCommand>,
    /// What clients may send.
    pub policy: Policy,
    /// `dont_blame_nrpe=1` was asked for, but arguments are not allowed by the command line or the native keys.
    pub arguments_withheld: bool,
    /// How long a command may run.
    pub command_timeout: Duration,
    /// How long a client may take to send its request, handshake included.
    pub request_timeout: Duration,
    /// Commands that may run at once.
    pub commands_max: usize,
    /// Whether requests for the same command line share an execution that is under way.
    pub coalesce: bool,
    /// The whole environment of a command line.
    pub environment: Vec<(OsString, OsString)>,
    /// The user that commands run as, if another than the agent's own.
    pub credentials: Option<Credentials>,
    /// The log.
    pub log: LogSettings,
    /// Remarks on the configuration.
    pub notes: Vec<Note>,
}

/// One place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// A name or an address; none for every address.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// The families to listen on.
    pub family: AddressFamily,
}

/// A command that clients may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedCommand {
    /// What it runs.
    pub task: ServedTask,
    /// Who may ask for it; none for everyone who may connect.
    pub access: Option<CommandAccess>,
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedTask {
    /// A line for `/bin/sh -c`, prefix included, macros not yet put in.
    Line(Vec<u8>),
    /// A check of the agent's own definitions.
    Check,
}

/// What the command line says over `nrpe.cfg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-n`: no TLS.
    pub no_ssl: bool,
    /// `-4`, `-6`.
    pub family: AddressFamily,
    /// `--allow-arguments`: `dont_blame_nrpe=1` counts.
    pub allow_arguments: bool,
}

/// Reads an `nrpe.cfg` with everything it includes. Relative paths in it begin at `base`; the pid file's does not,
/// as that is written when the daemon has left its directory.
pub fn read_config(path: &Path, base: &Path) -> Result<Config, Error> {
    let mut config = nrpe::load(path, &mut |ask| disk::answer(base, ask))
        .map_err(|source| Error::Config { path: path.to_owned(), source })?;
    if let Some(file) = &mut config.log_file {
        *file = base.join(&*file);
    }
    let ssl = &mut config.ssl;
    for file in [&mut ssl.cert_file, &mut ssl.privatekey_file, &mut ssl.cacert_file].into_iter().flatten() {
        *file = base.join(tls::as_path(file)).into_os_string().into_vec();
    }
    Ok(config)
}

impl Settings {
    /// The settings of a listener that stands in for `nrpe`, from its configuration file alone.
    pub fn from_config(config: &Config, overrides: Overrides) -> Result<Settings, Error> {
        let env = user::environment(config, std::env::vars_os());
        let listen = Listen {
            host: config.server_address.clone(),
            port: config.server_port,
            family: match overrides.family {
                AddressFamily::Any => config.address_family,
                family => family,
            },
        };
        let prefix = config.command_prefix.as_deref();
        let commands = config.commands.iter().map(|(name, command)| {
            let task = ServedTask::Line(with_prefix(prefix, &command.line));
            (name.clone(), ServedCommand { task, access: None })
        });
        let mut policy = config.policy.clone();
        policy.arguments &= overrides.allow_arguments;
        let mut ssl = config.ssl.clone();
        ssl.enabled &= !overrides.no_ssl;
        let mut notes = config.notes.clone();
        if ssl.enabled && ssl.client_certs == ClientCerts::Asked && ssl.cacert_file.is_none() {
            let text = "Error: CA certificate required for client verification.".into();
            notes.push(Note { severity: Severity::Error, text });
        }
        Ok(Settings {
            listen: vec![listen],
            backlog: config.listen_queue_size.unwrap_or(0).max(limits::NRPE_BACKLOG_MIN),
            allowed_hosts: config.allowed_hosts.clone(),
            tcp_wrappers: true,
            ssl,
            tls: tls::Prepared::default(),
            commands: commands.collect(),
            arguments_withheld: config.policy.arguments && !overrides.allow_arguments,
            policy,
            command_timeout: Duration::from_secs(u64::from(config.command_timeout_s)),
            request_timeout: config
                .connection_timeout_s
                .map_or(limits::NRPE_REQUEST_TIMEOUT, |seconds| Duration::from_secs(u64::from(seconds))),
            commands_max: match config.max_commands {
                0 => limits::NRPE_REQUESTS_MAX,
                max => limits::NRPE_REQUESTS_MAX.min(usize::try_from(max).unwrap_or(usize::MAX)),
            },
            coalesce: false,
            environment: env,
            credentials: user::to_become(config)?,
            log: LogSettings::from_config(config),
            notes,
        })
    }

    /// The settings of the listener inside the agent: the `nrpe.cfg` if there is one, native keys over it, and
    /// the agent's checks as commands.
    pub fn from_definition<'a>(
        nrpe: &NrpeConfig,
        checks: impl IntoIterator<Item = &'a str>,
    ) -> Result<Settings, Error> {
        let config = match &nrpe.config {
            Some(path) => read_config(path, Path::new(""))?,
            // The agent's own log is enough where no nrpe.cfg asks for another.
            None => Config { disable_syslog: true, ..Config::default() },
        };
        let overrides = Overrides {
            no_ssl: nrpe.native.tls == Some(false),
            allow_arguments: nrpe.native.allow_arguments,
            ..Overrides::default()
        };
        let mut settings = Settings::from_config(&config, overrides)?;
        let root = nix::unistd::geteuid().is_root() && settings.credentials.is_none();
        if let (true, false, Some(path)) =
            (root && !config.commands.is_empty(), nrpe.native.commands_as_root, &nrpe.config)
        {
            return Err(Error::User(format!(
                "the commands of {} would run as root, since it names no nrpe_user; name one there, or say \
                 `commands_as_root: true` under `nrpe`",
                path.display()
            )));
        }
        for check in checks {
            // A check of the same name is the better definition: it has a schedule and thresholds.
            let command = ServedCommand { task: ServedTask::Check, access: None };
            settings.commands.insert(check.as_bytes().to_vec(), command);
        }
        settings.apply_native(&nrpe.native)?;
        Ok(settings)
    }

    fn apply_native(&mut self, native: &Native) -> Result<(), Error> {
        if !native.listen.is_empty() {
            self.listen =
                native.listen.iter().map(|written| parse_listen(written)).collect::<Result<_, _>>()?;
        }
        if !native.allowed_hosts.is_empty() {
            self.allowed_hosts = AllowedHosts::everyone();
            let bad = self.allowed_hosts.add(native.allowed_hosts.join(",").as_bytes());
            if let Some(bad) = bad.first() {
                return Err(Error::Setting(format!("allowed_hosts: {bad}")));
            }
        }
        if let Some(timeout) = native.command_timeout {
            self.command_timeout = timeout;
        }
        if let Some(tcp_wrappers) = native.tcp_wrappers {
            self.tcp_wrappers = tcp_wrappers;
        }
        self.coalesce = native.coalesce;
        self.apply_native_tls(native)?;
        for (pattern, list) in &native.access {
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

    fn apply_native_tls(&mut self, native: &Native) -> Result<(), Error> {
        let path = |path: &Path| std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
        if let Some(enabled) = native.tls {
            self.ssl.enabled = enabled;
        }
        if let Some(file) = &native.tls_certificate {
            self.ssl.cert_file = Some(path(file));
        }
        if let Some(file) = &native.tls_key {
            self.ssl.privatekey_file = Some(path(file));
        }
        if let Some(file) = &native.tls_client_ca {
            self.ssl.cacert_file = Some(path(file));
        }
        if let Some(written) = &native.tls_client_certificates {
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
        if let Some(written) = &native.tls_versions {
            self.ssl.version = SslVersion::parse(written.as_bytes()).ok_or_else(|| {
                Error::Setting(format!("versions: {written:?}; such as TLSv1.2+ was expected"))
            })?;
        }
        if let Some(ciphers) = &native.tls_ciphers {
            self.ssl.cipher_list = ciphers.clone();
        }
        if native.tls_anonymous == Some(false) {
            // NRPE's own ssl_use_adh=0 leaves the elliptic-curve suites; whoever writes `false` means all.
            self.ssl.use_adh = UseAdh::Never;
            self.ssl.cipher_list.push_str(":!aNULL");
        }
        Ok(())
    }

    /// Makes ready what only the system can tell about: whether TLS can be set up with these files and ciphers.
    pub fn prepare(&mut self) -> Result<(), Error> {
        self.tls = tls::Prepared::of(&self.ssl)?;
        Ok(())
    }

    /// Whether TLS can be set up, as far as this process can tell: files that it may not read are taken to be good.
    ///
    /// # Errors
    /// It cannot.
    pub fn try_tls(&self) -> Result<(), Error> {
        if tls::out_of_reach(&self.ssl) { Ok(()) } else { tls::Prepared::of(&self.ssl).map(drop) }
    }

    /// Gives commands the environment of this process as it is, for `-i`.
    pub fn inherit_environment(&mut self) {
        self.environment = user::inherited_environment(std::env::vars_os());
    }

    /// Stays with the TLS of earlier settings if the same files make it up and this process may not read them any more.
    pub fn inherit_tls(&mut self, earlier: &Settings) {
        if self.ssl == earlier.ssl && self.ssl.enabled && tls::out_of_reach(&self.ssl) {
            self.tls = earlier.tls.clone();
            self.remark(
                Severity::Warning,
                "The TLS files cannot be read without root, so they stay as they were at the start",
            );
        }
    }

    /// Adds a remark.
    pub fn remark(&mut self, severity: Severity, text: impl Into<String>) {
        self.notes.push(Note { severity, text: text.into() });
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
    use super::*;

    fn read(content: &str) -> Config {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nrpe.cfg");
        std::fs::write(&path, content).unwrap();
        read_config(&path, directory.path()).unwrap()
    }

    fn native(native: Native, checks: &[&str]) -> Result<Settings, Error> {
        Settings::from_definition(&NrpeConfig { config: None, native }, checks.iter().copied())
    }

    #[test]
    fn the_prefix_stands_before_every_line() {
        let config = read("command[a]=x -y\ncommand_prefix=/usr/bin/sudo\n");
        let settings = Settings::from_config(&config, Overrides::default()).unwrap();
        assert_eq!(settings.commands[&b"a"[..]].task, ServedTask::Line(b"/usr/bin/sudo x -y".to_vec()));
    }

    #[test]
    fn arguments_need_the_file_and_the_switch() {
        for (file, switch, allowed, withheld) in [
            ("0", false, false, false),
            ("0", true, false, false),
            ("1", false, false, true),
            ("1", true, true, false),
        ] {
            let config = read(&format!("dont_blame_nrpe={file}\n"));
            let overrides = Overrides { allow_arguments: switch, ..Overrides::default() };
            let settings = Settings::from_config(&config, overrides).unwrap();
            assert_eq!((settings.policy.arguments, settings.arguments_withheld), (allowed, withheld));
        }
    }

    #[test]
    fn limits_follow_the_file_within_bounds() {
        let config =
            read("max_commands=5\nlisten_queue_size=5000\nconnection_timeout=7\ncommand_timeout=3\n");
        let settings = Settings::from_config(&config, Overrides::default()).unwrap();
        assert_eq!((settings.commands_max, settings.backlog), (5, 5000));
        assert_eq!(settings.request_timeout, Duration::from_secs(7));
        assert_eq!(settings.command_timeout, Duration::from_secs(3));
        let settings = Settings::from_config(&read("debug=0"), Overrides::default()).unwrap();
        assert_eq!(settings.commands_max, limits::NRPE_REQUESTS_MAX);
    }

    #[test]
    fn native_keys_do_without_a_file() {
        let keys = Native {
            listen: vec!["127.0.0.1:5666".into(), "[::1]:5667".into(), "*:5668".into()],
            allowed_hosts: vec!["192.0.2.0/24".into()],
            tls: Some(false),
            access: BTreeMap::from([("disk*".to_owned(), vec!["192.0.2.1".to_owned()])]),
            ..Native::default()
        };
        let settings = native(keys, &["disk_root", "load"]).unwrap();
        let hosts: Vec<Option<&str>> = settings.listen.iter().map(|listen| listen.host.as_deref()).collect();
        assert_eq!(hosts, [Some("127.0.0.1"), Some("::1"), None]);
        assert!(!settings.ssl.enabled);
        assert_eq!(settings.commands[&b"load"[..]], ServedCommand { task: ServedTask::Check, access: None });
        assert!(settings.commands[&b"disk_root"[..]].access.is_some());
    }

    #[test]
    fn native_mistakes_are_named() {
        let message = |keys| native(keys, &[]).unwrap_err().to_string();
        let listen = |written: &str| Native { listen: vec![written.into()], ..Native::default() };
        for written in ["5666", "::1:5666", "x:port", ":5666", "[::1:5666"] {
            assert!(message(listen(written)).contains("was expected"), "{written}");
        }
        assert!(
            message(Native { allowed_hosts: vec!["*".into()], ..Native::default() })
                .contains("allowed_hosts")
        );
        let keys = Native { tls_versions: Some("1.2".into()), ..Native::default() };
        assert!(message(keys).contains("TLSv1.2+"));
    }

    #[test]
    fn anonymous_false_means_all_of_it() {
        let settings = native(Native { tls_anonymous: Some(false), ..Native::default() }, &[]).unwrap();
        assert!(settings.ssl.effective_cipher_list().contains("!aNULL"));
    }
}
