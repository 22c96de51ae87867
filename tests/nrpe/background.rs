//! Item 23 and around it: commands that leave processes behind.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::reply::Answer;
use crate::server::{Pair, Server};
use crate::stage::wait_for;

fn config(commands: &[(&str, &str)]) -> String {
    commands.iter().map(|(name, line)| format!("command[{name}]={line}\n")).collect()
}

/// A number that no other run of these tests on this machine has, so that processes can be told by it.
fn own(number: u32) -> String {
    format!("5432{number}.{}", std::process::id())
}

/// The processes with this command line.
fn living(line: &str) -> Vec<i32> {
    let listed = std::process::Command::new("pgrep").args(["-fx", line]).output().unwrap().stdout;
    String::from_utf8(listed).unwrap().lines().map(|pid| pid.parse().unwrap()).collect()
}

/// Whether this process has not ended. A listing of all may miss one while others come and go.
fn is_there(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

fn end(line: &str) {
    for pid in living(line) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
}

#[test]
fn what_goes_on_in_the_background_is_left_alone() {
    let [quiet, detached, loud] = [1, 2, 3].map(|number| format!("sleep {}", own(number)));
    let commands = config(&[
        ("quiet", &format!("({quiet} >/dev/null 2>&1 &); echo x")),
        ("detached", &format!("setsid {detached} >/dev/null 2>&1 & echo x")),
        ("loud", &format!("({loud} &); echo x")),
        ("other", "echo other"),
    ]);
    let pair = Pair::start(&format!("command_timeout=2\n{commands}"), &["-n"]);
    for (name, line) in [("quiet", &quiet), ("detached", &detached)] {
        for daemon in [&pair.real, &pair.custos] {
            for _ in 0..2 {
                assert_eq!(daemon.ask(&["-n", "-c", name]).stdout, "x\n");
            }
            let what = format!("{name} of {:?}", daemon.which);
            let left = wait_for(&what, || Some(living(line)).filter(|left| left.len() == 2));
            // Another command comes and goes: what is left alone stays so.
            assert_eq!(daemon.ask(&["-n", "-c", "other"]).stdout, "other\n");
            assert!(left.iter().all(|pid| is_there(*pid)), "{what}");
            end(line);
            wait_for("their end", || living(line).is_empty().then_some(()));
        }
    }
    // nrpe waits for whoever holds the output open; custos answers soon when the command itself has ended.
    let (real, custos) = pair.both(|daemon| daemon.ask(&["-n", "-c", "loud"]).stdout);
    assert_eq!(real, "NRPE: Command timed out after 2 seconds\n");
    assert_eq!(custos, "x\n");
    end(&loud);
}

#[test]
fn what_goes_on_in_the_background_outlives_the_daemon() {
    let line = &format!("sleep {}", own(6));
    let writer = "(while ! [ -e %d/ended ]; do sleep 0.05; done; echo a >&2; echo b >&2; touch %d/wrote) >/dev/null & \
                  echo x";
    let commands = config(&[("quiet", &format!("({line} >/dev/null 2>&1 &); echo x")), ("writer", writer)]);
    let mut pair = Pair::start(&commands, &["-n"]);
    for daemon in [&mut pair.real, &mut pair.custos] {
        assert_eq!(daemon.ask(&["-n", "-c", "quiet"]).stdout, "x\n");
        let left = wait_for("the process in the background", || living(line).first().copied());
        assert_eq!(daemon.ask(&["-n", "-c", "writer"]).stdout, "x\n");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.ended(), 0);
        assert!(is_there(left), "what {:?} left has ended with it", daemon.which);
        // Nor does the next one end what is not its own.
        let next = Server::start(daemon.which, "command[quiet]=echo x", &["-n"]);
        assert_eq!(next.ask(&["-n", "-c", "quiet"]).stdout, "x\n");
        assert!(is_there(left), "what {:?} left has ended with the start of the next", daemon.which);
        // A service goes on writing to stderr, which nobody reads any more.
        std::fs::write(daemon.stage.path("ended"), "").unwrap();
        let wrote = daemon.stage.path("wrote");
        wait_for(&format!("the writer of {:?}", daemon.which), || wrote.exists().then_some(()));
        end(line);
        wait_for("its end", || living(line).is_empty().then_some(()));
    }
}

