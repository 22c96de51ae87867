//! Plugins as they should be: what they are given, and what is reported of them.

use std::time::Duration;

use custos::execute::{Executor, Program, ShimSettings, TableRows};
use custos::limits::SHIM_CROWD;
use custos::observe::Ending;
use custos_shim::{Limits, Outcome, Spec};

use crate::bench::{Bench, launch, refusal, text};
use crate::stage::{PATIENCE, as_root};

#[tokio::test]
async fn output_and_status_come_back() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("echo 'OK | a=1'; echo why >&2; exit 1")).await;
    assert_eq!(report.outcome, Outcome::Exited(1));
    assert_eq!((report.stdout.as_slice(), report.stdout_bytes), (&b"OK | a=1\n"[..], 9));
    assert_eq!((report.stderr.as_slice(), report.stderr_bytes), (&b"why\n"[..], 4));
    assert!(report.wall_us > 0 && report.max_rss_bytes > 0);
    assert_eq!(report.left_behind, 0);
    bench.cleared().await;
}

#[tokio::test]
async fn a_plugin_gets_what_its_spec_says_and_nothing_else() {
    let mut bench = Bench::set();
    let mut spec = bench.shell("pwd; ls -l /proc/self/fd | grep -c -- '->'; readlink /proc/self/fd/0; env");
    spec.cwd = "/usr".into();
    let report = bench.run(spec).await;
    let printed = text(&report);
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("/usr"));
    // Its three and the one by which ls reads the directory.
    assert_eq!(lines.next(), Some("4"));
    assert_eq!(lines.next(), Some("/dev/null"));
    let mut names: Vec<&str> = lines.map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    // PWD is the shell's own.
    assert_eq!(names, ["CUSTOS_RUN", "LC_ALL", "PATH", "PWD", "STAGE"]);
}

#[tokio::test]
async fn a_plugin_reads_what_it_is_given_from_its_stdin() {
    let mut bench = Bench::set();
    // More than a pipe would hold. `cat` reads all of it, where `wc` may ask for the size.
    let given = b"0123456789abcdef".repeat(20_000);
    let whole = Spec { stdin: given.clone(), ..bench.shell("cat | wc -c; cat | wc -c") };
    assert_eq!(text(&bench.run(whole).await), "320000\n0\n");
    let unread = Spec { stdin: given, ..bench.shell("exit 3") };
    assert_eq!(bench.run(unread).await.outcome, Outcome::Exited(3));
    assert_eq!(text(&bench.run(bench.shell("wc -c")).await), "0\n");
    bench.cleared().await;
}

#[tokio::test]
async fn a_command_runs_beside_plugins_and_ends_as_what_it_left() {
    let settings = ShimSettings { launch: launch(), ..ShimSettings::default() };
    let mut executor = Executor::start(&settings, TableRows::default()).unwrap();
    let commands = executor.commands();
    let program = |line: &str| Program {
        argv: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        variables: vec![("NAGIOS_HOSTNAME".into(), "a $(b) 'c'".into()), ("LC_ALL".into(), "C.UTF-8".into())],
        stdin: b"what\nhappened".to_vec(),
        timeout: PATIENCE,
    };
    let told = program("cat; echo; echo \"$NAGIOS_HOSTNAME $LC_ALL\"; echo why >&2; exit 7");
    let both = async { tokio::join!(commands.run(told), commands.run(program("kill -9 $$"))) };
    let (told, killed) = tokio::select! {
        ended = both => ended,
        (ticket, _) = executor.ended() => panic!("{ticket} is none of a check"),
    };
    assert_eq!(told.ending, Ending::Exited(7));
    assert_eq!(told.stdout, b"what\nhappened\na $(b) 'c' C.UTF-8\n");
    assert_eq!(told.stderr, b"why\n");
    assert_eq!(killed.ending, Ending::Signalled(9));
    executor.stop().await;
    drop(executor);
    assert_eq!(commands.run(program("true")).await.ending, Ending::NotFinished);
}

#[tokio::test]
async fn a_plugin_leads_a_session_with_default_signals() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("cat /proc/$$/stat; grep Sig /proc/self/status")).await;
    let printed = text(&report);
    let stat: Vec<&str> = printed.lines().next().unwrap().split(' ').collect();
    assert_eq!((stat[0], stat[0]), (stat[4], stat[5]), "process, group and session: {stat:?}");
    for set in ["SigBlk", "SigIgn"] {
        let line = printed.lines().find(|line| line.starts_with(set)).unwrap();
        assert!(line.ends_with("0000000000000000"), "{line}");
    }
}

