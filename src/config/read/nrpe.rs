//! The `nrpe` section: an `nrpe.cfg` to read in place, and keys of our own that win over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use custos_compat::nrpe::{AllowedHosts, CIPHER_LIST_MAX_BYTES, HostEntry, SslVersion};

use crate::config::keys::nrpe as keys;
use crate::config::model::check::{NrpeConfig, NrpeKeys};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, printable, refuse, text, written};
use crate::document::yaml::{Content, Node};

/// Reads the section; relative paths begin at `base`.
pub(crate) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Option<NrpeConfig> {
    let fields = Fields::of(node, "`nrpe`", &keys::NRPE, findings)?;
    let config = path(fields.get(&keys::CONFIG), "the path of an nrpe.cfg", base, findings);
    let keys = NrpeKeys {
        listen: items(fields.get(&keys::LISTEN), address, findings),
        allowed_hosts: items(fields.get(&keys::ALLOWED_HOSTS), hosts, findings)
            .iter()
            .flat_map(|hosts| hosts.split(','))
            .map(|host| host.trim().to_owned())
            .collect(),
        tls: fields.read(&keys::TLS, findings),
        tls_certificate: path(fields.get(&keys::TLS_CERTIFICATE), PEM, base, findings),
        tls_key: path(fields.get(&keys::TLS_KEY), PEM, base, findings),
        tls_client_ca: path(fields.get(&keys::TLS_CLIENT_CA), PEM, base, findings),
        tls_client_certificates: fields.read(&keys::TLS_CLIENT_CERTIFICATES, findings).map(str::to_owned),
        tls_versions: fields.get(&keys::TLS_VERSIONS).and_then(|node| versions(node, findings)),
        tls_ciphers: fields.get(&keys::TLS_CIPHERS).and_then(|node| ciphers(node, findings)),
        tls_anonymous: fields.read(&keys::TLS_ANONYMOUS, findings),
        allow_arguments: fields.value(&keys::ALLOW_ARGUMENTS, findings).unwrap_or(false),
        commands_as_root: fields.value(&keys::COMMANDS_AS_ROOT, findings).unwrap_or(false),
        tcp_wrappers: fields.read(&keys::TCP_WRAPPERS, findings),
        command_timeout: fields.read(&keys::COMMAND_TIMEOUT, findings),
        coalesce: fields.value(&keys::COALESCE, findings).unwrap_or(false),
        graph: fields.read(&keys::GRAPH, findings),
        access: fields.get(&keys::ACCESS).map(|node| access(node, findings)).unwrap_or_default(),
    };
    Some(NrpeConfig { config, keys })
}

const PEM: &str = "the path of a PEM file";

fn path(node: Option<&Node>, expected: &str, base: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let node = node?;
    let path = text(node, expected, findings)?;
    printable(path, &node.place, findings).then(|| base.join(path))
}

/// The texts of a list, or of one text in its place, those that `fault` finds nothing wrong with.
fn items(
    node: Option<&Node>,
    fault: impl Fn(&str) -> Option<String>,
    findings: &mut Findings,
) -> Vec<String> {
    let mut list = Vec::new();
    for item in node.map(one_or_more).unwrap_or_default() {
        let Some(text) = written(item, "a text or a list of them", findings) else { continue };
        match fault(text) {
            _ if !printable(text, &item.place, findings) => {}
            Some(expected) => refuse(item, &expected, findings),
            None => list.push(text.to_owned()),
        }
    }
    list
}

/// What was expected instead of `host:port`, with an IPv6 address in brackets and `*` for every address.
pub(crate) fn address(text: &str) -> Option<String> {
    let expected =
        || Some("an address with its port, such as `192.0.2.1:5666`, `[::1]:5666` or `*:5666`".to_owned());
    let Some((host, port)) = text.rsplit_once(':') else { return expected() };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', '[', ']', ' ', '/']),
    };
    let port_fits = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if host_fits && port_fits { None } else { expected() }
}

/// What was expected instead of addresses, networks and names with commas between them.
fn hosts(text: &str) -> Option<String> {
    if text.split(',').any(|host| host.trim().is_empty() || host.trim().contains(char::is_whitespace)) {
        return Some("addresses, networks or names with commas between them".to_owned());
    }
    let bad = AllowedHosts::everyone().add(text.as_bytes());
    bad.first().map(|bad| format!("an address, a network or a name: {}", bad.reason))
}

/// What was expected instead of something that names who may run a command.
fn subject(text: &str) -> Option<String> {
    const EXPECTED: &str = "an address, a network or `cert:SUBJECT`";
    if text.strip_prefix("cert:").is_some_and(|subject| !subject.is_empty()) {
        return None;
    }
    let mut hosts = AllowedHosts::everyone();
    let bad = hosts.add(text.as_bytes());
    let entries = hosts.entries().unwrap_or_default();
    let named = entries.iter().any(|entry| matches!(entry, HostEntry::Name(_)));
    (named || entries.is_empty() || !bad.is_empty()).then(|| EXPECTED.to_owned())
}

fn versions(node: &Node, findings: &mut Findings) -> Option<String> {
    const EXPECTED: &str = "TLS versions in nrpe's form, such as `TLSv1.2+` or `TLSv1.3`";
    let versions = text(node, EXPECTED, findings)?;
    if SslVersion::parse(versions.as_bytes()).is_none() {
        refuse(node, EXPECTED, findings);
        return None;
    }
    Some(versions.to_owned())
}

