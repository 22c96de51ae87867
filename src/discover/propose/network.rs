//! Interfaces, and what listens on ports that are known.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::draft::Draft;
use super::subject::Subject;
use crate::discover::host::Host;
use crate::limits::DISCOVERED_INTERFACES_MAX;

/// Stands for the address in a command.
const ADDRESS: &str = "{address}";
/// Stands for the port in a command.
const PORT: &str = "{port}";
/// What asks whether somebody accepts a connection.
const ACCEPTS: &[&str] = &["check_tcp", "-H", ADDRESS, "-p", PORT];
/// What asks a web server for any answer.
const WEB: &[&str] = &["check_http", "-I", ADDRESS, "-p", PORT, "-e", "HTTP/1"];
/// What asks how long a certificate is still valid.
const CERTIFICATE: &[&str] = &["check_http", "-I", ADDRESS, "-p", PORT, "-S", "-C", "21,7"];

/// A port, what a check of it is named, who usually listens there, and what asks it.
type Known = (u16, &'static str, &'static str, &'static [&'static str]);

const KNOWN: [Known; 26] = [
    (21, "ftp", "an FTP server", &["check_ftp", "-H", ADDRESS, "-p", PORT]),
    (22, "ssh", "the SSH server, the way in when all else fails", &["check_ssh", "-p", PORT, ADDRESS]),
    (25, "smtp", "a mail server", &["check_smtp", "-H", ADDRESS, "-p", PORT]),
    (53, "dns", "a name server", ACCEPTS),
    (80, "http", "a web server; any answer will do", WEB),
    (110, "pop3", "a POP server", &["check_pop", "-H", ADDRESS, "-p", PORT]),
    (143, "imap", "an IMAP server", &["check_imap", "-H", ADDRESS, "-p", PORT]),
    (389, "ldap", "a directory", ACCEPTS),
    (443, "https", "a web server: its certificate is valid for three weeks at least", CERTIFICATE),
    (445, "smb", "a file server", ACCEPTS),
    (465, "smtps", "a mail server", ACCEPTS),
    (587, "submission", "a mail server", &["check_smtp", "-H", ADDRESS, "-p", PORT]),
    (631, "ipp", "a print server", ACCEPTS),
    (636, "ldaps", "a directory", ACCEPTS),
    (993, "imaps", "an IMAP server", &["check_simap", "-H", ADDRESS, "-p", PORT]),
    (995, "pop3s", "a POP server", &["check_spop", "-H", ADDRESS, "-p", PORT]),
    (2049, "nfs", "a file server", ACCEPTS),
    (3306, "mysql", "MySQL or MariaDB", ACCEPTS),
    (5432, "postgresql", "PostgreSQL", ACCEPTS),
    (5672, "amqp", "a message broker", ACCEPTS),
    (6379, "redis", "Redis or Valkey", ACCEPTS),
    (8080, "http_8080", "a web server; any answer will do", WEB),
    (8443, "https_8443", "a web server: its certificate is valid for three weeks at least", CERTIFICATE),
    (9200, "elasticsearch", "Elasticsearch or OpenSearch", WEB),
    (11211, "memcached", "memcached", ACCEPTS),
    (27017, "mongodb", "MongoDB", ACCEPTS),
];

/// A port below this is meant for something; above, the kernel lends them to whoever asks.
const LENT_FROM: u16 = 32768;

/// Errors that grow are a bad cable, a bad driver, or two ends that disagree.
const ERRORS: &[&str] = &[
    "{ metric: rx_errors, warning: \"~:1\", rate: true, for: 5m }",
    "{ metric: tx_errors, warning: \"~:1\", rate: true, for: 5m }",
];

/// The checks, and remarks. `had` are names of checks that there are already: a database that was found by its socket is
/// not asked by its port too.
pub(super) fn drafts(host: &Host, had: &[&str]) -> (Vec<Draft>, Vec<String>) {
    let (mut drafts, mut remarks) = (Vec::new(), Vec::new());
    if !host.container {
        let interfaces = host.interfaces.iter().take(DISCOVERED_INTERFACES_MAX);
        drafts.extend(interfaces.map(|name| interface(name)));
        if host.interfaces.len() > DISCOVERED_INTERFACES_MAX {
            remarks.push(format!("only the first {DISCOVERED_INTERFACES_MAX} interfaces are checked"));
        }
    }
    let ports = ports(&host.listening);
    let nrpe = host.nrpe.as_ref().map_or(5666, |nrpe| nrpe.port);
    let mut unknown = Vec::new();
    for (port, address) in &ports {
        match KNOWN.iter().find(|(known, ..)| known == port) {
            Some((_, name, ..)) if had.contains(name) => {}
            Some(known) => drafts.push(server(known, *address)),
            None if *port != nrpe && *port < LENT_FROM => unknown.push(port.to_string()),
            None => {}
        }
    }
    if !unknown.is_empty() {
        remarks.push(format!(
            "these TCP ports are listened on too, by whom is not known: {}; check_tcp asks one",
            unknown.join(", ")
        ));
    }
    if host.snmp {
        remarks.push("an SNMP agent runs here; custos snmp suggest proposes checks by it".to_owned());
    }
    (drafts, remarks)
}

