//! The media by which targets are told.

use std::path::{Path, PathBuf};

use crate::config::keys::notify as keys;
use crate::config::model::check::Command;
use crate::config::model::notify::{Access, Alertmanager, Email, Icinga, Medium, Nrdp, Nsca, Webhook};
use crate::config::model::snmp::Secret;
use crate::config::read::command::{self, Lookup};
use crate::config::read::secret_file;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, printable, refuse, text};
use crate::document::section::Row;
use crate::document::yaml::{Entry, Node};

/// Hands mails to the mail system of this host, wherever that is installed.
const SENDMAIL: &str = "/usr/sbin/sendmail";

/// Reads the medium that a key of a target chooses.
pub(crate) fn read(
    entry: &Entry,
    target: &Fields<'_>,
    lookup: &Lookup<'_>,
    findings: &mut Findings,
) -> Option<Medium> {
    let access = access(entry, target, lookup.base, findings);
    let (node, base) = (&entry.value, lookup.base);
    match entry.key.as_str() {
        key if key == keys::WEBHOOK.name() => {
            url(node, findings).map(|url| Medium::Webhook(Webhook { url, access }))
        }
        key if key == keys::ALERTMANAGER.name() => {
            alertmanager(node, access, findings).map(Medium::Alertmanager)
        }
        key if key == keys::EMAIL.name() => email(node, base, findings).map(Medium::Email),
        key if key == keys::NRDP.name() => nrdp(node, base, findings).map(Medium::Nrdp),
        key if key == keys::ICINGA.name() => icinga(node, base, findings).map(Medium::Icinga),
        key if key == keys::NSCA.name() => nsca(node, base, findings).map(Medium::Nsca),
        _ => program(node, lookup, findings).map(Medium::Command),
    }
}

/// Reads how a receiver over HTTP lets this host in, which is said beside its medium.
fn access(entry: &Entry, target: &Fields<'_>, base: &Path, findings: &mut Findings) -> Access {
    let (user, password) = (target.get(&keys::ACCESS_USER), target.get(&keys::ACCESS_PASSWORD));
    let (token, ca) = (target.get(&keys::ACCESS_TOKEN), target.get(&keys::ACCESS_CA));
    let is_http = entry.key == keys::WEBHOOK.name() || entry.key == keys::ALERTMANAGER.name();
    let given: [(&dyn Row, _); 4] = [
        (&keys::ACCESS_USER, user),
        (&keys::ACCESS_PASSWORD, password),
        (&keys::ACCESS_TOKEN, token),
        (&keys::ACCESS_CA, ca),
    ];
    for (key, node) in given.into_iter().filter(|_| !is_http) {
        if let Some(node) = node {
            let message =
                format!("`{}` is for `webhook` and `alertmanager`, not for `{}`", key.name(), entry.key);
            findings.error(&node.place, message);
        }
    }
    let pairs: [(&dyn Row, _, &dyn Row); 2] = [
        (&keys::ACCESS_USER, user, &keys::ACCESS_PASSWORD),
        (&keys::ACCESS_PASSWORD, password, &keys::ACCESS_USER),
    ];
    for (given, node, needed) in pairs {
        if let Some(node) = node.filter(|_| target.lacks(needed)) {
            findings.error(&node.place, format!("`{}` is given without `{}`", given.name(), needed.name()));
        }
    }
    let user = user.and_then(|node| line(node, "the name of a user", findings));
    let password = password.and_then(|node| secret(node, base, findings));
    Access {
        login: user.zip(password),
        token: token.and_then(|node| secret(node, base, findings)),
        ca: ca.and_then(|node| authorities(node, base, findings)),
    }
}

fn authorities(node: &Node, base: &Path, findings: &mut Findings) -> Option<PathBuf> {
    line(node, "the path of a PEM file", findings).map(|path| base.join(path))
}

/// A program with its arguments.
pub(crate) fn program(node: &Node, lookup: &Lookup<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    match command::read(node, false, lookup, findings)? {
        Command::Program(words) => Some(words),
        _ => None,
    }
}

