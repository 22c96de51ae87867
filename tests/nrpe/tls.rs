//! Items 45 to 51: TLS.

use std::io::{Read, Write};
use std::process::Stdio;

use custos_compat::nrpe::{Packet, Version};
use nix::sys::signal::Signal;
use openssl::ssl::{Ssl, SslContextBuilder, SslMethod, SslStream, SslVersion};

use crate::authority::Authority;
use crate::reply::Reply;
use crate::server::{Pair, Server, Which, write_config};
use crate::stage::{Stage, free_port, wait_for};

const COMMANDS: &str = "command[ok]=echo fine\ncommand[big]=head -c 60000 /dev/zero | tr '\\0' x\n";

/// A client: the newest and oldest version it speaks, its cipher list, and its certificate.
#[derive(Clone, Copy, Debug)]
struct Client<'a> {
    name: &'a str,
    oldest: SslVersion,
    newest: SslVersion,
    ciphers: &'a str,
    certificate: Option<(&'a str, &'a str)>,
}

const ALL: &str = "ALL:!MD5:@STRENGTH:@SECLEVEL=0";
const ANY: Client<'_> = Client {
    name: "any",
    oldest: SslVersion::TLS1,
    newest: SslVersion::TLS1_3,
    ciphers: ALL,
    certificate: None,
};

fn clients() -> Vec<Client<'static>> {
    let only = |name, version| Client { name, oldest: version, newest: version, ..ANY };
    let old = |name, ciphers| Client { name, newest: SslVersion::TLS1_2, ciphers, ..ANY };
    vec![
        ANY,
        only("TLS 1.0", SslVersion::TLS1),
        only("TLS 1.1", SslVersion::TLS1_1),
        only("TLS 1.2", SslVersion::TLS1_2),
        only("TLS 1.3", SslVersion::TLS1_3),
        old("anonymous, finite fields", "ADH:@SECLEVEL=0"),
        old("anonymous, elliptic curves", "AECDH:@SECLEVEL=0"),
        old("certificates only", "ALL:!aNULL:@SECLEVEL=0"),
    ]
}

/// Connects; none if there is no handshake.
fn connect(daemon: &Server, client: Client<'_>) -> Option<SslStream<std::net::TcpStream>> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    context.set_min_proto_version(Some(client.oldest)).unwrap();
    context.set_max_proto_version(Some(client.newest)).unwrap();
    context.set_cipher_list(client.ciphers).unwrap();
    if let Some((cert, key)) = client.certificate {
        context.set_certificate_chain_file(cert).unwrap();
        context.set_private_key_file(key, openssl::ssl::SslFiletype::PEM).unwrap();
    }
    let ssl = Ssl::new(&context.build()).unwrap();
    let mut stream = SslStream::new(ssl, daemon.connect()).unwrap();
    stream.connect().ok()?;
    Some(stream)
}

