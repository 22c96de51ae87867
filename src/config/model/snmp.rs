//! The configuration of SNMP, resolved: profiles, polls, traps, with object identifiers in place of names.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use custos_compat::nagios::Range;
use custos_compat::snmp::usm::{AuthProtocol, PrivProtocol};
use custos_compat::snmp::{Oid, Version};
use custos_store::State;

use crate::mib::KnownNames;

/// The `snmp` section.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnmpConfig {
    /// The profiles by name.
    pub profiles: BTreeMap<String, Arc<SnmpProfile>>,
    /// Who may send traps, and where the agent listens for them; `None` if it does not.
    pub traps: Option<TrapsConfig>,
    /// Files and directories of MIBs, as they were given.
    pub mibs: Vec<PathBuf>,
    /// Names of objects: the built-in ones, and those of `mibs`.
    pub names: KnownNames,
}

/// A profile: how to talk to a device.
#[derive(Clone, Debug, PartialEq)]
pub struct SnmpProfile {
    /// Its name in the configuration.
    pub name: String,
    /// The version with its credentials.
    pub access: SnmpAccess,
    /// The UDP port of devices.
    pub port: u16,
    /// How long one attempt waits for its answer.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Rows that one GETBULK asks for at most.
    pub max_repetitions: u32,
    /// Answers are taken from other addresses than the one asked, too.
    pub answers_from_any: bool,
    /// Answers are taken with other communities than that of the request, too.
    pub answers_any_community: bool,
}

/// The version with its credentials.
#[derive(Clone, Debug, PartialEq)]
pub enum SnmpAccess {
    /// Versions 1 and 2c.
    Community {
        /// [`Version::V1`] or [`Version::V2c`].
        version: Version,
        /// The community.
        community: Secret,
    },
    /// Version 3.
    User(SnmpUser),
}

impl SnmpAccess {
    /// The version.
    pub fn version(&self) -> Version {
        match self {
            SnmpAccess::Community { version, .. } => *version,
            SnmpAccess::User(_) => Version::V3,
        }
    }
}

/// A user of version 3.
#[derive(Clone, Debug, PartialEq)]
pub struct SnmpUser {
    /// The name.
    pub name: String,
    /// The digest with its passphrase; without it messages are not authenticated.
    pub auth: Option<(AuthProtocol, Secret)>,
    /// The cipher with its passphrase; never without `auth`.
    pub privacy: Option<(PrivProtocol, Secret)>,
    /// The context; empty for the usual one.
    pub context: String,
}

/// Something that must not be shown. Neither `Debug` nor `config show` print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub(crate) file: Option<PathBuf>,
    pub(crate) bytes: Result<Arc<[u8]>, String>,
}

impl Secret {
    /// A secret that stands in the configuration itself.
    pub fn inline(text: &str) -> Secret {
        Secret { file: None, bytes: Ok(text.as_bytes().into()) }
    }

    /// The secret.
    ///
    /// # Errors
    /// Its file could not be read by this process, and why. Commands of ordinary users can then still be used.
    pub fn bytes(&self) -> Result<&[u8], &str> {
        match &self.bytes {
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(why),
        }
    }

    /// The file that it was read from.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// An object identifier under the name that the configuration gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The label that its values get, or the name as it was written.
    pub label: String,
    /// Where it lies.
    pub oid: Oid,
}

/// A check that asks a device.
#[derive(Clone, Debug, PartialEq)]
pub struct SnmpPoll {
    /// Name or address of the device.
    pub target: String,
    /// Its UDP port.
    pub port: u16,
    /// How it is spoken to.
    pub profile: Arc<SnmpProfile>,
    /// What it is asked.
    pub wanted: SnmpWanted,
}

/// What a device is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum SnmpWanted {
    /// Single variables, each a metric of its label.
    Get(Vec<Variable>),
    /// Columns of a table, each cell a metric.
    Table(TablePoll),
    /// What a command line of `check_snmp` asks for, printed as that plugin prints it.
    Native(NativeCheck),
}

/// A command line of `check_snmp`.
#[derive(Clone, PartialEq)]
pub struct NativeCheck {
    /// The command line, which may hold secrets.
    pub words: Vec<String>,
    /// The variables.
    pub oids: Vec<Oid>,
    /// The variables as they were written.
    pub words_of_oids: Vec<String>,
    /// The limits of each variable that has some.
    pub warning: Vec<Option<Limit>>,
    /// The limits of each variable that has some.
    pub critical: Vec<Option<Limit>>,
    /// The label of each variable; without one, its name in numbers.
    pub labels: Vec<String>,
    /// What is printed behind each value.
    pub units: Vec<String>,
    /// The first variables must be this text.
    pub string: Option<String>,
    /// How many of them must.
    pub strings: usize,
    /// Or rather must not.
    pub invert: bool,
    /// What is added to each number that has limits.
    pub offset: f64,
    /// What is printed between values.
    pub delimiter: String,
    /// Perfdata is labelled by the names of the variables, whatever they are called.
    pub perf_oids: bool,
}

impl fmt::Debug for NativeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeCheck").field("oids", &self.oids).finish_non_exhaustive()
    }
}

