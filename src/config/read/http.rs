//! The `http` section: where queries are answered, and for whom.
//!
//! Invariant: what is accepted leaves no address that other hosts reach without TLS, and a token or a client's certificate.

use std::path::{Path, PathBuf};

use crate::config::keys::http as keys;
use crate::config::model::http::{HttpConfig, Listening};
use crate::config::model::snmp::Secret;
use crate::config::read::secret_file;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, printable, refuse, text};
use crate::document::section::Row;
use crate::document::yaml::Node;
use crate::limits::{HTTP_LIST_MAX, HTTP_TOKEN_MIN_BYTES};

/// Reads the section; relative paths begin at `base`.
pub(crate) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Option<HttpConfig> {
    let fields = Fields::of(node, "`http`", &keys::HTTP, findings)?;
    let mut pem = |key: &dyn Row| {
        let node = fields.get(key)?;
        let path = text(node, "the path of a PEM file", findings)?;
        printable(path, &node.place, findings).then(|| base.join(path))
    };
    let (certificate, key, client_ca) =
        (pem(&keys::TLS_CERTIFICATE), pem(&keys::TLS_KEY), pem(&keys::TLS_CLIENT_CA));
    for (given, needed) in [
        (&keys::TLS_CERTIFICATE, &keys::TLS_KEY),
        (&keys::TLS_KEY, &keys::TLS_CERTIFICATE),
        (&keys::TLS_CLIENT_CA, &keys::TLS_CERTIFICATE),
    ] {
        if fields.get(given).is_some() && fields.lacks(needed) {
            findings.error(&node.place, format!("`{}` is given without `{}`", given.name(), needed.name()));
        }
    }
    let listen = listen(&fields, base, findings);
    let tokens = list(&fields, &keys::TOKENS, findings, |item, findings| token(item, base, findings));
    let config = HttpConfig {
        listen: listen.iter().map(|(_, listening)| listening.clone()).collect(),
        tls_certificate: certificate,
        tls_key: key,
        tls_client_ca: client_ca,
        tokens,
        cors: list(&fields, &keys::CORS, findings, origin),
        hosts: list(&fields, &keys::HOSTS, findings, host),
        open_watch: fields.value(&keys::OPEN_WATCH, findings).unwrap_or_default(),
    };
    let has_tokens = fields.get(&keys::TOKENS).is_some();
    let open = listen.iter().find(|(_, listening)| !listening.is_of_this_host_alone());
    if let Some((place, listening)) = open
        && let Some(lacking) = lacking(&config, has_tokens)
    {
        let place = place.map_or(&node.place, |node| &node.place);
        findings.error(place, format!("other hosts can reach {listening}: add {lacking}"));
    }
    Some(config)
}

/// What has to be added before other hosts may be answered.
pub(crate) fn lacking(config: &HttpConfig, has_tokens: bool) -> Option<&'static str> {
    match (config.tls_certificate.is_some(), has_tokens || config.tls_client_ca.is_some()) {
        (true, true) => None,
        (true, false) => Some("`tokens` or `tls_client_ca`, by which clients are known"),
        (false, true) => Some("`tls_certificate` and `tls_key`, so that it is encrypted"),
        (false, false) => Some(
            "`tls_certificate` and `tls_key`, so that it is encrypted, and `tokens` or `tls_client_ca`, by which clients are known",
        ),
    }
}

/// Where to listen, and where in the file that stands.
fn listen<'n>(
    fields: &Fields<'n>,
    base: &Path,
    findings: &mut Findings,
) -> Vec<(Option<&'n Node>, Listening)> {
    const EXPECTED: &str =
        "an address with its port, such as `127.0.0.1:43191` or `[::1]:9090`, or the path of a socket";
    if fields.get(&keys::LISTEN).is_none() {
        return Listening::parse(keys::DEFAULT_LISTEN)
            .map(|listening| (None, listening))
            .into_iter()
            .collect();
    }
    list(fields, &keys::LISTEN, findings, |item, findings| {
        let written = text(item, EXPECTED, findings)?;
        if !printable(written, &item.place, findings) {
            return None;
        }
        match Listening::parse(written) {
            Some(Listening::Unix(path)) => Some((Some(item), Listening::Unix(base.join(path)))),
            Some(address) => Some((Some(item), address)),
            None => {
                refuse(item, EXPECTED, findings);
                None
            }
        }
    })
}

/// The items of a list, or of one value in its place.
fn list<'n, T>(
    fields: &Fields<'n>,
    key: &dyn Row,
    findings: &mut Findings,
    read: impl Fn(&'n Node, &mut Findings) -> Option<T>,
) -> Vec<T> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let items = one_or_more(node);
    if items.is_empty() || items.len() > HTTP_LIST_MAX {
        refuse(node, &format!("1 to {HTTP_LIST_MAX} of them"), findings);
    }
    items.iter().take(HTTP_LIST_MAX).filter_map(|item| read(item, findings)).collect()
}

fn token(node: &Node, base: &Path, findings: &mut Findings) -> Option<Secret> {
    let secret = secret_file::from_file(node, "the token", base, findings)?;
    if secret.bytes().is_ok_and(|bytes| bytes.len() < HTTP_TOKEN_MIN_BYTES) {
        let file = secret.file().map(PathBuf::from).unwrap_or_default();
        let message = format!(
            "the token in {} has less than {HTTP_TOKEN_MIN_BYTES} characters, so it could be guessed; \
             `openssl rand -hex 24` makes one",
            file.display()
        );
        findings.error(&node.place, message);
        return None;
    }
    Some(secret)
}

