//! Users who may not read a store, or what the agent reads, are told who may.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use nix::unistd::User;

use crate::stage::{Daemon, Stage, as_root, text, wait_for};

/// A user that owns nothing and is in no group.
const STRANGER: u32 = 54_406;

/// Every command that reads the store.
const READING: &[&[&str]] = &[
    &["status"],
    &["history", "load"],
    &["runs", "load"],
    &["events"],
    &["graph", "load"],
    &["traps"],
    &["store", "info"],
    &["store", "forecast"],
    &["store", "export"],
    &["store", "verify"],
];

#[test]
fn whoever_may_not_read_the_store_is_told_which_group_may() {
    as_root();
    let stage = Stage::writable_by_all();
    stage.configure("", "  load: { command: /bin/echo OK, check_interval: 1s, timeout: 500ms }\n");
    let owner = User::from_name("nagios").unwrap().expect("nrpe's package has made the user");
    let mut start = stage.command(&["run"]);
    let agent = Daemon::start(start.uid(owner.uid.as_raw()).gid(owner.gid.as_raw()), &stage.path("log"));
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));

    let refused = |arguments: &[&str]| {
        let output = stage.command(arguments).uid(STRANGER).gid(STRANGER).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        text(&output.stdout) + &text(&output.stderr)
    };
    for arguments in READING {
        let shown = refused(arguments);
        let advice = "root, nagios and the group nagios may read it: `usermod -aG nagios USER`";
        assert!(shown.contains(advice), "{arguments:?}: {shown}");
    }
    let given = format!("--config {}", stage.shown("custos.yaml"));
    let shown = refused(&["check", "load"]);
    let advice = format!(
        "only root and the owner of the store may ask the running agent: sudo -u nagios custos check load {given}"
    );
    assert!(shown.contains(&advice), "{shown}");
    let shown = refused(&["check", "load", "--as-agent"]);
    assert!(shown.contains(&format!("sudo -u nagios custos check load --as-agent {given}")), "{shown}");

    // The group is enough.
    let status = stage.command(&["status"]).uid(STRANGER).gid(owner.gid.as_raw()).output().unwrap();
    assert!(text(&status.stdout).contains("load"), "{}", text(&status.stderr));
    agent.kill();
}

#[test]
fn a_key_that_the_agent_may_not_read_is_a_mistake_for_the_agent_alone() {
    as_root();
    let stage = Stage::writable_by_all();
    let key = stage.path("key.pem");
    std::fs::write(&key, "not shown").unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    stage.configure("nrpe: { tls_certificate: key.pem, tls_key: key.pem }\n", "");
    let owner = User::from_name("nagios").unwrap().expect("nrpe's package has made the user");
    std::fs::create_dir(stage.path("store")).unwrap();
    std::os::unix::fs::chown(stage.path("store"), Some(owner.uid.as_raw()), None).unwrap();
    let check = |uid| {
        let output = stage.command(&["config", "check"]).uid(uid).gid(owner.gid.as_raw()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let reason = format!("failed to use certificate file {}: Permission denied\n", key.display());
    assert_eq!(check(owner.uid.as_raw()), (Some(2), reason.clone()));
    let remark = format!("nrpe: warning: TLS is not checked, only the agent may be able to: {reason}");
    assert_eq!(check(STRANGER), (Some(0), remark));
}
