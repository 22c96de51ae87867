//! A server over a store, and requests to it as bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::stage::{PATIENCE, Running, Stage, custos};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) stage: Stage,
    running: Running,
    pub(crate) address: String,
}

/// Runs of two checks, every ten seconds for ten minutes up to 2026-01-01 00:10.
fn runs() -> String {
    let mut lines = String::new();
    for n in 0..60 {
        let time_ms = 1_767_225_600_000_i64 + (n + 1) * 10_000;
        lines += &format!(
            "{{\"check\":\"load\",\"time_ms\":{time_ms},\"state\":\"OK\",\"metrics\":[{{\"label\":\"load1\",\"value\":{n},\"unit\":\"\"}}]}}\n\
             {{\"check\":\"net\",\"time_ms\":{time_ms},\"state\":\"WARNING\",\"metrics\":[\
             {{\"label\":\"in\",\"labels\":{{\"if\":\"e<0>\"}},\"value\":{},\"unit\":\"c\"}}]}}\n",
            n * 100
        );
    }
    lines
}

impl Server {
    pub(crate) fn start() -> Server {
        let stage = Stage::new();
        stage.write("runs.jsonl", &runs());
        let store = stage.shown("store");
        let mut import = custos(&["store", "import", &store]);
        import.stdin(std::fs::File::open(stage.path("runs.jsonl")).unwrap());
        assert!(import.output().unwrap().status.success());
        Server::over(stage, "127.0.0.1:0")
    }

    /// A server over the store of a stage.
    pub(crate) fn over(stage: Stage, listen: &str) -> Server {
        let store = stage.shown("store");
        Server::of(stage, custos(&["serve", "--store", &store, "--listen", listen]))
    }

    /// A server by the configuration of a stage.
    pub(crate) fn configured(stage: Stage) -> Server {
        let command = stage.command(&["serve"]);
        Server::of(stage, command)
    }

    fn of(stage: Stage, mut command: Command) -> Server {
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split([' ', ',']).nth(2).unwrap().trim_start_matches("http://").to_owned();
        Server { stage, running, address }
    }

    /// The most memory that it has taken.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Status and body of the answer to a `GET`.
    pub(crate) fn get(&self, target: &str) -> (u16, String) {
        self.raw(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address))
    }

    /// Status and body of the answer to a form.
    pub(crate) fn post(&self, target: &str, form: &str) -> (u16, String) {
        self.raw(&format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        ))
    }

    /// Status and body of the answer to some bytes.
    pub(crate) fn raw(&self, bytes: &str) -> (u16, String) {
        let mut stream = self.connect();
        // A server that refuses the head may close before all was sent.
        let _ = stream.write_all(bytes.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, body.to_owned())
    }

    pub(crate) fn connect(&self) -> Box<dyn Stream> {
        if self.address.contains('/') {
            let stream = UnixStream::connect(&self.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return Box::new(stream);
        }
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Box::new(stream)
    }
}

pub(crate) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}
