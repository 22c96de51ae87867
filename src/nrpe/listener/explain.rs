//! A listener's settings in plain words: who may connect, over which TLS, what they may run, and the weaknesses of it.

use std::fmt::Write;

use custos_compat::nrpe::{AddressFamily, ClientCerts, HostEntry, Severity, SslProtocol};

use super::settings::{Listen, ServedTask, Settings};
use super::tls;

/// The page of `custos nrpe --explain`.
pub fn explain(settings: &Settings) -> String {
    let mut page = String::new();
    section(&mut page, "Listens on", settings.listen.iter().map(listens_on).collect());
    section(&mut page, "Who may connect", who(settings));
    section(&mut page, "How", how(settings));
    section(&mut page, "What they may ask", what(settings));
    section(&mut page, "Weaknesses", weaknesses(settings));
    let remarks = settings.notes.iter().filter(|note| note.severity <= Severity::Warning);
    section(&mut page, "Remarks on the configuration", remarks.map(|note| note.text.clone()).collect());
    page
}

fn section(page: &mut String, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    // Writing to a string does not fail.
    let _ = writeln!(page, "{title}:");
    for line in lines {
        let _ = writeln!(page, "  - {line}");
    }
}

fn listens_on(listen: &Listen) -> String {
    let family = match (&listen.host, listen.family) {
        (Some(host), _) => format!("{host}, "),
        (None, AddressFamily::Any) => "every address, IPv4 and IPv6, ".into(),
        (None, AddressFamily::V4) => "every IPv4 address, ".into(),
        (None, AddressFamily::V6) => "every IPv6 address, ".into(),
    };
    format!("{family}port {}", listen.port)
}

fn who(settings: &Settings) -> Vec<String> {
    let mut lines = match settings.allowed_hosts.entries() {
        None => vec!["everyone (allowed_hosts is not set)".into()],
        Some([]) => vec!["no host (allowed_hosts has no valid entry)".into()],
        Some(entries) => entries.iter().map(ToString::to_string).collect(),
    };
    if settings.tcp_wrappers {
        lines.push("unless the rules for nrpe in /etc/hosts.allow and /etc/hosts.deny refuse them".into());
    }
    lines
}

fn how(settings: &Settings) -> Vec<String> {
    let ssl = &settings.ssl;
    if !ssl.enabled {
        return vec!["without TLS".into()];
    }
    let mut lines = vec![format!("TLS versions: {}", ssl.version.describe())];
    lines.push(match &ssl.cert_file {
        Some(file) => format!("the server has the certificate {}", tls::as_path(file).display()),
        None => "the server has no certificate (ssl_cert_file is not set)".into(),
    });
    let authority = ssl.cacert_file.as_deref().map(|file| tls::as_path(file).display());
    lines.push(match (ssl.client_certs, authority) {
        (ClientCerts::Ignored, _) => "clients are not asked for a certificate".into(),
        (ClientCerts::Asked, Some(authority)) => {
            format!("clients may send a certificate; one that they send must be signed by {authority}")
        }
        (ClientCerts::Asked, None) => {
            "clients that send a certificate are refused (ssl_cacert_file is not set)".into()
        }
        (ClientCerts::Required, Some(authority)) => {
            format!("clients must send a certificate signed by {authority}")
        }
        (ClientCerts::Required, None) => "clients must send a certificate".into(),
    });
    if accepts_anonymous(settings) {
        lines.push("connections without any certificate are accepted".into());
    } else if ssl.cert_file.is_none() {
        lines.push(
            "so no client can connect: without a certificate of the server, TLS must be anonymous".into(),
        );
    }
    lines
}

/// Whether connections without any certificate are possible. Where clients must send one, the server asks for it, which
/// anonymous suites do not permit.
fn accepts_anonymous(settings: &Settings) -> bool {
    let ssl = &settings.ssl;
    ssl.enabled && ssl.client_certs != ClientCerts::Required && tls::offers_anonymous(ssl)
}

fn what(settings: &Settings) -> Vec<String> {
    let mut lines = vec![if settings.policy.arguments {
        "clients may send arguments with a command".into()
    } else if settings.arguments_withheld {
        "arguments are refused: dont_blame_nrpe=1 is set, but --allow-arguments is not given".into()
    } else {
        "arguments are refused".to_owned()
    }];
    for (name, command) in &settings.commands {
        let task = match &command.task {
            ServedTask::Line(line) => String::from_utf8_lossy(line).into_owned(),
            ServedTask::Check => "the check of that name".into(),
        };
        let access = match &command.access {
            Some(access) if access.written().is_empty() => " (for no client)".into(),
            Some(access) => format!(" (for {} only)", access.written().join(", ")),
            None => String::new(),
        };
        lines.push(format!("{}: {task}{access}", String::from_utf8_lossy(name)));
    }
    lines
}

