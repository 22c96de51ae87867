//! A store that somebody else has locked: checks run and are answered all the same, and what ran is stored later.

use std::fs::File;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::stage::{Stage, lines, wait_for};

/// Takes a lock that only reads, as anybody could who may read the file.
fn read_lock(file: &File) {
    let lock = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
}

#[test]
fn checks_run_while_the_store_is_locked_and_are_stored_when_it_is_free() {
    let stage = Stage::new();
    let noted = stage.path("noted");
    stage.plugin("note", &format!("echo x >>{}\necho OK", noted.display()));
    stage.configure("defaults: { check_interval: 200ms }", "  goes_on: { command: note }\n");
    std::fs::create_dir(stage.path("store")).unwrap();
    let lock =
        File::options().create_new(true).read(true).write(true).open(stage.path("store/lock")).unwrap();
    read_lock(&lock);
    let mut daemon = stage.start();
    wait_for("runs in spite of the lock", || (lines(&noted).len() > 3).then_some(()));
    wait_for("the reason in the log", || daemon.log().contains("runs are not stored: ").then_some(()));
    assert!(daemon.is_alive());
    assert!(stage.history("goes_on").is_empty());
    drop(lock);
    // What ran meanwhile was kept in memory, and nothing of it is lost.
    wait_for("the first run in the store", || {
        let stored = stage.history("goes_on").len();
        (stored > 3 && stored >= lines(&noted).len() - 2).then_some(())
    });
    assert!(daemon.end().success());
    assert_eq!(stage.history("goes_on").len(), lines(&noted).len());
}

#[test]
fn commands_that_check_at_once_store_one_after_the_other() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/echo fine }\n");
    let started: Vec<_> = (0..6).map(|_| stage.command(&["check", "a"]).spawn().unwrap()).collect();
    for mut check in started {
        assert!(check.wait().unwrap().success());
    }
    assert_eq!(stage.history("a").len(), 6);
}
