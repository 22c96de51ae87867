//! The `snmp` section: profiles by which devices are spoken to, and who may send traps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::Version;
use custos_compat::snmp::usm::{AuthProtocol, PrivProtocol};

use crate::config::document::diagnostic::Findings;
use crate::config::document::duration;
use crate::config::document::fields::{
    Fields, choice, one_or_more, printable, quoted, refuse, text, whole, written,
};
use crate::config::document::yaml::{Content, Entry, Node};
use crate::config::model::snmp::{
    Network, Secret, SnmpAccess, SnmpConfig, SnmpProfile, SnmpUser, TrapsConfig,
};
use crate::config::read::nrpe::address;
use crate::config::read::secret_file;
use crate::limits::{
    CONFIG_CHOICES_NAMED_MAX, SNMP_REPETITIONS_MAX, SNMP_RETRIES_MAX, SNMP_TIMEOUT_MAX, SNMP_TIMEOUT_MIN,
    TRAPS_PER_SOURCE_MAX, TRAPS_RATE_MAX, TRAPS_TOTAL_MAX,
};
use crate::mib::{KnownNames, MibFault, Names, read_mibs};

const KEYS: [&str; 3] = ["profiles", "traps", "mibs"];
const PROFILE_KEYS: [&str; 12] = [
    "version",
    "community",
    "user",
    "auth",
    "priv",
    "context",
    "port",
    "timeout",
    "retries",
    "max_repetitions",
    "answers_from",
    "answers_community",
];
const TRAPS_KEYS: [&str; 6] = ["listen", "profiles", "sources", "per_source", "total", "engine_id"];

/// `port` where none is given.
const PORT: u16 = 161;
/// `timeout` where none is given.
const TIMEOUT: Duration = Duration::from_secs(1);
/// `retries` where none are given.
const RETRIES: u32 = 3;
/// `max_repetitions` where none are given.
const REPETITIONS: u32 = 25;

/// Reads the section; relative paths begin at `base`.
pub(crate) fn read(node: &Node, base: &Path, findings: &mut Findings) -> SnmpConfig {
    let Some(fields) = Fields::of(node, "`snmp`", &KEYS, findings) else { return SnmpConfig::default() };
    let mibs: Vec<PathBuf> = fields.get("mibs").map(|node| paths(node, base, findings)).unwrap_or_default();
    let names = names(&mibs, fields.get("mibs"), findings);
    let profiles = fields.get("profiles").map(|node| profiles(node, base, findings)).unwrap_or_default();
    let traps = fields.get("traps").and_then(|node| traps(node, &profiles, findings));
    SnmpConfig { profiles, traps, mibs, names }
}

fn paths(node: &Node, base: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let path = |item| {
        let path = text(item, "the path of a MIB file or of a directory of them", findings)?;
        printable(path, &item.place, findings).then(|| base.join(path))
    };
    one_or_more(node).iter().filter_map(path).collect()
}

/// The built-in names, and those of the files. What is wrong in a file is a warning: its other names can be used.
fn names(mibs: &[PathBuf], node: Option<&Node>, findings: &mut Findings) -> KnownNames {
    let Some(node) = node.filter(|_| !mibs.is_empty()) else { return KnownNames::default() };
    let mut names = (**Names::builtin()).clone();
    for fault in read_mibs(mibs, &mut names) {
        match fault {
            MibFault::Unreadable(why) => findings.error(&node.place, why),
            MibFault::Content(why) => findings.warning(&node.place, why),
        }
    }
    names.into()
}

fn profiles(node: &Node, base: &Path, findings: &mut Findings) -> BTreeMap<String, Arc<SnmpProfile>> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of names to profiles", findings);
        return BTreeMap::new();
    };
    let profiles = entries.iter().filter_map(|entry| profile(entry, base, findings));
    profiles.map(|profile| (profile.name.clone(), Arc::new(profile))).collect()
}

