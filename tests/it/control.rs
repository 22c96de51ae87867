//! Commands and the running agent: who answers, who may ask, and what becomes of an agent that does not answer.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use crate::stage::{Daemon, Running, Stage, as_root, python, text, wait_for};

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// Answers in the agent's place: that all is well, with sequences that clear the terminal.
const IMPOSTOR: &str = r#"
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1].replace("@", "\0", 1) if sys.argv[1][0] == "@" else sys.argv[1])
server.listen(5)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    try:
        if b"run" in connection.recv(65536):
            connection.sendall(b'{"ran":{"output":[76,73,69,27,91,50,74,10],"state":0}}\n')
        else:
            connection.sendall(b'{"status":{"pid":1,"started_ms":0,"rows":[],"parts":[{"name":"LIE\\u001b[2J",'
                b'"addresses":["\\u001b[2J"],"counters":[],"findings":[],"summary":null}]}}\n')
    except OSError:
        pass
    connection.close()
"#;

/// Starts it as a user.
fn impostor(socket: &Path, uid: u32) -> Running {
    as_root();
    let mut command = Command::new(python());
    command.args(["-c", IMPOSTOR]).arg(socket).uid(uid).gid(uid);
    let mut impostor = Running::start(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(impostor.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    impostor
}

/// A stage whose store every user may write to, with a check that fails.
fn open_stage() -> Stage {
    let stage = Stage::new();
    stage.plugin("bad", "echo THE TRUTH; exit 2");
    stage.configure("defaults: { check_interval: 200ms }", "  bad: { command: bad }\n");
    fs::create_dir(stage.path("store")).unwrap();
    stage
}

/// No verdict is taken from a process in the agent's place.
fn gives_no_verdict(stage: &Stage, why: &str) {
    let check = stage.custos(&["check", "bad"]);
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(2), "THE TRUTH\n".to_owned()));
    assert!(text(&check.stderr).contains(why), "{}", text(&check.stderr));
}

#[test]
fn the_agents_own_check_is_answered_by_the_agent_or_the_store() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/true }\n");
    let check = || {
        let output = stage.custos(&["check", "custos"]);
        (output.status.code(), text(&output.stdout))
    };
    let agent = stage.start();
    let (code, said) = wait_for("a report", || Some(check()).filter(|(code, _)| *code == Some(0)));
    assert!(said.contains("| 'plugins_running'="), "{code:?} {said}");
    assert!(agent.end().success());
    // The report is a few seconds old at most.
    assert_eq!(check().0, Some(0));
    fs::remove_dir_all(stage.path("store")).unwrap();
    assert_eq!(check().0, Some(3));
}

#[test]
fn a_stranger_in_the_agents_place_is_not_believed() {
    let stage = open_stage();
    // Even where the directory lets every user make files.
    fs::set_permissions(stage.path("store"), fs::Permissions::from_mode(0o777)).unwrap();
    let _impostor = impostor(&stage.path("store/agent.socket"), NOBODY);
    let why = "of user 65534 answers in the agent's place, and is not believed";
    let status = text(&stage.custos(&["status"]).stdout);
    assert!(!status.contains("LIE") && status.contains(why), "{status}");
    gives_no_verdict(&stage, why);
}

/// The name under which the agent of a store listens while nothing can be made in the store's directory.
fn abstract_name(store: &Path) -> PathBuf {
    let bytes = store.as_os_str().as_encoded_bytes().iter();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("@custos/{hash:016x}").into()
}

/// `status` and `check`, as a user of its own and then as root, who makes a store, show nothing of what the impostor says.
fn names_the_impostor(stage: &Stage) {
    for uid in [54_405, 0] {
        for arguments in [&["status"][..], &["check", "bad"]] {
            let output = stage.command(arguments).uid(uid).gid(uid).output().unwrap();
            let shown = text(&output.stdout) + &text(&output.stderr);
            let why = "of user 65534 answers in the agent's place, and is not believed";
            assert!(!shown.contains("LIE"), "{arguments:?} as {uid}: {shown}");
            // Without a store there is no status to show beside it.
            assert!(
                shown.contains(why) || shown.contains("failed to open the store"),
                "{arguments:?} as {uid}: {shown}"
            );
            if arguments[0] == "check" {
                assert!(shown.contains(why), "as {uid}: {shown}");
                assert!(shown.contains("THE TRUTH"), "as {uid}: {shown}");
                assert_eq!(output.status.code(), Some(2), "as {uid}: {shown}");
            }
        }
    }
}

