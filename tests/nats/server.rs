//! A nats-server with JetStream in a directory of its own. `tests/feeds` takes this module by its path, too.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use custos::feed::nats::{Address, Client};
use custos_compat::nats::Login;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::stage::{Running, free_port, send, wait_for};

/// Debian's, and the one that `scripts/clients` installs.
pub(crate) fn programs() -> [PathBuf; 2] {
    let debian = PathBuf::from("/usr/sbin/nats-server");
    assert!(debian.exists(), "Debian's nats-server is missing (scripts/test installs it)");
    let clients = std::env::var("CUSTOS_CLIENTS").unwrap_or_else(|_| {
        panic!("CUSTOS_CLIENTS names where the clients are; scripts/clients makes them and prints it")
    });
    let newer = Path::new(&clients).join("python/bin/nats-server");
    assert!(newer.exists(), "{} is missing (scripts/clients installs it)", newer.display());
    [debian, newer]
}

/// A server that ends with this.
pub(crate) struct Server {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    running: Option<Running>,
}

impl Server {
    /// Starts one with these lines in its configuration beside what it needs anyway.
    pub(crate) fn start(program: &Path, lines: &str) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let store = directory.path().join("jetstream");
        let configuration = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n{lines}\n",
            store.display()
        );
        fs::write(directory.path().join("server.conf"), configuration).unwrap();
        let mut server = Server { program: program.to_owned(), directory, port, running: None };
        server.start_again();
        server
    }

    /// Starts it where it was.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.directory.path().join("server.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(Running::start(&mut command));
        let at = SocketAddr::from(([127, 0, 0, 1], self.port));
        wait_for("nats-server", || TcpStream::connect(at).ok());
    }

    /// Sends it a signal, if it runs.
    pub(crate) fn signal(&self, signal: Signal) {
        self.running.iter().for_each(|running| send(running.0.id() as i32, signal));
    }

    /// Has it end by a signal, and waits until it has.
    pub(crate) fn end(&mut self, signal: Signal) {
        self.signal(signal);
        if let Some(mut running) = self.running.take() {
            running.0.wait().unwrap();
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Where it is, with what follows behind a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("nats://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn address(&self) -> Address {
        Address::read(&self.url("")).unwrap()
    }

    /// A client of it, without a login. JetStream is there a moment after the port is.
    pub(crate) async fn client(&self) -> Client {
        loop {
            match Client::connect(&self.address(), &Login::None, None).await {
                Ok(client) => return client,
                Err(error) => assert!(error.to_string().contains("no JetStream"), "{error}"),
            }
        }
    }
}

/// What a test waits in.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
