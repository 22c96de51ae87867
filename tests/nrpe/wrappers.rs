//! Item 44: TCP wrappers, with rules of the test's own where only its daemons see them.

use std::fs;
use std::path::Path;
use std::thread;

use crate::access::served;
use crate::server::{Server, Which};
use crate::stage::{Stage, free_port};

/// The contents of hosts.allow and hosts.deny. `%f` is a file that lists 127.0.0.1.
const RULES: &[(&str, &str)] = &[
    ("", ""),
    ("", "ALL: ALL\n"),
    ("", "nrpe: ALL\n"),
    ("", "sshd: ALL\n"),
    ("", "NRPE: ALL\n"),
    ("", "nrpe:ALL\n"),
    ("", "nrpe ALL\n"),
    ("", "nrpe: ALL"),
    ("", "# nrpe: ALL\n\n  nrpe: ALL\n"),
    ("", "nrpe: \\\n 127.0.0.1\n"),
    ("", "sshd, nrpe: 127.0.0.1\n"),
    ("", "sshd nrpe: 192.0.2.1 127.0.0.1\n"),
    ("", "ALL EXCEPT nrpe: ALL\n"),
    ("", "ALL EXCEPT sshd: ALL\n"),
    ("", "nrpe: ALL EXCEPT 127.0.0.1\n"),
    ("", "nrpe: ALL EXCEPT 127.0.0.0/8 EXCEPT 127.0.0.1\n"),
    ("", "nrpe: KNOWN\n"),
    ("", "nrpe: UNKNOWN\n"),
    ("", "nrpe: LOCAL\n"),
    ("", "nrpe: %f\n"),
    ("", "nrpe: /no/such/file\n"),
    ("nrpe: 127.0.0.1\n", "ALL: ALL\n"),
    ("nrpe: 127.\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.0/255.0.0.0\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.5/255.0.0.0\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.0/8\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.0/33\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.*\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.?\n", "ALL: ALL\n"),
    ("nrpe: [::1]\n", "ALL: ALL\n"),
    ("nrpe: ::1\n", "ALL: ALL\n"),
    ("nrpe: [::]/0\n", "ALL: ALL\n"),
    ("nrpe: [::1]/128\n", "ALL: ALL\n"),
    ("nrpe: localhost\n", "ALL: ALL\n"),
    ("nrpe: LOCALHOST\n", "ALL: ALL\n"),
    ("nrpe: .example.org\n", "ALL: ALL\n"),
    ("nrpe: %f\n", "ALL: ALL\n"),
    ("nrpe: ALL: allow\n", "ALL: ALL\n"),
    ("nrpe: ALL: deny\n", ""),
    ("nrpe: 127.0.0.1: deny\nnrpe: ALL: allow\n", "ALL: ALL\n"),
    ("nrpe: ALL: DENY\n", ""),
    ("ALL: PARANOID\n", "ALL: ALL\n"),
    ("sshd: ALL\n", "nrpe: 192.0.2.0/24\n"),
    ("nrpe: 127.0.0.1, ::1\n", "ALL: ALL\n"),
    ("nrpe: ALL: bogus\n", ""),
    ("nrpe: ALL:\n", ""),
    ("nrpe: ALL: allow: deny\n", ""),
    ("nrpe: ALL: severity auth.info: allow\n", "ALL: ALL\n"),
    ("nrpe: ALL: aclexec /bin/false\n", "ALL: ALL\n"),
    ("nrpe: 127.0.0.1/255.255.255.255\n", "ALL: ALL\n"),
    ("nrpe: 0.0.0.0/0\n", "ALL: ALL\n"),
    ("nrpe: 0.0.0.0/0.0.0.0\n", "ALL: ALL\n"),
    ("", "nrpe*: ALL\n"),
    ("", "n?pe: 127.0.0.1\n"),
    ("", "nrpex*: ALL\n"),
    ("KNOWN: 127.0.0.1\n", "ALL: ALL\n"),
    ("nr*: 127.0.0.1\n", "ALL: ALL\n"),
];

/// Starts a daemon in a mount namespace of its own, in which these files are those of `rules`.
fn start(which: Which, rules: &Stage) -> Server {
    let own = if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" };
    let mount = "mount --make-rprivate / && for name in hosts.allow hosts.deny hosts nsswitch.conf; do \
                 mount --bind \"$1/$name\" \"/etc/$name\" || exit 1; done; shift; exec \"$@\"";
    let rules = rules.root().to_str().unwrap();
    Server::start_under(&["unshare", own, "sh", "-c", mount, "sh", rules], free_port(), which, "", &["-n"])
}

/// A directory with these rules, and names from it alone: no test waits for a name service.
fn rules(allow: &str, deny: &str) -> Stage {
    let rules = Stage::writable_by_all();
    fs::write(rules.path("listed"), "192.0.2.1\n127.0.0.1\n").unwrap();
    fs::write(rules.path("hosts"), "127.0.0.1 localhost\n::1 localhost\n").unwrap();
    fs::write(rules.path("nsswitch.conf"), "hosts: files\n").unwrap();
    write(rules.root(), allow, deny);
    rules
}

/// Writes the rules in place, for it is the files that are mounted.
fn write(directory: &Path, allow: &str, deny: &str) {
    let listed = directory.join("listed");
    for (name, content) in [("hosts.allow", allow), ("hosts.deny", deny)] {
        fs::write(directory.join(name), content.replace("%f", listed.to_str().unwrap())).unwrap();
    }
}

/// Whether each family is served.
fn heard(daemon: &Server) -> (bool, bool) {
    thread::scope(|scope| {
        let v6 = scope.spawn(|| served(daemon, "::1"));
        (served(daemon, "127.0.0.1"), v6.join().unwrap())
    })
}

#[test]
fn rules_are_read_alike() {
    for file in ["/etc/hosts.allow", "/etc/hosts.deny"] {
        assert!(Path::new(file).exists(), "{file} is missing; Debian's libwrap0 brings it");
    }
    // nrpe takes five seconds to refuse, so there is one for each case.
    let daemons = RULES.iter().map(|(allow, deny)| {
        let rules = rules(allow, deny);
        (start(Which::Real, &rules), rules)
    });
    let daemons: Vec<_> = daemons.collect();
    let real: Vec<(bool, bool)> = thread::scope(|scope| {
        let asked: Vec<_> = daemons.iter().map(|(daemon, _)| scope.spawn(|| heard(daemon))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    drop(daemons);
    // Custos reads the files again when they change.
    let changing = rules("", "");
    let custos = start(Which::Custos, &changing);
    let mut differences = Vec::new();
    for ((allow, deny), real) in RULES.iter().zip(&real) {
        write(changing.root(), allow, deny);
        let custos = heard(&custos);
        if custos != *real {
            differences.push(format!("allow {allow:?}, deny {deny:?}: nrpe {real:?}, custos {custos:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(real.contains(&(false, false)) && real.contains(&(false, true)) && real.contains(&(true, true)));
}
