//! Items 34 to 58: what is read, and as whom, before the daemon serves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::authority::Authority;
use crate::server::{Pair, REAL_CLIENT, Server, Which, ask_with, write_config};
use crate::stage::{Daemon, Stage, as_root, free_port, wait_for};

const BOTH: [Which; 2] = [Which::Real, Which::Custos];

fn keep_to_root(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_only_root_can_read_is_read_before_root_is_given_up() {
    as_root();
    let files = Stage::writable_by_all();
    let server = Authority::new(files.root(), "ca").sign("server");
    keep_to_root(Path::new(&server.key));
    fs::write(files.path("secret.cfg"), "command[secret]=echo secret\n").unwrap();
    keep_to_root(&files.path("secret.cfg"));
    let lines = format!(
        "ssl_cert_file={}\nssl_privatekey_file={}\ninclude={}/secret.cfg\n",
        server.cert,
        server.key,
        files.root().display()
    );
    let pair = Pair::start(&lines, &[]);
    let answer = pair.same("before", |daemon| daemon.ask(&["-c", "secret"]));
    assert_eq!(answer.stdout, "secret\n");
    // nrpe does not read its certificates again either.
    write_config(pair.custos.stage.root(), pair.custos.port, &format!("{lines}command[new]=echo new\n"));
    pair.custos.signal(Signal::SIGHUP);
    wait_for("the new command", || (pair.custos.ask(&["-c", "new"]).stdout == "new\n").then_some(()));
    assert!(pair.custos.log().contains("stay as they were at the start"), "{}", pair.custos.log());
}

#[test]
fn a_configuration_of_root_alone_is_kept_at_a_hangup() {
    as_root();
    for which in BOTH {
        let directory = Stage::writable_by_all();
        let port = free_port();
        write_config(directory.root(), port, "command[a]=echo a");
        keep_to_root(&directory.path("nrpe.cfg"));
        let daemon = start_in(which, &directory, Path::new("/"));
        wait_for("the start", || daemon.log().contains("Listening for").then_some(()));
        if which == Which::Custos {
            daemon.signal(Signal::SIGHUP);
            // nrpe ends at this.
            wait_for("the complaint", || daemon.log().contains("nothing is changed").then_some(()));
            let asked = ask_with(Command::new(REAL_CLIENT), port, &["-n", "-c", "a"]);
            assert_eq!(asked.stdout, "a\n");
        }
    }
}

/// Starts a server without TLS in the directory `at`, with the configuration and the log of its own.
fn start_in(which: Which, own: &Stage, at: &Path) -> Daemon {
    let mut command = which.command(own.root());
    command.args(["-n", "-f", "-c"]).arg(own.path("nrpe.cfg")).current_dir(at).stderr(Stdio::null());
    Daemon::start_with(&mut command, &own.path("log"))
}

#[test]
fn the_directory_of_the_start_is_left_and_relative_paths_begin_there() {
    for which in BOTH {
        let (own, at) = (Stage::writable_by_all(), Stage::writable_by_all());
        fs::write(at.path("more.cfg"), "command[more]=echo more\n").unwrap();
        let port = free_port();
        write_config(own.root(), port, "include=more.cfg\nlog_file=relative.log\n");
        let daemon = start_in(which, &own, at.root());
        let relative = at.path("relative.log");
        wait_for("the start", || fs::read_to_string(&relative).ok()?.contains("Listening for").then_some(()));
        let cwd = fs::read_link(format!("/proc/{}/cwd", daemon.pid())).unwrap();
        assert_eq!(cwd, Path::new("/"), "{which:?}");
        let ask = || ask_with(Command::new(REAL_CLIENT), port, &["-n", "-c", "more"]);
        assert_eq!(ask().stdout, "more\n", "{which:?}");
        if which == Which::Custos {
            // nrpe loses what a relative include names.
            daemon.signal(Signal::SIGHUP);
            wait_for("the hangup", || {
                fs::read_to_string(&relative).ok()?.contains("Caught SIGHUP").then_some(())
            });
            assert_eq!(ask().stdout, "more\n");
        }
    }
}

#[test]
fn pipes_are_not_waited_for() {
    let files = Stage::writable_by_all();
    let pipe = files.path("pipe");
    nix::unistd::mkfifo(&pipe, Mode::from_bits_truncate(0o666)).unwrap();
    let daemon = Server::start(Which::Custos, &format!("include={}\n", pipe.display()), &["-n"]);
    assert!(daemon.log().contains("for reading: a pipe"), "{}", daemon.log());
}

#[test]
fn whoever_is_not_root_needs_no_user_to_become() {
    as_root();
    let program = ["setpriv", "--reuid=nagios", "--regid=nagios", "--clear-groups"];
    for which in BOTH {
        for lines in ["nrpe_user=no-such-user", "nrpe_user=root\nnrpe_group=root", "nrpe_group=no-such-group"]
        {
            let lines = format!("{lines}\ncommand[id]=id -un\n");
            let daemon = Server::start_under(&program, free_port(), which, &lines, &["-n"]);
            assert_eq!(daemon.ask(&["-n", "-c", "id"]).stdout, "nagios\n", "{which:?} {lines}");
        }
    }
}

#[test]
fn an_explanation_leaves_no_trace_and_names_what_is_missing() {
    let directory = Stage::writable_by_all();
    write_config(
        directory.root(),
        free_port(),
        "ssl_cert_file=%d/none.pem\nssl_privatekey_file=%d/none.key\n",
    );
    let mut command = Which::Custos.command(directory.root());
    command.args(["--explain", "-c"]).arg(directory.path("nrpe.cfg"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("The agent does not start: failed to use certificate file"), "{page}");
    assert!(!directory.path("log").exists());
}

#[test]
fn without_a_store_the_end_is_as_good() {
    let directory = Stage::writable_by_all();
    let port = free_port();
    write_config(directory.root(), port, "command[a]=echo a");
    // A file in the place of the directory.
    fs::write(directory.path("store"), "").unwrap();
    let mut daemon = start_in(Which::Custos, &directory, Path::new("/"));
    wait_for("the start", || daemon.log().contains("Listening for").then_some(()));
    let asked = ask_with(Command::new(REAL_CLIENT), port, &["-n", "-c", "a"]);
    assert_eq!(asked.stdout, "a\n");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended(), 0);
}
