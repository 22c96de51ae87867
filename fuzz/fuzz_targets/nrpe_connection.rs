//! Whatever a peer sends, in whatever pieces, and however it leaves: the connection ends, with a packet or nothing in
//! return, and the server goes on answering others.
#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use custos::nrpe::listener::{Answer, Overrides, Request, Server, Settings, read_config};
use custos_compat::nrpe::{Assembler, Kind, Packet, Version};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

/// Longer than any connection here may last.
const PATIENCE: Duration = Duration::from_secs(10);

/// A plain listener and one with anonymous TLS.
struct Servers {
    _runtime: Runtime,
    _servers: [Server; 2],
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Servers {
    fn start() -> Servers {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (sender, mut requests) = tokio::sync::mpsc::channel::<Request>(16);
        runtime.spawn(async move {
            while let Some(request) = requests.recv().await {
                let _ = request.answer.send(Answer { code: 1, text: request.command.into_bytes() });
            }
        });
        let _entered = runtime.enter();
        let start = |no_ssl| {
            let directory = std::env::temp_dir().join(format!("custos-fuzz-{}-{no_ssl}", std::process::id()));
            std::fs::create_dir_all(&directory).expect("a directory");
            let path = directory.join("nrpe.cfg");
            // A connection is given a second.
            let lines = format!(
                "log_file={}/log\nserver_address=127.0.0.1\nconnection_timeout=1\ndont_blame_nrpe=1\n\
                 command[a]=/bin/true\ncommand[b]=/bin/echo $ARG1$ $ARG2$\n",
                directory.display()
            );
            std::fs::write(&path, lines).expect("a configuration");
            let config = read_config(&path, Path::new("")).expect("a good configuration");
            let overrides = Overrides { no_ssl, allow_arguments: true, ..Overrides::default() };
            let mut settings = Settings::from_config(&config, overrides).expect("good settings");
            for listen in &mut settings.listen {
                listen.port = 0;
            }
            let server = Server::start(settings, sender.clone(), runtime.handle().clone()).expect("a server");
            let _ = std::fs::remove_dir_all(&directory);
            server
        };
        let servers = [start(true), start(false)];
        let [plain, tls] = [0, 1].map(|index: usize| servers[index].addresses()[0]);
        Servers { _runtime: runtime, _servers: servers, plain, tls }
    }
}

fuzz_target!(|data: &[u8]| {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    let servers = SERVERS.get_or_init(Servers::start);
    let [manner, pieces, bytes @ ..] = data else { return };
    let tls = manner & 1 == 1;
    let mut sent = bytes.to_vec();
    // Few inputs would get past the CRC by themselves.
    if manner & 2 == 2 && !tls {
        let version = [Version::V2, Version::V3, Version::V4][usize::from(manner >> 2 & 3) % 3];
        sent = Packet::encode_query(version, bytes);
    }
    let answer = exchange(if tls { servers.tls } else { servers.plain }, &sent, *pieces, manner >> 4);
    if !tls && !answer.is_empty() {
        let mut assembler = Assembler::default();
        assembler.push(&answer).expect("an answer is a packet");
        assembler.finish(Kind::Response).expect("an answer is a whole packet");
    }
    // Others are served as if nothing had been.
    let query = Packet::encode_query(Version::V4, b"_NRPE_CHECK");
    assert!(!exchange(servers.plain, &query, 255, 0).is_empty());
});

/// Sends the bytes in pieces, leaves in this manner, and returns what came back.
fn exchange(address: SocketAddr, bytes: &[u8], pieces: u8, manner: u8) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    for piece in bytes.chunks(usize::from(pieces) * 16 + 1) {
        // The server may have closed already.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    if manner & 3 == 3 {
        // Gone without a word.
        return answer;
    }
    if manner & 3 != 0 || bytes.is_empty() || bytes.len() < 1036 {
        // Nothing more will come.
        let _ = stream.shutdown(Shutdown::Write);
    }
    match stream.read_to_end(&mut answer) {
        Ok(_) => answer,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Vec::new(),
        Err(error) => panic!("the connection neither ended nor went on: {error}"),
    }
}
