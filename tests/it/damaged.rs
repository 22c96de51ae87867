//! What `custos store verify` and `repair` say of a store in which things went wrong, one that the store's own tests read.

use std::fs;
use std::path::Path;

use custos_store::{Options, Run, Writer};
use serde_json::{Value, json};

use crate::stage::{Stage, text};

const LOG: &str = "00000000020000fb.log";

fn damaged() -> Stage {
    let stage = Stage::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("store/tests/format-1-troubled");
    fs::create_dir(stage.path("store")).unwrap();
    for entry in fs::read_dir(fixture).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), stage.path("store").join(entry.file_name())).unwrap();
    }
    stage
}

#[test]
fn a_directory_without_a_store_is_not_intact() {
    let stage = Stage::new();
    fs::create_dir(stage.path("elsewhere")).unwrap();
    fs::write(stage.path("elsewhere").join("notes.txt"), "no store").unwrap();
    for command in ["verify", "info", "forecast"] {
        let output = stage.custos(&["store", command, &stage.shown("elsewhere")]);
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), shown.as_str()), (Some(2), ""), "{command}: {said}");
        assert!(said.contains("there is no store in "), "{command}: {said}");
    }
}

#[test]
fn verify_names_the_runs_that_damage_costs() {
    let stage = damaged();
    let output = stage.custos(&["store", "verify", &stage.shown("store")]);
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stdout);
    for line in [
        ": a frame does not match its checksum (1 run, numbered 33554762)\n",
        ": a frame has runs whose instances are lost (1 run of alerts, numbered 33554772)\n",
        ": a frame refers to a definition that is lost (1 run, numbered 33554827)\n",
        ": ends early at offset ",
        " 387 runs read: 1 not intact\n",
    ] {
        assert!(shown.contains(line), "{line}is not in\n{shown}");
    }
    let output = stage.custos(&["store", "verify", &stage.shown("store"), "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["intact"], false);
    let files = found["files"].as_array().unwrap();
    let log = files.iter().find(|file| file["name"] == LOG).unwrap();
    let of_alerts = log["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "alerts");
    let mut of_alerts = of_alerts.unwrap().clone();
    of_alerts.as_object_mut().unwrap().remove("offset");
    let expected = json!({
        "what": "a frame has runs whose instances are lost", "damage": true, "check": "alerts",
        "start": 33_554_772, "end": 33_554_773, "lost_runs": 1, "lost_samples": null,
    });
    assert_eq!(of_alerts, expected);
}

#[test]
fn repair_says_what_is_back_and_what_is_lost() {
    let stage = damaged();
    // The directory of a sealed segment, too.
    let segment = stage.path("store/0000000000000000-0000000000000064.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let before = text(&stage.custos(&["store", "verify", &stage.shown("store")]).stdout);
    assert!(before.contains("0000000000000064.seg: damaged at offset"), "{before}");
    let output = stage.custos(&["store", "repair", &stage.shown("store")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for line in [
        format!("set aside {LOG}.damaged\n"),
        "set aside 0000000000000000-0000000000000064.seg.damaged\n".to_owned(),
        "\nlost: 1 run, numbered 33554762\n".to_owned(),
        "\nlost: 1 run of alerts, numbered 33554772\n".to_owned(),
        "\nrestored: 100 runs, numbered 0 to 99\n".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line}is not in\n{shown}");
    }
    let output = stage.custos(&["store", "verify", &stage.shown("store")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let again = stage.custos(&["store", "repair", &stage.shown("store")]);
    assert_eq!(text(&again.stdout), "nothing is damaged\n");
}

#[test]
fn verify_and_repair_say_the_same_of_a_damaged_last_frame() {
    let stage = Stage::new();
    let store = stage.path("store");
    let run = |n: i64| Run { time_ms: n, text: format!("text {n}"), ..Run::default() };
    let mut writer = Writer::open(&store, Options { background: false, ..Options::default() }).unwrap();
    for n in 0..3 {
        writer.append(&[("disk", &run(n))]).unwrap();
    }
    writer.append(&[("disk", &run(3)), ("disk", &run(4))]).unwrap();
    writer.sync().unwrap();
    drop(writer);
    let entries = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let log = entries.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "log")).unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 7..=end].fill(0xee);
    fs::write(&log, &bytes).unwrap();
    let shown = |command: &str| {
        let output = stage.custos(&["store", command, &stage.shown("store")]);
        (output.status.code(), text(&output.stdout))
    };
    let (code, verified) = shown("verify");
    assert_eq!(code, Some(2), "{verified}");
    let line = verified.lines().next().unwrap();
    let name = log.file_name().unwrap().to_str().unwrap();
    assert!(line.starts_with(&format!("{name}: ends early at offset ")), "{line}");
    assert!(line.ends_with(" are no whole frame (2 runs, numbered 3 to 4, which had been synced)"), "{line}");
    let left = format!(
        "{name} is left as it is: the agent goes on behind these bytes when it starts next, and sealing drops them"
    );
    let repaired = (Some(0), format!("{line}\n{left}\nnothing else is damaged\n"));
    assert_eq!(shown("repair"), repaired);
    assert_eq!(fs::read(&log).unwrap(), bytes, "repair changed the log");
    assert_eq!(shown("verify"), (Some(2), verified.clone()));
    // Without the mark, what the frame had is not known.
    let mark = fs::read(store.join("synced")).unwrap();
    fs::remove_file(store.join("synced")).unwrap();
    let (code, unmarked) = shown("verify");
    assert!(
        code == Some(1) && unmarked.contains("frame (whether they cost runs is not known)"),
        "{unmarked}"
    );
    fs::write(store.join("synced"), mark).unwrap();
    // The next writer goes on behind it, and sealing drops it.
    let mut writer = Writer::open(&store, Options { background: false, ..Options::default() }).unwrap();
    writer.append(&[("disk", &run(9))]).unwrap();
    writer.compact().unwrap();
    drop(writer);
    let (code, verified) = shown("verify");
    assert!(code == Some(0) && verified.contains(" 4 runs read: intact"), "{verified}");
    assert_eq!(shown("repair"), (Some(0), "nothing is damaged\n".to_owned()));
}

#[test]
fn names_in_a_store_do_nothing_to_a_terminal() {
    let stage = damaged();
    let name = "\u{1b}[2J\u{9b}31m.cursor";
    fs::write(stage.path("store").join(name), "no cursor").unwrap();
    for arguments in [&["store", "verify"][..], &["store", "verify", "--json"], &["store", "repair"]] {
        let output = stage.custos(&[arguments, &[&stage.shown("store")]].concat());
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(shown.contains(".cursor"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
    }
}
