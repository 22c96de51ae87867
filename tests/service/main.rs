//! The agent under a service manager, which the test plays: readiness, watchdog, handed-over sockets, the end.
#![allow(clippy::unwrap_used)]

use std::net::{TcpListener, TcpStream};
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
    directory: TempDir,
    agent: Child,
    manager: UnixDatagram,
    listener: TcpListener,
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
        let agent = start_with_socket(directory.path(), &listener);
        Service { directory, agent, manager, listener, port }
    }

    /// Starts the agent again, which must have ended.
    fn start_again(&mut self) {
        self.agent = start_with_socket(self.directory.path(), &self.listener);
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
        let output = self.client().output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn client(&self) -> Command {
        let mut client = Command::new(PROGRAM);
        client.args(["check_nrpe", "-H", "127.0.0.1", "-t", "60", "-p", &self.port.to_string(), "-c", "say"]);
        client
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
fn start_with_socket(directory: &Path, listener: &TcpListener) -> Child {
    let script = r#"exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec "$0" run --config "$1""#;
    Command::new("/bin/sh")
        .args(["-c", script, PROGRAM])
        .arg(directory.join("custos.yaml"))
        .env("NOTIFY_SOCKET", directory.join("notify"))
        .env("WATCHDOG_USEC", "30000000")
        .env("LISTEN_FDS", "1")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
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

#[test]
fn who_comes_between_two_agents_is_answered_by_the_second() {
    let mut service = Service::start();
    assert_eq!(service.hear(), "READY=1");
    service.signal(Signal::SIGTERM);
    assert!(service.agent.wait().unwrap().success());
    // Nobody accepts, and nobody refuses: this one and the next wait in the queue.
    let _idle = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    let client = service.client().stdout(Stdio::piped()).spawn().unwrap();
    service.start_again();
    let output = client.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "handed over");
}
