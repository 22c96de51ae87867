//! A store against strangers, and against root's good intentions.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::stage::{Daemon, Stage, as_root, text, wait_for};
use crate::{PLUGINS, STRANGER, python};

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

fn all_belong_to_the_owner(stage: &Stage) {
    for entry in fs::read_dir(stage.path("store")).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        assert_eq!(metadata.uid(), PLUGINS, "{:?}", entry.file_name());
        assert_eq!(metadata.mode() & 0o007, 0, "{:?}", entry.file_name());
    }
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
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), &exported.stdout).unwrap();
    assert!(import.wait().unwrap().success());
    stage.custos(&["store", "repair"]);
    all_belong_to_the_owner(&stage);
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
        symlink(&victim, &path).unwrap();
        lchown(&path, Some(PLUGINS), Some(PLUGINS)).unwrap();
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

/// Commands that read the store.
const READERS: [&[&str]; 8] = [
    &["status"],
    &["status", "--exit-code"],
    &["status", "--at", "-1s"],
    &["history"],
    &["events"],
    &["runs", "fine"],
    &["graph", "fine:x"],
    &["store", "info"],
];

/// What a command of a user prints on stderr, and how it ends.
fn refused(stage: &Stage, user: u32, arguments: &[&str]) -> (String, Option<i32>) {
    let output = stage.command(arguments).uid(user).gid(user).output().unwrap();
    (text(&output.stderr), output.status.code())
}

#[test]
fn a_store_that_may_not_be_read_is_not_an_empty_one() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 1);
    assert!(agent.end().success());
    let entries = || fs::read_dir(stage.path("store")).unwrap().map(|entry| entry.unwrap().path());
    let expect = |what: &str| {
        for arguments in READERS {
            let (said, code) = refused(&stage, STRANGER, arguments);
            let failed = if arguments.contains(&"--exit-code") { 3 } else { 1 };
            assert_eq!(code, Some(failed), "{arguments:?}: {said}");
            assert!(said.contains("Permission denied") && said.contains(what), "{arguments:?}: {said}");
        }
    };
    // The directory is closed, or only the files in it.
    expect(&format!("the group {PLUGINS} may read it"));
    fs::set_permissions(stage.path("store"), fs::Permissions::from_mode(0o755)).unwrap();
    expect(&format!("the group {PLUGINS} may read it"));
    entries().for_each(|path| chown(path, None, Some(54_404)).unwrap());
    expect("the group 54404 may read it");
    // Nobody but the owner may read them.
    for path in entries() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    expect("; only root and user ");
    // All but one may be read.
    for path in entries() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(refused(&stage, STRANGER, &["status"]), (String::new(), Some(0)));
    let closed = stage.path("store/00000000ffffffff.log");
    fs::write(&closed, "").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o640)).unwrap();
    let output = stage.command(&["status"]).uid(STRANGER).gid(STRANGER).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains(" fine "), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    assert!(said.contains("ffffffff.log") && said.contains("; only root may read it\n"), "{said}");
}

#[test]
fn a_store_of_garbage_is_not_an_empty_one() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 1);
    assert!(agent.end().success());
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for entry in fs::read_dir(stage.path("store")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "seg" || extension == "log") {
            fs::write(&path, (0..100_000).map(|_| noise()).collect::<Vec<u8>>()).unwrap();
        }
    }
    let store = stage.path("store").display().to_string();
    let readers = READERS.into_iter().filter(|arguments| arguments[0] != "store");
    for arguments in readers.chain([&["status", "--all", "--store", &store, "--exit-code"][..]]) {
        let output = stage.command(arguments).output().unwrap();
        let said = text(&output.stderr);
        // A check that was asked for by name is unknown then, which is a mistake in the command line.
        let failed = match arguments {
            ["status", .., "--exit-code"] => 3,
            ["runs" | "graph", ..] => 2,
            _ => 1,
        };
        assert_eq!(output.status.code(), Some(failed), "{arguments:?}: {said}");
        assert!(said.contains("store/") && said.contains(".log"), "{arguments:?}: {said}");
    }
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
    // What is no file may have been one: the rest is shown, and the command fails.
    let status = stage.custos(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    assert!(text(&status.stdout).contains(" fine "), "{}", text(&status.stdout));
    assert!(text(&status.stderr).contains("it is a directory"), "{}", text(&status.stderr));
    let before = stage.history("fine").len();
    assert!(before >= 2);
    let agent = start_as_owner(&stage);
    stage.runs("fine", before + 2);
    assert!(agent.end().success());
}