fn alertmanager(node: &Node, access: Access, findings: &mut Findings) -> Option<Alertmanager> {
    let nodes = one_or_more(node);
    if nodes.is_empty() {
        refuse(node, "an address, or a list of them", findings);
    }
    let base = |item: &Node, findings: &mut Findings| {
        let address = url(item, findings)?;
        let path = address.trim_end_matches('/');
        if path.ends_with("/api/v2/alerts") || path.ends_with("/api/v1/alerts") {
            let message =
                "the address of an Alertmanager ends before `/api/v2/alerts`, which is put behind it";
            findings.error(&item.place, message.to_owned());
            return None;
        }
        Some(address)
    };
    let urls: Vec<String> = nodes.iter().filter_map(|item| base(item, findings)).collect();
    (!urls.is_empty()).then_some(Alertmanager { urls, access })
}

fn email(node: &Node, base: &Path, findings: &mut Findings) -> Option<Email> {
    const OWNER: &str = "`email`";
    let fields = Fields::of(node, OWNER, &keys::MAIL, findings)?;
    let to = fields.need(&keys::MAIL_TO, &node.place, OWNER, "an address", findings);
    let email = Email {
        to: to.map(|node| one_or_more(node).iter().filter_map(|item| address(item, findings)).collect())?,
        from: fields.get(&keys::MAIL_FROM).and_then(|node| address(node, findings)),
        smtp: fields.get(&keys::SMTP).and_then(|node| server(node, findings)),
        sendmail: fields
            .get(&keys::SENDMAIL)
            .and_then(|node| sendmail(node, base, findings))
            .unwrap_or_else(|| SENDMAIL.into()),
        tls: fields.value(&keys::MAIL_TLS_OF, findings)?,
        user: fields.get(&keys::MAIL_USER).and_then(|node| line(node, "the name of a user", findings)),
        password: fields.get(&keys::MAIL_PASSWORD).and_then(|node| secret(node, base, findings)),
        ca: fields.get(&keys::MAIL_CA).and_then(|node| authorities(node, base, findings)),
    };
    for (given, needed) in [(&keys::MAIL_PASSWORD, &keys::MAIL_USER), (&keys::MAIL_USER, &keys::SMTP)] {
        if fields.get(given).is_some() && fields.lacks(needed) {
            findings.error(&node.place, format!("`{}` is given without `{}`", given.name(), needed.name()));
        }
    }
    if email.to.is_empty() {
        refuse(to.unwrap_or(node), "an address, or a list of them", findings);
    }
    Some(email)
}

/// The program that takes mail. One that is not there is a warning, as of a `command`.
fn sendmail(node: &Node, base: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let path = base.join(line(node, "the path of a program", findings)?);
    if !path.is_file() {
        findings.warning(&node.place, format!("there is no program {} now", path.display()));
    }
    Some(path)
}

fn nrdp(node: &Node, base: &Path, findings: &mut Findings) -> Option<Nrdp> {
    const OWNER: &str = "`nrdp`";
    let fields = Fields::of(node, OWNER, &keys::NRDP_OF, findings)?;
    let url_node = fields.need(&keys::NRDP_URL, &node.place, OWNER, "its address", findings);
    let token = fields.need(&keys::NRDP_TOKEN, &node.place, OWNER, "`{ file: PATH }`", findings);
    let (url, token) =
        (url_node.and_then(|node| url(node, findings)), token.and_then(|node| secret(node, base, findings)));
    let ca = fields.get(&keys::NRDP_CA).and_then(|node| authorities(node, base, findings));
    Some(Nrdp { url: url?, token: token?, ca })
}

fn icinga(node: &Node, base: &Path, findings: &mut Findings) -> Option<Icinga> {
    const OWNER: &str = "`icinga`";
    let fields = Fields::of(node, OWNER, &keys::ICINGA_OF, findings)?;
    let url_node = fields.need(&keys::ICINGA_URL, &node.place, OWNER, "its address", findings);
    let user = fields.need(&keys::ICINGA_USER, &node.place, OWNER, "a user of the API", findings);
    let password = fields.need(&keys::ICINGA_PASSWORD, &node.place, OWNER, "`{ file: PATH }`", findings);
    let url = url_node.and_then(|node| url(node, findings));
    let user = user.and_then(|node| line(node, "a user of the API", findings));
    let password = password.and_then(|node| secret(node, base, findings));
    let ca = fields.get(&keys::ICINGA_CA).and_then(|node| authorities(node, base, findings));
    Some(Icinga { url: url?, user: user?, password: password?, ca })
}

