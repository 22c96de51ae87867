//! Plugins that do their worst. Each test ends with the certainty that no process of theirs is left.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use custos_shim::{Credentials, Limits, Outcome, Spec};
use nix::sys::signal::Signal;

use crate::bench::{Bench, refusal, text};
use crate::stage::{Running, as_root, send};

const SHORT: Duration = Duration::from_millis(300);

fn short(spec: Spec) -> Spec {
    Spec { timeout: SHORT, ..spec }
}

#[tokio::test]
async fn one_that_ignores_term_is_killed() {
    let mut bench = Bench::set();
    let report = bench.run(short(bench.shell("trap '' TERM HUP INT; while :; do sleep 1; done"))).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    bench.cleared().await;
}

#[tokio::test]
async fn one_that_answers_term_with_success_has_timed_out_all_the_same() {
    let mut bench = Bench::set();
    let mut spec = short(bench.shell("trap 'echo late; exit 0' TERM; while :; do sleep 0.01; done"));
    spec.grace = Duration::from_secs(20);
    let report = bench.run(spec).await;
    assert_eq!((report.outcome.clone(), text(&report).as_str()), (Outcome::TimedOut, "late\n"));
    bench.cleared().await;
}

#[tokio::test]
async fn one_that_stops_itself_is_ended() {
    let mut bench = Bench::set();
    let report = bench.run(short(bench.shell("echo before; kill -STOP $$; sleep 1000"))).await;
    assert_eq!((report.outcome.clone(), text(&report).as_str()), (Outcome::TimedOut, "before\n"));
    bench.cleared().await;
}

#[tokio::test]
async fn a_daemon_that_keeps_stdout_open_delays_nothing() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("setsid sh -c 'sleep 1000; :' & echo OK")).await;
    assert_eq!((report.outcome.clone(), text(&report).as_str()), (Outcome::Exited(0), "OK\n"));
    assert!(report.left_behind >= 1);
    bench.cleared().await;
}

#[tokio::test]
async fn what_is_left_alone_in_the_background_does_not_count_as_ended() {
    let mut bench = Bench::set();
    let mut spec = bench.shell("sleep 1000 >/dev/null 2>&1 & echo OK");
    spec.leave_background = true;
    let report = bench.run(spec).await;
    assert_eq!((text(&report).as_str(), report.left_behind), ("OK\n", 0));
    let left = bench.processes();
    assert_eq!(left.len(), 1);
    send(left[0], Signal::SIGKILL);
    bench.cleared().await;
}

#[tokio::test]
async fn a_daemon_that_hides_its_origin_is_ended_with_the_runs_of_its_time() {
    let mut bench = Bench::set();
    let file = bench.stage.path("hidden");
    std::fs::write(&file, "").unwrap();
    let bystander = bench.submit(bench.shell("while ! test -e \"$STAGE/go\"; do sleep 0.01; done"));
    bench.peopled(1).await;
    let line = format!("setsid env -i tail -f {} >/dev/null 2>&1 & sleep 0.2", file.display());
    let hider = bench.submit(bench.shell(&line));
    assert_eq!(bench.next().await.0, hider);
    std::fs::write(bench.stage.path("go"), "").unwrap();
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, report.outcome), (bystander, Outcome::Exited(0)));
    bench.cleared().await;
}

#[tokio::test]
async fn what_another_plugin_runs_in_the_background_is_left_alone() {
    let mut bench = Bench::set();
    // Both are adopted by the shim while their plugin runs on; the second has even left its session.
    let line =
        "( (sleep 0.4; echo kept >>$STAGE/a) & ) ; ( setsid sh -c 'sleep 0.4; echo kept >>$STAGE/b' & ) ;
        until test -s $STAGE/a && test -s $STAGE/b; do sleep 0.02; done; cat $STAGE/a $STAGE/b";
    let patient = bench.submit(bench.shell(line));
    bench.peopled(4).await;
    for _ in 0..20 {
        let passing = bench.submit(bench.shell("setsid sleep 1000 & exit 3"));
        let (ticket, report) = bench.next().await;
        assert_eq!((ticket, report.outcome), (passing, Outcome::Exited(3)));
    }
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, text(&report).as_str()), (patient, "kept\nkept\n"));
    bench.cleared().await;
}

#[tokio::test]
async fn a_grandchild_that_writes_for_ever_delays_nothing() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("yes & yes >&2 & setsid yes & sleep 0.1; exit 2")).await;
    assert_eq!(report.outcome, Outcome::Exited(2));
    assert!(report.stdout.starts_with(b"y\ny\n"));
    bench.cleared().await;
}

#[tokio::test]
async fn one_that_writes_for_ever_is_cut() {
    let mut bench = Bench::set();
    let report = bench.run(short(bench.spec(&["/usr/bin/yes"]))).await;
    assert_eq!((report.outcome, report.stdout.len()), (Outcome::TimedOut, 64 * 1024));
    assert!(report.stdout_bytes > 64 * 1024);
    bench.cleared().await;
}

