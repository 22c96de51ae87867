//! Who may connect, and by what: users, tokens, keys, TLS.

use std::process::Command;

use custos::feed::nats::{Address, Client, NatsError};
use custos_compat::nats::{Login, Seed};

use crate::server::{Server, programs, runtime};

const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

async fn connected(server: &Server, login: &Login) -> Result<(), NatsError> {
    loop {
        match Client::connect(&server.address(), login, None).await {
            Ok(_) => return Ok(()),
            // A moment after its port is there, JetStream is.
            Err(error) if error.to_string().contains("no JetStream") => {}
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn a_client_logs_in_by_what_the_server_wants() {
    let seed = Seed::read(SEED).unwrap();
    let password = |password: &str| Login::Password { user: "u".to_owned(), password: password.to_owned() };
    let key = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", seed.public().unwrap());
    let other = Seed::read("SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU").unwrap();
    for program in programs() {
        for (lines, good, bad) in [
            ("authorization { user: u, password: p }", password("p"), password("q")),
            ("authorization { token: t }", Login::Token("t".to_owned()), Login::Token("x".to_owned())),
            (&*key, Login::Key(seed.clone()), Login::Key(other.clone())),
        ] {
            let server = Server::start(&program, lines);
            runtime().block_on(async {
                connected(&server, &good).await.unwrap();
                for login in [&bad, &Login::None] {
                    let refused = connected(&server, login).await.unwrap_err();
                    assert!(matches!(refused, NatsError::Denied(_)), "{lines}: {refused}");
                }
            });
        }
    }
}

#[test]
fn tls_is_begun_where_the_server_or_the_address_wants_it() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let lines =
            format!("tls {{ cert_file: \"{}\", key_file: \"{}\" }}", path("cert.pem"), path("key.pem"));
        let server = Server::start(&program, &lines);
        let certificate = std::fs::read(directory.path().join("cert.pem")).unwrap();
        runtime().block_on(async {
            let plain = server.address();
            let secure = Address { tls: true, ..plain.clone() };
            for address in [&plain, &secure] {
                let client = loop {
                    match Client::connect(address, &Login::None, Some(&certificate)).await {
                        Err(error) if error.to_string().contains("no JetStream") => {}
                        other => break other.unwrap(),
                    }
                };
                assert!(client.info().tls_required);
                let stranger = Client::connect(address, &Login::None, None).await.unwrap_err();
                assert!(stranger.to_string().contains("certificate is not accepted"), "{stranger}");
            }
        });
        let open = Server::start(&program, "");
        runtime().block_on(async {
            let secure = Address { tls: true, ..open.address() };
            let none = Client::connect(&secure, &Login::None, None).await.unwrap_err();
            assert!(none.to_string().contains("the server has no TLS"), "{none}");
        });
    }
}

#[test]
fn a_server_without_jetstream_is_told_of() {
    // Something else that listens: it is no NATS server.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let address = Address::read(&format!("nats://127.0.0.1:{port}")).unwrap();
    let error = runtime().block_on(Client::connect(&address, &Login::None, None)).unwrap_err();
    assert!(error.to_string().contains("not of its protocol"), "{error}");
    answering.join().unwrap();
}
