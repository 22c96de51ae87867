//! Whatever a client sends over HTTP, in whatever pieces: the answer is one of HTTP or nothing, and others are answered
//! as if nothing had been.
#![no_main]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use custos::config::Listening;
use custos::http::{Settings, Socket, Stores, serve};
use custos_store::{Metric, Options, Run, Value, Writer};
use libfuzzer_sys::fuzz_target;

/// How long an answer is waited for. A query may take longer; it is given up when its client leaves.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long others may have to wait for theirs.
const OTHERS: Duration = Duration::from_secs(15);

/// Starts a server over a small store, and returns where it listens.
fn start() -> SocketAddr {
    let directory = std::env::temp_dir().join(format!("custos-fuzz-http-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let mut writer = Writer::open(&directory, Options::default()).expect("a store");
    for n in 0..100_i64 {
        let metrics = vec![Metric::new("a", Value::from(n)), Metric::new("b c", Value::from(-n))];
        let run = Run { time_ms: 1_767_225_600_000 + n * 10_000, metrics, ..Run::default() };
        writer.append(&[("load", &run)]).expect("a run is stored");
    }
    drop(writer);
    let listening = Listening::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let stores = Stores::open(&directory).expect("a store");
    let settings = Settings::at(&directory, listening.clone());
    let socket = Socket::open(&listening).expect("a socket");
    let (taken, listens) = sync_channel(1);
    std::thread::spawn(move || {
        let told = |all: &[Listening]| taken.send(all[0].clone()).expect("somebody waits");
        serve(stores, &settings, vec![socket], told, |_| std::future::pending())
    });
    match listens.recv().expect("a server") {
        Listening::Tcp(address) => address,
        Listening::Unix(_) => unreachable!("it listens at an address"),
    }
}

const PATHS: [&str; 8] = ["query", "query_range", "series", "labels", "label/a/values", "metadata", "format_query", ""];

fuzz_target!(|data: &[u8]| {
    static SERVER: OnceLock<SocketAddr> = OnceLock::new();
    let address = *SERVER.get_or_init(start);
    let [manner, pieces, bytes @ ..] = data else { return };
    let path = PATHS[usize::from(manner >> 2 & 7)];
    let sent = match manner & 3 {
        // The head is as it should be, and the rest is the address.
        0 => [
            format!("GET /api/v1/{path}?start=1767225600&end=1767226600&step=100&match[]=load&").as_bytes(),
            bytes,
            b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ]
        .concat(),
        // The rest is a form.
        1 => {
            let len = bytes.len();
            let head = format!("POST /api/v1/{path}?time=1767226600 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n");
            [head.as_bytes(), bytes].concat()
        }
        // The rest is in the head.
        2 => [b"GET /metrics?checks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", bytes, b"\r\n\r\n"].concat(),
        _ => bytes.to_vec(),
    };
    let is_last = manner & 3 == 3;
    let answer = exchange(address, &sent, usize::from(*pieces) * 16 + 1, is_last, PATIENCE);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&answer));
    let other = b"GET /api/v1/labels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(exchange(address, other, usize::MAX, false, OTHERS).starts_with(b"HTTP/1.1 200"));
});

/// Sends the bytes in pieces, says whether nothing more will come, and returns what came back in time.
fn exchange(address: SocketAddr, bytes: &[u8], piece_len: usize, is_last: bool, patience: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(patience)).expect("a socket");
    for piece in bytes.chunks(piece_len) {
        // The server may have closed already.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    if is_last {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    // What came until then is the answer: the rest of a request that is not whole is not waited for.
    let _ = stream.read_to_end(&mut answer);
    answer
}
