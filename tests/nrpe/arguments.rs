//! Items 28 to 33: arguments.
//!
//! Debian's nrpe is built without arguments, so what it refuses is compared and what other builds allow is not:
//! those expectations were noted from a build of nrpe 4.1 with arguments.

use custos_compat::nrpe::{Packet, Version};

use crate::native::history;
use crate::reply::Reply;
use crate::server::{Pair, Server, Which};
use crate::stage::wait_for;

const COMMANDS: &str = "command[args]=echo $ARG1$ - $ARG2$ - $ARG3$\n\
    command[quoted]=echo \"$ARG1$\"\n\
    command[many]=echo $ARG1$ $ARG15$ $ARG16$ $ARG17$\n\
    command[odd]=echo '[$ARG1abc$]' '[$ARG0$]'\n";

fn query(text: &str) -> Vec<u8> {
    Packet::encode_query(Version::V4, text.as_bytes())
}

fn with_arguments(lines: &str) -> Server {
    let lines = format!("dont_blame_nrpe=1\n{lines}{COMMANDS}");
    Server::start(Which::Custos, &lines, &["-n", "--allow-arguments"])
}

#[test]
fn refused_queries_are_refused_alike() {
    for lines in ["", "dont_blame_nrpe=1\n", "dont_blame_nrpe=2\n"] {
        let pair = Pair::start(&format!("{lines}{COMMANDS}"), &["-n"]);
        for text in ["args!a", "args!", "!args", "!", "_NRPE_CHECK!x", "args"] {
            let reply = pair.same(text, |daemon| daemon.send(&query(text)));
            assert_eq!(reply == Reply::Closed, text.contains('!'), "{text}");
        }
    }
}

#[test]
fn metachars_are_refused_alike() {
    let pair = Pair::start("command[\"$(*)?~#% \t\"]=echo odd name\n", &["-n"]);
    for byte in (1..=255_u8).filter(|byte| *byte != b'!') {
        let text = [b"_NRPE_CHECK".as_slice(), &[byte]].concat();
        let packet = Packet::encode_query(Version::V4, &text);
        let reply = pair.same(&format!("byte {byte:#04x}"), |daemon| daemon.send(&packet));
        assert_eq!(reply == Reply::Closed, b"|`&><'\\[]{};\r\n".contains(&byte), "{byte:#04x}");
    }
}

#[test]
fn other_metachars_are_decoded_alike() {
    // nrpe answers a name that it does not know, so what passes can be told from what is refused.
    for list in [r"x\n\t", r"\\y", r"\'\?", r"a\qb"] {
        let pair = Pair::start(&format!("nasty_metachars={list}\ncommand[z]=echo z\n"), &["-n"]);
        for byte in b"xy\n\t\\'?abqnt|;" {
            let text = [b"Z".as_slice(), &[*byte]].concat();
            let packet = Packet::encode_query(Version::V4, &text);
            pair.same(&format!("{list}: {:?}", char::from(*byte)), |daemon| daemon.send(&packet));
        }
    }
}

#[test]
fn arguments_are_pasted_and_expanded_by_the_shell_once() {
    let daemon = with_arguments("");
    let said = |text: &str| daemon.send(&query(text)).said().1;
    assert_eq!(said("args!a!b!c"), "a - b - c");
    assert_eq!(said("args!a!!c"), "a - c -");
    assert_eq!(said("!args!a"), "a - -");
    assert_eq!(said("args!a b"), "a b - -");
    assert_eq!(said("quoted!a  b"), "a  b");
    assert_eq!(said("args!$HOME"), "/var/lib/nagios - -".replace("/var/lib/nagios", &home()));
    assert_eq!(said("args!$ARG2$!x"), "ARG2$ - x -".replace("ARG2$", "$"));
    assert_eq!(said("args!# hidden!x"), "");
    assert_eq!(said("odd!x"), "[x] []");
    let many: Vec<String> = (1..=20).map(|number| format!("a{number}")).collect();
    assert_eq!(said(&format!("many!{}", many.join("!"))), "a1 a15 a16");
    assert_eq!(said("_NRPE_CHECK!x"), "NRPE v4.1.0");
    for refused in ["args!$(id)", "args!a;b", "args!a|b", "!", "!!"] {
        assert_eq!(daemon.send(&query(refused)), Reply::Closed, "{refused}");
    }
}

#[test]
fn the_arguments_of_a_request_are_kept_with_its_run() {
    let daemon = with_arguments("");
    for text in ["args!-w 99%!-c 100%", "args!-w 1%", "args"] {
        daemon.send(&query(text)).said();
    }
    let origins = wait_for("the runs to be stored", || {
        let runs = history(&daemon.stage.path("store"), "args");
        let origins: Vec<String> =
            runs.iter().map(|run| run["origin"].as_str().unwrap().to_owned()).collect();
        (origins.len() == 3).then_some(origins)
    });
    assert_eq!(
        origins,
        [
            r#"nrpe 127.0.0.1 plain args="-w 99%!-c 100%""#,
            r#"nrpe 127.0.0.1 plain args="-w 1%""#,
            "nrpe 127.0.0.1 plain",
        ]
    );
}

#[test]
fn command_substitution_needs_its_own_switch() {
    let daemon = with_arguments("allow_bash_command_substitution=1\n");
    assert_eq!(daemon.send(&query("args!$(echo in)")).said(), (0, "in - -".into()));
}

fn home() -> String {
    let user = match nix::unistd::geteuid().is_root() {
        true => nix::unistd::User::from_name("nagios"),
        false => nix::unistd::User::from_uid(nix::unistd::getuid()),
    };
    user.unwrap().unwrap().dir.display().to_string()
}
