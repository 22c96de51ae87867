//! Plugins in warm interpreters that do their worst, and interpreters that are killed and stopped: each run is reported as that of a process
//! would be, and nothing is left of it.

use std::time::Duration;

use custos_shim::{Credentials, Limits, Outcome, Spec, Warm};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::Bench;
use crate::stage::{as_root, children, kill_hard, send, wait_until};
use crate::warm::{plugin, run_warm};

/// The warm interpreters of the bench.
async fn interpreters(bench: &Bench) -> Vec<i32> {
    let is_interpreter = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.windows(16).any(|part| part == b"/proc/self/fd/0\0")
    };
    children(bench.worker().await).into_iter().filter(is_interpreter).collect()
}

/// Waits until no process of the plugins is left.
async fn cleared(bench: &Bench) {
    wait_until("the end of every process of the plugins", || bench.processes().is_empty().then_some(()))
        .await;
}

/// A plugin of this text in both languages; each interpreter is warm.
async fn both(bench: &mut Bench, perl: &str, python: &str) -> [Spec; 2] {
    let mut specs = Vec::new();
    for (name, head, text) in [("perl", "#!/usr/bin/perl", perl), ("python", "#!/usr/bin/python3", python)] {
        let quick = plugin(bench, &format!("quick_{name}"), &format!("{head}\n"));
        let quick = bench.spec(&[&quick]);
        run_warm(bench, &quick).await;
        let program = plugin(bench, &format!("check_{name}"), &format!("{head}\n{text}\n"));
        specs.push(Spec { warm: Warm::ALL, ..bench.spec(&[&program]) });
    }
    specs.try_into().unwrap()
}

/// A plugin that does nothing, for the interpreter that this one has.
fn quick_like(bench: &Bench, spec: &Spec) -> Spec {
    let text = std::fs::read_to_string(&spec.argv[0]).unwrap();
    let program = plugin(bench, "quick", &format!("{}\n", text.lines().next().unwrap()));
    bench.spec(&[&program])
}

const SHORT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn one_that_ignores_every_signal_is_killed() {
    let mut bench = Bench::set();
    let perl = "$SIG{$_} = 'IGNORE' for qw(TERM HUP INT); sleep 1000 while 1;";
    let python = "import signal, time\nfor n in (15, 1, 2): signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(1000)";
    for spec in both(&mut bench, perl, python).await {
        let report = bench.run(Spec { timeout: SHORT, ..spec }).await;
        assert_eq!((report.outcome, report.warm), (Outcome::TimedOut, true));
    }
    cleared(&bench).await;
}

#[tokio::test]
async fn one_that_writes_for_ever_is_cut() {
    let mut bench = Bench::set();
    let perl = "print 'x' x 1000 while 1;";
    let python = "while True: print('x' * 1000)";
    for spec in both(&mut bench, perl, python).await {
        let report = bench.run(Spec { timeout: SHORT, ..spec }).await;
        assert_eq!((report.outcome, report.stdout.len(), report.warm), (Outcome::TimedOut, 64 * 1024, true));
        assert!(report.stdout_bytes > 64 * 1024);
    }
    cleared(&bench).await;
}

#[tokio::test]
async fn what_it_leaves_behind_is_ended_and_counted() {
    let mut bench = Bench::set();
    let perl = "use POSIX; if (!fork) { POSIX::setsid(); exec 'sleep', 1000 if !fork; sleep 1000; } print \"OK\\n\";";
    let python = "import os, time\nif not os.fork():\n    os.setsid()\n    if not os.fork(): os.execv('/bin/sleep', ['sleep', '1000'])\n    time.sleep(1000)\nprint('OK')";
    for spec in both(&mut bench, perl, python).await {
        let report = bench.run(spec.clone()).await;
        assert_eq!(
            (report.outcome, report.stdout.as_slice(), report.warm),
            (Outcome::Exited(0), &b"OK\n"[..], true)
        );
        cleared(&bench).await;
        let report = bench.run(Spec { leave_background: true, await_background: false, ..spec }).await;
        assert_eq!((report.outcome, report.left_behind), (Outcome::Exited(0), 0));
        assert!(!bench.processes().is_empty(), "nothing is left alone");
        wait_until("the end of what was left alone", || {
            let left = bench.processes();
            for pid in &left {
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            left.is_empty().then_some(())
        })
        .await;
        cleared(&bench).await;
    }
}

#[tokio::test]
async fn a_run_goes_on_when_its_interpreter_is_killed() {
    let mut bench = Bench::set();
    let perl = "print \"begins\\n\"; open my $file, '>', \"$ENV{STAGE}/begun\"; close $file; \
                select undef, undef, undef, 0.01 until -e \"$ENV{STAGE}/go\"; print \"ends\\n\"; exit 1;";
    let python = "import os, time\nstage = os.environ['STAGE']\nprint('begins')\nopen(stage + '/begun', 'w').close()\n\
                  while not os.path.exists(stage + '/go'): time.sleep(0.01)\nprint('ends')\nraise SystemExit(1)";
    for spec in both(&mut bench, perl, python).await {
        // The one before has killed all.
        let quick = quick_like(&bench, &spec);
        run_warm(&mut bench, &quick).await;
        let ticket = bench.submit(spec.clone());
        wait_until("its begin", || bench.stage.path("begun").exists().then_some(())).await;
        interpreters(&bench).await.into_iter().for_each(kill_hard);
        // Meanwhile others run without one, until there is a new one.
        run_warm(&mut bench, &quick).await;
        std::fs::write(bench.stage.path("go"), "").unwrap();
        let (reported, report) = bench.next().await;
        assert_eq!((reported, report.outcome, report.warm), (ticket, Outcome::Exited(1), true));
        assert_eq!(report.stdout, b"begins\nends\n");
        for file in ["begun", "go"] {
            std::fs::remove_file(bench.stage.path(file)).unwrap();
        }
    }
    cleared(&bench).await;
}

#[tokio::test]
async fn an_interpreter_that_is_stopped_costs_a_run_no_more_than_a_wait() {
    let mut bench = Bench::set();
    for spec in both(&mut bench, "print \"OK\\n\"; exit 2;", "print('OK')\nraise SystemExit(2)").await {
        interpreters(&bench).await.into_iter().for_each(|pid| send(pid, Signal::SIGSTOP));
        let report = bench.run(spec).await;
        assert_eq!(
            (report.outcome, report.stdout.as_slice(), report.warm),
            (Outcome::Exited(2), &b"OK\n"[..], false)
        );
    }
    cleared(&bench).await;
}

#[tokio::test]
async fn interpreters_end_with_the_shim() {
    let mut bench = Bench::set();
    let [perl, _] = both(&mut bench, "print \"OK\\n\";", "print('OK')").await;
    let gone = |pids: &[i32]| pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists());
    let first = interpreters(&bench).await;
    assert_eq!(first.len(), 2);
    kill_hard(bench.worker().await);
    wait_until("the end of the interpreters", || gone(&first).then_some(())).await;
    run_warm(&mut bench, &perl).await;
    let second = interpreters(&bench).await;
    assert_eq!(second.len(), 1);
    bench.shims.stop().await;
    wait_until("the end of the interpreters", || gone(&second).then_some(())).await;
}

