//! The examples that come with the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{Stage, custos, text};

fn examples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
}

#[test]
fn the_example_configuration_has_no_mistakes() {
    let output = custos(&["config", "check"]).arg(examples().join("custos.yaml")).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert!(text(&output.stdout).starts_with("ok: "), "{}", text(&output.stdout));
}

/// Every configuration that comes with the program.
fn configurations() -> Vec<PathBuf> {
    let packaging = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/etc"));
    let files = [examples(), packaging].into_iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let mut found: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    found.sort();
    assert!(found.len() > 1, "{found:?}");
    found
}

/// Copied elsewhere, each works as it does where the package is installed: its plugins are those of this repository in
/// place of the package's, and nothing else of the repository is near.
#[test]
fn every_configuration_works_where_it_is_installed() {
    for path in configurations() {
        let written = fs::read_to_string(&path).unwrap();
        let shown = path.display();
        assert!(
            written.contains("/usr/lib/custos/plugins"),
            "{shown} does not look where the package has its plugins"
        );
        let stage = Stage::new();
        let here = examples().join("plugins");
        let installed = written.replace("/usr/lib/custos/plugins", &here.to_string_lossy());
        let file = stage.write("custos.yaml", &installed);
        let checked = custos(&["config", "check"]).arg(&file).output().unwrap();
        let said = text(&checked.stdout) + &text(&checked.stderr);
        assert!(said.starts_with("ok: ") && said.lines().count() == 1, "{shown}: {said}");
        let config = custos::config::load(&file).unwrap().config;
        assert!(!config.checks.is_empty());
        for name in config.checks.keys() {
            let store = stage.shown("store");
            let line = ["check", name, "--dry-run", "--store", &store, "--config"];
            let run = custos(&line).arg(&file).output().unwrap();
            let said = text(&run.stdout) + &text(&run.stderr);
            // Whatever the machine is like, it can be judged.
            assert!(
                matches!(run.status.code(), Some(0..=2)) && said.contains(" | "),
                "{shown}: {name}: {said}"
            );
        }
    }
}

