//! Communities and passphrases appear nowhere but in their files and, as SNMP has it, on the wire.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::receiver::{AUTH, COMMUNITY, LINK, LINK_DOWN, PRIV, Receiver};
use crate::stage::{children, text};

fn assert_clean(what: &str, bytes: &[u8]) {
    for secret in [COMMUNITY, AUTH, PRIV] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what} has the secret {secret:?}");
    }
}

fn each_file(directory: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // The agent's socket has no contents.
        match () {
            () if path.is_dir() => each_file(&path, look),
            () if path.is_file() => look(&path),
            () => {}
        }
    }
}

#[test]
fn no_secret_is_shown_stored_logged_or_put_on_a_command_line() {
    let receiver = Receiver::start("", LINK);
    receiver.link(LINK_DOWN, "3");
    receiver.send("snmptrap", &["-v2c", "-c", "guess"], &["", LINK_DOWN]);
    receiver.trap(&["", "1.3.6.1.4.1.8072.4.0.2"]);
    receiver.await_count("wrong_community", 1);
    receiver.runs("link", 1);
    receiver.runs("custos.traps", 1);
    for command in [
        &["config", "show"][..],
        &["config", "check"],
        &["status"],
        &["status", "--json"],
        &["doctor"],
        &["history", "link", "--json"],
        &["history", "custos", "--json"],
        &["traps", "--verbose"],
    ] {
        let output = receiver.stage.custos(command);
        assert_clean(&command.join(" "), &[output.stdout, output.stderr].concat());
    }
    assert_clean("the log", receiver.log().as_bytes());
    each_file(&receiver.stage.path("store"), &mut |path| {
        match fs::read(path) {
            Ok(bytes) => assert_clean(&path.display().to_string(), &bytes),
            // The agent renames and removes files that it writes.
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{}", path.display()),
        }
    });
    let agent = receiver.pid();
    for pid in [vec![agent], children(agent)].concat() {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert_clean(&format!("the {file} of process {pid}"), &bytes);
        }
    }
}

#[test]
fn files_that_others_can_read_are_refused_with_the_reason() {
    let receiver = Receiver::start("", LINK);
    fs::set_permissions(receiver.stage.path("auth"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = receiver.stage.custos(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(told.contains("everybody may read it (mode 0644)") && told.contains("custos.yaml:8:"), "{told}");
    assert_clean("config check", told.as_bytes());
    assert!(receiver.stage.root().exists());
}
