//! The `snmp` section: profiles by which devices are spoken to, and who may send traps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use custos_compat::snmp::Version;
use custos_compat::snmp::usm::{AuthProtocol, PrivProtocol};

use crate::config::keys::snmp as keys;
use crate::config::model::snmp::{
    Network, Secret, SnmpAccess, SnmpConfig, SnmpProfile, SnmpUser, TrapsConfig,
};
use crate::config::read::nrpe::address;
use crate::config::read::secret_file;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, printable, quoted, refuse, text, written};
use crate::document::section::{Row, Section};
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::CONFIG_CHOICES_NAMED_MAX;
use crate::mib::{KnownNames, MibFault, Names, read_mibs};

/// Reads the section; relative paths begin at `base`.
pub(crate) fn read(node: &Node, base: &Path, findings: &mut Findings) -> SnmpConfig {
    let Some(fields) = Fields::of(node, "`snmp`", &keys::SNMP, findings) else {
        return SnmpConfig::default();
    };
    let mibs: Vec<PathBuf> =
        fields.get(&keys::MIBS).map(|node| paths(node, base, findings)).unwrap_or_default();
    let names = names(&mibs, fields.get(&keys::MIBS), findings);
    let profiles = fields.get(&keys::PROFILES).map(|node| profiles(node, base, findings)).unwrap_or_default();
    let traps = fields.get(&keys::TRAPS).and_then(|node| traps(node, &profiles, findings));
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
    let fields = Fields::of(&entry.value, &owner, &keys::PROFILE, findings)?;
    let port = fields.value(&keys::PORT, findings);
    let timeout = fields.value(&keys::TIMEOUT, findings);
    let retries = fields.value(&keys::RETRIES, findings);
    let max_repetitions = fields.value(&keys::MAX_REPETITIONS, findings);
    let answers_from_any = fields.value(&keys::ANSWERS_FROM, findings);
    let answers_any_community = fields.value(&keys::ANSWERS_COMMUNITY, findings);
    let access = access(entry, &fields, &owner, base, findings)?;
    Some(SnmpProfile {
        name: entry.key.clone(),
        access,
        port: port?,
        timeout: timeout?,
        retries: retries?,
        max_repetitions: max_repetitions?,
        answers_from_any: answers_from_any?,
        answers_any_community: answers_any_community?,
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
    let version = fields.need(&keys::VERSION, &entry.key_place, owner, EXPECTED, findings)?;
    let version = match written(version, EXPECTED, findings)? {
        "1" => Version::V1,
        "2c" | "2" => Version::V2c,
        "3" => Version::V3,
        _ => {
            refuse(version, EXPECTED, findings);
            return None;
        }
    };
    let foreign: &[&dyn Row] = match version {
        Version::V3 => &keys::OF_COMMUNITIES,
        _ => &keys::OF_USERS,
    };
    for foreign in foreign.iter().filter_map(|key| fields.entry(*key)) {
        let version = if version == Version::V3 { "3" } else { "1 and 2c" };
        let message = format!("version {version} has no `{}`, but {owner} has", foreign.key);
        findings.error(&foreign.key_place, message);
    }
    if version == Version::V3 {
        return user(entry, fields, owner, base, findings).map(SnmpAccess::User);
    }
    let community = fields.need(&keys::COMMUNITY, &entry.key_place, owner, "one", findings)?;
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
    let digest = Protecting {
        section: &keys::DIGESTED,
        protocol: &keys::AUTH_PROTOCOL,
        file: &keys::AUTH_FILE,
        names: AuthProtocol::ALL.map(AuthProtocol::name),
        by_name: AuthProtocol::from_name,
    };
    let cipher = Protecting {
        section: &keys::ENCRYPTED,
        protocol: &keys::PRIV_PROTOCOL,
        file: &keys::PRIV_FILE,
        names: PrivProtocol::ALL.map(PrivProtocol::name),
        by_name: PrivProtocol::from_name,
    };
    let auth = fields.get(&keys::AUTH).map(|node| {
        let what = format!("`auth` of {owner}");
        protected(node, &what, &digest, base, findings)
    });
    let privacy = fields.get(&keys::PRIV).map(|node| {
        let what = format!("`priv` of {owner}");
        protected(node, &what, &cipher, base, findings)
    });
    if let (Some(entry), None) = (fields.entry(&keys::PRIV), &auth) {
        findings
            .error(&entry.key_place, format!("{owner} has `priv` without `auth`, which SNMP does not know"));
    }
    let context = match fields.get(&keys::CONTEXT) {
        Some(node) => written(node, "the name of a context", findings)?.to_owned(),
        None => String::new(),
    };
    let name = fields.need(&keys::USER, &entry.key_place, owner, "one", findings)?;
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

/// A kind of protection: its keys, and its protocols by name.
struct Protecting<P> {
    section: &'static Section,
    protocol: &'static dyn Row,
    file: &'static dyn Row,
    names: [&'static str; 6],
    by_name: fn(&str) -> Option<P>,
}

/// `{ protocol: NAME, file: PATH }`
fn protected<P>(
    node: &Node,
    owner: &str,
    protecting: &Protecting<P>,
    base: &Path,
    findings: &mut Findings,
) -> Option<(P, Secret)> {
    /// Shortest passphrase that RFC 3414 allows.
    const PASSPHRASE_MIN_BYTES: usize = 8;
    let fields = Fields::of(node, owner, protecting.section, findings)?;
    let names = quoted(&protecting.names);
    let protocol = fields.need(protecting.protocol, &node.place, owner, &names, findings);
    let expected = "the path of the file with its passphrase";
    let file = fields.need(protecting.file, &node.place, owner, expected, findings);
    let protocol = protocol.and_then(|node| {
        let protocol = (protecting.by_name)(written(node, &names, findings)?);
        if protocol.is_none() {
            refuse(node, &names, findings);
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
    let fields = Fields::of(node, "`traps`", &keys::RECEIVER, findings)?;
    let mut listen = Vec::new();
    for item in fields.get(&keys::LISTEN).map(one_or_more).unwrap_or_default() {
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
    let accepted = match fields.get(&keys::ACCEPTED) {
        Some(node) => one_or_more(node).iter().filter_map(|item| find(item, profiles, findings)).collect(),
        None => profiles.values().cloned().collect::<Vec<_>>(),
    };
    if accepted.is_empty() {
        findings.error(&node.place, "`traps` has no profile whose community or user it could accept");
    }
    let per_source_max = fields.value(&keys::PER_SOURCE, findings);
    let total_max = fields.value(&keys::TOTAL, findings);
    let sources = fields.get(&keys::SOURCES).map(|node| networks(node, findings)).unwrap_or_default();
    let engine_id =
        fields.get(&keys::ENGINE_ID).map_or(Some(Vec::new()), |node| engine_id(node, findings))?;
    let (per_source_max, total_max) = (per_source_max?, total_max?);
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
