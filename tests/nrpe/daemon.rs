//! Starts the real nrpe and Custos with the same configuration, asks them, and ends them.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use custos_compat::nrpe::{Assembler, Kind, Packet};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub(crate) const REAL_DAEMON: &str = "/usr/sbin/nrpe";
pub(crate) const REAL_CLIENT: &str = "/usr/lib/nagios/plugins/check_nrpe";
/// Longer than anything takes that does not hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

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
                let mut command = Command::new(env!("CARGO_BIN_EXE_custos"));
                command.arg("nrpe").arg("--store").arg(directory.join("store"));
                command
            }
        }
    }
}

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) which: Which,
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
}

/// A port that was free a moment ago, and that neither another test of this process nor a connection is given: the
/// kernel takes the ports of connections, of which some tests have thousands, from 32768 on.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 10_240;
    const COUNT: u32 = 22_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(101).wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = (FIRST + number % COUNT) as u16;
        // One after the other: the wildcard of IPv6 may stand for both.
        let taken = ["0.0.0.0", "::"].into_iter().any(|wildcard| {
            TcpListener::bind((wildcard, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        });
        if !taken {
            return port;
        }
    }
}

/// A directory that the user the daemons run as can use.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    directory
}

/// Asks again and again until there is something or it takes too long.
#[allow(clippy::disallowed_methods)]
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} did not happen");
}

impl Daemon {
    /// Starts a daemon with these lines as its configuration. `%d` in them is its directory.
    pub(crate) fn start(which: Which, lines: &str, options: &[&str]) -> Daemon {
        Daemon::start_on(free_port(), which, lines, options)
    }

    /// The same, on this port.
    pub(crate) fn start_on(port: u16, which: Which, lines: &str, options: &[&str]) -> Daemon {
        Daemon::start_under(&[], port, which, lines, options)
    }

    /// The same, as the last arguments of another program, which must become the daemon.
    pub(crate) fn start_under(
        program: &[&str],
        port: u16,
        which: Which,
        lines: &str,
        options: &[&str],
    ) -> Daemon {
        let directory = directory();
        write_config(directory.path(), port, lines);
        let mut command = which.command(directory.path());
        if let [first, rest @ ..] = program {
            let mut outer = Command::new(first);
            outer.args(rest).arg(command.get_program()).args(command.get_args());
            command = outer;
        }
        command.arg("-c").arg(directory.path().join("nrpe.cfg")).arg("-f").args(options);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut daemon = Daemon { which, child, port, directory };
        wait_for(&format!("the start of {which:?}"), || {
            assert_eq!(daemon.child.try_wait().unwrap(), None, "{which:?} ended at once: {}", daemon.log());
            daemon.log().contains("Listening for connections on port").then_some(())
        });
        daemon
    }

    /// What the daemon has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read(self.directory.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for the end; the exit status, or the signal as a negative number.
    pub(crate) fn ended(&mut self) -> i32 {
        let status = wait_for("the end of a daemon", || self.child.try_wait().unwrap());
        status.code().unwrap_or_else(|| -status.signal().unwrap())
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

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
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

/// Runs a client and gives it some time.
pub(crate) fn ask_with(mut command: Command, port: u16, options: &[&str]) -> Answer {
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).args(options);
    Answer::from(command.stdin(Stdio::null()).output().unwrap())
}

/// What a client printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Answer {
        // Bytes that are no UTF-8 must stay distinguishable.
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.escape_ascii().to_string(),
        };
        Answer { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }
}

/// What came back on a connection.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing: the daemon closed.
    Closed,
    /// A packet, and how many bytes came in all.
    Packet(Packet, usize),
    /// Something else.
    Junk(Vec<u8>),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| {
            let head = bytes[..bytes.len().min(120)].escape_ascii();
            format!("{} bytes: {head}", bytes.len())
        };
        match self {
            Reply::Closed => write!(f, "closed"),
            Reply::Packet(packet, len) => {
                write!(f, "{:?} code {} len {len}, text {}", packet.version, packet.code, shown(&packet.text))
            }
            Reply::Junk(bytes) => write!(f, "junk, {}", shown(bytes)),
        }
    }
}

impl Reply {
    /// Reads to the end of the connection.
    pub(crate) fn read(stream: &mut TcpStream) -> Reply {
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the daemon neither answered nor closed: {error}"),
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        Reply::from_bytes(&bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Reply {
        if bytes.is_empty() {
            return Reply::Closed;
        }
        let mut assembler = Assembler::default();
        match assembler.push(bytes).and_then(|_| assembler.finish(Kind::Response)) {
            Ok(packet) => Reply::Packet(packet, bytes.len()),
            Err(_) => Reply::Junk(bytes.to_vec()),
        }
    }

    /// The code and the text of a packet.
    pub(crate) fn said(&self) -> (i16, String) {
        match self {
            Reply::Packet(packet, _) => (packet.code, String::from_utf8_lossy(&packet.text).into_owned()),
            other => panic!("no packet: {other:?}"),
        }
    }
}

/// Both daemons, with the same configuration.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) real: Daemon,
    pub(crate) custos: Daemon,
}

impl Pair {
    pub(crate) fn start(lines: &str, options: &[&str]) -> Pair {
        Pair {
            real: Daemon::start(Which::Real, lines, options),
            custos: Daemon::start(Which::Custos, lines, options),
        }
    }

    /// What each of them does.
    pub(crate) fn both<T>(&self, act: impl Fn(&Daemon) -> T) -> (T, T) {
        (act(&self.real), act(&self.custos))
    }

    /// Asserts that both do the same, and returns it.
    pub(crate) fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, act: impl Fn(&Daemon) -> T) -> T {
        let (real, custos) = self.both(act);
        assert_eq!(real, custos, "{what}: nrpe on the left, custos on the right");
        custos
    }
}