fn origin(node: &Node, findings: &mut Findings) -> Option<String> {
    const EXPECTED: &str = "a scheme and a host, such as `https://grafana.example`";
    let written = text(node, EXPECTED, findings)?;
    let host = written.strip_prefix("https://").or_else(|| written.strip_prefix("http://"));
    let fits = |host: &str| {
        !host.is_empty() && !host.contains(['/', '?', '#']) && !host.contains(char::is_whitespace)
    };
    if !host.is_some_and(fits) {
        refuse(node, EXPECTED, findings);
        return None;
    }
    printable(written, &node.place, findings).then(|| written.to_ascii_lowercase())
}

fn host(node: &Node, findings: &mut Findings) -> Option<String> {
    const EXPECTED: &str = "a name or an address without a port";
    let written = text(node, EXPECTED, findings)?;
    let bracketed = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !written.contains(['/', ':', '@', '?', '#']) && !written.contains(char::is_whitespace),
    };
    if !fits {
        refuse(node, EXPECTED, findings);
        return None;
    }
    printable(written, &node.place, findings).then(|| written.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read_yaml(yaml: &str) -> (Option<HttpConfig>, String) {
        let directory = tempfile::tempdir().unwrap();
        for (name, secret) in [("token", "0123456789abcdef0123\n"), ("short", "0123456789\n")] {
            let path = directory.path().join(name);
            fs::write(&path, secret).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let file = SourceFile::new("f".into(), yaml.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let config = read(&root, directory.path(), &mut findings);
        (config, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn what_is_not_given_is_this_host_alone() {
        let (config, mistakes) = read_yaml("{}\n");
        assert_eq!(mistakes, "");
        let listen = vec![Listening::parse("127.0.0.1:43191").unwrap()];
        assert_eq!(config, Some(HttpConfig { listen, ..HttpConfig::default() }));
    }

    #[test]
    fn the_section_is_read_with_paths_relative_to_its_file() {
        let (config, mistakes) = read_yaml(
            "listen: ['0.0.0.0:443', ./socket]\ntls_certificate: c.pem\ntls_key: /k.pem\ntls_client_ca: ca.pem\n\
             tokens: [token]\ncors: 'https://Grafana.example'\nhosts: [Web1.example, '[::1]']\n",
        );
        assert_eq!(mistakes, "");
        let config = config.unwrap();
        assert!(
            matches!(&config.listen[1], Listening::Unix(path) if path.ends_with("socket") && path.is_absolute())
        );
        assert!(config.tls_certificate.unwrap().is_absolute());
        assert_eq!(config.tokens[0].bytes(), Ok(&b"0123456789abcdef0123"[..]));
        assert_eq!(config.cors, ["https://grafana.example"]);
        assert_eq!(config.hosts, ["web1.example", "[::1]"]);
    }

    #[test]
    fn an_address_that_others_reach_needs_encryption_and_credentials() {
        let tls = "tls_certificate: c\ntls_key: k\n";
        for (rest, lacking) in [
            (
                String::new(),
                Some("add `tls_certificate` and `tls_key`, so that it is encrypted, and `tokens` or"),
            ),
            (
                "tokens: token\n".to_owned(),
                Some("add `tls_certificate` and `tls_key`, so that it is encrypted"),
            ),
            (tls.to_owned(), Some("add `tokens` or `tls_client_ca`")),
            (format!("{tls}tokens: token\n"), None),
            (format!("{tls}tls_client_ca: ca\n"), None),
        ] {
            let mistakes = read_yaml(&format!("listen: [localhost:1, '[::]:2']\n{rest}")).1;
            match lacking {
                Some(lacking) => {
                    assert!(mistakes.starts_with("f:1:23: other hosts can reach [::]:2: add "), "{mistakes}");
                    assert!(mistakes.contains(lacking), "{mistakes}");
                }
                None => assert_eq!(mistakes, ""),
            }
        }
    }

    #[test]
    fn mistakes_are_all_reported() {
        for (yaml, expected) in [
            ("listen: 43191\n", "f:1:9: found the number `43191`, expected an address with its port"),
            ("listen: example.org:80\n", "f:1:9: found `example.org:80`, expected an address with its port"),
            ("listen: []\n", "f:1:9: found a list, expected 1 to 64 of them"),
            ("tls_key: k\n", "f:1:1: `tls_key` is given without `tls_certificate`"),
            ("tls_certificate: k\n", "f:1:1: `tls_certificate` is given without `tls_key`"),
            ("tls_client_ca: k\n", "f:1:1: `tls_client_ca` is given without `tls_certificate`"),
            ("tokens: none\n", "f:1:9: failed to read the token from"),
            ("tokens: short\n", "f:1:9: the token in"),
            ("cors: '*'\n", "f:1:7: found `*`, expected a scheme and a host"),
            ("hosts: a:80\n", "f:1:8: found `a:80`, expected a name or an address without a port"),
            ("token: x\n", "f:1:1: unknown key `token` in `http`; did you mean `tokens`?"),
        ] {
            let mistakes = read_yaml(yaml).1;
            assert!(mistakes.starts_with(expected), "{yaml}{mistakes}");
            assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
        }
    }
}
