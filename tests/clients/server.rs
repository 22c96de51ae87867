//! A server over a store with a history.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::history::history;
use crate::stage::{PATIENCE, Running, Stage, custos};

/// `custos serve`, which ends with the test.
pub(crate) struct Server {
    pub(crate) stage: Stage,
    _running: Running,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// When the last runs of the history were (s since the epoch).
    pub(crate) end_s: i64,
}

impl Server {
    /// A server over the history.
    pub(crate) fn start() -> Server {
        let history = history();
        Server::over(&history.lines, history.end_s)
    }

    /// A server over these runs, of which the last are of that time.
    pub(crate) fn over(runs: &str, end_s: i64) -> Server {
        let stage = Stage::new();
        stage.write("runs.jsonl", runs);
        let store = stage.shown("store");
        let mut import = custos(&["store", "import", &store]);
        import.stdin(std::fs::File::open(stage.path("runs.jsonl")).unwrap());
        let imported = import.output().unwrap();
        assert!(imported.status.success(), "{}", crate::stage::text(&imported.stderr));
        let mut command = custos(&["serve", "--store", &store, "--listen", "127.0.0.1:0"]);
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split([' ', ',']).nth(2).unwrap().to_owned();
        Server { stage, _running: running, url, end_s }
    }
}

/// Status and body of the answer of a program on this host to a `GET`; none while it does not answer.
pub(crate) fn get(address: &str, target: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
