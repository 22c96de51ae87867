//! Who may ask: TLS, tokens, certificates of clients and pages of other sites, with curl and OpenSSL's own client.

use std::process::{Command, Stdio};

use crate::authority::Authority;
use crate::client::Server;
use crate::stage::{Stage, custos, free_port, text};

const TOKEN: &str = "0123456789abcdef-token";

/// A server by the section `http` of a configuration, with certificates at hand.
struct Guarded {
    server: Server,
    port: u16,
}

impl Guarded {
    fn start(more: &str) -> Guarded {
        let (stage, port) = (Stage::new(), free_port());
        let authority = Authority::new(stage.root(), "ca");
        let own = authority.sign("localhost");
        authority.sign("client");
        Authority::new(stage.root(), "other").sign("client");
        stage.write_secret("token", &format!("{TOKEN}\n"));
        let tls = format!("tls_certificate: {}, tls_key: {}", own.cert, own.key);
        let more =
            more.replace("TLS", &tls).replace("CLIENTS", &format!("tls_client_ca: {}", authority.cert()));
        let http = format!("http: {{ listen: 'localhost:{port}'{more} }}");
        stage.configure(&http, "  a: { command: /bin/true }\n");
        std::fs::create_dir(stage.path("store")).unwrap();
        Guarded { server: Server::configured(stage), port }
    }

    /// What curl gets with these arguments: head and body.
    fn curl(&self, arguments: &[&str]) -> String {
        let stage = &self.server.stage;
        let output = Command::new("curl")
            .args(["-sS", "-i", "--cacert", &stage.shown("ca.pem")])
            .args(arguments)
            .current_dir(stage.root())
            .output()
            .unwrap();
        text(&output.stdout) + &text(&output.stderr)
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/api/v1/query?query=1&time=0", self.port)
    }
}

const ANSWER: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}"#;

#[test]
fn a_token_is_asked_for_over_tls() {
    let guarded = Guarded::start(", TLS, tokens: token");
    let url = guarded.url("https");
    let bearer = format!("Authorization: Bearer {TOKEN}");
    assert!(guarded.curl(&["-H", &bearer, &url]).ends_with(ANSWER));
    assert!(guarded.curl(&["-u", &format!("grafana:{TOKEN}"), &url]).ends_with(ANSWER));
    for path in ["/api/backtest", "/api/why", "/api/marks"] {
        let asked = url.replace("/api/v1/query", path);
        assert!(guarded.curl(&[&asked]).starts_with("HTTP/1.1 401"), "{path}");
    }
    for wrong in [vec![], vec!["-u", "grafana:wrong"], vec!["-H", "Authorization: Bearer x"]] {
        let answer = guarded.curl(&[wrong.as_slice(), &[url.as_str()]].concat());
        assert!(
            answer.starts_with("HTTP/1.1 401") && answer.contains("www-authenticate: Bearer"),
            "{answer}"
        );
        assert!(!answer.contains("result"), "{answer}");
    }
    // Without TLS there is no answer at all, and what is older than TLS 1.2 gets none either.
    assert!(!guarded.curl(&[&guarded.url("http")]).contains("HTTP/1.1"));
    assert!(!guarded.curl(&["--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0", &url]).contains("HTTP/1.1"));
    assert!(guarded.curl(&["--tls-max", "1.2", "-H", &bearer, &url]).ends_with(ANSWER));
}

#[test]
fn a_certificate_of_the_client_is_verified() {
    let guarded = Guarded::start(", TLS, CLIENTS");
    let url = guarded.url("https");
    let own = ["--cert", "ca-client.pem", "--key", "ca-client.key", &url];
    assert!(guarded.curl(&own).ends_with(ANSWER));
    let foreign = ["--cert", "other-client.pem", "--key", "other-client.key", &url];
    assert!(!guarded.curl(&foreign).contains("HTTP/1.1"));
    assert!(!guarded.curl(&[&url]).contains("HTTP/1.1"));
    // OpenSSL's client is told which authority is meant, and is offered no session to come again with.
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{}", guarded.port), "-CAfile", "ca.pem"]);
    let output = command.current_dir(guarded.server.stage.root()).stdin(Stdio::null()).output().unwrap();
    let told = text(&output.stdout);
    assert!(told.contains("Acceptable client certificate CA names\nCN = ca"), "{told}");
    assert!(!told.contains("Post-Handshake New Session Ticket"), "{told}");
}