#[test]
fn an_agent_whose_store_root_writes_to_behind_its_back_notices_and_loses_nothing() {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 3);
    // Another writer can begin, and seals the log that the agent writes to.
    agent.signal(Signal::SIGSTOP);
    fs::remove_file(stage.path("store/lock")).unwrap();
    let before = stage.history("fine").len();
    let line = stage.write("line", r#"{"check":"b","time_ms":1,"state":"OK","text":"imported"}"#);
    let mut import = stage.command(&["store", "import"]);
    let imported = import.stdin(fs::File::open(line).unwrap()).output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    agent.signal(Signal::SIGCONT);
    wait_for("the agent to notice", || agent.log().contains("was taken away").then_some(()));
    stage.runs("fine", before + 3);
    assert!(agent.end().success());
    assert_eq!(stage.history("b").len(), 1);
    all_belong_to_the_owner(&stage);
    let verified = stage.custos(&["store", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
}

/// What a plugin of the store's user can put in the place of a file.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    Fifo,
    Directory,
    Link,
    HardLink,
}

impl Obstacle {
    fn put(self, path: &Path, victim: &Path) {
        let _ = fs::remove_file(path);
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o640);
        match self {
            Obstacle::Fifo => nix::unistd::mkfifo(path, mode).unwrap(),
            Obstacle::Directory => fs::create_dir(path).unwrap(),
            Obstacle::Link => symlink(victim, path).unwrap(),
            Obstacle::HardLink => fs::hard_link(victim, path).unwrap(),
        }
        if !matches!(self, Obstacle::HardLink) {
            lchown(path, Some(PLUGINS), Some(PLUGINS)).unwrap();
        }
    }
}

/// Runs a command, which must end by itself without a panic.
fn ends(stage: &Stage, user: u32, arguments: &[&str], what: &str) {
    let (out, err) = (stage.path("out"), stage.path("err"));
    let mut command = stage.command(arguments);
    command.uid(user).gid(user).stdin(Stdio::null());
    command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let status =
        wait_for(&format!("{arguments:?} of user {user} to end: {what}"), || child.try_wait().unwrap());
    let err = fs::read_to_string(err).unwrap();
    assert!(
        status.code().is_some_and(|code| code <= 3) && !err.contains("panicked"),
        "{what}: {status} {err}"
    );
}

fn obstruct(obstacle: Obstacle, names: &[&str]) {
    let stage = owned();
    let agent = start_as_owner(&stage);
    stage.runs("fine", 2);
    assert!(agent.end().success());
    let victim = stage.write_secret("victim", "precious\n");
    for name in names {
        obstacle.put(&stage.path("store").join(name), &victim);
    }
    let what = format!("{obstacle:?} at {names:?}");
    let readers = [&["status"][..], &["history", "fine"], &["store", "info"], &["store", "verify"]];
    ends(&stage, STRANGER, &["check", "fine"], &what);
    for user in [0, PLUGINS] {
        for arguments in readers {
            ends(&stage, user, arguments, &what);
        }
        ends(&stage, user, &["check", "fine"], &what);
        ends(&stage, user, &["store", "repair"], &what);
    }
    let metadata = fs::metadata(&victim).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o600), "{what}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n", "{what}");
    fs::remove_file(&victim).unwrap();
    for entry in fs::read_dir(stage.path("store")).unwrap() {
        let metadata = entry.as_ref().unwrap().path().symlink_metadata().unwrap();
        let made = metadata.is_file() && fs::read(entry.as_ref().unwrap().path()).unwrap() != b"precious\n";
        assert!(!made || metadata.uid() == PLUGINS, "{what}: {entry:?}");
    }
}

#[test]
fn whatever_stands_in_the_place_of_a_file_holds_up_nobody_and_leads_nowhere() {
    let all = [
        "0000000000000000.log",
        "0000000000ffff00.log",
        "0000000000fffe00-0000000000fffe10.seg",
        "0000000000fffe10-0000000000fffe20.seg.tmp",
        "identity",
        "identity.tmp",
        "amendments",
        "synced",
        "reserve",
        "sink.cursor",
        "snmp.note",
    ];
    for obstacle in [Obstacle::Fifo, Obstacle::Directory, Obstacle::Link, Obstacle::HardLink] {
        obstruct(obstacle, &all);
        obstruct(obstacle, &["lock"]);
    }
}
