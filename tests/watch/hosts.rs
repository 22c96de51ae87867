//! Checks of several hosts in one picture: by ssh and by https, and one whose clock is ahead.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::namespace::Namespace;
use crate::stage::{Daemon, PROGRAM, Stage, free_port, text, wait_for};
use crate::terminal::Terminal;

const TOKEN: &str = "0123456789abcdef-token";
const AHEAD_S: i64 = 3;

/// Variables that set the clock of a program ahead; timers go by the other clock, which nobody changes.
fn ahead() -> Vec<(String, String)> {
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    assert!(Path::new(&library).exists(), "there is no {library}: scripts/test installs libfaketime");
    let all = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME", &format!("+{AHEAD_S}s")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DISABLE_SHM", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A host with an agent.
struct Host {
    stage: Stage,
    namespace: Namespace,
    port: u16,
    variables: Vec<(String, String)>,
    _agent: Daemon,
}

impl Host {
    /// Starts one whose check has this value.
    fn start(value: u32, variables: Vec<(String, String)>) -> Host {
        let (stage, namespace, port) = (Stage::new(), Namespace::new(), free_port());
        let address = &namespace.address;
        stage.write_secret("token", &format!("{TOKEN}\n"));
        openssl(&stage, address);
        let http = format!(
            "http: {{ listen: '{address}:{port}', tls_certificate: host.pem, tls_key: host.key, tokens: token }}"
        );
        let check = format!("  x: {{ command: \"/bin/echo 'OK | m={value}'\", check_interval: 1h }}\n");
        stage.configure(&http, &check);
        let mut command = namespace.command(PROGRAM);
        command.args(["run", "--config", &stage.shown("custos.yaml")]).envs(variables.clone());
        let agent = Daemon::start(&mut command, &stage.path("log"));
        wait_for("the agent", || TcpStream::connect((address.as_str(), port)).ok());
        Host { stage, namespace, port, variables, _agent: agent }
    }

    /// A value that its expressions select, and where they are asked.
    fn query(&self, expression: &str) -> String {
        assert!(self.stage.custos(&["check", "x"]).status.success());
        format!("https://{}:{}/{expression}", self.namespace.address, self.port)
    }

    fn https(&self) -> String {
        format!("https://{}:{}/x", self.namespace.address, self.port)
    }
}

/// A certificate for an address, that vouches for itself.
fn openssl(stage: &Stage, address: &str) {
    let (key, cert) = (stage.shown("host.key"), stage.shown("host.pem"));
    let name = format!("subjectAltName=IP:{address}");
    let words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=host"];
    let mut command = Command::new("openssl");
    command.args(words).args(["-addext", &name, "-keyout", &key, "-out", &cert]);
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
}

const VARIABLES: &[(&str, &str)] =
    &[("LC_ALL", "C.UTF-8"), ("TERM", "screen-256color"), ("TZ", "UTC"), ("NO_COLOR", "1")];

fn watch(stage: &Stage, words: &[&str]) -> Terminal {
    stage.configure("", "  none: { command: /bin/true }\n");
    let config = stage.shown("custos.yaml");
    let options = ["watch", "--every", "200ms", "--window", "30s", "--config", &config];
    Terminal::start(stage, (110, 40), VARIABLES, &[&options, words].concat())
}

/// When the first sample of a curve stands, as its column; by what is drawn beneath its title.
fn first_columns(screen: &str) -> Vec<usize> {
    let is_dot = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    screen.lines().filter_map(|line| line.chars().position(is_dot)).collect()
}

#[test]
fn hosts_over_https_are_drawn_on_one_axis_and_a_clock_that_is_ahead_is_said() {
    let (right, early) = (Host::start(1, Vec::new()), Host::start(2, ahead()));
    let stage = Stage::new();
    let both = [&right, &early].map(|host| std::fs::read_to_string(host.stage.path("host.pem")).unwrap());
    let ca = stage.write("ca.pem", &both.concat());
    let token = stage.write_secret("token", TOKEN);
    let (ca, token) = (ca.display().to_string(), token.display().to_string());
    let terminal = watch(&stage, &[&right.https(), &early.https(), "--ca", &ca, "--token-file", &token]);
    let label = |host: &Host| format!("{}:{}", host.namespace.address, host.port);
    let about = |screen: &str, host: &Host| {
        screen.lines().find(|line| line.starts_with(&label(host))).unwrap_or_default().to_owned()
    };
    // Both lines are in one chart, and the offset is said with its bound.
    let screen = terminal.wait("both hosts", |screen| {
        [&right, &early].iter().all(|host| screen.contains(&format!("{}/x:m  min ", label(host))))
            && about(screen, &early).contains("offset +")
            && about(screen, &right).contains("offset ")
    });
    let said = about(&screen, &early);
    let offset = said.split("offset ").nth(1).unwrap();
    let (ahead_ms, bound_ms) = offset_ms(offset);
    assert!((ahead_ms - AHEAD_S * 1000).abs() <= bound_ms, "{said}");
    assert!(said.ends_with("drawn shifted, by this host's clock"), "{said}");
    assert!(!about(&screen, &right).contains("shifted, by"), "{screen}");
    // Drawn by its own clock, the curve of the early host is further to the right: three of thirty seconds.
    let shifted = terminal.wait("curves", |screen| first_columns(screen).len() >= 2);
    let shifted_columns = first_columns(&shifted);
    assert!(shifted_columns.iter().max().unwrap() - shifted_columns.iter().min().unwrap() <= 3, "{shifted}");
    terminal.keys(&["c"]);
    terminal.wait("that it is not shifted any more", |screen| {
        about(screen, &early).ends_with("drawn by its own clock, not shifted")
            && (6..=14).contains(
                &(first_columns(screen).iter().max().unwrap() - first_columns(screen).iter().min().unwrap()),
            )
    });
    terminal.keys(&["c"]);
    // One host that is not reached does not end the other; it comes back by itself, and has a gap.
    early.namespace.connect(false);
    terminal.wait("that it is lost", |screen| about(screen, &early).contains("not connected, again in "));
    let runs = |host: &Host| text(&host.stage.custos(&["stream", "x@watched"]).stdout).lines().count();
    let before = runs(&right);
    wait_for("runs of the other", || (runs(&right) > before + 5).then_some(()));
    assert!(about(&terminal.screen(), &right).contains("offset "), "{}", terminal.screen());
    early.namespace.connect(true);
    terminal.wait("that it is back, behind a gap", |screen| {
        let mut ribbon = screen.lines().skip_while(|line| **line != format!("{}/x", label(&early)));
        about(screen, &early).contains("offset +3.")
            && ribbon.nth(1).is_some_and(|ribbon| ribbon.trim().contains("▁ "))
    });
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
}

#[test]
fn expressions_are_answered_by_the_host_whichever_way_leads_there() {
    let host = Host::start(7, Vec::new());
    let reached = Reached::start(&host);
    let stage = Stage::new();
    let ca = stage.write("ca.pem", &std::fs::read_to_string(host.stage.path("host.pem")).unwrap());
    let token = stage.write_secret("token", TOKEN);
    let (ca, token) = (ca.display().to_string(), token.display().to_string());
    let by_https = host.query("sum(x{metric=\"m\"}) * 3");
    let by_ssh = reached.target.replace("/x:m", "/(x * 5)");
    let refused = host.query("sum(absent_of_all)");
    let ways = ["--ca", &ca, "--token-file", &token, "--ssh", &reached.ssh, "--remote", &reached.remote];
    let terminal = watch(&stage, &[&[&*by_https, &*by_ssh, &*refused][..], &ways].concat());
    terminal.wait("both answers, and the refusal", |screen| {
        let words: Vec<&str> = screen.split_whitespace().collect();
        let said = words.join(" ");
        said.contains("/sum(x{metric=\"m\"}) * 3 min 21 ")
            && said.contains("/(x * 5) min 35 ")
            && said.contains("sum(absent_of_all): it selects no series of the last day")
    });
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
}

/// `+3.002 s ± 4 ms: …` in ms.
fn offset_ms(text: &str) -> (i64, i64) {
    let mut words = text.split_whitespace();
    let number: f64 = words.next().unwrap().parse().unwrap();
    let factor = if words.next() == Some("s") { 1000.0 } else { 1.0 };
    assert_eq!(words.next(), Some("±"), "{text}");
    ((number * factor).round() as i64, words.next().unwrap().parse().unwrap())
}

/// A host that ssh gets into, with the words that `custos watch` needs for it.
struct Reached {
    _sshd: Daemon,
    target: String,
    ssh: String,
    remote: String,
}

impl Reached {
    fn start(host: &Host) -> Reached {
        let Host { stage, namespace, variables, .. } = host;
        for name in ["host_key", "user_key"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &stage.shown(name)]);
            assert!(keygen.status().expect("ssh-keygen, which scripts/test installs").success());
        }
        let port = free_port();
        let address = &namespace.address;
        let user_key = std::fs::read_to_string(stage.path("user_key.pub")).unwrap();
        let host_key = std::fs::read_to_string(stage.path("host_key.pub")).unwrap();
        stage.write("authorized", &user_key);
        let known = stage.write("known", &format!("[{address}]:{port} {host_key}"));
        let config = stage.write(
            "sshd_config",
            &format!(
                "Port {port}\nListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
                 UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
                stage.shown("host_key"),
                stage.shown("authorized"),
            ),
        );
        std::fs::create_dir_all("/run/sshd").unwrap();
        let mut command = namespace.command("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", &config.display().to_string()]);
        let sshd = Daemon::start(&mut command, &stage.path("sshd.log"));
        wait_for("sshd", || TcpStream::connect((address.as_str(), port)).ok());
        let set: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        Reached {
            _sshd: sshd,
            target: format!("ssh://root@{address}:{port}/x:m"),
            ssh: format!(
                "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes",
                stage.shown("user_key"),
                known.display()
            ),
            remote: format!("{set}CUSTOS_CONFIG={} {PROGRAM}", stage.shown("custos.yaml")),
        }
    }
}