fn ciphers(node: &Node, findings: &mut Findings) -> Option<String> {
    let ciphers = text(node, "a cipher list of OpenSSL", findings)?;
    if ciphers.len() > CIPHER_LIST_MAX_BYTES {
        refuse(node, &format!("a cipher list of at most {CIPHER_LIST_MAX_BYTES} bytes"), findings);
        return None;
    }
    printable(ciphers, &node.place, findings).then(|| ciphers.to_owned())
}

fn access(node: &Node, findings: &mut Findings) -> BTreeMap<String, Vec<String>> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of command names or globs to lists of who may run them", findings);
        return BTreeMap::new();
    };
    let mut access = BTreeMap::new();
    for entry in entries {
        if let Err(error) = globset::Glob::new(&entry.key) {
            let message = format!("the glob `{}` is not valid: {}", entry.key, error.kind());
            findings.error(&entry.key_place, message);
        }
        access.insert(entry.key.clone(), items(Some(&entry.value), subject, findings));
    }
    access
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::model::notify::GraphStyle;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read_yaml(yaml: &str) -> (Option<NrpeConfig>, String) {
        let file = SourceFile::new("f".into(), yaml.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let config = read(&root, Path::new("/etc/custos"), &mut findings);
        (config, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn the_section_is_read_with_paths_relative_to_its_file() {
        let (config, mistakes) = read_yaml(
            "config: ../nagios/nrpe.cfg\nlisten: '127.0.0.1:5666'\nallowed_hosts: ['10.0.0.0/8, ::1', mon]\ntls: true\n\
             tls_certificate: cert.pem\ntls_key: /key.pem\ntls_client_ca: ca.pem\ntls_client_certificates: require\n\
             tls_versions: TLSv1.2+\ntls_ciphers: HIGH\ntls_anonymous: false\nallow_arguments: true\ncommands_as_root: true\n\
             tcp_wrappers: false\ncommand_timeout: 30s\ncoalesce: true\ngraph: ascii\naccess: {'check_*': [10.0.0.1, 'cert:/CN=a'], x: ::1}\n",
        );
        assert_eq!(mistakes, "");
        let config = config.unwrap();
        assert_eq!(config.config.as_deref(), Some(Path::new("/etc/custos/../nagios/nrpe.cfg")));
        let access = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let expected = NrpeKeys {
            listen: vec!["127.0.0.1:5666".to_owned()],
            allowed_hosts: access(&["10.0.0.0/8", "::1", "mon"]),
            tls: Some(true),
            tls_certificate: Some("/etc/custos/cert.pem".into()),
            tls_key: Some("/key.pem".into()),
            tls_client_ca: Some("/etc/custos/ca.pem".into()),
            tls_client_certificates: Some("require".to_owned()),
            tls_versions: Some("TLSv1.2+".to_owned()),
            tls_ciphers: Some("HIGH".to_owned()),
            tls_anonymous: Some(false),
            allow_arguments: true,
            commands_as_root: true,
            tcp_wrappers: Some(false),
            command_timeout: Some(Duration::from_secs(30)),
            coalesce: true,
            graph: Some(GraphStyle::Ascii),
            access: BTreeMap::from([
                ("check_*".to_owned(), access(&["10.0.0.1", "cert:/CN=a"])),
                ("x".to_owned(), access(&["::1"])),
            ]),
        };
        assert_eq!(config.keys, expected);
        assert_eq!(read_yaml("{}\n").0, Some(NrpeConfig { config: None, keys: NrpeKeys::default() }));
    }

    #[test]
    fn addresses_need_a_port() {
        for good in ["0.0.0.0:5666", "[::]:5666", "localhost:0", "[2001:db8::1]:65535", "*:5666"] {
            assert_eq!(address(good), None, "{good}");
        }
        for bad in
            ["5666", ":5666", "127.0.0.1", "::1:5666", "[::1]", "[x]:1", "a:65536", "a:+1", "a:", "a b:1"]
        {
            assert!(address(bad).is_some(), "{bad}");
        }
        assert!(read_yaml("listen: 5666\n").1.contains("expected an address with its port"));
    }

    #[test]
    fn mistakes_are_all_reported() {
        for (yaml, expected) in [
            (
                "allowed_host: y\n",
                "f:1:1: unknown key `allowed_host` in `nrpe`; did you mean `allowed_hosts`?",
            ),
            ("config: 5\n", "f:1:9: found the number `5`, expected the path of an nrpe.cfg"),
            ("allowed_hosts: [a, 10.0.0.0/99]\n", "f:1:20: found `10.0.0.0/99`, expected"),
            ("allowed_hosts: 'a,,b'\n", "f:1:16: found `a,,b`, expected addresses"),
            ("tls: yes\n", "f:1:6: found `yes`, expected `true` or `false`"),
            ("tls_versions: TLSv9\n", "f:1:15: found `TLSv9`, expected TLS versions"),
            (
                "tls_client_certificates: maybe\n",
                "f:1:26: found `maybe`, expected `ignore`, `ask` or `require`",
            ),
            ("command_timeout: 30\n", "f:1:18: found the number `30`, expected a duration with its unit"),
            (
                "access: {x: [mon.example]}\n",
                "f:1:14: found `mon.example`, expected an address, a network or",
            ),
            ("access: {'[': [::1]}\n", "f:1:10: the glob `[` is not valid"),
            ("access: [x]\n", "f:1:9: found a list, expected a mapping"),
        ] {
            let mistakes = read_yaml(yaml).1;
            assert!(mistakes.starts_with(expected), "{yaml}{mistakes}");
            assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
        }
    }
}