#[tokio::test]
async fn a_gigabyte_of_stderr_is_drained_and_counted() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("head -c 1073741824 /dev/zero >&2; echo OK")).await;
    assert_eq!((report.outcome.clone(), text(&report).as_str()), (Outcome::Exited(0), "OK\n"));
    assert_eq!((report.stderr.len(), report.stderr_bytes), (1024, 1 << 30));
}

#[tokio::test]
async fn one_that_closes_its_output_is_still_waited_for() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("exec >&- 2>&-; sleep 0.2; exit 1")).await;
    assert_eq!((report.outcome, report.stdout_bytes), (Outcome::Exited(1), 0));
    assert!(report.wall_us >= 200_000);
}

#[tokio::test]
async fn one_that_allocates_without_end_meets_its_limit() {
    let mut bench = Bench::set();
    let limits = Limits { address_space_bytes: Some(128 << 20), ..Limits::default() };
    let report = bench.run(Spec { limits, ..bench.spec(&["/usr/bin/tail", "/dev/zero"]) }).await;
    assert_eq!(report.outcome, Outcome::Exited(1));
    assert!(report.max_rss_bytes <= 128 << 20);
    bench.cleared().await;
}

#[tokio::test]
async fn one_that_burns_time_meets_its_limit() {
    let mut bench = Bench::set();
    let limits = Limits { cpu_s: Some(1), ..Limits::default() };
    let report = bench.run(Spec { limits, ..bench.shell("while :; do :; done") }).await;
    assert!(matches!(report.outcome, Outcome::Signalled(9 | 24)), "{:?}", report.outcome);
    assert!(report.cpu_us > 0);
}

/// Runs Perl as a user of its own, who may have few processes, so that the machine stays usable.
fn confined(bench: &Bench, program: &str, uid: u32) -> Spec {
    let limits = Limits { processes: Some(60), ..Limits::default() };
    let credentials = Some(Credentials { uid, gid: uid, groups: vec![] });
    let timeout = Duration::from_secs(3);
    Spec {
        credentials,
        limits,
        timeout,
        nice: 10,
        ..bench.spec(&["/usr/bin/perl", "-MPOSIX", "-e", program])
    }
}

#[tokio::test]
async fn a_fork_bomb_is_ended_and_hinders_no_other() {
    as_root();
    let mut bench = Bench::set();
    let bomb = bench.submit(confined(
        &bench,
        "while (1) { defined(fork) or select undef, undef, undef, 0.01 }",
        43_210,
    ));
    bench.crowded(43_210, 30).await;
    let bystander = bench.submit(bench.shell("exit 1"));
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, report.outcome), (bystander, Outcome::Exited(1)));
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, report.outcome), (bomb, Outcome::TimedOut));
    bench.cleared().await;
}

#[tokio::test]
async fn a_fork_bomb_that_leaves_every_session_is_ended() {
    as_root();
    let mut bench = Bench::set();
    // The first one begets sessions without end; half of those end at once and leave theirs to the shim.
    let program = "my $first = $$; while (1) {
        my $pid = fork; select undef, undef, undef, 0.01 unless defined $pid; next unless defined $pid;
        if ($pid) { exit if $$ != $first && rand() < 0.5 } else { setsid() }
    }";
    let bomb = bench.submit(confined(&bench, program, 43_211));
    bench.crowded(43_211, 30).await;
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, report.outcome), (bomb, Outcome::TimedOut));
    bench.cleared().await;
}

#[tokio::test]
async fn one_that_is_replaced_while_it_runs_goes_on() {
    let mut bench = Bench::set();
    let file = bench.stage.path("plugin");
    let old =
        "#!/bin/sh\ntouch $STAGE/runs\nwhile ! test -e $STAGE/replaced; do sleep 0.01; done\necho old\n";
    std::fs::write(&file, old).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let spec = bench.spec(&[file.to_str().unwrap()]);
    let first = bench.submit(spec.clone());
    bench.peopled(1).await;
    while !bench.stage.path("runs").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let new = bench.stage.path("new");
    std::fs::write(&new, "#!/bin/sh\necho new\n").unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&new, &file).unwrap();
    std::fs::write(bench.stage.path("replaced"), "").unwrap();
    let (ticket, report) = bench.next().await;
    assert_eq!((ticket, text(&report).as_str()), (first, "old\n"));
    assert_eq!(text(&bench.run(spec).await), "new\n");
}

