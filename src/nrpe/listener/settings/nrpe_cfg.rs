//! Settings from an `nrpe.cfg`.

use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use custos_compat::nrpe::{self, AddressFamily, ClientCerts, Config, Note, Severity, with_prefix};

use super::disk;
use super::model::{Listen, Overrides, ServedCommand, ServedTask, Settings};
use super::user;
use crate::limits;
use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::log::LogSettings;
use crate::nrpe::listener::tls;

/// Reads an `nrpe.cfg` with all that it includes. Relative paths in it start at `base`, except that of the pid file,
/// which is written after the agent has changed its directory.
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
    /// The settings of a listener in place of `nrpe`: its configuration file and its command line.
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
}
