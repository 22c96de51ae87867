//! The agent and its shims killed with signal 9 at random moments under load: no process of a plugin is left, what was
//! stored stays stored, and every check goes on where it stood. `KILL_ROUNDS` says how often (12).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use crate::stage::{Daemon, Random, Stage, all_processes, children, kill_hard, pause, wait_for};
use custos_store::{Reader, Reason, Run};

/// Checks that fail each time, so that their attempts count up.
const FAILING: usize = 8;
/// Attempts at which they stop counting: more than a test can bring about.
const ATTEMPTS_MAX: u32 = 1000;

/// Every process below a plugin of this stage, found by its environment, with the mark of the run that it belongs to.
fn plugins(stage: &Stage) -> BTreeSet<(i32, String)> {
    let own = format!("STAGE={}", stage.path("").display());
    let marked = |pid: i32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let environ = String::from_utf8_lossy(&environ).into_owned();
        let mark = environ.split('\0').find(|entry| entry.starts_with("CUSTOS_RUN="))?.to_owned();
        environ.split('\0').any(|entry| entry == own).then_some((pid, mark))
    };
    all_processes().filter_map(marked).collect()
}

/// All runs of every check, by its name.
fn stored(store: &Path) -> BTreeMap<String, Vec<Run>> {
    let reader = Reader::open(store).unwrap();
    let names: Vec<String> = reader.checks().into_iter().map(|check| check.name.to_string()).collect();
    let all = |name: &str| reader.runs(name, i64::MIN..i64::MAX).map(Result::unwrap).collect();
    names.into_iter().map(|name| (name.clone(), all(&name))).collect()
}

/// Whether all of the earlier runs are among the later ones, unchanged. A missed stretch that is stored after a restart
/// may stand before runs that were stored earlier.
fn kept(earlier: &[Run], later: &[Run]) -> bool {
    let mut rest = later.iter();
    earlier.iter().all(|run| rest.any(|other| other == run))
}

fn start(stage: &Stage) -> Daemon {
    let ran = |stage: &Stage| stored(&stage.path("store")).values().map(Vec::len).sum::<usize>();
    let before = if stage.path("store").exists() { ran(stage) } else { 0 };
    let daemon = stage.start();
    wait_for("runs", || (stage.path("store").exists() && ran(stage) > before + FAILING).then_some(()));
    daemon
}

#[test]
fn nothing_is_lost_and_nothing_is_left() {
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12);
    let stage = Stage::new();
    stage.plugin("fails", "echo 'CRITICAL | x=1'; exit 2");
    stage.plugin("strays", "sleep 1000 & (setsid sh -c 'sleep 1000; :' &); sleep 0.03; echo OK");
    stage.plugin("hangs", "trap '' TERM; sleep 1000 & sleep 1000; :");
    let mut checks: String = (0..FAILING).map(|n| format!("  fails{n}: {{ command: fails }}\n")).collect();
    checks += "  strays: { command: strays }\n  hangs: { command: hangs }\n";
    let settings = format!(
        "defaults: {{ check_interval: 100ms, timeout: 150ms, max_check_attempts: {ATTEMPTS_MAX}, \
         environment: {{ STAGE: \"{}\" }} }}",
        stage.path("").display()
    );
    stage.configure(&settings, &checks);

    let mut numbers = Random(11);
    let mut daemon = start(&stage);
    let mut hit = 0;
    let mut seen: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for round in 0..rounds {
        pause(Duration::from_micros(50_000 + numbers.below(250_000)));
        let agent = daemon.pid();
        let guards = children(agent);
        let workers: Vec<i32> = guards.iter().flat_map(|guard| children(*guard)).collect();
        let later = stored(&stage.path("store"));
        let left = plugins(&stage);
        hit += usize::from(!left.is_empty());
        match round % 4 {
            0 => kill_hard(agent),
            1 => workers.iter().chain(&guards).for_each(|pid| kill_hard(*pid)),
            2 => [agent].iter().chain(&workers).for_each(|pid| kill_hard(*pid)),
            _ => guards.iter().chain(&workers).chain(&[agent]).for_each(|pid| kill_hard(*pid)),
        }
        for (check, runs) in &seen {
            assert!(kept(runs, &later[check]), "round {round}: runs of {check} are gone");
        }
        seen = later;
        if round % 4 != 1 {
            daemon.kill();
            daemon = start(&stage);
        }
        wait_for("the plugins of the killed to end", || plugins(&stage).is_disjoint(&left).then_some(()));
    }
    assert!(hit > 0, "no round hit a plugin");
    assert!(daemon.end().success());
    wait_for("all plugins to end", || plugins(&stage).is_empty().then_some(()));

    let all = stored(&stage.path("store"));
    for (check, runs) in &seen {
        assert!(kept(runs, &all[check]), "runs of {check} are gone");
    }
    for n in 0..FAILING {
        let runs = &all[&format!("fails{n}")];
        let judged = runs.iter().filter(|run| !matches!(run.reason, Reason::Missed | Reason::NotFinished));
        let attempts: Vec<u32> = judged.map(|run| run.standing.attempt).collect();
        let wanted: Vec<u32> =
            (1..).map(|attempt: u32| attempt.min(ATTEMPTS_MAX)).take(attempts.len()).collect();
        assert_eq!(attempts, wanted, "fails{n} did not go on where it stood");
    }
}