#[test]
fn a_host_over_ssh_is_drawn_beside_others_and_nothing_is_left_behind() {
    let early = Host::start(2, ahead());
    let reached = Reached::start(&early);
    let stage = Stage::new();
    let nowhere = "ssh://root@198.18.255.254:1/x";
    let words = [&*reached.target, nowhere, "--ssh", &reached.ssh, "--remote", &reached.remote];
    let terminal = watch(&stage, &words);
    let screen = terminal.wait("the host", |screen| {
        screen.contains("/x:m  min 2 ")
            && screen.contains("offset +3.")
            && screen.contains("not connected, again in ")
    });
    let said = screen.lines().find(|line| line.contains("offset +3.")).unwrap();
    let (ahead_ms, bound_ms) = offset_ms(said.split("offset ").nth(1).unwrap());
    assert!((ahead_ms - AHEAD_S * 1000).abs() <= bound_ms, "{said}");
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
    // The command there ends with its connection, and the clone with it.
    let count = || text(&early.stage.custos(&["stream", "x@watched"]).stdout).lines().count();
    let mut last = usize::MAX;
    wait_for("the end of the clone", || {
        let now = count();
        std::mem::replace(&mut last, now).eq(&now).then_some(())
    });
}

#[test]
fn what_a_host_refuses_is_said() {
    let host = Host::start(1, Vec::new());
    let stage = Stage::new();
    let ca = host.stage.shown("host.pem");
    let reached = Reached::start(&host);
    let has_nothing = reached.target.replace("/x:m", "/y");
    let refused = format!("https://{}:1/x", host.namespace.address);
    let other_token = stage.write_secret("other", "another token that is long enough").display().to_string();
    let empty =
        stage.write("empty.pem", &std::fs::read_to_string(stage_of_nobody().path("host.pem")).unwrap());
    let empty = empty.display().to_string();
    let https = host.https();
    let (ssh, without_key) = (["--ssh", &reached.ssh], reached.ssh.replace("user_key", "no_key"));
    let none: &[&str] = &[];
    for (target, options, said) in [
        (&https, &["--ca", &ca][..], "it answers 401: "),
        (&https, &["--ca", &ca], "; --token-file FILE or the variable CUSTOS_TOKEN shows one"),
        (
            &https,
            &["--ca", &ca, "--token-file", &other_token],
            "; the token of --token-file or CUSTOS_TOKEN is none of that host's",
        ),
        (&https, none, "its certificate is not accepted: self-signed certificate; --ca FILE names who"),
        (&https, &["--ca", &empty], "(--ca) vouches for it"),
        (&refused, none, "Connection refused; is that the port of `http:` there, or of custos serve?"),
        (&"https://nosuch.invalid/x".to_owned(), none, "; an address can stand in place of the name"),
        (
            &has_nothing,
            &[&ssh[..], &["--remote", "/nonexistent/custos"]].concat(),
            "; --remote says how custos is called there",
        ),
        (&has_nothing, &["--ssh", &without_key], "; ssh asks nobody here: --ssh 'ssh -i KEY'"),
    ] {
        let terminal = watch(&stage, &[&[target.as_str()][..], options].concat());
        terminal.wait(said, |screen| {
            let words: Vec<&str> = screen.split_whitespace().collect();
            words.join(" ").contains(said)
        });
    }
}

/// A stage with the certificate of a host that is not there.
fn stage_of_nobody() -> Stage {
    let stage = Stage::new();
    openssl(&stage, "192.0.2.1");
    stage
}
