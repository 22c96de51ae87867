//! The agent under a service manager, which the test plays: readiness, watchdog, handed-over sockets, the end.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_custos");
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent that answers NRPE on a socket which this process made and listens on.
struct Service {
    _directory: TempDir,
    agent: Child,
    manager: UnixDatagram,
    port: u16,
}

impl Service {
    fn start() -> Service {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let manager = UnixDatagram::bind(path("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let nrpe = format!(
            "server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\ncommand[say]=/bin/echo handed over\n"
        );
        std::fs::write(path("nrpe.cfg"), nrpe).unwrap();
        let store = path("store");
        let config = format!(
            "store: {}\nnrpe: {{ config: {} }}\nchecks: {{}}\n",
            store.display(),
            path("nrpe.cfg").display()
        );
        std::fs::write(path("custos.yaml"), config).unwrap();
        let agent = start_with_socket(&path("custos.yaml"), &path("notify"), listener);
        Service { _directory: directory, agent, manager, port }
    }

    /// What the agent says next, watchdog messages aside.
    fn hear(&self) -> String {
        loop {
            let message = self.hear_any();
            if message != "WATCHDOG=1" {
                return message.lines().next().unwrap_or_default().to_owned();
            }
        }
    }

    fn hear_any(&self) -> String {
        let mut message = [0; 500];
        let len = self.manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..len]).into_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.agent.id() as i32), signal).unwrap();
    }

    fn ask(&self) -> String {
        let port = self.port.to_string();
        let output = Command::new(PROGRAM)
            .args(["check_nrpe", "-H", "127.0.0.1", "-p", &port, "-c", "say"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// Starts the agent with the socket as descriptor 3, as systemd would. The shell gives it the process id that the
/// agent, which takes the shell's place, will have.
fn start_with_socket(config: &Path, notify: &Path, listener: TcpListener) -> Child {
    let script = r#"exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec "$0" run --config "$1""#;
    Command::new("/bin/sh")
        .args(["-c", script, PROGRAM])
        .arg(config)
        .env("NOTIFY_SOCKET", notify)
        .env("WATCHDOG_USEC", "30000000")
        .env("LISTEN_FDS", "1")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_manager_hears_of_every_turn_and_its_socket_is_served() {
    let mut service = Service::start();
    assert_eq!(service.hear(), "READY=1");
    assert_eq!(service.ask(), "handed over");
    service.signal(Signal::SIGHUP);
    assert_eq!(service.hear(), "RELOADING=1");
    assert_eq!(service.hear(), "READY=1");
    assert_eq!(service.ask(), "handed over");
    while service.hear_any() != "WATCHDOG=1" {}
    service.signal(Signal::SIGTERM);
    assert_eq!(service.hear(), "STOPPING=1");
    assert!(service.agent.wait().unwrap().success());
}