/// Runs an example plugin beside programs that answer so; gives its status and output.
fn beside(programs: &[(&str, &str)], name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let stage = Stage::new();
    for (program, script) in programs {
        let path = stage.write(program, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", stage.root().display());
    let plugin = examples().join("plugins").join(name);
    let output = Command::new(plugin).args(arguments).env("PATH", path).output().unwrap();
    assert_eq!(text(&output.stderr), "", "{name}");
    (output.status.code(), text(&output.stdout))
}

#[test]
fn units_are_judged_by_what_systemd_says() {
    // Of list-units the failed ones; of show, the state by the name of the unit.
    let systemd = "case $1 in list-units) cat <<E\nold.service loaded failed failed Old\n\nE\n;;\n\
        show) for unit do :; done; case $unit in\n\
        cron.service) printf 'NRestarts=2\\nActiveState=active\\n' ;; gone.timer) echo ActiveState=inactive ;;\n\
        *) echo ActiveState=failed ;; esac ;; esac";
    let units = |arguments: &[&str]| beside(&[("systemctl", systemd)], "units.sh", arguments);
    assert_eq!(units(&[]), (Some(2), "UNITS CRITICAL - old.service failed | failed=1;;0;0\n".to_owned()));
    let fine = "UNITS OK - none has failed, cron runs | failed=0;;0;0 'cron.service_restarts'=2c\n";
    assert_eq!(units(&["-i", "x", "-i", "o*.service", "cron"]), (Some(0), fine.to_owned()));
    let (status, said) = units(&["-i", "old.service", "cron", "gone.timer"]);
    assert_eq!(status, Some(2));
    assert!(said.starts_with("UNITS CRITICAL - gone.timer is inactive | failed=0"), "{said}");
    // Somebody who names a unit wants it to run, even if its failure is ignored among all.
    let (status, said) = units(&["-i", "old.service", "old"]);
    assert_eq!(
        (status, said.starts_with("UNITS CRITICAL - old.service failed |")),
        (Some(2), true),
        "{said}"
    );
    let none = beside(&[("systemctl", "echo 'no bus' >&2; exit 1")], "units.sh", &[]);
    assert_eq!(none, (Some(3), "UNITS UNKNOWN - no bus\n".to_owned()));
    assert_eq!(units(&["-x"]).0, Some(3));
}

#[test]
fn the_clock_is_judged_by_whoever_keeps_it() {
    let none = [("chronyc", "exit 1"), ("ntpq", "exit 1"), ("timedatectl", "exit 1")];
    let with = |program: &str, script: &str, arguments: &[&str]| {
        let programs = none.map(|(name, no)| (name, if name == program { script } else { no }));
        beside(&programs, "clock.sh", arguments)
    };
    let chrony = |offset: &str, leap: &str| {
        format!("echo C0A80001,10.0.0.1,3,1795.1,{offset},0.1,0.1,-1.2,0.0,0.1,0.001,0.0002,64.2,{leap}")
    };
    let limits = ["-w", "0.1", "-c", "1"];
    for (offset, leap, code, words) in [
        (
            "-0.000012500",
            "Normal",
            0,
            "CLOCK OK - off by -0.000013 s, by chronyd | synchronised=1;;1: offset=-0.000012500s;-0.1:0.1;-1:1",
        ),
        ("-0.2", "Normal", 1, "CLOCK WARNING - off by -0.200000 s"),
        ("2.5", "Insert second", 2, "CLOCK CRITICAL - off by 2.500000 s"),
        ("0.0", "Not synchronised", 2, "CLOCK CRITICAL - not synchronised, by chronyd | synchronised=0;;1:"),
    ] {
        let (status, said) = with("chronyc", &chrony(offset, leap), &limits);
        assert_eq!((status, said.starts_with(words)), (Some(code), true), "{said}");
    }
    let (status, said) = with("ntpq", "echo 'leap=00, offset=-250.5'", &limits);
    assert_eq!(
        (status, said.starts_with("CLOCK WARNING - off by -0.250500 s, by ntpd |")),
        (Some(1), true),
        "{said}"
    );
    assert_eq!(with("ntpq", "echo 'leap=11,'; echo 'offset=0'", &limits).0, Some(2));
    let (status, said) = with("timedatectl", "echo yes", &limits);
    assert_eq!((status, said.contains("how far it is off is not known")), (Some(0), true), "{said}");
    assert_eq!(with("timedatectl", "echo no", &limits).0, Some(2));
    assert_eq!(with("", "", &limits).0, Some(3));
}

#[test]
fn an_interface_is_judged_by_its_state() {
    let (status, said) = plugin("link.sh", &["lo"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("LINK OK - lo is ") && said.contains(" rx_errors=0c"), "{said}");
    assert_eq!(plugin("link.sh", &["none0"]).0, Some(2));
    for usage in [&[][..], &["-x"], &["../../etc"], &["lo", "lo"]] {
        assert_eq!(plugin("link.sh", usage).0, Some(3), "{usage:?}");
    }
}

/// Runs an example plugin; gives its status and output.
fn plugin(name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(examples().join("plugins").join(name)).args(arguments).output().unwrap();
    assert_eq!(text(&output.stderr), "", "{name}");
    (output.status.code(), text(&output.stdout))
}

#[test]
fn the_example_plugins_report_metrics_and_judge_by_their_limits() {
    for (name, label, arguments_for) in [
        ("load.sh", "load1", ["-w-1", "-c-1"]),
        ("memory.sh", "used_percent", ["-w0", "-c0"]),
        ("disk.sh", "'/'", ["-w-1", "-c-1"]),
        ("uptime.sh", "uptime", ["-w99999999999", ""]),
    ] {
        let (status, output) = plugin(name, &[]);
        assert_eq!(status, Some(0), "{output}");
        assert!(output.contains(" | ") && output.contains(&format!("{label}=")), "{output}");
        let (status, output) = plugin(name, &arguments_for[..1]);
        assert_eq!(status, Some(1), "{output}");
        assert!(output.contains(" WARNING - "), "{output}");
        if !arguments_for[1].is_empty() {
            assert_eq!(plugin(name, &arguments_for[1..]).0, Some(2), "{name}");
        }
        assert_eq!(plugin(name, &["-x"]).0, Some(3), "{name}");
    }
}