#[tokio::test]
async fn what_is_no_program_is_refused_with_its_reason() {
    let mut bench = Bench::set();
    let directory = bench.stage.root().to_owned();
    let refused = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str, mode| {
        std::fs::write(directory.join(name), text).unwrap();
        std::fs::set_permissions(directory.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    nix::unistd::mkfifo(&directory.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    write("plain", "#!/bin/sh\n", 0o644);
    write("orphan", "#!/no/such/interpreter -x\n", 0o755);
    write("bare", "echo \"bare $1\"; exit 1\n", 0o755);
    write("empty", "", 0o755);
    for (name, errno) in [("fifo", libc::EACCES), ("plain", libc::EACCES)] {
        let report = bench.run(bench.spec(&[&refused(name)])).await;
        assert_eq!(refusal(&report).0, errno, "{name}");
    }
    let report = bench.run(bench.spec(&[&refused("orphan")])).await;
    let message = format!(
        "failed to execute {}: its interpreter /no/such/interpreter does not exist",
        directory.join("orphan").display()
    );
    assert_eq!(refusal(&report), (libc::ENOENT, message.as_str()));
    let report = bench.run(bench.spec(&[&refused("bare"), "argument"])).await;
    assert_eq!((report.outcome.clone(), text(&report).as_str()), (Outcome::Exited(1), "bare argument\n"));
    assert_eq!(bench.run(bench.spec(&[&refused("empty")])).await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn any_bytes_come_back_as_they_were() {
    let mut bench = Bench::set();
    let report = bench.run(bench.shell("printf 'a\\000b\\303'; printf '\\377\\000' >&2")).await;
    assert_eq!(report.stdout, b"a\0b\xc3");
    assert_eq!(report.stderr, b"\xff\0");
}

#[tokio::test]
async fn any_status_comes_back_as_it_was() {
    let mut bench = Bench::set();
    for code in [0, 3, 4, 126, 127, 128, 255] {
        assert_eq!(bench.run(bench.shell(&format!("exit {code}"))).await.outcome, Outcome::Exited(code));
    }
}

#[tokio::test]
async fn any_deadly_signal_comes_back_as_it_was() {
    let mut bench = Bench::set();
    // Those that a process ignores, or stops or goes on upon, unless it asked for something else.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28];
    for signal in (1..=31).chain(34..=64).filter(|signal| !harmless.contains(signal)) {
        let line = format!("ulimit -c 0; kill -{signal} $$");
        assert_eq!(bench.run(bench.shell(&line)).await.outcome, Outcome::Signalled(signal));
    }
}

/// After all kinds at once, with ordinary ones between, the shim is as it was: no descriptor, no memory, no child.
#[tokio::test]
async fn the_shim_is_as_it_was_after_a_thousand_of_them() {
    let mut bench = Bench::set();
    let lines = [
        "trap '' TERM; sleep 1000",
        "setsid sh -c 'sleep 1000; :' & exit 0",
        "yes & exit 0",
        "kill -STOP $$",
        "exec >&- 2>&-; sleep 0.1",
        "head -c 300000 /dev/zero; exit 2",
        "kill -9 $$",
        "exec /no/such/file",
        "echo OK",
        "(sleep 0.2 &) ; sleep 0.1",
    ];
    assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
    let worker = bench.worker().await;
    let descriptors = || std::fs::read_dir(format!("/proc/{worker}/fd")).unwrap().count();
    let before = descriptors();
    for _ in 0..10 {
        let mut open: BTreeSet<u64> = BTreeSet::new();
        for round in 0..10 {
            for (index, line) in lines.iter().enumerate() {
                let mut spec = short(bench.shell(line));
                if index == round {
                    spec.cwd = "/no/such/directory".into();
                }
                open.insert(bench.submit(spec));
            }
        }
        while !open.is_empty() {
            let (ticket, _) = bench.next().await;
            assert!(open.remove(&ticket), "{ticket} came twice");
        }
    }
    bench.cleared().await;
    assert_eq!(bench.worker().await, worker, "the shim was replaced");
    assert_eq!(descriptors(), before);
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 16 * 1024, "{kib} KiB");
}

#[tokio::test]
async fn one_that_is_stopped_before_it_executes_is_named_and_holds_up_nobody() {
    as_root();
    const UID: u32 = 43_213;
    let mut bench = Bench::set();
    let theirs = |bench: &Bench| Spec {
        credentials: Some(Credentials { uid: UID, gid: UID, groups: vec![] }),
        timeout: Duration::from_millis(300),
        ..bench.spec(&["/bin/true"])
    };
    let stopper = Running::stopper(UID);
    let mut named = false;
    let mut barred = false;
    for _ in 0..50_000 {
        let other = bench.submit(theirs(&bench));
        let own = bench.submit(bench.spec(&["/bin/true"]));
        for _ in 0..2 {
            let (ticket, report) = bench.next().await;
            if ticket == own {
                assert_eq!(report.outcome, Outcome::Exited(0));
            } else if let Outcome::NotStarted { message, .. } = &report.outcome {
                assert_eq!(ticket, other);
                named |= message.contains("a signal of its own user stopped it before it could execute");
                barred |= message.contains("none of them is started for 1 s");
            }
        }
        if named && barred {
            break;
        }
    }
    assert!(named && barred, "none was stopped in time");
    drop(stopper);
    bench.cleared().await;
}