/// The ports that are listened on, each with the address at which it is asked best.
fn ports(listening: &[(IpAddr, u16)]) -> BTreeMap<u16, IpAddr> {
    let mut ports = BTreeMap::new();
    for (address, port) in listening {
        let address = reached_at(*address);
        let best = ports.entry(*port).or_insert(address);
        if rank(address) < rank(*best) {
            *best = address;
        }
    }
    ports
}

/// Where one who listens at an address is reached from here.
fn reached_at(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(mapped) => mapped.to_ipv4_mapped().map_or(address, IpAddr::V4),
        address => address,
    }
}

/// Which address of several is asked: the loopback, and IPv4 first.
fn rank(address: IpAddr) -> (bool, bool, IpAddr) {
    (!address.is_loopback(), address.is_ipv6(), address)
}

fn server((port, name, who, words): &Known, address: IpAddr) -> Draft {
    let (address, number) = (address.to_string(), port.to_string());
    let fill = |words: &'static [&'static str]| {
        words.iter().map(|word| match *word {
            ADDRESS => address.as_str(),
            PORT => number.as_str(),
            word => word,
        })
    };
    Draft::new(*name, format!("port {port} is listened on, usually by {who}"))
        .command(fill(words).collect::<Vec<_>>())
        .command(fill(ACCEPTS).collect::<Vec<_>>())
        .settings(&[("check_interval", "1m")])
        .of(Subject::Port(*port))
}

fn interface(name: &str) -> Draft {
    Draft::new(
        format!("link_{name}"),
        format!("{name} is up: whether it stays so, its traffic and its errors"),
    )
    .command(["link.sh", name])
    .thresholds(ERRORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(listening: &[(&str, u16)]) -> Host {
        let listening = listening.iter().map(|(address, port)| (address.parse().unwrap(), *port)).collect();
        Host { listening, ..Host::default() }
    }

    fn first_commands(host: &Host, had: &[&str]) -> Vec<String> {
        drafts(host, had).0.iter().map(|draft| draft.commands[0].join(" ")).collect()
    }

    #[test]
    fn a_server_is_asked_where_it_listens() {
        for (listening, asked) in [
            (&[("0.0.0.0", 22), ("::", 22)][..], "check_ssh -p 22 127.0.0.1"),
            (&[("::", 22)], "check_ssh -p 22 ::1"),
            (&[("::ffff:10.0.0.1", 22)], "check_ssh -p 22 10.0.0.1"),
            (&[("10.0.0.9", 22), ("10.0.0.1", 22)], "check_ssh -p 22 10.0.0.1"),
            (&[("10.0.0.9", 6379), ("::1", 6379)], "check_tcp -H ::1 -p 6379"),
        ] {
            assert_eq!(first_commands(&at(listening), &[]), [asked], "{listening:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_named_and_what_was_found_otherwise_is_not_asked_twice() {
        let host = at(&[("127.0.0.1", 3306), ("0.0.0.0", 9999), ("0.0.0.0", 5666), ("0.0.0.0", 40000)]);
        let (drafts, remarks) = drafts(&host, &["mysql"]);
        assert!(drafts.is_empty());
        assert_eq!(remarks.len(), 1);
        assert!(remarks[0].contains(": 9999;"), "{remarks:?}");
    }

    #[test]
    fn interfaces_of_a_container_are_of_its_host() {
        let host = Host { interfaces: vec!["eth0".to_owned()], ..Host::default() };
        assert_eq!(first_commands(&host, &[]), ["link.sh eth0"]);
        assert!(first_commands(&Host { container: true, ..host }, &[]).is_empty());
    }

    #[test]
    fn no_port_and_no_name_is_known_twice() {
        for (at, known) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..at].iter().all(|other| other.0 < known.0 && other.1 != known.1), "{known:?}");
        }
    }
}
