//! A server over a store with a history.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::history::history;
use crate::stage::{PATIENCE, Running, Stage, custos, free_port, text};

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
        let stage = stored(runs);
        let command = custos(&["serve", "--store", &stage.shown("store"), "--listen", "127.0.0.1:0"]);
        Server::of(stage, command, end_s)
    }

    /// A server over the history that other hosts may ask, with TLS and a token.
    pub(crate) fn guarded() -> Guarded {
        let history = history();
        let (stage, port) = (stored(&history.lines), free_port());
        let (cert, key) = certificate(&stage);
        let token = stage.write_secret("token", "0123456789abcdef-token\n");
        let http = format!(
            "http: {{ listen: '0.0.0.0:{port}', tls_certificate: {cert}, tls_key: {key}, tokens: {} }}",
            token.display()
        );
        stage.configure(&http, "  a: { command: /bin/true }\n");
        let command = stage.command(&["serve"]);
        let mut server = Server::of(stage, command, history.end_s);
        // By the name that the certificate has.
        server.url = format!("https://localhost:{port}");
        Guarded { server, authority: cert, token: token.display().to_string() }
    }

    fn of(stage: Stage, mut command: Command, end_s: i64) -> Server {
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split([' ', ',']).nth(2).unwrap().to_owned();
        Server { stage, _running: running, url, end_s }
    }
}

/// A server that asks for a token, over TLS.
pub(crate) struct Guarded {
    pub(crate) server: Server,
    /// The file with the certificate that vouches for it.
    pub(crate) authority: String,
    /// The file with the token.
    pub(crate) token: String,
}

/// A certificate that vouches for itself, as `docs/grafana.md` has it made, and its key. Clients in Go want its name as an alternative
/// name, too.
fn certificate(stage: &Stage) -> (String, String) {
    let (cert, key) = (stage.shown("http.pem"), stage.shown("http.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "365", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-keyout", &key, "-out", &cert])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    (cert, key)
}

/// A directory with a store of these runs.
fn stored(runs: &str) -> Stage {
    let stage = Stage::new();
    stage.write("runs.jsonl", runs);
    let mut import = custos(&["store", "import", &stage.shown("store")]);
    import.stdin(std::fs::File::open(stage.path("runs.jsonl")).unwrap());
    let imported = import.output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    stage
}

/// Status and body of the answer of a program on this host to a `GET`; none while it does not answer.
pub(crate) fn get(address: &str, target: &str) -> Option<(u16, String)> {
    ask(address, &format!("GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n"), b"")
}

/// The same of a `POST`, to a program that answers.
pub(crate) fn post(address: &str, target: &str, body: &[u8]) -> (u16, String) {
    let head = format!("POST {target} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len());
    ask(address, &head, body).unwrap()
}

fn ask(address: &str, head: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
