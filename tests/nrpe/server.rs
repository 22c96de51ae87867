//! Starts the real nrpe and Custos with the same configuration, asks them, and ends them.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::reply::{Answer, Reply};
use crate::stage::{Daemon, PATIENCE, PROGRAM, Stage, free_port, wait_for};

pub(crate) const REAL_DAEMON: &str = "/usr/sbin/nrpe";
pub(crate) const REAL_CLIENT: &str = "/usr/lib/nagios/plugins/check_nrpe";

/// Which of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Real,
    Custos,
}

impl Which {
    /// The daemon, without arguments.
    pub(crate) fn command(self, directory: &Path) -> Command {
        match self {
            Which::Real => Command::new(REAL_DAEMON),
            Which::Custos => {
                let mut command = Command::new(PROGRAM);
                command.arg("nrpe").arg("--store").arg(directory.join("store"));
                command
            }
        }
    }
}

/// A running NRPE server, and the directory with its configuration and log.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) which: Which,
    pub(crate) daemon: Daemon,
    pub(crate) port: u16,
    pub(crate) stage: Stage,
}

impl Server {
    /// Starts a daemon with these lines as its configuration. `%d` in them is its directory.
    pub(crate) fn start(which: Which, lines: &str, options: &[&str]) -> Server {
        Server::start_on(free_port(), which, lines, options)
    }

    /// The same, on this port.
    pub(crate) fn start_on(port: u16, which: Which, lines: &str, options: &[&str]) -> Server {
        Server::start_under(&[], port, which, lines, options)
    }

    /// The same, as the last arguments of another program, which must become the daemon.
    pub(crate) fn start_under(
        program: &[&str],
        port: u16,
        which: Which,
        lines: &str,
        options: &[&str],
    ) -> Server {
        let stage = Stage::writable_by_all();
        write_config(stage.root(), port, lines);
        let mut command = which.command(stage.root());
        if let [first, rest @ ..] = program {
            let mut outer = Command::new(first);
            outer.args(rest).arg(command.get_program()).args(command.get_args());
            command = outer;
        }
        command.arg("-c").arg(stage.path("nrpe.cfg")).arg("-f").args(options).stderr(Stdio::null());
        let mut daemon = Daemon::start_with(&mut command, &stage.path("log"));
        wait_for(&format!("the start of {which:?}"), || {
            assert!(daemon.is_alive(), "{which:?} ended at once: {}", daemon.log());
            daemon.log().contains("Listening for connections on port").then_some(())
        });
        Server { which, daemon, port, stage }
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        self.daemon.log()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.daemon.signal(signal);
    }

    /// Waits for the end; the exit status, or the signal as a negative number.
    pub(crate) fn ended(&mut self) -> i32 {
        self.daemon.ended()
    }

    /// Runs the real client against the daemon.
    pub(crate) fn ask(&self, options: &[&str]) -> Answer {
        ask_with(Command::new(REAL_CLIENT), self.port, options)
    }

    /// Sends bytes in one go and reads until the end.
    pub(crate) fn send(&self, bytes: &[u8]) -> Reply {
        self.send_pieces(&[bytes])
    }

    /// Sends pieces, each as a packet of its own as far as that can be had.
    pub(crate) fn send_pieces(&self, pieces: &[&[u8]]) -> Reply {
        let mut stream = self.connect();
        for piece in pieces {
            // The daemon may have closed already, which is an answer as well.
            if stream.write_all(piece).is_err() {
                break;
            }
        }
        Reply::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// Writes the configuration of a daemon: what every test needs, and the lines of this one.
pub(crate) fn write_config(directory: &Path, port: u16, lines: &str) {
    let shown = directory.display();
    let user = match nix::unistd::geteuid().is_root() {
        true => "nrpe_user=nagios\nnrpe_group=nagios\n",
        false => "",
    };
    let lines = lines.replace("%d", &shown.to_string());
    let content = format!("log_file={shown}/log\nserver_port={port}\n{user}{lines}\n");
    fs::write(directory.join("nrpe.cfg"), content).unwrap();
    fs::set_permissions(directory.join("nrpe.cfg"), fs::Permissions::from_mode(0o644)).unwrap();
}

/// Runs a client against this port.
pub(crate) fn ask_with(mut command: Command, port: u16, options: &[&str]) -> Answer {
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).args(options);
    Answer::from(command.stdin(Stdio::null()).output().unwrap())
}

/// Both daemons, with the same configuration.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) real: Server,
    pub(crate) custos: Server,
}

impl Pair {
    pub(crate) fn start(lines: &str, options: &[&str]) -> Pair {
        Pair {
            real: Server::start(Which::Real, lines, options),
            custos: Server::start(Which::Custos, lines, options),
        }
    }

    /// What each of them does.
    pub(crate) fn both<T>(&self, act: impl Fn(&Server) -> T) -> (T, T) {
        (act(&self.real), act(&self.custos))
    }

    /// Asserts that both do the same, and returns it.
    pub(crate) fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, act: impl Fn(&Server) -> T) -> T {
        let (real, custos) = self.both(act);
        assert_eq!(real, custos, "{what}: nrpe on the left, custos on the right");
        custos
    }
}
