//! Standard plugins whose work the agent does itself: the same runs, without a process.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::stage::{Stage, as_root, text, wait_for};

/// Where Debian has the plugins.
const PLUGINS: &str = "/usr/lib/nagios/plugins";

fn newest(stage: &Stage, check: &str) -> Value {
    wait_for("a run", || stage.history(check).into_iter().rfind(|run| run["reason"] == "exited"))
}

fn was_a_process(run: &Value) -> bool {
    assert!(run["cpu_ms"].is_number(), "{run}");
    run["max_rss_bytes"].is_number()
}

#[test]
fn a_standard_plugin_is_no_process_and_says_the_same() {
    let stage = Stage::new();
    let swap = format!("{PLUGINS}/check_swap -w 0% -c 1 -n ok");
    let wrapper = stage.plugin("check_swap", &format!("exec {swap}\n"));
    stage.configure(
        "defaults: { check_interval: 200ms }",
        &format!(
            "  native: {{ command: {swap} }}\n  never: {{ command: {swap}, native: false }}\n  \
             odd: {{ command: {swap} -v }}\n  users: {{ command: {swap}, nice: 1 }}\n  \
             wrapped: {{ command: {} -w 0% -c 1 -n ok }}\n  shell: {{ command: {swap}, shell: true }}\n",
            wrapper.display()
        ),
    );
    let daemon = stage.start();
    let runs = ["native", "never", "odd", "users", "wrapped", "shell"].map(|check| newest(&stage, check));
    let processes: Vec<bool> = runs.iter().map(was_a_process).collect();
    assert_eq!(processes, [false, true, true, true, true, true]);
    let theirs = Command::new(format!("{PLUGINS}/check_swap"))
        .args(["-w", "0%", "-c", "1", "-n", "ok"])
        .output()
        .unwrap();
    let line = text(&theirs.stdout);
    let theirs = line.split('|').next().unwrap().trim_end();
    let [native, never, ..] = &runs;
    assert_eq!((native["text"].as_str(), native["exit_code"].as_i64()), (Some(theirs), Some(0)));
    assert_eq!((&native["text"], &native["state"]), (&never["text"], &never["state"]));
    let labels = |run: &Value| {
        let metrics = run["metrics"].as_array().unwrap();
        metrics
            .iter()
            .map(|metric| (metric["label"].clone(), metric["unit"].clone(), metric["max"].clone()))
            .collect::<Vec<_>>()
    };
    assert!(!labels(native).is_empty() && labels(native) == labels(never));
    // Who asks gets a run of the same kind.
    let asked = stage.custos(&["check", "native"]);
    assert_eq!((asked.status.code(), text(&asked.stdout).starts_with("SWAP OK")), (Some(0), true));
    let doctor = text(&stage.custos(&["doctor"]).stdout);
    assert!(doctor.contains("\nwithout a process: native\n"), "{doctor}");
    for why in [
        "never: its plugin is run: `native: false`",
        "users: its plugin is run: it has a user, a niceness or limits",
    ] {
        assert!(doctor.contains(why), "{doctor}");
    }
    assert!(
        doctor.contains("wrapped: its plugin is run: ") && doctor.contains("is in no package"),
        "{doctor}"
    );
    assert!(daemon.end().success());
}

