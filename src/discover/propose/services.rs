//! Services: units of systemd, databases by their sockets, the queue of mail.

use super::draft::Draft;
use super::machine::CLOCKS;
use crate::discover::host::{Host, Mta};
use crate::text::printable;

/// Services that should run where they are enabled. Others may be over when they have done their work.
const LASTING: [&str; 72] = [
    "apache2",
    "bind9",
    "caddy",
    "cassandra",
    "chrony",
    "chronyd",
    "clamav-daemon",
    "containerd",
    "cron",
    "crond",
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
    "openvpn-server",
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
    "squid",
    "ssh",
    "sshd",
    "sssd",
    "strongswan",
    "systemd-timesyncd",
    "tomcat10",
    "tomcat9",
    "traefik",
    "unbound",
    "valkey",
    "varnish",
    "vsftpd",
    "wazuh-agent",
    "zabbix-agent",
    "zabbix-agent2",
];

/// Where any user may make a socket.
const OPEN_TO_ALL: [&str; 5] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/home/", "/run/user/"];

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
    let mysql = |path: &str, name: &str| {
        // A client of MySQL does what the server asks of it, so nobody may be able to play the server.
        !OPEN_TO_ALL.iter().any(|place| path.starts_with(place))
            && matches!(name, "mysqld.sock" | "mysql.sock")
    };
    if let Some(socket) = socket(host, mysql) {
        let why = format!("MySQL or MariaDB listens on {socket}; it needs no password to be seen alive");
        drafts.push(Draft::new("mysql", why).command(["check_mysql", "-n", "-H", "localhost", "-s", socket]));
    }
    for (name, who, begins, ends) in DATABASES {
        let is =
            |_: &str, file: &str| begins.iter().any(|begin| file.starts_with(begin)) && file.ends_with(ends);
        if let Some(socket) = socket(host, is) {
            let why = format!("{who} listens on {socket}; whether it accepts a connection");
            drafts.push(Draft::new(name, why).command(["check_tcp", "-H", socket]));
        }
    }
    drafts.into_iter().map(|draft| draft.settings(&[("check_interval", "1m")])).collect()
}

/// The first socket with such a name whose path can stand in a command.
fn socket(host: &Host, is: impl Fn(&str, &str) -> bool) -> Option<&str> {
    let plain = |path: &str| path.starts_with('/') && printable(path) == path && !path.contains('$');
    let mut paths = host.sockets.iter().map(String::as_str);
    paths.find(|path| plain(path) && is(path, path.rsplit('/').next().unwrap_or(path)))
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
    // In a container the clock is that of its host, and what keeps clocks does not start.
    let lasting = host.units.iter().map(String::as_str).filter(|unit| is_lasting(unit));
    let lasting = lasting.filter(|unit| !host.container || !CLOCKS.contains(unit));
    let words: Vec<&str> = std::iter::once("units.sh").chain(lasting).collect();
    let why = match words.len() {
        1 => "no unit of systemd may have failed",
        _ => "no unit of systemd may have failed, and these, which are enabled, must run",
    };
    Some(Draft::new("services", why).command(words).settings(&[("timeout", "20s")]))
}

/// Whether a service goes on until it is stopped, by its name, that of its template, or as one of PHP's versions.
fn is_lasting(unit: &str) -> bool {
    let template = unit.split('@').next().unwrap_or(unit);
    LASTING.contains(&template) || (unit.starts_with("php") && unit.ends_with("-fpm"))
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
        assert!(with(&["/run/$USER1$/mysql.sock", "/run/a\u{1b}b/mysql.sock", "/tmp/mysql.sock"]).is_empty());
    }

    #[test]
    fn the_lasting_services_are_sorted_and_only_those_are_watched() {
        assert!(LASTING.is_sorted());
        let host = Host {
            systemd: true,
            units: ["chrony", "cron", "e2scrub_reap", "php8.2-fpm", "postgresql@15-main"]
                .map(str::to_owned)
                .to_vec(),
            ..Host::default()
        };
        let words = |host: &Host| units(host).map(|draft| draft.commands[0].join(" "));
        assert_eq!(words(&host).as_deref(), Some("units.sh chrony cron php8.2-fpm postgresql@15-main"));
        let contained = Host { container: true, ..host.clone() };
        assert_eq!(words(&contained).as_deref(), Some("units.sh cron php8.2-fpm postgresql@15-main"));
        assert_eq!(words(&Host { systemd: false, ..host }), None);
    }
}