fn profile(entry: &Entry, base: &Path, findings: &mut Findings) -> Option<SnmpProfile> {
    let owner = format!("profile `{}`", entry.key);
    let fields = Fields::of(&entry.value, &owner, &PROFILE_KEYS, findings)?;
    let port = fields.get("port").and_then(|node| whole(node, 1, i64::from(u16::MAX), findings));
    let timeout = fields
        .get("timeout")
        .and_then(|node| duration::read(node, SNMP_TIMEOUT_MIN, SNMP_TIMEOUT_MAX, findings));
    let mut count = |key: &str, least: i64, most: u32| {
        let number = fields.get(key).and_then(|node| whole(node, least, i64::from(most), findings));
        number.and_then(|number| u32::try_from(number).ok())
    };
    let retries = count("retries", 0, SNMP_RETRIES_MAX);
    let max_repetitions = count("max_repetitions", 1, SNMP_REPETITIONS_MAX);
    let mut is_any = |key: &str, strict: &'static str| {
        fields
            .get(key)
            .and_then(|node| choice(node, &[(strict, false), ("any", true)], findings))
            .unwrap_or(false)
    };
    let answers_from_any = is_any("answers_from", "asked");
    let answers_any_community = is_any("answers_community", "same");
    let access = access(entry, &fields, &owner, base, findings)?;
    Some(SnmpProfile {
        name: entry.key.clone(),
        access,
        port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(PORT),
        timeout: timeout.unwrap_or(TIMEOUT),
        retries: retries.unwrap_or(RETRIES),
        max_repetitions: max_repetitions.unwrap_or(REPETITIONS),
        answers_from_any,
        answers_any_community,
    })
}

fn access(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    base: &Path,
    findings: &mut Findings,
) -> Option<SnmpAccess> {
    const EXPECTED: &str = "`1`, `2c` or `3`";
    let Some(version) = fields.get("version") else {
        if fields.lacks("version") {
            findings.error(&entry.key_place, format!("{owner} has no `version`, expected {EXPECTED}"));
        }
        return None;
    };
    let version = match written(version, EXPECTED, findings)? {
        "1" => Version::V1,
        "2c" | "2" => Version::V2c,
        "3" => Version::V3,
        _ => {
            refuse(version, EXPECTED, findings);
            return None;
        }
    };
    let foreign: &[&str] = match version {
        Version::V3 => &["community", "answers_community"],
        _ => &["user", "auth", "priv", "context"],
    };
    for foreign in foreign.iter().filter_map(|key| fields.entry(key)) {
        let version = if version == Version::V3 { "3" } else { "1 and 2c" };
        let message = format!("version {version} has no `{}`, but {owner} has", foreign.key);
        findings.error(&foreign.key_place, message);
    }
    if version == Version::V3 {
        return user(entry, fields, owner, base, findings).map(SnmpAccess::User);
    }
    let Some(community) = fields.get("community") else {
        if fields.lacks("community") {
            findings.error(&entry.key_place, format!("{owner} has no `community`, expected one"));
        }
        return None;
    };
    let what = format!("the community of {owner}");
    let community = secret_file::read(community, &what, true, base, findings)?;
    Some(SnmpAccess::Community { version, community })
}

fn user(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    base: &Path,
    findings: &mut Findings,
) -> Option<SnmpUser> {
    let auth_names = AuthProtocol::ALL.map(AuthProtocol::name);
    let priv_names = PrivProtocol::ALL.map(PrivProtocol::name);
    let auth = fields.get("auth").map(|node| {
        let what = format!("`auth` of {owner}");
        protected(node, &what, AuthProtocol::from_name, &auth_names, base, findings)
    });
    let privacy = fields.get("priv").map(|node| {
        let what = format!("`priv` of {owner}");
        protected(node, &what, PrivProtocol::from_name, &priv_names, base, findings)
    });
    if let (Some(entry), None) = (fields.entry("priv"), &auth) {
        findings
            .error(&entry.key_place, format!("{owner} has `priv` without `auth`, which SNMP does not know"));
    }
    let context = match fields.get("context") {
        Some(node) => written(node, "the name of a context", findings)?.to_owned(),
        None => String::new(),
    };
    let Some(name) = fields.get("user") else {
        if fields.lacks("user") {
            findings.error(&entry.key_place, format!("{owner} has no `user`, expected one"));
        }
        return None;
    };
    let name = written(name, "the name of a user", findings)?;
    // A protocol that was given and is wrong must not become none.
    let flatten = |given: Option<Option<_>>| match given {
        Some(None) => Err(()),
        Some(given) => Ok(given),
        None => Ok(None),
    };
    let auth = flatten(auth).ok()?;
    let privacy = match privacy {
        Some(None) => return None,
        Some(given) => given,
        None => None,
    };
    Some(SnmpUser { name: name.to_owned(), auth, privacy, context })
}