#[test]
fn nor_is_a_stranger_under_the_name_that_is_used_without_a_directory() {
    let stage = open_stage();
    // Nothing listens in the directory, so the other name is tried.
    let _impostor = impostor(&abstract_name(&stage.path("store")), NOBODY);
    names_the_impostor(&stage);
    // There is no directory.
    fs::remove_dir_all(stage.path("store")).unwrap();
    names_the_impostor(&stage);
    // A file where it should be: also the agent itself cannot have the name then, and says who does not let it.
    fs::remove_dir_all(stage.path("store")).unwrap_or_default();
    stage.write("store", "a file where a directory is wanted");
    names_the_impostor(&stage);
    let daemon = stage.start();
    wait_for("the agent to say so", || {
        daemon.log().contains("commands cannot reach this agent").then_some(())
    });
    names_the_impostor(&stage);
    daemon.kill();
}

#[test]
fn nor_is_the_stores_owner_unless_it_writes_to_the_store() {
    let stage = open_stage();
    std::os::unix::fs::chown(stage.path("store"), Some(NOBODY), Some(NOBODY)).unwrap();
    let _impostor = impostor(&stage.path("store/agent.socket"), NOBODY);
    // Whoever owns the store could write into it what it says here, so it is shown, and named.
    let why = "answers, but does not write to the store";
    let status = text(&stage.custos(&["status"]).stdout);
    assert!(status.contains(why) && !status.contains('\u{1b}'), "{status}");
    gives_no_verdict(&stage, why);
}

#[test]
fn a_plugin_is_run_as_the_daemon_by_the_kernels_word() {
    let stage = open_stage();
    stage.plugin("who", "id -u");
    stage.configure("", "  who: { command: who }\n");
    std::os::unix::fs::chown(stage.path("store"), Some(NOBODY), Some(NOBODY)).unwrap();
    // It says that its process id is 1, which is a process of root's.
    let _impostor = impostor(&stage.path("store/agent.socket"), NOBODY);
    let shown = stage.custos(&["check", "who", "--as-agent"]);
    assert_eq!(text(&shown.stdout), "65534\n", "{}", text(&shown.stderr));
}

fn agent_of(stage: &Stage) -> Daemon {
    stage.plugin("ok", "echo OK");
    stage.configure("defaults: { check_interval: 200ms }", "  ok: { command: ok, timeout: 1s }\n");
    let daemon = stage.start();
    wait_for("the agent to be reached", || reaches(stage, &daemon).then_some(()));
    daemon
}

fn reaches(stage: &Stage, daemon: &Daemon) -> bool {
    text(&stage.custos(&["status"]).stdout).contains(&format!("agent: pid {}, up ", daemon.pid()))
}

#[test]
fn the_socket_is_for_the_owner_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let daemon = agent_of(&stage);
    let socket = stage.path("store/agent.socket");
    let about = fs::metadata(&socket).unwrap();
    assert_eq!((about.mode() & 0o777, about.uid()), (0o600, geteuid().as_raw()));
    let check = stage.custos(&["check", "ok"]);
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(0), "OK\n".to_owned()));
    assert!(daemon.end().success());
    assert!(!socket.exists());
}

#[test]
fn a_socket_that_is_left_behind_or_taken_away_is_made_anew() {
    let stage = Stage::new();
    let daemon = agent_of(&stage);
    let socket = stage.path("store/agent.socket");
    fs::remove_file(&socket).unwrap();
    wait_for("another socket", || reaches(&stage, &daemon).then_some(()));
    daemon.kill();
    assert!(socket.exists());
    let daemon = agent_of(&stage);
    assert!(daemon.end().success());
}

#[test]
fn an_agent_whose_store_is_broken_is_reached_all_the_same() {
    let stage = Stage::new();
    stage.write("store", "a file where a directory is wanted");
    let daemon = agent_of(&stage);
    // The directory is there again: so is the socket in it, and nothing listens under the other name.
    fs::remove_file(stage.path("store")).unwrap();
    wait_for("the socket in the store", || stage.path("store/agent.socket").exists().then_some(()));
    assert!(reaches(&stage, &daemon));
    assert!(daemon.end().success());
}

#[test]
fn the_one_that_writes_to_the_store_gets_the_socket() {
    let stage = Stage::new();
    let daemon = agent_of(&stage);
    let second = Daemon::start(&mut stage.command(&["run"]), &stage.path("second"));
    let taken = format!("commands cannot reach this agent: process {} listens there", daemon.pid());
    wait_for("the second to say so", || second.log().contains(&taken).then_some(()));
    assert!(reaches(&stage, &daemon));
    daemon.kill();
    wait_for("the second to take its place", || reaches(&stage, &second).then_some(()));
}

#[test]
fn connections_that_ask_nothing_hold_up_no_command() {
    let stage = Stage::new();
    let daemon = agent_of(&stage);
    let connect = || UnixStream::connect(stage.path("store/agent.socket")).unwrap();
    let mut idle: Vec<UnixStream> = (0..70).map(|_| connect()).collect();
    assert!(reaches(&stage, &daemon));
    let mut why = String::new();
    idle[0].read_to_string(&mut why).unwrap();
    assert!(why.contains("too many commands are connected"), "{why}");
    let check = stage.custos(&["check", "ok"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stderr));
    assert!(daemon.end().success());
}