fn nsca(node: &Node, base: &Path, findings: &mut Findings) -> Option<Nsca> {
    const OWNER: &str = "`nsca`";
    let fields = Fields::of(node, OWNER, &keys::NSCA_OF, findings)?;
    let server_node = fields.need(&keys::NSCA_SERVER, &node.place, OWNER, "`HOST:PORT`", findings);
    let password = fields.get(&keys::NSCA_PASSWORD).and_then(|node| secret(node, base, findings));
    let encryption = fields.value(&keys::NSCA_ENCRYPTION, findings)?;
    if let Some(node) = fields.get(&keys::NSCA_ENCRYPTION).filter(|_| !Nsca::METHODS.contains(&encryption)) {
        let message = format!(
            "the method of encryption {encryption} of NSCA is not supported, so that nothing is sent: expected 0 (none), 1 (XOR), \
             3 (3DES) or 14 (AES), here and as `decryption_method` of the server"
        );
        findings.warning(&node.place, message);
    }
    Some(Nsca { server: server(server_node?, findings)?, password, encryption })
}

/// A text on one line.
pub(crate) fn line(node: &Node, expected: &str, findings: &mut Findings) -> Option<String> {
    let written = text(node, expected, findings)?;
    printable(written, &node.place, findings).then(|| written.to_owned())
}

fn secret(node: &Node, base: &Path, findings: &mut Findings) -> Option<Secret> {
    secret_file::read(node, "the secret", false, base, findings)
}

/// A text that passes a test; otherwise something else was expected.
pub(crate) fn fitting(
    node: &Node,
    expected: &str,
    fits: impl Fn(&str) -> bool,
    findings: &mut Findings,
) -> Option<String> {
    let written = line(node, expected, findings)?;
    if !fits(&written) {
        refuse(node, expected, findings);
        return None;
    }
    Some(written)
}

pub(crate) fn url(node: &Node, findings: &mut Findings) -> Option<String> {
    let fits = |written: &str| {
        let rest = written.strip_prefix("http://").or_else(|| written.strip_prefix("https://"));
        // Who logs in has keys of its own: in an address they would be seen, and are not sent.
        let has_login = |rest: &str| rest.split(['/', '?']).next().is_some_and(|host| host.contains('@'));
        let is_of_host = |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(is_authority);
        rest.is_some_and(|rest| !rest.contains(char::is_whitespace) && !has_login(rest) && is_of_host(rest))
    };
    const EXPECTED: &str =
        "an address that begins with `http://` or `https://` and a host, perhaps with a port, without a user";
    let written = line(node, EXPECTED, findings)?;
    if !fits(&written) {
        // What it was may hold a secret, and mistakes are in the log, too.
        findings.error(&node.place, format!("found a text of another form, expected {EXPECTED}"));
        return None;
    }
    Some(written)
}

pub(crate) fn server(node: &Node, findings: &mut Findings) -> Option<String> {
    fitting(node, "`HOST:PORT`", is_server, findings)
}

/// Whether a text is `HOST` or `HOST:PORT`.
fn is_authority(written: &str) -> bool {
    is_host(written) || is_server(written)
}

/// Whether a text is a host: a name, or an address, which stands in brackets if it is one of IPv6.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && !host.contains([':', '/', '[', ']']) && !host.contains(char::is_whitespace)
        }
    }
}

/// Whether a text is `HOST:PORT`.
pub(crate) fn is_server(written: &str) -> bool {
    let parts = written.rsplit_once(':');
    parts.is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn address(node: &Node, findings: &mut Findings) -> Option<String> {
    let fits = |written: &str| {
        let parts: Vec<&str> = written.split('@').collect();
        parts.len() <= 2
            && parts.iter().all(|part| !part.is_empty())
            && !written.contains(char::is_whitespace)
    };
    fitting(node, "an address of mail such as `ops@example.org`", fits, findings)
}