#[test]
fn output_that_comes_after_the_end_of_the_command_is_waited_for() {
    let commands = [
        ("late", "(sleep 0.3; echo late) & echo early; exit 1"),
        ("only", "(sleep 0.3; echo only) & exit 2"),
        ("after", "(sleep 1.5; echo after) & exit 2"),
        ("whole", "echo all of it &"),
        ("filter", "/bin/bash -c 'exec > >(sleep 0.3; cat); echo filtered; exit 1'"),
        ("nohup", "nohup sh -c 'sleep 0.3; echo done' & exit 2"),
        ("silent", "sleep 0.3 & exit 2"),
        ("both", "(sleep 0.3; echo out; echo err >&2) & exit 1"),
        ("session", "exec setsid sh -c 'sleep 0.3; echo in a session; exit 2'"),
    ];
    let pair = Pair::start(&config(&commands), &["-n"]);
    for (name, _) in commands {
        pair.same(name, |daemon| {
            let answer = daemon.ask(&["-n", "-c", name]);
            // The reason, which nrpe does not give.
            let stdout = answer.stdout.replace(" (exit code 2)", "");
            Answer { stdout, ..answer }
        });
    }
}

#[test]
fn output_that_never_comes_is_waited_for_until_the_time_is_up() {
    let pair = Pair::start("command_timeout=1\ncommand[never]=sleep 5 & exit 0\n", &["-n"]);
    let answer = pair.same("never", |daemon| daemon.ask(&["-n", "-c", "never"]));
    assert_eq!(answer.stdout, "NRPE: Command timed out after 1 seconds\n");
}

#[test]
fn what_goes_on_in_the_background_may_write_to_what_it_was_given() {
    let line = "(sleep 1; echo a >&2; sleep 0.1; echo b >&2; echo c >&2; touch %d/wrote) ";
    let commands = [("errors", format!("{line} >/dev/null & echo x")), ("all", format!("{line} & echo x"))];
    for (name, line) in &commands {
        let pair = Pair::start(&config(&[(name, line)]), &["-n"]);
        for daemon in [&pair.real, &pair.custos] {
            assert_eq!(daemon.ask(&["-n", "-c", name]).stdout, "x\n");
            let wrote = daemon.stage.path("wrote");
            wait_for(&format!("{name} of {:?}", daemon.which), || wrote.exists().then_some(()));
        }
    }
}

#[test]
fn what_writes_for_ever_in_the_background_comes_to_an_end() {
    let word = own(5);
    let pair = Pair::start(&format!("command_timeout=2\ncommand[flood]=yes {word} & exit 1\n"), &["-n"]);
    let answer = pair.custos.ask(&["-n", "-c", "flood"]);
    assert_eq!((answer.stdout.starts_with(&format!("{word}\n")), answer.code), (true, Some(1)));
    wait_for("the end of the flood", || living(&format!("yes {word}")).is_empty().then_some(()));
}

#[test]
fn a_command_that_has_left_its_group_is_ended_when_its_time_is_up() {
    // With what it has started in its new group, and in the one that it left.
    let commands = [
        ("gone", "/usr/bin/setsid SLEEP", 1),
        ("limited", "/usr/bin/timeout 60 SLEEP", 1),
        ("session", "exec setsid sh -c 'SLEEP & SLEEP'", 2),
        ("jobs", "/bin/bash -m -c 'SLEEP | SLEEP'", 0),
        ("left", "SLEEP & exec setsid SLEEP", 1),
    ];
    let line = &format!("sleep {}", own(4));
    let lines = config(&commands.map(|(name, line, _)| (name, line))).replace("SLEEP", line);
    let pair = Pair::start(&format!("command_timeout=1\n{lines}"), &["-n"]);
    for (name, _, left) in commands {
        let timed_out = "NRPE: Command timed out after 1 seconds\n";
        assert_eq!(pair.custos.ask(&["-n", "-c", name]).stdout, timed_out, "{name}");
        wait_for(&format!("the end of {name}"), || living(line).is_empty().then_some(()));
        // nrpe answers alike and leaves running what is not in its group.
        assert_eq!(pair.real.ask(&["-n", "-c", name]).stdout, timed_out, "{name}");
        wait_for(&format!("those left of {name}"), || (living(line).len() == left).then_some(()));
        end(line);
        wait_for("their end", || living(line).is_empty().then_some(()));
    }
}
