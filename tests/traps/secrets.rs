//! Communities and passphrases appear nowhere but in their files and, as SNMP has it, on the wire.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::stage::{AUTH, COMMUNITY, LINK, LINK_DOWN, PRIV, Stage, text};

fn assert_clean(what: &str, bytes: &[u8]) {
    for secret in [COMMUNITY, AUTH, PRIV] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what} has the secret {secret:?}");
    }
}

fn each_file(directory: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, look) } else { look(&path) }
    }
}

#[test]
fn no_secret_is_shown_stored_logged_or_put_on_a_command_line() {
    let stage = Stage::start("", LINK);
    stage.link(LINK_DOWN, "3");
    stage.send("snmptrap", &["-v2c", "-c", "guess"], &["", LINK_DOWN]);
    stage.trap(&["", "1.3.6.1.4.1.8072.4.0.2"]);
    stage.await_count("wrong_community", 1);
    stage.runs("link", 1);
    stage.runs("custos.traps", 1);
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
        let output = stage.custos(command);
        assert_clean(&command.join(" "), &[output.stdout, output.stderr].concat());
    }
    assert_clean("the log", stage.log().as_bytes());
    each_file(&stage.path("store"), &mut |path| {
        assert_clean(&path.display().to_string(), &fs::read(path).unwrap());
    });
    // The agent, and every process that it started.
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| fs::read(process.path().join(file)).unwrap_or_default();
        let stat = text(&read("stat"));
        let parent =
            stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).map(str::to_owned);
        let own = process.file_name().to_string_lossy() == stage.pid().to_string();
        if own || parent == Some(stage.pid().to_string()) {
            assert_clean("a command line", &read("cmdline"));
            assert_clean("an environment", &read("environ"));
        }
    }
}

#[test]
fn files_that_others_can_read_are_refused_with_the_reason() {
    let stage = Stage::start("", LINK);
    fs::set_permissions(stage.path("auth"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = stage.custos(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(told.contains("everybody may read it (mode 0644)") && told.contains("custos.yaml:7:"), "{told}");
    assert_clean("config check", told.as_bytes());
    assert!(stage.root().exists());
}