#[test]
fn a_plugin_on_the_network_is_no_process_and_holds_up_nothing() {
    // One that says nothing, one that never stops, and none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let floods = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let closed = port(&TcpListener::bind("127.0.0.1:0").unwrap());
    let flooding = floods.try_clone().unwrap();
    std::thread::spawn(move || {
        for stream in flooding.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || while stream.write_all(&[b'x'; 4096]).is_ok() {});
        }
    });
    let stage = Stage::new();
    let there = |listener: &TcpListener| format!("-H 127.0.0.1 -p {}", port(listener));
    stage.configure(
        "defaults: { check_interval: 200ms, timeout: 5s }",
        &format!(
            "  open: {{ command: {PLUGINS}/check_tcp {0} }}\n  silent: {{ command: {PLUGINS}/check_ftp {0} -t 1 }}\n  \
             held: {{ command: {PLUGINS}/check_ftp {0}, timeout: 500ms }}\n  \
             closed: {{ command: {PLUGINS}/check_ssh -p {closed} 127.0.0.1 }}\n  \
             flooded: {{ command: {PLUGINS}/check_tcp {1} -e never -t 1 }}\n",
            there(&silent),
            there(&floods)
        ),
    );
    let daemon = stage.start();
    let texts = ["open", "silent", "closed"].map(|check| {
        let run = newest(&stage, check);
        assert!(!was_a_process(&run), "{run}");
        (run["text"].as_str().unwrap().to_owned(), run["exit_code"].as_i64().unwrap())
    });
    let [open, silent, closed_text] = texts;
    assert!(open.0.starts_with("TCP OK - 0.") && open.1 == 0, "{open:?}");
    assert_eq!(silent, ("CRITICAL - Socket timeout after 1 seconds".to_owned(), 2));
    let refused = format!("connect to address 127.0.0.1 and port {closed}: Connection refused");
    assert_eq!(closed_text, (refused, 2));
    wait_for("the end of its time", || {
        stage.history("held").into_iter().find(|run| run["reason"] == "timeout").map(drop)
    });
    // What is too much is the plugin's, which ends by its own timeout.
    assert!(was_a_process(&newest(&stage, "flooded")));
    assert!(daemon.end().success());
}

#[test]
fn own_plugins_are_programs_and_no_processes() {
    let stage = Stage::new();
    let this = env!("CARGO_BIN_EXE_custos");
    let said = Command::new(this).args(["check_mem", "-c", "0"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said.stdout).starts_with("MEM CRITICAL - "), "{said:?}");
    let said = Command::new(this).args(["check_cpu", "-x"]).output().unwrap();
    assert_eq!(said.status.code(), Some(3));
    assert!(text(&said.stdout).starts_with("check_cpu UNKNOWN - invalid option -- 'x'\nusage: "), "{said:?}");
    stage.configure(
        "defaults: { check_interval: 200ms }",
        &format!(
            "  memory: {{ command: {this} check_mem -w 101 }}\n  processors: {{ command: {this} check_cpu -w 101, native: true }}\n  \
             wrong: {{ command: {this} check_mem -w x }}\n"
        ),
    );
    let daemon = stage.start();
    for (check, start) in [("memory", "MEM OK - "), ("processors", "CPU OK - ")] {
        let run = newest(&stage, check);
        assert!(!was_a_process(&run) && run["text"].as_str().unwrap().starts_with(start), "{run}");
    }
    assert!(was_a_process(&newest(&stage, "wrong")));
    assert!(daemon.end().success());
}

#[test]
fn what_must_be_native_and_is_not_known_is_a_mistake() {
    let stage = Stage::new();
    stage.configure(
        "defaults: { check_interval: 1m }",
        "  disk: { command: check_disk -w 5% -c 2% -A, native: true }\n  own: { command: /bin/true, native: true }\n  \
         shell: { command: check_load -w 5 -c 9, shell: true, native: true }\n",
    );
    let told = stage.custos(&["config", "check"]);
    let told = text(&told.stderr);
    assert!(told.contains("`native` cannot be: invalid option -- 'A'"), "{told}");
    assert!(told.contains("`native` cannot be: there is no true without a process"), "{told}");
    assert!(told.contains("`native` is for commands without a shell"), "{told}");
    stage.configure("defaults: { native: true }", "  own: { command: /bin/true }\n");
    let told = text(&stage.custos(&["config", "check"]).stderr);
    assert!(told.contains("`native: true` is for a check; expected `auto` or `false` here"), "{told}");
}

