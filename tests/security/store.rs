//! A store against strangers, and against root's good intentions.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use crate::stage::{Daemon, Stage, text};
use crate::{PLUGINS, STRANGER, as_root, python};

/// A stage whose store belongs to the user that plugins run as.
fn owned() -> Stage {
    as_root();
    let stage = Stage::new();
    stage.plugin("fine", "echo 'OK | x=1'");
    stage.configure("defaults: { check_interval: 200ms }", "  fine: { command: fine }\n");
    fs::create_dir(stage.path("store")).unwrap();
    chown(stage.path("store"), Some(PLUGINS), Some(PLUGINS)).unwrap();
    fs::set_permissions(stage.path("store"), fs::Permissions::from_mode(0o750)).unwrap();
    stage
}

fn start_as_owner(stage: &Stage) -> Daemon {
    Daemon::start(stage.command(&["run"]).uid(PLUGINS).gid(PLUGINS), &stage.path("log"))
}

#[test]
fn what_root_does_to_a_store_leaves_it_to_its_owner() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 3);
    assert!(agent.end().success());
    let checked = stage.custos(&["check", "fine"]);
    assert!(text(&checked.stdout).starts_with("OK"), "{}", text(&checked.stderr));
    let exported = stage.custos(&["store", "export"]);
    let mut import = stage.command(&["store", "import"]);
    let mut import =
        import.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), &exported.stdout).unwrap();
    assert!(import.wait().unwrap().success());
    stage.custos(&["store", "repair"]);
    for entry in fs::read_dir(stage.path("store")).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        assert_eq!(metadata.uid(), PLUGINS, "{:?}", entry.file_name());
        assert_eq!(metadata.mode() & 0o007, 0, "{:?}", entry.file_name());
    }
    let before = stage.history("fine").len();
    let agent = start_as_owner(&stage);
    stage.runs("fine", before + 3);
    assert!(agent.end().success());
}

#[test]
fn links_in_a_store_lead_root_nowhere() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 1);
    assert!(agent.end().success());
    let victim = stage.write_secret("victim", "precious\n");
    for name in ["lock", "reserve", "0000000000ffff00.log"] {
        let path = stage.path("store").join(name);
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        std::os::unix::fs::lchown(&path, Some(PLUGINS), Some(PLUGINS)).unwrap();
        for arguments in [&["check", "fine"][..], &["store", "repair"], &["store", "verify"], &["status"]] {
            stage.custos(arguments);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n", "{name}");
        assert_eq!(fs::metadata(&victim).unwrap().uid(), 0, "{name}");
        let _ = fs::remove_file(&path);
    }
}

#[test]
fn a_stranger_can_neither_take_the_lock_nor_read_the_history() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 1);
    let program =
        "import os, sys\nfor n in os.listdir(sys.argv[1]): open(os.path.join(sys.argv[1], n), 'rb')";
    let said = python(STRANGER, program, &[&stage.shown("store")]);
    assert!(said.contains("PermissionError"), "{said}");
    let said = python(STRANGER, "import sys; open(sys.argv[1], 'rb')", &[&stage.shown("store/lock")]);
    assert!(said.contains("PermissionError"), "{said}");
    assert!(agent.end().success());
}

#[test]
fn pipes_and_directories_in_a_store_hold_up_nobody() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 2);
    assert!(agent.end().success());
    let pipe = stage.path("store/0000000000000005.log");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o640)).unwrap();
    fs::create_dir(stage.path("store/0000000000000006.log")).unwrap();
    assert!(stage.custos(&["status"]).status.success());
    let before = stage.history("fine").len();
    assert!(before >= 2);
    let agent = start_as_owner(&stage);
    stage.runs("fine", before + 2);
    assert!(agent.end().success());
}
