//! The `nrpe` section: an `nrpe.cfg` to read in place, and keys of our own that win over it.

use std::collections::BTreeMap;
use std::path::Path;

use super::duration;
use super::fields::{Fields, boolean, choice, one_or_more, printable, refuse, text, written};
use super::mistake::Findings;
use super::model::{Native, NrpeConfig};
use super::yaml::{Content, Node};
use crate::limits::{INTERVAL_MAX, TIMEOUT_MIN};

const KEYS: [&str; 14] = [
    "config",
    "listen",
    "allowed_hosts",
    "tls",
    "tls_certificate",
    "tls_key",
    "tls_client_ca",
    "tls_client_certificates",
    "tls_versions",
    "tls_ciphers",
    "tls_anonymous",
    "allow_arguments",
    "tcp_wrappers",
    "command_timeout",
];
/// Keys whose value is a mapping.
const ACCESS: &str = "access";

const CLIENT_CERTIFICATES: [(&str, &str); 3] = [("ignore", "ignore"), ("ask", "ask"), ("require", "require")];

/// Reads the section; relative paths begin at `base`.
pub(super) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Option<NrpeConfig> {
    let keys: Vec<&str> = KEYS.into_iter().chain([ACCESS]).collect();
    let fields = Fields::of(node, "`nrpe`", &keys, findings)?;
    let path = |key: &str, what: &str, findings: &mut Findings| {
        fields.get(key).and_then(|node| text(node, what, findings)).map(|path| base.join(path))
    };
    let config = path("config", "the path of an nrpe.cfg", findings);
    let tls_certificate = path("tls_certificate", "the path of a certificate", findings);
    let tls_key = path("tls_key", "the path of a private key", findings);
    let tls_client_ca = path("tls_client_ca", "the path of a file of certificates", findings);
    let listen =
        strings(fields.get("listen"), "an address with its port", findings, |node, text, findings| {
            let good = address(text);
            if !good {
                refuse(node, "an address with its port, such as `0.0.0.0:5666` or `[::]:5666`", findings);
            }
            good
        });
    let allowed_hosts =
        strings(fields.get("allowed_hosts"), "an address, network or name", findings, |_, _, _| true);
    let allowed_hosts = allowed_hosts
        .iter()
        .flat_map(|hosts| hosts.split(','))
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .collect();
    let switch = |key: &str, findings: &mut Findings| fields.get(key).and_then(|n| boolean(n, findings));
    let words = |key: &str, what: &str, findings: &mut Findings| {
        fields.get(key).and_then(|node| text(node, what, findings)).map(str::to_owned)
    };
    let native = Native {
        listen,
        allowed_hosts,
        tls: switch("tls", findings),
        tls_certificate,
        tls_key,
        tls_client_ca,
        tls_client_certificates: fields
            .get("tls_client_certificates")
            .and_then(|node| choice(node, &CLIENT_CERTIFICATES, findings))
            .map(str::to_owned),
        tls_versions: words("tls_versions", "protocol versions such as `TLSv1.2+`", findings),
        tls_ciphers: words("tls_ciphers", "a cipher list of OpenSSL", findings),
        tls_anonymous: switch("tls_anonymous", findings),
        allow_arguments: switch("allow_arguments", findings).unwrap_or(false),
        tcp_wrappers: switch("tcp_wrappers", findings),
        command_timeout: fields
            .get("command_timeout")
            .and_then(|node| duration::read(node, TIMEOUT_MIN, INTERVAL_MAX, findings)),
        access: fields.get(ACCESS).map(|node| access(node, findings)).unwrap_or_default(),
    };
    Some(NrpeConfig { config, native })
}

/// Commands, by name or glob, and who may run them.
fn access(node: &Node, findings: &mut Findings) -> BTreeMap<String, Vec<String>> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "commands (names or globs), each with who may run it", findings);
        return BTreeMap::new();
    };
    let who = "an address, a network or `cert:SUBJECT`";
    let mut rules = BTreeMap::new();
    for entry in entries {
        if printable(&entry.key, &entry.key_place, findings) {
            let list = strings(Some(&entry.value), who, findings, |_, _, _| true);
            rules.insert(entry.key.clone(), list);
        }
    }
    rules
}

fn strings(
    node: Option<&Node>,
    expected: &str,
    findings: &mut Findings,
    good: impl Fn(&Node, &str, &mut Findings) -> bool,
) -> Vec<String> {
    let mut list = Vec::new();
    for item in node.map(one_or_more).unwrap_or_default() {
        if let Some(text) = written(item, expected, findings)
            && printable(text, &item.place, findings)
            && good(item, text, findings)
        {
            list.push(text.to_owned());
        }
    }
    list
}

/// `host:port`, an IPv6 address in brackets; port 0 lets the system choose.
fn address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', '[', ']', ' ', '/']),
    };
    host_fits && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::place::SourceFile;
    use crate::definition::yaml;

    fn read_yaml(yaml: &str) -> (Option<NrpeConfig>, String) {
        let file = SourceFile::new("f".into(), yaml.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let config = read(&root, Path::new("/etc/custos"), &mut findings);
        (config, findings.into_mistakes().to_string())
    }

    #[test]
    fn the_section_is_read_with_paths_relative_to_its_file() {
        let (config, mistakes) = read_yaml(
            "{config: ../nagios/nrpe.cfg, listen: '127.0.0.1:5666', allowed_hosts: ['10.0.0.0/8, ::1', mon], tls: false}\n",
        );
        assert_eq!(mistakes, "");
        let config = config.unwrap();
        assert_eq!(config.config.as_deref(), Some(Path::new("/etc/custos/../nagios/nrpe.cfg")));
        assert_eq!(config.native.listen, ["127.0.0.1:5666"]);
        assert_eq!(config.native.allowed_hosts, ["10.0.0.0/8", "::1", "mon"]);
        assert_eq!(config.native.tls, Some(false));
        assert_eq!(read_yaml("{}\n").0, Some(NrpeConfig { config: None, native: Native::default() }));
    }

    #[test]
    fn addresses_need_a_port() {
        for good in ["0.0.0.0:5666", "[::]:5666", "localhost:0", "[2001:db8::1]:65535"] {
            assert!(address(good), "{good}");
        }
        for bad in
            ["5666", ":5666", "127.0.0.1", "::1:5666", "[::1]", "[x]:1", "a:65536", "a:+1", "a:", "a b:1"]
        {
            assert!(!address(bad), "{bad}");
        }
        assert!(read_yaml("listen: 5666\n").1.contains("expected an address with its port"));
    }

    #[test]
    fn mistakes_are_all_reported() {
        let (_, mistakes) = read_yaml("{config: 5, listen: [x], allowed_host: y, tls: yes}\n");
        assert_eq!(mistakes.lines().count(), 4, "{mistakes}");
        assert!(mistakes.contains("did you mean `allowed_hosts`?"), "{mistakes}");
    }
}
