//! The whole agent, with a server that lets in only who has the right user, token, key or credentials, in the clear and over TLS: what it
//! delivers is restored by the same login.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::server::{Server, programs};
use crate::stage::{Stage, text, wait_for};

/// The seed of a user's key, and the public half of it.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

/// A way to log in.
struct Way {
    /// What the server is set up with.
    server: String,
    /// The keys of the sink.
    sink: String,
    /// The options of `custos store import`.
    options: Vec<String>,
}

/// The ways, with their files on a stage; what is wrong at first is in the file `secret`.
fn ways(stage: &Stage) -> Vec<(Way, &'static str, String)> {
    let public = custos_compat::nats::Seed::read(SEED).unwrap().public().unwrap();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nats/files");
    let read = |name: &str| std::fs::read_to_string(files.join(name)).unwrap();
    let secret = stage.shown("secret");
    let option = |name: &str| vec![format!("--{name}"), secret.clone()];
    let user = ["--user", "web", "--password", &secret].map(str::to_owned).to_vec();
    let other = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU";
    vec![
        (
            Way {
                server: "authorization { user: web, password: right }".to_owned(),
                sink: format!("user: web, password: {{ file: '{secret}' }}"),
                options: user,
            },
            "wrong",
            "right\n".to_owned(),
        ),
        (
            Way {
                server: "authorization { token: right }".to_owned(),
                sink: format!("token: {{ file: '{secret}' }}"),
                options: option("token"),
            },
            "wrong",
            "right\n".to_owned(),
        ),
        (
            Way {
                server: format!("authorization {{ users: [ {{ nkey: {public} }} ] }}"),
                sink: format!("credentials: '{secret}'"),
                options: option("nkey"),
            },
            other,
            format!("{SEED}\n"),
        ),
        (
            Way {
                server: read("accounts.conf"),
                sink: format!("credentials: '{secret}'"),
                options: option("creds"),
            },
            other,
            read("user.creds"),
        ),
    ]
}

/// Makes a certificate, and returns what a server is set up with to have it.
fn certificate(stage: &Stage) -> String {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", &stage.shown("key.pem"), "-out", &stage.shown("cert.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n",
        stage.shown("cert.pem"),
        stage.shown("key.pem")
    )
}

/// Has an agent that is refused at first deliver once it has the right secret, and restores what it delivered.
fn deliver(program: &Path, stage: &Stage, tls: bool, (way, wrong, right): &(Way, &str, String)) {
    let (secured, scheme) = if tls { (certificate(stage), "tls") } else { (String::new(), "nats") };
    let server = Server::start(program, &format!("{secured}{}", way.server));
    let port = server.address().port;
    let ca = if tls { format!(", ca: '{}'", stage.shown("cert.pem")) } else { String::new() };
    stage.write_secret("secret", wrong);
    stage.configure(
        &format!(
            "host: web1\nsinks: {{ js: {{ nats: '{scheme}://127.0.0.1:{port}', site: lab, {}{ca} }} }}",
            way.sink
        ),
        "  fine: { command: \"/bin/echo 'OK | n=7'\", check_interval: 3s }\n",
    );
    let agent = stage.start();
    stage.runs("fine", 1);
    let status = || text(&stage.custos(&["sink", "status", "js"]).stdout);
    wait_for("the agent to be refused", || status().contains("the server refuses").then_some(()));
    stage.write_secret("secret", right);
    agent.signal(Signal::SIGHUP);
    wait_for("all to be delivered", || status().contains("acknowledged up to").then_some(()));
    let restored = stage.shown("restored");
    let url = format!("{scheme}://127.0.0.1:{port}/CUSTOS");
    let mut arguments = vec!["store", "import", &restored, "--from", &url];
    arguments.extend(way.options.iter().map(String::as_str));
    let ca = stage.shown("cert.pem");
    if tls {
        arguments.extend(["--ca", &ca]);
    }
    let export = |dir: &str| stage.custos(&["store", "export", dir]).stdout;
    wait_for("the same store", || {
        let imported = stage.custos(&arguments);
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        // A run may have come meanwhile.
        (export(&stage.shown("store")) == export(&restored)).then_some(())
    });
    agent.end();
}

#[test]
fn an_agent_delivers_by_each_login_in_the_clear() {
    for program in programs() {
        for at in 0..ways(&Stage::new()).len() {
            let stage = Stage::new();
            deliver(&program, &stage, false, &ways(&stage)[at]);
        }
    }
}

#[test]
fn an_agent_delivers_by_each_login_over_tls() {
    for at in 0..ways(&Stage::new()).len() {
        let stage = Stage::new();
        deliver(&programs()[at % 2], &stage, true, &ways(&stage)[at]);
    }
}