fn own_niceness() -> i32 {
    let printed = std::process::Command::new("nice").output().unwrap().stdout;
    String::from_utf8(printed).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn limits_niceness_and_privileges_are_set() {
    let mut bench = Bench::set();
    let mut spec = bench.shell("ulimit -v; ulimit -t; ulimit -n; nice; grep NoNewPrivs /proc/self/status");
    spec.limits = Limits {
        address_space_bytes: Some(512 << 20),
        cpu_s: Some(7),
        processes: None,
        open_files: Some(64),
    };
    spec.nice = 5;
    spec.no_new_privileges = true;
    let report = bench.run(spec).await;
    // It is added to that of whoever runs the tests.
    let nice = (own_niceness() + 5).min(19);
    assert_eq!(text(&report), format!("524288\n7\n64\n{nice}\nNoNewPrivs:\t1\n"));
}

#[tokio::test]
async fn another_user_is_taken_whole() {
    as_root();
    let mut bench = Bench::set();
    let mut spec = bench.shell("id -u; id -g; id -G; grep -h ^Cap[PE] /proc/self/status");
    spec.credentials = Some(custos_shim::Credentials { uid: 4321, gid: 4322, groups: vec![4323, 4324] });
    let report = bench.run(spec).await;
    let none = "0000000000000000";
    assert_eq!(text(&report), format!("4321\n4322\n4322 4323 4324\nCapPrm:\t{none}\nCapEff:\t{none}\n"));
}

#[tokio::test]
async fn the_end_of_a_signal_is_told_from_an_exit() {
    let mut bench = Bench::set();
    for signal in [1, 2, 3, 6, 9, 11, 13, 14, 15, 31] {
        let report = bench.run(bench.shell(&format!("echo before; kill -{signal} $$"))).await;
        assert_eq!(
            (report.outcome, report.stdout.as_slice()),
            (Outcome::Signalled(signal), &b"before\n"[..])
        );
    }
}

#[tokio::test]
async fn a_plugin_that_runs_too_long_is_ended() {
    let mut bench = Bench::set();
    let mut spec = bench.shell("echo begun; sleep 1000; echo never");
    spec.timeout = Duration::from_millis(100);
    let report = bench.run(spec).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert_eq!(text(&report), "begun\n");
    assert!(report.wall_us >= 100_000);
    bench.cleared().await;
}

#[tokio::test]
async fn many_at_once_each_get_their_own_result() {
    let mut bench = Bench::with_shims(4);
    let count = 200;
    for number in 1..=count {
        let spec = bench.shell(&format!("sleep 0.0{}; echo {number}; exit {}", number % 10, number % 100));
        bench.submit(spec);
    }
    let mut tickets = Vec::new();
    for _ in 0..count {
        let (ticket, report) = bench.next().await;
        assert_eq!(text(&report), format!("{ticket}\n"));
        assert_eq!(report.outcome, Outcome::Exited((ticket % 100) as u8));
        tickets.push(ticket);
    }
    tickets.sort_unstable();
    assert_eq!(tickets, (1..=count).collect::<Vec<u64>>());
    bench.cleared().await;
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let mut bench = Bench::set();
    let directory = bench.stage.root().to_str().unwrap().to_owned();
    let report = bench.run(bench.spec(&["/no/such/plugin"])).await;
    assert_eq!(
        refusal(&report),
        (libc::ENOENT, "failed to execute /no/such/plugin: No such file or directory")
    );
    let report = bench.run(bench.spec(&["no-such-plugin"])).await;
    let (errno, message) = refusal(&report);
    assert_eq!(errno, libc::ENOENT);
    let beginning = "failed to execute no-such-plugin: there is no such program in /";
    assert!(message.starts_with(beginning) && message.contains("/bin"), "{message}");
    let report = bench.run(bench.spec(&[&directory])).await;
    assert_eq!(refusal(&report).0, libc::EACCES);
    let mut spec = bench.shell("true");
    spec.cwd = "/no/such/directory".into();
    let report = bench.run(spec).await;
    assert_eq!(
        refusal(&report),
        (libc::ENOENT, "failed to enter the directory /no/such/directory: No such file or directory")
    );
    let report = bench.run(bench.spec(&[])).await;
    assert_eq!(refusal(&report).0, libc::EINVAL);
    let report = bench.run(bench.spec(&["/bin/echo", "a\0b"])).await;
    assert_eq!(refusal(&report).0, libc::EINVAL);
    assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn a_name_without_a_slash_is_looked_up() {
    let mut bench = Bench::set();
    let report = bench.run(bench.spec(&["echo", "found"])).await;
    assert_eq!(text(&report), "found\n");
}

#[tokio::test]
async fn stopping_ends_what_runs_and_the_shims() {
    let mut bench = Bench::with_shims(2);
    // One more than the first shim is given before there is another.
    let count = SHIM_CROWD + 1;
    for _ in 0..count {
        let spec = bench.shell("trap '' TERM; sleep 1000 & sleep 1000");
        bench.submit(spec);
    }
    bench.peopled(3 * count).await;
    assert_eq!(bench.shims.shim_pids().len(), 2);
    bench.shims.stop().await;
    for _ in 0..count {
        assert_eq!(bench.next().await.1.outcome, Outcome::NotFinished);
    }
    assert!(bench.shims.shim_pids().is_empty());
    bench.cleared().await;
}

#[test]
fn one_plugin_runs_without_an_agent() {
    let bench = tokio::runtime::Runtime::new().unwrap();
    let spec = bench.block_on(async { Bench::set().shell("echo alone; exit 2") });
    let report = custos_shim::run_once(&launch(), &spec).unwrap();
    assert_eq!((report.outcome, report.stdout), (Outcome::Exited(2), b"alone\n".to_vec()));
}