#[test]
fn doctor_says_it_of_commands_of_nrpe_too() {
    let stage = Stage::new();
    let lines = format!(
        "command[swap]={PLUGINS}/check_swap -w 10% -c 5%\ncommand[verbose]={PLUGINS}/check_swap -w 10% -c 5% -v\n\
         command[asked]={PLUGINS}/check_swap -w $ARG1$ -c 5%\ncommand[piped]={PLUGINS}/check_swap -w 10% | cat\n"
    );
    stage.write("nrpe.cfg", &lines);
    stage.configure(
        "nrpe: { config: nrpe.cfg, listen: '127.0.0.1:1', commands_as_root: true }",
        "  own: { command: /bin/true }\n",
    );
    let doctor = text(&stage.custos(&["doctor"]).stdout);
    assert!(doctor.contains("\nwithout a process: nrpe command swap\n"), "{doctor}");
    assert!(doctor.contains("nrpe command verbose: its plugin is run: invalid option -- 'v'"), "{doctor}");
    assert!(!doctor.contains("command asked:") && !doctor.contains("command piped:"), "{doctor}");
}

#[test]
fn a_plugin_that_is_replaced_is_run_from_then_on() {
    let stage = Stage::new();
    // What the package has installed counts wherever the path of it leads to.
    let linked = stage.path("check_load");
    std::os::unix::fs::symlink(Path::new(PLUGINS).join("check_load"), &linked).unwrap();
    stage.configure(
        "defaults: { check_interval: 100ms }",
        &format!("  load: {{ command: {} -w 1000 -c 2000 }}\n", linked.display()),
    );
    let daemon = stage.start();
    assert!(!was_a_process(&newest(&stage, "load")));
    std::fs::remove_file(&linked).unwrap();
    std::fs::rename(stage.plugin("wrapper", "echo WRAPPED\n"), &linked).unwrap();
    let wrapped = wait_for("a run of the wrapper", || {
        stage.history("load").into_iter().rfind(|run| run["text"] == "WRAPPED")
    });
    assert!(was_a_process(&wrapped));
    assert!(daemon.end().success());
}

/// A file system that answers nobody, as that of a server that is away, until this is dropped.
struct Dead {
    _device: std::fs::File,
}

impl Dead {
    fn mount(over: &Path) -> Dead {
        let device = std::fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        mount(Some("server:/dead"), over, Some("fuse"), MsFlags::empty(), Some(options.as_str())).unwrap();
        Dead { _device: device }
    }
}

#[test]
fn a_file_system_that_does_not_answer_is_named_and_holds_up_nothing() {
    as_root();
    // In a namespace of its own, so that nothing else comes across it.
    let scene = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None::<&str>).unwrap();
        let stage = Stage::new();
        let place = stage.path("dead");
        std::fs::create_dir(&place).unwrap();
        let disk = |path: &str| format!("{PLUGINS}/check_disk -w 1% -c 1% -p {path}");
        stage.configure(
            "defaults: { check_interval: 300ms, timeout: 1s }",
            &format!(
                "  dead: {{ command: {} }}\n  again: {{ command: {} }}\n  root: {{ command: {} }}\n",
                disk(place.to_str().unwrap()),
                disk(place.to_str().unwrap()),
                disk("/")
            ),
        );
        let dead = Dead::mount(&place);
        let daemon = stage.start();
        let expected = format!("DISK CRITICAL - {} does not answer", place.display());
        for check in ["dead", "again"] {
            let said = wait_for("what does not answer", || {
                let runs: Vec<Value> = stage.history(check);
                // Those after the first one do not wait.
                (runs.len() > 3).then(|| runs.last().cloned()).flatten()
            });
            assert_eq!(
                (said["text"].as_str(), said["exit_code"].as_i64()),
                (Some(&*expected), Some(2)),
                "{said}"
            );
        }
        assert!(!was_a_process(&newest(&stage, "root")));
        wait_for("the remark", || {
            let status = text(&stage.custos(&["status"]).stdout);
            status.contains("dead has not answered for").then_some(())
        });
        // Once it answers, were it by an error, it is asked again.
        drop(dead);
        wait_for("another answer", || {
            let runs = stage.history("dead");
            runs.last().filter(|run| !run["text"].as_str().unwrap().ends_with("does not answer")).map(drop)
        });
        assert!(daemon.end().success());
    });
    scene.join().unwrap();
}