/// `{ protocol: NAME, file: PATH }`
fn protected<P>(
    node: &Node,
    owner: &str,
    by_name: impl Fn(&str) -> Option<P>,
    names: &[&str],
    base: &Path,
    findings: &mut Findings,
) -> Option<(P, Secret)> {
    /// Shortest passphrase that RFC 3414 allows.
    const PASSPHRASE_MIN_BYTES: usize = 8;
    let fields = Fields::of(node, owner, &["protocol", "file"], findings)?;
    let mut need = |key: &str, expected: &str| {
        let found = fields.get(key);
        if fields.lacks(key) {
            findings.error(&node.place, format!("{owner} has no `{key}`, expected {expected}"));
        }
        found
    };
    let protocol = need("protocol", &quoted(names));
    let file = need("file", "the path of the file with its passphrase");
    let protocol = protocol.and_then(|node| {
        let protocol = by_name(written(node, &quoted(names), findings)?);
        if protocol.is_none() {
            refuse(node, &quoted(names), findings);
        }
        protocol
    });
    let file = file?;
    let secret = secret_file::from_file(file, &format!("the passphrase of {owner}"), base, findings)?;
    if secret.bytes().is_ok_and(|bytes| bytes.len() < PASSPHRASE_MIN_BYTES) {
        findings.error(
            &file.place,
            format!("the passphrase of {owner} has fewer than {PASSPHRASE_MIN_BYTES} bytes"),
        );
        return None;
    }
    Some((protocol?, secret))
}

fn traps(
    node: &Node,
    profiles: &BTreeMap<String, Arc<SnmpProfile>>,
    findings: &mut Findings,
) -> Option<TrapsConfig> {
    let fields = Fields::of(node, "`traps`", &TRAPS_KEYS, findings)?;
    let mut listen = Vec::new();
    for item in fields.get("listen").map(one_or_more).unwrap_or_default() {
        match written(item, "an address with its port", findings) {
            Some(text) => match address(text) {
                Some(expected) => refuse(item, &expected.replace("5666", "162"), findings),
                None => listen.push(text.to_owned()),
            },
            None => return None,
        }
    }
    if listen.is_empty() {
        findings.error(&node.place, "`traps` has no `listen`, expected addresses such as `0.0.0.0:162`");
    }
    let accepted = match fields.get("profiles") {
        Some(node) => one_or_more(node).iter().filter_map(|item| find(item, profiles, findings)).collect(),
        None => profiles.values().cloned().collect::<Vec<_>>(),
    };
    if accepted.is_empty() {
        findings.error(&node.place, "`traps` has no profile whose community or user it could accept");
    }
    let mut rate = |key: &str, default: u32| {
        let rate = fields.get(key).and_then(|node| whole(node, 1, i64::from(TRAPS_RATE_MAX), findings));
        rate.and_then(|rate| u32::try_from(rate).ok()).unwrap_or(default)
    };
    let (per_source_max, total_max) =
        (rate("per_source", TRAPS_PER_SOURCE_MAX), rate("total", TRAPS_TOTAL_MAX));
    let sources = fields.get("sources").map(|node| networks(node, findings)).unwrap_or_default();
    let engine_id = fields.get("engine_id").map_or(Some(Vec::new()), |node| engine_id(node, findings))?;
    Some(TrapsConfig { listen, profiles: accepted, sources, per_source_max, total_max, engine_id })
}

/// The profile that a node names.
pub(crate) fn find(
    node: &Node,
    profiles: &BTreeMap<String, Arc<SnmpProfile>>,
    findings: &mut Findings,
) -> Option<Arc<SnmpProfile>> {
    let name = written(node, "the name of a profile", findings)?;
    if let Some(profile) = profiles.get(name) {
        return Some(Arc::clone(profile));
    }
    let known = || profiles.keys().map(String::as_str);
    let advice = match (findings.nearest(name, known()), profiles.len()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, 0) => "`profiles` of `snmp` defines none that can be used".to_owned(),
        (None, 1..=CONFIG_CHOICES_NAMED_MAX) => format!("expected {}", quoted(&known().collect::<Vec<_>>())),
        (None, count) => format!("expected one of the {count} of `profiles`"),
    };
    findings.error(&node.place, format!("there is no profile `{name}`; {advice}"));
    None
}

/// Networks of a list, or the one that stands in its place.
pub(crate) fn networks(node: &Node, findings: &mut Findings) -> Vec<Network> {
    const EXPECTED: &str = "an address or a network such as `192.0.2.0/24`";
    let network = |item| {
        let network = Network::parse(written(item, EXPECTED, findings)?);
        if network.is_none() {
            refuse(item, EXPECTED, findings);
        }
        network
    };
    one_or_more(node).iter().filter_map(network).collect()
}

/// 5 to 32 bytes in hexadecimal digits (RFC 3411, section 5).
fn engine_id(node: &Node, findings: &mut Findings) -> Option<Vec<u8>> {
    let text = written(node, "5 to 32 bytes in hexadecimal digits", findings)?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let bytes = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    let bytes = bytes.filter(|bytes| (5..=32).contains(&bytes.len()));
    if bytes.is_none() {
        refuse(node, "5 to 32 bytes in hexadecimal digits", findings);
    }
    bytes
}
