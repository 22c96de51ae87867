//! Plugins of the agent's own user against the shims that run them, where the agent is not root.

use std::os::unix::process::CommandExt;

use serde_json::Value;

use crate::PLUGINS;
use crate::stage::{Daemon, Running, Stage, as_root, children, python, text, wait_for};

/// Tries to take over both processes of the shim: to trace, to copy a descriptor, to read their environment and memory.
const TAKE_OVER: &str = "import ctypes, os\n\
    libc = ctypes.CDLL(None, use_errno=True)\n\
    worker = os.getppid()\n\
    stat = open(f'/proc/{worker}/stat').read()\n\
    guard = int(stat.rsplit(') ', 1)[1].split()[1])\n\
    got = []\n\
    def attempt(what, succeeded):\n\
    \x20   if succeeded: got.append(what)\n\
    def readable(path):\n\
    \x20   try: return bool(open(path, 'rb').read(1)) or True\n\
    \x20   except PermissionError: return False\n\
    seize, pidfd_open, pidfd_getfd = 0x4206, 434, 438\n\
    for name, pid in ('worker', worker), ('guard', guard):\n\
    \x20   for file in 'environ', 'maps', 'mem':\n\
    \x20       attempt(f'{name}:{file}', readable(f'/proc/{pid}/{file}') if file != 'mem' else os.access(f'/proc/{pid}/mem', os.R_OK))\n\
    \x20   handle = libc.syscall(pidfd_open, pid, 0)\n\
    \x20   attempt(f'{name}:getfd', any(libc.syscall(pidfd_getfd, handle, fd, 0) >= 0 for fd in range(32)))\n\
    \x20   attempt(f'{name}:trace', libc.ptrace(seize, pid, 0, 0) == 0)\n\
    print('took', ' '.join(got) or 'nothing', 'of', worker > 1 and guard > 1)\n";

fn start(stage: &Stage) -> Daemon {
    let mut run = stage.command(&["run"]);
    Daemon::start(run.uid(PLUGINS).gid(PLUGINS), &stage.path("log"))
}

/// The agent's check of itself, as `status` shows it.
fn own_check(stage: &Stage) -> String {
    text(&stage.custos(&["status", "custos", "--json"]).stdout)
}

/// The runs of a check that its plugin did not end by itself, or that were missed.
fn disturbed(runs: &[Value]) -> Vec<&Value> {
    runs.iter().filter(|run| run["reason"] != "exited").collect()
}

#[test]
fn a_plugin_that_stops_its_shim_does_not_stop_the_checks_of_others() {
    as_root();
    let stage = Stage::writable_by_all();
    stage.plugin("steady", "echo OK");
    stage.plugin("long", "sleep 3; echo OK");
    stage.plugin(
        "attack",
        "kill -STOP $PPID; guard=$(cut -d' ' -f4 /proc/$PPID/stat); kill -STOP $guard; echo OK",
    );
    stage.configure(
        "defaults: { check_interval: 300ms, max_check_attempts: 1 }",
        "  steady: { command: steady }\n  long: { command: long, timeout: 20s }\n  \
         attack: { command: attack, check_interval: 4s }\n",
    );
    let agent = start(&stage);
    stage.runs("attack", 3);
    wait_for("the agent to name the plugins", || {
        let own = own_check(&stage);
        (own.contains("shim") && own.contains("plugins/attack") && own.contains("WARNING")).then_some(())
    });
    let steady = stage.runs("steady", 30);
    let attacks = stage.history("attack").len();
    // What was stopped goes on within milliseconds; only where a shim is replaced is a run lost.
    assert!(disturbed(&steady).len() <= attacks, "{:?}", disturbed(&steady));
    assert!(agent.log().contains("plugins/attack"), "{}", agent.log());
    let shims = children(agent.pid());
    assert!(agent.end().success());
    for shim in shims {
        assert!(!std::path::Path::new(&format!("/proc/{shim}")).exists(), "{shim} outlived the agent");
    }
}

#[test]
fn a_plugin_cannot_take_over_the_shim_that_runs_it() {
    as_root();
    let stage = Stage::writable_by_all();
    stage.write("take-over.py", TAKE_OVER);
    let (python, program) = (python(), stage.shown("take-over.py"));
    stage.configure(
        "defaults: { check_interval: 300ms }",
        &format!("  take: {{ command: {python} {program} }}\n"),
    );
    let agent = start(&stage);
    let runs = stage.runs("take", 2);
    assert_eq!(runs[1]["text"], "took nothing of True", "{runs:?}");
    assert!(agent.end().success());
}

/// Stops every child of a process as soon as it is there, for a minute: those that have not executed their program yet, too.
const STOP_CHILDREN: &str = "my $worker = shift; my $end = time + 60;\n\
    while (time < $end) {\n\
    \x20   for my $list (glob \"/proc/$worker/task/*/children\") {\n\
    \x20       open(my $file, '<', $list) or next;\n\
    \x20       kill 'STOP', split(' ', <$file> // '');\n\
    \x20   }\n\
    }\n";

#[test]
fn a_plugin_that_is_stopped_before_it_executes_holds_up_no_other() {
    as_root();
    let stage = Stage::writable_by_all();
    stage.plugin("steady", "echo OK");
    let checks: String = (0..8).map(|n| format!("  c{n}: {{ command: steady, timeout: 200ms }}\n")).collect();
    stage.configure("defaults: { check_interval: 100ms, max_check_attempts: 1 }", &checks);
    let agent = start(&stage);
    stage.runs("c0", 2);
    let guard = children(agent.pid())[0];
    let worker = wait_for("a worker", || children(guard).first().copied());
    let mut stopper = std::process::Command::new("/usr/bin/perl");
    stopper.args(["-e", STOP_CHILDREN]).arg(worker.to_string()).uid(PLUGINS).gid(PLUGINS);
    let stopper = Running::start(&mut stopper);
    wait_for("a plugin that was stopped to be named", || {
        let runs = (0..8).flat_map(|n| stage.history(&format!("c{n}")));
        let mut texts = runs.filter_map(|run| run["text"].as_str().map(str::to_owned));
        texts.any(|text| text.contains("stopped it before it could execute")).then_some(())
    });
    drop(stopper);
    // The others go on in the same shim: it was not replaced.
    let before = stage.history("c1").len();
    stage.runs("c1", before + 5);
    assert_eq!(children(guard), [worker]);
    assert!(agent.end().success());
}
