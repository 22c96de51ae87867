//! A receiver over HTTP that answers as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request that was read.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Such as `POST`.
    pub(crate) method: String,
    pub(crate) path: String,
    /// The lines of the head, in small letters.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Whether it is one of remote write 2.0.
    pub(crate) fn is_two(&self) -> bool {
        self.head
            .iter()
            .any(|line| line == "content-type: application/x-protobuf;proto=io.prometheus.write.v2.request")
    }
}

/// Starts a receiver that lives as long as the test; returns its port. An answer is what follows `HTTP/1.1 ` up to the empty line, and the body.
pub(crate) fn start(answer: impl Fn(&Request) -> (String, String) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || while serve(&stream, &*answer).is_some() {});
        }
    });
    port
}

/// Answers a request; none at the end of the connection.
fn serve(mut stream: &TcpStream, answer: &dyn Fn(&Request) -> (String, String)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    let mut line = String::new();
    while line.trim() != "" || request.method.is_empty() {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if request.method.is_empty() {
            let mut words = line.split(' ').map(str::to_owned);
            (request.method, request.path) = (words.next()?, words.next()?);
        } else {
            request.head.push(line.trim().to_ascii_lowercase());
        }
    }
    let len = request.head.iter().find_map(|line| line.strip_prefix("content-length:"));
    request.body = vec![0; len.map_or(0, |len| len.trim().parse().unwrap())];
    reader.read_exact(&mut request.body).ok()?;
    let (head, body) = answer(&request);
    let whole = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(whole.as_bytes()).ok()
}
