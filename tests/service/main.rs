//! The agent under a service manager, which the test plays: readiness, watchdog, handed-over sockets, the end.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use stage::{Daemon, PATIENCE, PROGRAM, Stage, custos, text};

mod journal;
#[path = "../stage/mod.rs"]
mod stage;

/// An agent that answers NRPE on a socket which this process made and listens on.
struct Service {
    stage: Stage,
    agent: Daemon,
    manager: UnixDatagram,
    listener: TcpListener,
    port: u16,
}

impl Service {
    fn start() -> Service {
        let stage = Stage::new();
        let manager = UnixDatagram::bind(stage.path("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        stage.write(
            "nrpe.cfg",
            &format!(
                "server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\n\
                 command[say]=/bin/echo handed over\n"
            ),
        );
        stage.configure("nrpe: { config: nrpe.cfg, commands_as_root: true }", "  {}\n");
        let agent = start_with_socket(&stage, &listener);
        Service { stage, agent, manager, listener, port }
    }

    /// Starts the agent again, which must have ended.
    fn start_again(&mut self) {
        self.agent = start_with_socket(&self.stage, &self.listener);
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
        text(&message[..len])
    }

    fn ask(&self) -> String {
        text(&self.client().output().unwrap().stdout).trim().to_owned()
    }

    fn client(&self) -> Command {
        let port = self.port.to_string();
        custos(&["check_nrpe", "-H", "127.0.0.1", "-t", "60", "-p", &port, "-c", "say"])
    }
}

/// Starts the agent with the socket as descriptor 3, as systemd would. The shell gives it the process id that the
/// agent, which takes the shell's place, will have.
fn start_with_socket(stage: &Stage, listener: &TcpListener) -> Daemon {
    let script = r#"exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec "$0" run --config "$1""#;
    let log = stage.path("log");
    let agent = Command::new("/bin/sh")
        .args(["-c", script, PROGRAM])
        .arg(stage.path("custos.yaml"))
        .env("NOTIFY_SOCKET", stage.path("notify"))
        .env("WATCHDOG_USEC", "30000000")
        .env("LISTEN_FDS", "1")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
        .stderr(File::options().create(true).append(true).open(&log).unwrap())
        .spawn()
        .unwrap();
    Daemon::of(agent, &log)
}

#[test]
fn the_manager_hears_of_every_turn_and_its_socket_is_served() {
    let mut service = Service::start();
    assert_eq!(service.hear(), "READY=1");
    assert_eq!(service.ask(), "handed over");
    service.agent.signal(Signal::SIGHUP);
    assert_eq!(service.hear(), "RELOADING=1");
    assert_eq!(service.hear(), "READY=1");
    assert_eq!(service.ask(), "handed over");
    while service.hear_any() != "WATCHDOG=1" {}
    service.agent.signal(Signal::SIGTERM);
    assert_eq!(service.hear(), "STOPPING=1");
    assert!(service.agent.wait().success());
}

#[test]
fn who_comes_between_two_agents_is_answered_by_the_second() {
    let mut service = Service::start();
    assert_eq!(service.hear(), "READY=1");
    service.agent.signal(Signal::SIGTERM);
    assert!(service.agent.wait().success());
    // Nobody accepts, and nobody refuses: this one and the next wait in the queue.
    let _idle = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    let client = service.client().stdout(Stdio::piped()).spawn().unwrap();
    service.start_again();
    let output = client.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout).trim(), "handed over");
}