#[test]
fn a_certificate_stands_in_for_a_token() {
    let guarded = Guarded::start(", TLS, CLIENTS, tokens: token");
    let url = guarded.url("https");
    assert!(guarded.curl(&["--cert", "ca-client.pem", "--key", "ca-client.key", &url]).ends_with(ANSWER));
    assert!(guarded.curl(&["-u", &format!("x:{TOKEN}"), &url]).ends_with(ANSWER));
    assert!(guarded.curl(&[&url]).starts_with("HTTP/1.1 401"));
    assert!(
        !guarded
            .curl(&["--cert", "other-client.pem", "--key", "other-client.key", &url])
            .contains("HTTP/1.1")
    );
}

#[test]
fn pages_that_are_listed_may_ask_and_others_may_not() {
    let guarded = Guarded::start(", cors: 'https://grafana.example', tokens: token");
    let url = guarded.url("http");
    let user = format!("x:{TOKEN}");
    let asked = |origin: &str| guarded.curl(&["-u", &user, "-H", &format!("Origin: {origin}"), &url]);
    let answer = asked("https://grafana.example");
    assert!(answer.contains("access-control-allow-origin: https://grafana.example\r\n"), "{answer}");
    assert!(answer.contains("vary: Accept-Encoding, Origin\r\n") && answer.ends_with(ANSWER), "{answer}");
    assert!(asked("https://evil.example").starts_with("HTTP/1.1 403"));
    let leave = guarded.curl(&[
        "-X",
        "OPTIONS",
        "-H",
        "Origin: https://grafana.example",
        "-H",
        "Access-Control-Request-Method: POST",
        &url,
    ]);
    assert!(leave.starts_with("HTTP/1.1 204"), "{leave}");
    assert!(leave.contains("access-control-allow-headers: Accept, Authorization"), "{leave}");
    let other = guarded.curl(&["-u", &user, "-H", "Host: evil.example", &url]);
    assert!(other.starts_with("HTTP/1.1 403") && !other.contains("access-control"), "{other}");
}

#[test]
fn long_answers_are_compressed_for_those_who_ask() {
    let server = Server::start();
    let url = |target: &str| format!("http://{}{target}", server.address);
    let curl = |arguments: &[&str]| Command::new("curl").arg("-sg").args(arguments).output().unwrap().stdout;
    let long = url("/api/v1/query_range?query=load&start=1767225600&end=1767226200&step=10");
    let plain = curl(&[&long]);
    let packed = curl(&["-H", "Accept-Encoding: gzip", &long]);
    assert!(packed.len() * 2 < plain.len() && packed.starts_with(&[0x1f, 0x8b]), "{}", packed.len());
    assert_eq!(curl(&["--compressed", &long]), plain);
    let head = text(&curl(&["-I", "-H", "Accept-Encoding: gzip", &long]));
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: Accept-Encoding"), "{head}");
    let short = text(&curl(&["-i", "-H", "Accept-Encoding: gzip", &url("/-/healthy")]));
    assert!(!short.contains("content-encoding") && short.contains("vary: Accept-Encoding"), "{short}");
}

#[test]
fn a_configuration_that_lets_everybody_ask_is_refused() {
    let stage = Stage::new();
    stage.configure("http: { listen: '0.0.0.0:1' }", "  a: { command: /bin/true }\n");
    for command in [["config", "check"].as_slice(), &["run"], &["serve"]] {
        let output = stage.custos(command);
        // A server over a store goes on without the configuration, and so on this host alone: it finds no store.
        assert!(!output.status.success(), "{command:?}");
        let told = text(&output.stderr);
        assert!(
            told.contains("other hosts can reach 0.0.0.0:1: add `tls_certificate` and `tls_key`"),
            "{told}"
        );
    }
    let output = custos(&["serve", "--listen", "0.0.0.0:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
