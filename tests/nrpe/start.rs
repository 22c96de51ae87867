//! Items 34 to 58: what is read, and as whom, before the daemon serves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::authority::Authority;
use crate::daemon::{Daemon, Pair, Which, directory, free_port, wait_for, write_config};

const BOTH: [Which; 2] = [Which::Real, Which::Custos];

fn keep_to_root(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_only_root_can_read_is_read_before_root_is_given_up() {
    if !nix::unistd::geteuid().is_root() {
        // Whoever is not root has nothing to give up.
        return;
    }
    let files = directory();
    let server = Authority::new(files.path(), "ca").sign("server");
    keep_to_root(Path::new(&server.key));
    fs::write(files.path().join("secret.cfg"), "command[secret]=echo secret\n").unwrap();
    keep_to_root(&files.path().join("secret.cfg"));
    let lines = format!(
        "ssl_cert_file={}\nssl_privatekey_file={}\ninclude={}/secret.cfg\n",
        server.cert,
        server.key,
        files.path().display()
    );
    let pair = Pair::start(&lines, &[]);
    let answer = pair.same("before", |daemon| daemon.ask(&["-c", "secret"]));
    assert_eq!(answer.stdout, "secret\n");
    // nrpe does not read its certificates again either.
    write_config(pair.custos.directory.path(), pair.custos.port, &format!("{lines}command[new]=echo new\n"));
    pair.custos.signal(Signal::SIGHUP);
    wait_for("the new command", || (pair.custos.ask(&["-c", "new"]).stdout == "new\n").then_some(()));
    assert!(pair.custos.log().contains("stay as they were at the start"), "{}", pair.custos.log());
}

#[test]
fn a_configuration_of_root_alone_is_kept_at_a_hangup() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    for which in BOTH {
        let directory = directory();
        let port = free_port();
        write_config(directory.path(), port, "command[a]=echo a");
        keep_to_root(&directory.path().join("nrpe.cfg"));
        let mut child = start_in(which, directory.path(), Path::new("/"), "nrpe.cfg");
        wait_for("the start", || log(directory.path()).contains("Listening for").then_some(()));
        if which == Which::Custos {
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
            // nrpe ends at this.
            wait_for("the complaint", || log(directory.path()).contains("nothing is changed").then_some(()));
            let asked =
                crate::daemon::ask_with(Command::new(crate::daemon::REAL_CLIENT), port, &["-n", "-c", "a"]);
            assert_eq!(asked.stdout, "a\n");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}

/// Starts a daemon without TLS in this directory, with a configuration in its own.
fn start_in(which: Which, own: &Path, at: &Path, config: &str) -> std::process::Child {
    let mut command = which.command(own);
    command.args(["-n", "-f", "-c"]).arg(own.join(config)).current_dir(at);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_directory_of_the_start_is_left_and_relative_paths_begin_there() {
    for which in BOTH {
        let (own, at) = (directory(), directory());
        fs::write(at.path().join("more.cfg"), "command[more]=echo more\n").unwrap();
        let port = free_port();
        write_config(own.path(), port, "include=more.cfg\nlog_file=relative.log\n");
        let mut child = start_in(which, own.path(), at.path(), "nrpe.cfg");
        let relative = at.path().join("relative.log");
        wait_for("the start", || fs::read_to_string(&relative).ok()?.contains("Listening for").then_some(()));
        let cwd = fs::read_link(format!("/proc/{}/cwd", child.id())).unwrap();
        assert_eq!(cwd, Path::new("/"), "{which:?}");
        let ask =
            || crate::daemon::ask_with(Command::new(crate::daemon::REAL_CLIENT), port, &["-n", "-c", "more"]);
        assert_eq!(ask().stdout, "more\n", "{which:?}");
        if which == Which::Custos {
            // nrpe loses what a relative include names.
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
            wait_for("the hangup", || {
                fs::read_to_string(&relative).ok()?.contains("Caught SIGHUP").then_some(())
            });
            assert_eq!(ask().stdout, "more\n");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn pipes_are_not_waited_for() {
    let files = directory();
    let pipe = files.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::from_bits_truncate(0o666)).unwrap();
    let daemon = Daemon::start(Which::Custos, &format!("include={}\n", pipe.display()), &["-n"]);
    assert!(daemon.log().contains("for reading: a pipe"), "{}", daemon.log());
}

#[test]
fn whoever_is_not_root_needs_no_user_to_become() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let program = ["setpriv", "--reuid=nagios", "--regid=nagios", "--clear-groups"];
    for which in BOTH {
        for lines in ["nrpe_user=no-such-user", "nrpe_user=root\nnrpe_group=root", "nrpe_group=no-such-group"]
        {
            let lines = format!("{lines}\ncommand[id]=id -un\n");
            let daemon = Daemon::start_under(&program, free_port(), which, &lines, &["-n"]);
            assert_eq!(daemon.ask(&["-n", "-c", "id"]).stdout, "nagios\n", "{which:?} {lines}");
        }
    }
}

#[test]
fn an_explanation_leaves_no_trace_and_names_what_is_missing() {
    let directory = directory();
    write_config(
        directory.path(),
        free_port(),
        "ssl_cert_file=%d/none.pem\nssl_privatekey_file=%d/none.key\n",
    );
    let mut command = Which::Custos.command(directory.path());
    command.args(["--explain", "-c"]).arg(directory.path().join("nrpe.cfg"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("The daemon does not start: failed to use certificate file"), "{page}");
    assert!(!directory.path().join("log").exists());
}

#[test]
fn without_a_store_the_end_is_as_good() {
    let directory = directory();
    let port = free_port();
    write_config(directory.path(), port, "command[a]=echo a");
    // A file in the place of the directory.
    fs::write(directory.path().join("store"), "").unwrap();
    let mut child = start_in(Which::Custos, directory.path(), Path::new("/"), "nrpe.cfg");
    wait_for("the start", || log(directory.path()).contains("Listening for").then_some(()));
    let asked = crate::daemon::ask_with(Command::new(crate::daemon::REAL_CLIENT), port, &["-n", "-c", "a"]);
    assert_eq!(asked.stdout, "a\n");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    let status = wait_for("the end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}
