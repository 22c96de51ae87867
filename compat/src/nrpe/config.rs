//! What an `nrpe.cfg` with all its includes says, as values, and what there is to remark on it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::hosts::AllowedHosts;
use super::query::Policy;
use super::ssl::SslConfig;

/// A configuration; the defaults are those of NRPE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    /// Commands by name. Names are case sensitive and may contain blanks.
    pub commands: BTreeMap<Vec<u8>, CommandLine>,
    /// Text put before every command line.
    pub command_prefix: Option<Vec<u8>>,
    /// Seconds that a plugin may run. At least 1.
    pub command_timeout_s: u32,
    /// Seconds to wait for a client to speak; none if not configured. At least 1.
    pub connection_timeout_s: Option<u32>,
    /// Plugins that may run at once; 0 is without limit.
    pub max_commands: u32,
    /// Port, from 1024.
    pub server_port: u16,
    /// The one address or name to listen on; none for all addresses.
    pub server_address: Option<String>,
    /// Address families to listen on when there is no `server_address`.
    pub address_family: AddressFamily,
    /// Connections that may wait to be accepted. At least 1; none if not configured.
    pub listen_queue_size: Option<u32>,
    /// User to run as, by name or number.
    pub nrpe_user: Option<String>,
    /// Group to run as, by name or number.
    pub nrpe_group: Option<String>,
    /// File for the process id.
    pub pid_file: Option<PathBuf>,
    /// Who may connect.
    pub allowed_hosts: AllowedHosts,
    /// What clients may send.
    pub policy: Policy,
    /// Facility of syslog.
    pub log_facility: LogFacility,
    /// File that takes the place of syslog.
    pub log_file: Option<PathBuf>,
    /// Log more.
    pub debug: bool,
    /// Nothing to syslog.
    pub disable_syslog: bool,
    /// Environment variables whose names begin so are passed to plugins.
    pub keep_env_vars: Vec<Vec<u8>>,
    /// TLS.
    pub ssl: SslConfig,
    /// Remarks, in the order in which they came up.
    pub notes: Vec<Note>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            files: Vec::new(),
            commands: BTreeMap::new(),
            command_prefix: None,
            command_timeout_s: 60,
            connection_timeout_s: None,
            max_commands: 0,
            server_port: 5666,
            server_address: None,
            address_family: AddressFamily::Any,
            listen_queue_size: None,
            nrpe_user: None,
            nrpe_group: None,
            pid_file: None,
            allowed_hosts: AllowedHosts::everyone(),
            policy: Policy::default(),
            log_facility: LogFacility::default(),
            log_file: None,
            debug: false,
            disable_syslog: false,
            keep_env_vars: Vec::new(),
            ssl: SslConfig::default(),
            notes: Vec::new(),
        }
    }
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The line for `/bin/sh -c`, macros not yet put in, without `command_prefix`.
    pub line: Vec<u8>,
    /// The file it was defined in.
    pub file: PathBuf,
    /// The line number there, from 1.
    pub line_number: usize,
}

/// Families of addresses: those to listen on, or to connect to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// A facility of syslog, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFacility(u8);

impl Default for LogFacility {
    fn default() -> Self {
        LogFacility(3)
    }
}

impl LogFacility {
    /// Looks a name up. `lrp` is NRPE's spelling of `lpr`; the right one is not known to it.
    pub fn parse(name: &[u8]) -> Option<LogFacility> {
        const NAMES: [(&[u8], u8); 20] = [
            (b"kern", 0),
            (b"user", 1),
            (b"mail", 2),
            (b"daemon", 3),
            (b"auth", 4),
            (b"syslog", 5),
            (b"lrp", 6),
            (b"news", 7),
            (b"uucp", 8),
            (b"cron", 9),
            (b"authpriv", 10),
            (b"ftp", 11),
            (b"local0", 16),
            (b"local1", 17),
            (b"local2", 18),
            (b"local3", 19),
            (b"local4", 20),
            (b"local5", 21),
            (b"local6", 22),
            (b"local7", 23),
        ];
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, number)| LogFacility(number))
    }

    /// The number that syslog messages carry, 0 to 23.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// How grave a remark is, with syslog's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 3: something does not work.
    Error = 3,
    /// 4: something is likely not what was meant.
    Warning = 4,
    /// 5: normal, but worth a line.
    Notice = 5,
    /// 6: for the record.
    Info = 6,
    /// 7: for the curious.
    Debug = 7,
}

/// A remark on a configuration that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave it is.
    pub severity: Severity,
    /// The words for the log.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
