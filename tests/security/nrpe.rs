//! The NRPE listener: what its plugins may learn, and what its clients may run.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};

use crate::PLUGINS;
use crate::stage::{Daemon, PATIENCE, Stage, as_root, custos, free_port, python, text, wait_for};

/// A listener that gives up root, on a port of its own.
struct Listener {
    stage: Stage,
    port: String,
    _agent: Daemon,
}

impl Listener {
    fn start(lines: &str, prepare: impl FnOnce(&Stage)) -> Listener {
        as_root();
        let stage = Stage::writable_by_all();
        prepare(&stage);
        let port = free_port().to_string();
        let directory = stage.root().display().to_string();
        let lines = lines.replace("%d", &directory);
        let config = format!(
            "server_address=127.0.0.1\nserver_port={port}\nnrpe_user={PLUGINS}\nnrpe_group={PLUGINS}\n\
             allowed_hosts=127.0.0.1\ndisable_syslog=1\n{lines}"
        );
        stage.write("nrpe.cfg", &config);
        let plain = if lines.contains("ssl_cert_file") { &[][..] } else { &["-n"] };
        let mut command = custos(&["nrpe", "-f", "--allow-arguments"]);
        command.args(plain);
        command.arg("-c").arg(stage.path("nrpe.cfg")).arg("--store").arg(stage.path("store"));
        let agent = Daemon::start(&mut command, &stage.path("log"));
        wait_for("the listener", || TcpStream::connect(format!("127.0.0.1:{port}")).ok());
        Listener { stage, port, _agent: agent }
    }

    /// Asks by `check_nrpe`; returns what it printed.
    fn ask(&self, arguments: &[&str]) -> String {
        let mut command = custos(&["check_nrpe", "-H", "127.0.0.1", "-p", &self.port]);
        text(&command.args(arguments).output().unwrap().stdout)
    }
}

/// Searches the memory of every process whose command line has a text for the bytes in a file.
pub(crate) const SEARCH: &str = r#"
import os, sys
sys.stdout.reconfigure(errors="replace")
wanted = open(sys.argv[1], "rb").read()
wanted = (wanted, wanted[::-1])
opened = refused = found = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        line = open(f"/proc/{pid}/cmdline", "rb").read()
        # Other searches hold what they have searched.
        if sys.argv[2].encode() not in line or b"/search.py\0" in line or int(pid) == os.getpid():
            continue
        maps = open(f"/proc/{pid}/maps").read().splitlines()
        memory = open(f"/proc/{pid}/mem", "rb")
    except OSError:
        refused += 1
        continue
    opened += 1
    for line in maps:
        span, rights = line.split()[:2]
        if not rights.startswith("rw"):
            continue
        start, end = (int(part, 16) for part in span.split("-"))
        try:
            memory.seek(start)
            content = memory.read(end - start)
            found += sum(part in content for part in wanted)
        except (OSError, ValueError, OverflowError):
            pass
print(f"searched {opened}, refused {refused}, found {found}")
"#;