/// What an attacker could use, most serious first.
pub fn weaknesses(settings: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    let mut weak = |applies: bool, line: &str| {
        if applies {
            lines.push(line.to_owned());
        }
    };
    let (ssl, policy) = (&settings.ssl, &settings.policy);
    let entries = settings.allowed_hosts.entries();
    let authenticated = ssl.enabled && ssl.client_certs == ClientCerts::Required;
    let anonymous = accepts_anonymous(settings);
    let everyone = entries.is_none_or(|entries| entries.iter().any(matches_everyone));
    let uses_arguments = |task: &ServedTask| match task {
        ServedTask::Line(line) => line.windows(4).any(|window| window == b"$ARG"),
        ServedTask::Check => false,
    };
    weak(
        policy.arguments && settings.commands.values().any(|command| uses_arguments(&command.task)),
        "arguments of clients become part of a shell command line; only the characters of nasty_metachars stand \
         between them and a command of their own",
    );
    weak(policy.arguments && policy.substitution, "arguments may contain $(...), which the shell executes");
    weak(
        everyone && !authenticated,
        "every host that reaches the port may run every command: set allowed_hosts",
    );
    weak(
        !ssl.enabled,
        "everything is sent in the clear and can be changed on the way: a CRC is no protection",
    );
    weak(
        anonymous,
        "anonymous TLS authenticates neither side: an attacker in between can read and change everything. Give the \
         server a certificate, the pollers its authority (check_nrpe -A), and exclude anonymous suites \
         (ssl_cipher_list with :!aNULL)",
    );
    weak(
        anonymous && ssl.use_adh == custos_compat::nrpe::UseAdh::Never,
        "ssl_use_adh=0 excludes only half of the anonymous suites; those over elliptic curves (AECDH) remain",
    );
    weak(
        !authenticated,
        "pollers are recognised by their address alone; ssl_client_certs=2 would require a certificate",
    );
    weak(
        entries.is_some_and(|entries| entries.iter().any(|entry| matches!(entry, HostEntry::Name(_)))),
        "allowed_hosts contains names: whoever controls the name service decides who may connect",
    );
    weak(
        ssl.enabled && ssl.version.oldest < SslProtocol::Tls1_2,
        "TLS 1.0 and 1.1 are accepted from clients that offer nothing newer; ssl_version=TLSv1.2+ would end that",
    );
    weak(
        ssl.enabled && ssl.client_certs != ClientCerts::Ignored && ssl.cacert_file.is_some(),
        "client certificates are checked for their signature only: every certificate of that authority is accepted, \
         even a revoked one",
    );
    weak(settings.commands.is_empty(), "no commands are defined, so every request is answered with UNKNOWN");
    lines
}

fn matches_everyone(entry: &HostEntry) -> bool {
    match entry {
        HostEntry::V4 { prefix_bits, .. } | HostEntry::V6 { prefix_bits, .. } => *prefix_bits == 0,
        HostEntry::Name(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nrpe::listener::settings::Overrides;
    use custos_compat::nrpe::{Ask, Config, Found, load};

    fn settings(content: &str, allow_arguments: bool) -> Settings {
        let mut answer = |ask: Ask<'_>| match ask {
            Ask::File(path) => {
                Found::File { content: content.as_bytes().to_vec(), identity: path.to_owned() }
            }
            Ask::Directory(_) => Found::Nothing("none".into()),
        };
        let config: Config = load("/nrpe.cfg".as_ref(), &mut answer).unwrap();
        let overrides = Overrides { allow_arguments, ..Overrides::default() };
        Settings::from_config(&config, overrides).unwrap()
    }

    fn has(settings: &Settings, part: &str) -> bool {
        weaknesses(settings).iter().any(|line| line.contains(part))
    }

    #[test]
    fn the_default_is_anonymous_and_open() {
        let settings = settings("command[load]=/x/check_load -w 1\n", false);
        let page = explain(&settings);
        assert!(page.contains("  - every address, IPv4 and IPv6, port 5666\n"));
        assert!(page.contains("  - everyone (allowed_hosts is not set)\n"));
        assert!(page.contains("  - load: /x/check_load -w 1\n"));
        assert!(has(&settings, "every host that reaches the port"));
        assert!(has(&settings, "authenticates neither side"));
        assert!(has(&settings, "TLS 1.0"));
    }

    #[test]
    fn adh_0_leaves_half_of_it() {
        assert!(has(&settings("ssl_use_adh=0\n", false), "AECDH"));
        assert!(!has(&settings("ssl_use_adh=1\n", false), "AECDH"));
        let without = settings("ssl_cipher_list=ALL:!aNULL:@SECLEVEL=0\n", false);
        assert!(!has(&without, "authenticates neither side"));
    }

    #[test]
    fn settings_that_let_no_client_connect_are_named() {
        let none = "so no client can connect";
        for lines in ["ssl_version=TLSv1.3\n", "ssl_cipher_list=ALL\n"] {
            let page = explain(&settings(lines, false));
            assert!(page.contains(none) && !page.contains("without any certificate"), "{page}");
        }
        // A client that must send a certificate cannot be anonymous.
        let required = settings("ssl_client_certs=2\nssl_cacert_file=/ca.pem\n", false);
        assert!(explain(&required).contains(none) && !has(&required, "authenticates neither side"));
        let asked = settings("ssl_client_certs=1\n", false);
        assert!(explain(&asked).contains("that send a certificate are refused"));
        assert!(explain(&asked).contains("without any certificate") && !has(&asked, "revoked"));
    }

    #[test]
    fn arguments_and_names() {
        let content = "dont_blame_nrpe=1\nallow_bash_command_substitution=1\n\
            allowed_hosts=poller.example.com,0.0.0.0/0\ncommand[a]=x $ARG1$\n";
        let with = settings(content, true);
        assert!(has(&with, "shell command line") && has(&with, "$(...)") && has(&with, "name service"));
        assert!(has(&with, "every host that reaches the port"));
        let withheld = settings(content, false);
        assert!(!has(&withheld, "shell command line"));
        assert!(explain(&withheld).contains("--allow-arguments is not given"));
    }
}
