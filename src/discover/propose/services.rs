//! Services: units of systemd, databases by their sockets, the queue of mail.

use super::draft::Draft;
use crate::discover::host::{Host, Mta};
use crate::text::printable;

/// Services that should run where they are enabled. Others may be over when they have done their work.
const LASTING: [&str; 62] = [
    "apache2",
    "bind9",
    "caddy",
    "chrony",
    "chronyd",
    "clamav-daemon",
    "containerd",
    "cron",
    "crond",
    "cups",
    "dnsmasq",
    "docker",
    "dovecot",
    "elasticsearch",
    "exim",
    "exim4",
    "fail2ban",
    "freeradius",
    "grafana-server",
    "haproxy",
    "httpd",
    "influxdb",
    "keepalived",
    "kubelet",
    "libvirtd",
    "lighttpd",
    "mariadb",
    "memcached",
    "mongod",
    "mosquitto",
    "mysql",
    "mysqld",
    "named",
    "nfs-server",
    "nginx",
    "nslcd",
    "ntp",
    "ntpd",
    "ntpsec",
    "opendkim",
    "opensearch",
    "openvpn",
    "postfix",
    "postgresql",
    "proftpd",
    "prometheus",
    "puppet",
    "rabbitmq-server",
    "redis",
    "redis-server",
    "rspamd",
    "rsyslog",
    "salt-minion",
    "slapd",
    "smbd",
    "snmpd",
    "ssh",
    "sshd",
    "sssd",
    "systemd-timesyncd",
    "unbound",
    "valkey",
];

/// Databases that are asked no more than whether they accept a connection: name, who it is, and how the names of their
/// sockets begin and end.
const DATABASES: [(&str, &str, &[&str], &str); 4] = [
    ("postgresql", "PostgreSQL", &[".s.PGSQL."], ""),
    ("redis", "Redis or Valkey", &["redis", "valkey"], ".sock"),
    ("memcached", "memcached", &["memcached"], ".sock"),
    ("mongodb", "MongoDB", &["mongodb-"], ".sock"),
];

/// The checks of databases that were found by their sockets, each named as that of its port.
pub(super) fn databases(host: &Host) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mysql = |name: &str| matches!(name, "mysqld.sock" | "mysql.sock");
    if let Some(socket) = socket(host, mysql) {
        let why = format!("MySQL or MariaDB listens on {socket}; it needs no password to be seen alive");
        drafts.push(Draft::new("mysql", why).command(["check_mysql", "-n", "-H", "localhost", "-s", socket]));
    }
    for (name, who, begins, ends) in DATABASES {
        let is = |file: &str| begins.iter().any(|begin| file.starts_with(begin)) && file.ends_with(ends);
        if let Some(socket) = socket(host, is) {
            let why = format!("{who} listens on {socket}; whether it accepts a connection");
            drafts.push(Draft::new(name, why).command(["check_tcp", "-H", socket]));
        }
    }
    drafts.into_iter().map(|draft| draft.settings(&[("check_interval", "1m")])).collect()
}

/// The first socket with such a name whose path can stand in a command.
fn socket(host: &Host, is: impl Fn(&str) -> bool) -> Option<&str> {
    let plain = |path: &str| path.starts_with('/') && printable(path) == path && !path.contains('$');
    let mut paths = host.sockets.iter().map(String::as_str);
    paths.find(|path| plain(path) && is(path.rsplit('/').next().unwrap_or(path)))
}

/// The check of the queue of mail.
pub(super) fn mail_queue(host: &Host) -> Option<Draft> {
    let (kind, why) = match host.mta? {
        Mta::Postfix => ("postfix", "mail that Postfix could not send yet"),
        Mta::Exim => {
            ("exim", "mail that Exim could not send yet; the agent's user must be in its group to see it")
        }
    };
    let draft = Draft::new("mail_queue", why).command(["check_mailq", "-M", kind, "-w", "20", "-c", "200"]);
    Some(draft.settings(&[("check_interval", "5m")]))
}

/// The check of systemd's units.
pub(super) fn units(host: &Host) -> Option<Draft> {
    if !host.systemd {
        return None;
    }
    let lasting = host.units.iter().map(String::as_str).filter(|unit| LASTING.contains(unit));
    let words: Vec<&str> = std::iter::once("units.sh").chain(lasting).collect();
    let why = match words.len() {
        1 => "no unit of systemd may have failed",
        _ => "no unit of systemd may have failed, and these, which are enabled, must run",
    };
    Some(Draft::new("services", why).command(words).settings(&[("timeout", "20s")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(sockets: &[&str]) -> Vec<String> {
        let host =
            Host { sockets: sockets.iter().map(|path| (*path).to_owned()).collect(), ..Host::default() };
        databases(&host).iter().map(|draft| draft.commands[0].join(" ")).collect()
    }

    #[test]
    fn databases_are_known_by_their_sockets() {
        assert_eq!(
            with(&[
                "/run/docker.sock",
                "/run/mysqld/mysqld.sock",
                "/run/mysqld/mysqlx.sock",
                "/run/postgresql/.s.PGSQL.5432",
                "/run/redis/redis-server.sock",
                "/tmp/mongodb-27017.sock",
            ]),
            [
                "check_mysql -n -H localhost -s /run/mysqld/mysqld.sock",
                "check_tcp -H /run/postgresql/.s.PGSQL.5432",
                "check_tcp -H /run/redis/redis-server.sock",
                "check_tcp -H /tmp/mongodb-27017.sock",
            ]
        );
        assert!(with(&["/tmp/$USER1$/mysql.sock", "/tmp/a\u{1b}b/mysql.sock"]).is_empty());
    }

    #[test]
    fn the_lasting_services_are_sorted_and_only_those_are_watched() {
        assert!(LASTING.is_sorted());
        let host =
            Host { systemd: true, units: vec!["cron".into(), "e2scrub_reap".into()], ..Host::default() };
        assert_eq!(units(&host).unwrap().commands[0], ["units.sh", "cron"]);
        assert!(units(&Host { systemd: false, ..host }).is_none());
    }
}