/// A range of `check_snmp`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its bounds.
    pub range: Range,
    /// As it was written.
    pub written: String,
}

/// Columns of a table, joined by the index of their rows.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePoll {
    /// Columns whose values become labels of the row's metrics.
    pub index: Vec<Variable>,
    /// The label under which each metric has the numbers of its row's index; if there is none, `index` is not empty.
    pub number_label: Option<String>,
    /// Columns whose values become metrics. Never empty.
    pub columns: Vec<Variable>,
    /// What a row must fulfil to count.
    pub conditions: Vec<Condition>,
    /// Whether it is all right that no row is there, or none that counts.
    pub empty_ok: bool,
}

/// A variable must have one of these values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The variable, or the column of a table.
    pub variable: Variable,
    /// The values; one suffices.
    pub any_of: Vec<Wanted>,
}

/// A value that a condition asks for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// This number. Words of enumerations have been made numbers.
    Number(i64),
    /// A text that the glob matches.
    Text(globset::GlobMatcher),
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Wanted) -> bool {
        match (self, other) {
            (Wanted::Number(one), Wanted::Number(other)) => one == other,
            (Wanted::Text(one), Wanted::Text(other)) => one.glob() == other.glob(),
            _ => false,
        }
    }
}

/// Where traps are waited for, and whose count.
#[derive(Clone, Debug, PartialEq)]
pub struct TrapsConfig {
    /// Addresses with port.
    pub listen: Vec<String>,
    /// The profiles whose communities and users are accepted.
    pub profiles: Vec<Arc<SnmpProfile>>,
    /// Networks that traps are taken from; empty for all.
    pub sources: Vec<Network>,
    /// Traps a second from one source; further ones are counted and dropped.
    pub per_source_max: u32,
    /// Traps a second from all sources.
    pub total_max: u32,
    /// The engine id by which senders of informs of version 3 know this agent; derived from the host's name if empty.
    pub engine_id: Vec<u8>,
}

/// A network in the form `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: std::net::IpAddr,
    bits: u8,
}

impl Network {
    /// Reads an address, or a network with its length behind a slash. Bits beyond it do not count.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => {
                (address, Some(bits).filter(|bits| bits.bytes().all(|b| b.is_ascii_digit())))
            }
            None => (text, Some("")),
        };
        let address: std::net::IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits? {
            "" if !text.contains('/') => width,
            bits => bits.parse().ok().filter(|bits| *bits <= width)?,
        };
        Some(Network { address, bits })
    }

    /// Whether an address lies in it. IPv4 addresses in their IPv6 form count as IPv4.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        let number = |address: std::net::IpAddr| match address.to_canonical() {
            std::net::IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
            std::net::IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        let ((own, own_v4), (other, other_v4)) = (number(self.address), number(address));
        let shift = 128 - u32::from(self.bits);
        own_v4 == other_v4 && (self.bits == 0 || own >> shift == other >> shift)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A passive check whose results are traps.
#[derive(Clone, Debug, PartialEq)]
pub struct TrapRule {
    /// Which traps, each with the state that it gives. Those below an identifier count as it; the longest decides.
    pub traps: Vec<(Variable, State)>,
    /// From where; empty for everywhere that traps are taken from.
    pub sources: Vec<Network>,
    /// What the variables must be.
    pub conditions: Vec<Condition>,
    /// What tells the things apart that this check is about; empty if it is about one thing.
    pub key: Vec<KeyPart>,
    /// The text of the run.
    pub text: Template,
    /// Variables that become metrics.
    pub metrics: Vec<Variable>,
    /// Within this time after a trap, equal ones are counted only; zero for no time.
    pub deduplicate: Duration,
    /// A problem that is not reported again for this long is over; none for never.
    pub expires: Option<Duration>,
    /// The check as Reconnoiter knows it: traps of its own kind for it count, each value a metric.
    pub reconnoiter: Option<[u16; 8]>,
}

/// One part of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyPart {
    /// The address of the sender.
    Source,
    /// The value of a variable, or the last numbers of its name where a trap sends it under no value.
    Variable(Variable),
}

impl KeyPart {
    /// The name of the label that its value gets.
    pub fn label(&self) -> &str {
        match self {
            KeyPart::Source => "source",
            KeyPart::Variable(variable) => &variable.label,
        }
    }
}

/// A text with places for values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// The text as it was written.
    pub written: String,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// `{trap}`: the name of the trap.
    Trap,
    /// `{source}`: the address of the sender.
    Source,
    /// `{agent}`: the sender as the trap itself names it, else its address.
    Agent,
    /// `{uptime}`: since the sender's start.
    Uptime,
    /// `{variables}`: all variables.
    Variables,
    /// `{NAME}`: the value of a variable.
    Variable(Variable),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let network = |text: &str| Network::parse(text).unwrap();
        let holds = |text: &str, address: &str| network(text).contains(address.parse().unwrap());
        assert!(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.7", "::ffff:192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("0.0.0.0/0", "10.1.2.3") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        for bad in ["", "x", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "::/129", "/8"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::inline("hush");
        assert_eq!(format!("{secret:?}"), "********");
        assert_eq!(secret.bytes(), Ok(&b"hush"[..]));
    }
}
