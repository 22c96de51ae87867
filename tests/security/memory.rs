//! Secrets of SNMP in the memory of an agent, which a plugin of another user searches.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;

use crate::PLUGINS;
use crate::nrpe::SEARCH;
use crate::stage::{Daemon, Stage, as_root, python, text};

/// Names of files, each with the secret in it.
const SECRETS: [(&str, &str); 3] = [
    ("community", "community-of-the-core"),
    ("auth", "passphrase-that-signs"),
    ("priv", "passphrase-that-encrypts"),
];

/// A stage with these secrets, which belong to a user, and a check for each that searches the agent for it.
fn stage(owner: u32, user: &str) -> Stage {
    as_root();
    let stage = Stage::writable_by_all();
    stage.write("search.py", SEARCH);
    for (name, secret) in SECRETS {
        stage.write_secret(name, secret);
        chown(stage.path(name), Some(owner), Some(owner)).unwrap();
        stage.write(&format!("wanted-{name}"), secret);
    }
    let program = stage.shown("search.py");
    let agent = stage.shown("custos.yaml");
    let searches = SECRETS.map(|(name, _)| {
        let wanted = stage.shown(&format!("wanted-{name}"));
        format!("  {name}: {{ command: {} {program} {wanted} {agent}{user} }}\n", python())
    });
    stage.configure(
        "snmp:\n  profiles:\n    two: { version: 2c, community: { file: community } }\n    \
         three: { version: 3, user: u, auth: { protocol: sha256, file: auth }, priv: { protocol: aes, file: priv } }\n  \
         traps: { listen: \"127.0.0.1:0\" }\n\
         defaults: { check_interval: 300ms }",
        &searches.concat(),
    );
    stage
}

/// What each search printed.
fn found(stage: &Stage) -> [String; 3] {
    SECRETS.map(|(name, _)| stage.runs(name, 1)[0]["text"].as_str().unwrap().to_owned())
}

#[test]
fn a_plugin_of_another_user_cannot_find_the_secrets_of_snmp() {
    let stage = stage(0, &format!(", user: \"{PLUGINS}\""));
    let agent = stage.start();
    for found in found(&stage) {
        assert!(found.ends_with("found 0") && !found.contains("refused 0"), "{found}");
    }
    // They are there: root finds them.
    for (name, _) in SECRETS {
        let mut search = std::process::Command::new(python());
        search
            .arg(stage.path("search.py"))
            .arg(stage.path(&format!("wanted-{name}")))
            .arg(stage.path("custos.yaml"));
        let found = text(&search.output().unwrap().stdout);
        assert!(found.starts_with("searched ") && !found.ends_with("found 0"), "{name}: {found}");
    }
    assert!(agent.end().success());
}

#[test]
fn the_same_search_finds_them_in_an_agent_of_the_plugins_user() {
    let stage = stage(PLUGINS, "");
    let agent = Daemon::start(stage.command(&["run"]).uid(PLUGINS).gid(PLUGINS), &stage.path("log"));
    for found in found(&stage) {
        assert!(found.starts_with("searched ") && !found.ends_with("found 0"), "{found}");
    }
    assert!(agent.end().success());
}
