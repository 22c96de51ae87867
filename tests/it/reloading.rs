//! SIGHUP: a good configuration is taken, a broken one is not.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal::SIGHUP;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::configuration::{SEVEN, SEVEN_PLACES};
use crate::stage::{Stage, lines, text, wait_for};

#[test]
fn a_broken_configuration_changes_nothing_and_is_reported_in_full() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    stage.configure("defaults: { check_interval: 200ms }", "  kept: { command: ok }\n");
    let good = std::fs::read_to_string(stage.path("custos.yaml")).unwrap();
    let mut daemon = stage.start();
    wait_for("a run", || (!stage.history("kept").is_empty()).then_some(()));

    for (name, text) in SEVEN {
        stage.write(name, text);
    }
    daemon.signal(SIGHUP);
    for place in SEVEN_PLACES {
        wait_for(place, || daemon.log().contains(place).then_some(()));
    }
    // History is asked by the good configuration, as the broken one names no store.
    stage.write("custos.yaml", &good);
    let before = stage.history("kept").len();
    wait_for("the old checks to go on", || (stage.history("kept").len() > before + 2).then_some(()));
    assert!(daemon.is_alive());
    assert!(daemon.end().success());
}

#[test]
fn a_good_configuration_takes_the_place_of_the_old_one() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    stage.configure("defaults: { check_interval: 200ms }", "  old: { command: ok }\n");
    let daemon = stage.start();
    wait_for("a run of the old check", || (!stage.history("old").is_empty()).then_some(()));
    stage.configure("defaults: { check_interval: 200ms }", "  new: { command: ok }\n");
    daemon.signal(SIGHUP);
    wait_for("a run of the new check", || (!stage.history("new").is_empty()).then_some(()));
    let old = stage.history("old").len();
    let new = stage.history("new").len();
    wait_for("more runs of the new check", || (stage.history("new").len() > new + 3).then_some(()));
    // One run of the old check may have been under way.
    assert!(stage.history("old").len() <= old + 1);
    assert!(daemon.end().success());
}

#[test]
fn an_address_that_traps_cannot_be_taken_on_leaves_everything_as_it_was() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    let configure = |listen: &str, name: &str| {
        let head = format!(
            "defaults: {{ check_interval: 200ms }}\nsnmp:\n  profiles: {{ p: {{ version: 2c, community: public }} }}\n  \
             traps: {{ listen: \"{listen}\" }}"
        );
        stage.configure(&head, &format!("  {name}: {{ command: ok }}\n"));
    };
    let status = || text(&stage.custos(&["status"]).stdout);
    configure("127.0.0.1:0", "kept");
    let daemon = stage.start();
    wait_for("a run", || (!stage.history("kept").is_empty()).then_some(()));
    // An address of a network for documentation, which no machine has.
    configure("192.0.2.1:16162", "new");
    daemon.signal(SIGHUP);
    wait_for("the refusal", || daemon.log().contains("the configuration is not reloaded: ").then_some(()));
    configure("127.0.0.1:0", "kept");
    let before = stage.history("kept").len();
    wait_for("the old check to go on", || (stage.history("kept").len() > before + 2).then_some(()));
    wait_for("the reason", || status().contains("the configuration was not reloaded").then_some(()));
    assert!(status().contains("traps on 127.0.0.1:"), "{}", status());
    // The next good configuration is taken, and nothing is said of the bad one any more.
    configure("127.0.0.1:0", "new");
    daemon.signal(SIGHUP);
    wait_for("a run of the new check", || (!stage.history("new").is_empty()).then_some(()));
    let own = text(&stage.custos(&["status", "custos"]).stdout);
    assert!(!own.contains("not reloaded") && !own.contains("not received"), "{own}");
    assert!(daemon.end().success());
}

/// The end of a FIFO to write to, once the agent has opened the other one.
fn wait_for_reader(stage: &Stage) -> File {
    let path = stage.path("custos.yaml");
    wait_for("the agent to read its configuration", || {
        File::options().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).ok()
    })
}

#[test]
fn checks_go_on_while_a_reload_reads_and_a_second_signal_is_remembered() {
    let stage = Stage::new();
    let noted = stage.path("noted");
    stage.plugin("note", "echo $1 >>$2; echo OK");
    let config = |name: &str| {
        format!(
            "store: store\nplugins: plugins\ndefaults: {{ check_interval: 200ms }}\nchecks:\n  \
             {name}: {{ command: [note, {name}, {}] }}\n",
            noted.display()
        )
    };
    let ran = |name: &str| lines(&noted).iter().filter(|line| *line == name).count();
    stage.write("custos.yaml", &config("old"));
    let daemon = stage.start();
    wait_for("a run", || (ran("old") > 0).then_some(()));
    // From now on, whoever reads the configuration waits until the test writes it.
    fs::remove_file(stage.path("custos.yaml")).unwrap();
    mkfifo(&stage.path("custos.yaml"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    daemon.signal(SIGHUP);
    let mut first = wait_for_reader(&stage);
    let before = ran("old");
    wait_for("checks to go on while the configuration is read", || (ran("old") > before + 2).then_some(()));
    daemon.signal(SIGHUP);
    let before = ran("old");
    wait_for("checks to go on after another signal", || (ran("old") > before + 2).then_some(()));
    first.write_all(config("new").as_bytes()).unwrap();
    drop(first);
    wait_for("a run of what the first reading brought", || (ran("new") > 0).then_some(()));
    let mut second = wait_for_reader(&stage);
    second.write_all(config("newest").as_bytes()).unwrap();
    drop(second);
    wait_for("a run of what the second reading brought", || (ran("newest") > 0).then_some(()));
    assert!(daemon.end().success());
}

#[test]
fn a_reload_that_never_ends_does_not_keep_the_agent_from_ending() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    stage.configure("defaults: { check_interval: 200ms }", "  kept: { command: ok }\n");
    let daemon = stage.start();
    wait_for("a run", || (!stage.history("kept").is_empty()).then_some(()));
    fs::remove_file(stage.path("custos.yaml")).unwrap();
    mkfifo(&stage.path("custos.yaml"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    daemon.signal(SIGHUP);
    let _open = wait_for_reader(&stage);
    assert!(daemon.end().success());
}