fn write_certificate(stage: &Stage) {
    let rsa = Rsa::generate(2048).unwrap();
    std::fs::write(stage.path("factor"), rsa.p().unwrap().to_vec()).unwrap();
    std::fs::set_permissions(stage.path("factor"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let key = PKey::from_rsa(rsa).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "agent").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    stage.write("cert.pem", &text(&certificate.build().to_pem().unwrap()));
    stage.write_secret("key.pem", &text(&key.private_key_to_pem_pkcs8().unwrap()));
    stage.write("search.py", SEARCH);
}

#[test]
fn a_plugin_cannot_find_the_key_in_the_memory_of_the_agent() {
    let listener = Listener::start(
        "ssl_cert_file=%d/cert.pem\nssl_privatekey_file=%d/key.pem\n\
         command[search]=/usr/bin/python3 %d/search.py %d/factor custos\n",
        write_certificate,
    );
    let found = listener.ask(&["-c", "search", "-t", "60"]);
    assert!(found.contains("found 0") && !found.contains("refused 0"), "{found}");
    // The same search finds it where it is to be found.
    let own = SEARCH.replace("int(pid) == os.getpid()", "int(pid) != os.getpid()");
    let factor = listener.stage.shown("factor");
    let mut control = std::process::Command::new(python());
    let control = control.args(["-c", &own, &factor, "custos"]).output().unwrap();
    assert!(!text(&control.stdout).contains("found 0"), "{}", text(&control.stdout));
}

#[test]
fn arguments_make_no_substitution_even_together() {
    let listener = Listener::start(
        "dont_blame_nrpe=1\ncommand[two]=/bin/echo got $ARG1$$ARG2$\ncommand[open]=/bin/echo got $ARG1$(id)\n",
        |_| {},
    );
    assert_eq!(listener.ask(&["-n", "-c", "two", "-a", "a", "b"]), "got ab\n");
    for (command, arguments) in
        [("two", ["$", "(id)"]), ("two", ["x$", "(id -u)"]), ("open", ["$", ""]), ("two", ["$(id)", "x"])]
    {
        let answer = listener.ask(&["-n", "-c", command, "-a", arguments[0], arguments[1]]);
        assert!(!answer.contains("uid="), "{command} {arguments:?}: {answer}");
        assert!(!answer.contains(&PLUGINS.to_string()), "{command} {arguments:?}: {answer}");
    }
}

#[test]
fn commands_do_not_run_as_root_by_omission() {
    as_root();
    let stage = Stage::new();
    stage.write("nrpe.cfg", "server_address=127.0.0.1\nserver_port=5600\ncommand[who]=/usr/bin/id\n");
    stage.configure("nrpe: { config: nrpe.cfg }", "  {}\n");
    for arguments in [&["config", "check"][..], &["run"]] {
        let output = match arguments {
            ["run"] => stage.custos(arguments),
            _ => custos(arguments).arg(stage.path("custos.yaml")).output().unwrap(),
        };
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(!output.status.success() && said.contains("commands_as_root"), "{arguments:?}: {said}");
    }
}

#[test]
fn unfinished_requests_share_one_budget_and_an_honest_one_is_answered() {
    let listener = Listener::start("command[say]=/bin/echo hello\n", |_| {});
    // Version 3, a text of nearly 64 KiB of which the last byte never comes.
    let mut packet = vec![0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(&65_000_u32.to_be_bytes());
    packet.resize(65_000, b'x');
    let crowd: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut peer = TcpStream::connect(format!("127.0.0.1:{}", listener.port)).unwrap();
            peer.set_read_timeout(Some(PATIENCE)).unwrap();
            // Beyond the budget the listener closes, and what was on its way is lost.
            let _ = peer.write_all(&packet);
            peer
        })
        .collect();
    assert_eq!(listener.ask(&["-n", "-c", "say"]), "hello\n");
    // 16 MiB hold no more than 280 of them, so some have been closed.
    let mut last = crowd.last().unwrap();
    assert!(matches!(last.read(&mut [0]), Ok(0) | Err(_)));
    drop(crowd);
    assert_eq!(listener.ask(&["-n", "-c", "say"]), "hello\n");
}

#[test]
fn a_pid_file_that_is_a_pipe_or_a_link_does_not_hold_up_the_start() {
    as_root();
    let stage = Stage::writable_by_all();
    nix::unistd::mkfifo(&stage.path("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
    stage.write("victim", "kept");
    std::os::unix::fs::symlink(stage.path("victim"), stage.path("link")).unwrap();
    for name in ["fifo", "link"] {
        let config = format!(
            "server_address=127.0.0.1\nserver_port={}\nnrpe_user={PLUGINS}\nnrpe_group={PLUGINS}\n\
             disable_syslog=1\npid_file={}\ncommand[x]=/bin/true\n",
            free_port(),
            stage.shown(name)
        );
        stage.write("nrpe.cfg", &config);
        let mut command = custos(&["nrpe", "-f"]);
        command.arg("-c").arg(stage.path("nrpe.cfg")).arg("--store").arg(stage.path("store"));
        let mut agent = Daemon::start(&mut command, &stage.path("log"));
        assert!(!agent.wait().success(), "{name}");
    }
    assert_eq!(std::fs::read_to_string(stage.path("victim")).unwrap(), "kept");
}
