//! Commands that tell somebody, as Nagios runs them.

use custos::notify::send::Taken;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::bench::{Bench, later, notification, resolved};

#[tokio::test]
async fn a_handler_runs_for_each_check_with_macros_and_json() {
    let mut bench = Bench::set();
    let out = bench.stage.shown("out");
    let handler = bench.stage.plugin(
        "handler",
        &format!(
            "printf '%s\\n' \"$NAGIOS_NOTIFICATIONTYPE $NAGIOS_HOSTNAME/$NAGIOS_SERVICEDESC is $NAGIOS_SERVICESTATE \
             ($NAGIOS_SERVICESTATETYPE): $NAGIOS_SERVICEOUTPUT\" >>{out}.lines\ncat >>{out}.json; echo >>{out}.json\n\
             test \"$NAGIOS_SERVICEDESC\" != bad || {{ echo 'no way' >&2; exit 4; }}\n"
        ),
    );
    let target = format!("{{ command: ['{}'] }}", handler.display());
    let receipt = bench.send(&target, &notification(&["disk", "bad", "disk"])).await;
    let why = Taken::Later("the command exited with 4: no way".into());
    assert_eq!(receipt.alerts, [Taken::Delivered, why, Taken::Delivered]);
    assert!(bench.send(&target, &resolved(notification(&["load"]))).await.is_delivered());
    let lines = std::fs::read_to_string(format!("{out}.lines")).unwrap();
    assert_eq!(
        lines,
        "PROBLEM web/disk is CRITICAL (HARD): CRITICAL - 97% bfull/b\n\
         PROBLEM web/bad is CRITICAL (HARD): CRITICAL - 97% bfull/b\n\
         RECOVERY web/load is OK (HARD): OK\n"
    );
    let bodies = std::fs::read_to_string(format!("{out}.json")).unwrap();
    let bodies: Vec<Value> = bodies.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let counts: Vec<usize> = bodies.iter().map(|body| body["alerts"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [2, 1, 1]);
}

#[tokio::test]
async fn a_handler_that_is_missing_or_killed_is_tried_again() {
    let mut bench = Bench::set();
    let missing = bench.send("{ command: /nowhere/handler }", &notification(&["disk"])).await;
    assert!(later(&missing).contains("/nowhere/handler"), "{missing:?}");
    let handler = bench.stage.plugin("handler", "kill -9 $$\n");
    let killed =
        bench.send(&format!("{{ command: ['{}'] }}", handler.display()), &notification(&["disk"])).await;
    assert_eq!(later(&killed), "signal 9 ended the command");
}

#[tokio::test]
async fn a_handler_has_ended_when_its_process_has_although_a_child_holds_its_output() {
    let mut bench = Bench::set();
    let pid = bench.stage.shown("pid");
    for (status, taken) in [
        (0, Taken::Delivered),
        // What it printed before is still told.
        (3, Taken::Later("the command exited with 3: the door is shut".into())),
    ] {
        let handler = bench.stage.plugin(
            &format!("handler{status}"),
            &format!("echo 'the door is shut'\nsleep 100000 &\necho $! >{pid}\nexit {status}\n"),
        );
        let target = format!("{{ command: ['{}'] }}", handler.display());
        let receipt = bench.send(&target, &notification(&["disk"])).await;
        let child: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        // It is left alone, and has kept nobody waiting.
        kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
        assert_eq!(receipt.alerts, [taken]);
    }
}