fn confined(spec: &Spec, uid: u32) -> Spec {
    let credentials = Credentials { uid, gid: uid, groups: Vec::new() };
    let limits = Limits { processes: Some(40), cpu_s: Some(20), ..Limits::default() };
    Spec { credentials: Some(credentials), limits, ..spec.clone() }
}

#[tokio::test]
async fn a_fork_bomb_stays_within_its_limits_and_ends() {
    as_root();
    let mut bench = Bench::set();
    let perl = "fork while 1;";
    let python = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass";
    for (spec, uid) in both(&mut bench, perl, python).await.iter().zip([64_111, 64_112]) {
        let spec = confined(spec, uid);
        let own = quick_like(&bench, &spec);
        let quick = confined(&own, uid);
        run_warm(&mut bench, &quick).await;
        let report = bench.run(Spec { timeout: SHORT, grace: Duration::ZERO, ..spec }).await;
        assert_eq!((report.outcome, report.warm), (Outcome::TimedOut, true));
        cleared(&bench).await;
        run_warm(&mut bench, &quick).await;
    }
}

#[tokio::test]
async fn one_that_kills_all_of_its_user_harms_its_own_interpreter_only() {
    as_root();
    let mut bench = Bench::set();
    let uid = 64_113;
    let specs =
        both(&mut bench, "kill 9, -1; sleep 1000;", "import os, time\nos.kill(-1, 9)\ntime.sleep(1000)")
            .await;
    for spec in specs {
        let theirs = confined(&spec, uid);
        let own = quick_like(&bench, &spec);
        let quick = confined(&own, uid);
        run_warm(&mut bench, &quick).await;
        // It does not kill itself.
        let report = bench.run(Spec { timeout: SHORT, ..theirs }).await;
        assert_eq!((report.outcome, report.warm), (Outcome::TimedOut, true));
        let report = bench.run(Spec { warm: Warm::ALL, ..own }).await;
        assert_eq!((report.outcome, report.warm), (Outcome::Exited(0), true));
        run_warm(&mut bench, &quick).await;
    }
    cleared(&bench).await;
}

#[tokio::test]
async fn many_at_once_are_all_reported() {
    let mut bench = Bench::with_shims(2);
    let perl = "print \"OK $ARGV[0]\\n\"; exit $ARGV[0] % 4;";
    let python = "import sys\nprint('OK', sys.argv[1])\nsys.exit(int(sys.argv[1]) % 4)";
    let specs = both(&mut bench, perl, python).await;
    let mut open = std::collections::BTreeMap::new();
    for number in 0..200_u8 {
        let mut spec = specs[usize::from(number % 2)].clone();
        spec.argv.push(number.to_string().into());
        open.insert(bench.submit(spec), number);
    }
    let mut warm = 0;
    while !open.is_empty() {
        let (ticket, report) = bench.next().await;
        let number = open.remove(&ticket).unwrap();
        assert_eq!(
            (report.outcome, report.stdout),
            (Outcome::Exited(number % 4), format!("OK {number}\n").into_bytes())
        );
        warm += usize::from(report.warm);
    }
    assert!(warm > 0);
    cleared(&bench).await;
}