/// Asks over TLS; none if there is no handshake or no answer.
fn ask(daemon: &Server, client: Client<'_>, pieces: &[&[u8]]) -> Option<Reply> {
    let mut stream = connect(daemon, client)?;
    for piece in pieces {
        stream.write_all(piece).ok()?;
    }
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(read) = stream.read(&mut buffer) {
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
    match Reply::from_bytes(&bytes) {
        Reply::Packet(packet, len) => Some(Reply::Packet(packet, len)),
        _ => None,
    }
}

fn served(daemon: &Server, client: Client<'_>) -> bool {
    let query = Packet::encode_query(Version::V4, b"ok");
    ask(daemon, client, &[&query]).is_some_and(|reply| reply.said() == (0, "fine".into()))
}

/// Compares which of the clients are served, under a configuration.
fn compare(lines: &str, extra: &[Client<'_>]) {
    let pair = Pair::start(&format!("{lines}\n{COMMANDS}"), &[]);
    for client in clients().iter().chain(extra) {
        let what = format!("{} under {lines:?}", client.name);
        pair.same(&what, |daemon| served(daemon, *client));
    }
}

#[test]
fn without_a_certificate() {
    for lines in [
        "",
        "ssl_use_adh=0",
        "ssl_use_adh=2",
        "ssl_version=TLSv1",
        "ssl_version=TLSv1.2+",
        "ssl_cipher_list=ADH-AES128-SHA:@SECLEVEL=0",
        "ssl_cipher_list=ALL",
        "ssl_use_adh=2\nssl_cipher_list=AECDH:@SECLEVEL=0",
    ] {
        compare(lines, &[]);
    }
}

#[test]
fn with_a_certificate() {
    let directory = Stage::writable_by_all();
    let server = Authority::new(directory.root(), "ca").sign("server");
    let files = format!("ssl_cert_file={}\nssl_privatekey_file={}\n", server.cert, server.key);
    for lines in [
        "",
        "ssl_use_adh=0",
        "ssl_version=TLSv1",
        "ssl_version=TLSv1+",
        "ssl_version=TLSv1.1",
        "ssl_version=TLSv1.1+",
        "ssl_version=TLSv1.2",
        "ssl_version=TLSv1.2+",
        "ssl_version=TLSv1.3",
        "ssl_version=TLSv1.3+",
        "ssl_cipher_list=AES256-SHA:@SECLEVEL=0",
    ] {
        compare(&format!("{files}{lines}"), &[]);
    }
}

#[test]
fn client_certificates() {
    let directory = Stage::writable_by_all();
    let (ca, foreign) = (Authority::new(directory.root(), "ca"), Authority::new(directory.root(), "foreign"));
    let (server, client, other) = (ca.sign("server"), ca.sign("client"), foreign.sign("client"));
    let with = |name, certificate| Client { name, certificate: Some(certificate), ..ANY };
    let extra = [
        with("good certificate", (client.cert.as_str(), client.key.as_str())),
        with("foreign certificate", (other.cert.as_str(), other.key.as_str())),
        Client { newest: SslVersion::TLS1_2, ..with("foreign, TLS 1.2", (&other.cert, &other.key)) },
    ];
    for mode in 0..=2 {
        compare(
            &format!(
                "ssl_cert_file={}\nssl_privatekey_file={}\nssl_cacert_file={}\nssl_client_certs={mode}",
                server.cert,
                server.key,
                ca.cert()
            ),
            &extra,
        );
    }
}

/// Exit status of a daemon that cannot start with this configuration.
fn ended(which: Which, lines: &str) -> Option<i32> {
    let directory = Stage::writable_by_all();
    write_config(directory.root(), free_port(), lines);
    let mut command = which.command(directory.root());
    command.arg("-f").arg("-c").arg(directory.path("nrpe.cfg"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = wait_for("the end", || child.try_wait().unwrap());
    status.code()
}

#[test]
fn what_cannot_be_used_ends_the_start() {
    let directory = Stage::writable_by_all();
    let ca = Authority::new(directory.root(), "ca");
    let (one, two) = (ca.sign("one"), ca.sign("two"));
    for lines in [
        "ssl_cipher_list=NOSUCH".to_owned(),
        "ssl_cert_file=/no/such.pem\nssl_privatekey_file=/no/such.key".to_owned(),
        format!("ssl_cert_file={}\nssl_privatekey_file=/no/such.key", one.cert),
        format!("ssl_cert_file={}\nssl_privatekey_file={}", one.cert, two.key),
        format!("ssl_cert_file={}", one.cert),
        "ssl_cacert_file=/no/such.pem".to_owned(),
        format!("ssl_cert_file={}\nssl_privatekey_file={}\nssl_client_certs=2", one.cert, one.key),
    ] {
        for which in [Which::Real, Which::Custos] {
            assert_eq!(ended(which, &lines), Some(2), "{which:?}: {lines}");
        }
    }
}

#[test]
fn the_real_client_with_its_options() {
    let directory = Stage::writable_by_all();
    let ca = Authority::new(directory.root(), "ca");
    let (server, client) = (ca.sign("server"), ca.sign("client"));
    let lines = format!(
        "ssl_cert_file={}\nssl_privatekey_file={}\nssl_cacert_file={}\nssl_client_certs=1\n{COMMANDS}",
        server.cert,
        server.key,
        ca.cert()
    );
    let authority = ca.cert();
    let options: [&[&str]; 9] = [
        &[],
        &["-2"],
        &["-d", "0"],
        &["-d", "2"],
        &["-A", &authority],
        &["-A", &authority, "-C", &client.cert, "-K", &client.key],
        &["-S", "TLSv1.2"],
        &["-L", "AES256-SHA:@SECLEVEL=0"],
        &["-S", "TLSv1.2", "-L", "ECDHE-RSA-AES128-GCM-SHA256"],
    ];
    let with = Pair::start(&lines, &[]);
    let without = Pair::start(COMMANDS, &[]);
    for pair in [&with, &without] {
        for options in options {
            pair.same(&format!("{options:?}"), |daemon| {
                let asked = daemon.ask(&[options, &["-c", "ok"]].concat());
                // A failure names what OpenSSL makes of it, which depends on the moment of the close.
                (asked.code, asked.stdout == "fine\n")
            });
        }
    }
}

#[test]
fn long_answers_and_queries_in_many_records() {
    let pair = Pair::start(COMMANDS, &[]);
    let big = pair.same("60000 bytes", |daemon| daemon.ask(&["-c", "big"]));
    assert_eq!(big.stdout.len(), 60_001);
    let query = Packet::encode_query(Version::V4, b"ok");
    let pieces: Vec<&[u8]> = query.chunks(100).collect();
    let reply = ask(&pair.custos, ANY, &pieces).unwrap();
    assert_eq!(reply.said(), (0, "fine".into()));
    let long = Packet::encode_query(Version::V4, &vec![b'x'; 40_000]);
    assert_eq!(ask(&pair.custos, ANY, &[&long]).unwrap().said().0, 3);
}

#[test]
fn elliptic_curves_come_first_and_finite_fields_remain() {
    let daemon = Server::start(Which::Custos, COMMANDS, &[]);
    let old = Client { newest: SslVersion::TLS1_2, ..ANY };
    let suite = |client| connect(&daemon, client).unwrap().ssl().current_cipher().unwrap().name();
    assert_eq!(suite(old), "AECDH-AES256-SHA");
    assert_eq!(suite(Client { ciphers: "ADH:@SECLEVEL=0", ..old }), "ADH-AES256-GCM-SHA384");
    let configured = format!("ssl_cipher_list=ADH:AECDH:@STRENGTH:@SECLEVEL=0\n{COMMANDS}");
    let daemon = Server::start(Which::Custos, &configured, &[]);
    assert_eq!(
        connect(&daemon, old).unwrap().ssl().current_cipher().unwrap().name(),
        "ADH-AES256-GCM-SHA384"
    );
}

#[test]
fn certificates_are_read_again_at_hangup() {
    let directory = Stage::writable_by_all();
    let ca = Authority::new(directory.root(), "ca");
    let (first, second) = (ca.sign("first"), ca.sign("second"));
    let lines = |files: &crate::authority::Certificate| {
        format!("ssl_cert_file={}\nssl_privatekey_file={}\n{COMMANDS}", files.cert, files.key)
    };
    let daemon = Server::start(Which::Custos, &lines(&first), &[]);
    let shown = || -> Option<String> {
        let stream = connect(&daemon, Client { ciphers: "ALL:!aNULL:@SECLEVEL=0", ..ANY })?;
        let certificate = stream.ssl().peer_certificate()?;
        let name = certificate.subject_name().entries().last()?.data().to_string().ok()?;
        Some(name)
    };
    assert_eq!(shown().as_deref(), Some("first"));
    // A key that does not belong to the certificate changes nothing.
    let mixed = crate::authority::Certificate { cert: second.cert.clone(), key: first.key.clone() };
    write_config(daemon.stage.root(), daemon.port, &lines(&mixed));
    daemon.signal(Signal::SIGHUP);
    wait_for("the complaint", || daemon.log().contains("private key").then_some(()));
    assert_eq!(shown().as_deref(), Some("first"));
    write_config(daemon.stage.root(), daemon.port, &lines(&second));
    daemon.signal(Signal::SIGHUP);
    wait_for("the second certificate", || (shown().as_deref() == Some("second")).then_some(()));
}
