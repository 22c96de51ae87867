//! Plugins that forks of warm interpreters run, from the configuration to the counts.

use serde_json::Value;

use crate::stage::{Stage, text, wait_for};

fn counts(stage: &Stage) -> Option<(f64, f64)> {
    let newest = stage.history("custos").pop()?;
    let value = |label: &str| {
        let metrics = newest["metrics"].as_array()?;
        metrics.iter().find(|metric| metric["label"] == label)?["value"].as_f64()
    };
    Some((value("plugins_warm")?, value("plugins_cold")?))
}

#[test]
fn what_is_wanted_warm_is_run_so_where_it_can_be() {
    let stage = Stage::new();
    let write = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = stage.write(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let perl = write("check_perl", "#!/usr/bin/perl\nprint \"OK - perl @ARGV | a=1\\n\"; exit 1;\n");
    let python = write(
        "check_python",
        "#!/usr/bin/python3\nimport sys\nprint('OK - python', *sys.argv[1:], '| a=2')\nsys.exit(2)\n",
    );
    let shell = write("check_shell", "#!/bin/sh\necho 'OK - shell | a=3'\n");
    stage.configure(
        "defaults: { check_interval: 200ms, warm: true }",
        &format!(
            "  perl: {{ command: {perl} x }}\n  python: {{ command: {python} y }}\n  shell: {{ command: {shell} }}\n  \
             never: {{ command: {perl}, warm: false }}\n  other: {{ command: {perl}, warm: [python3] }}\n"
        ),
    );
    let doctor = text(&stage.custos(&["doctor"]).stdout);
    for line in [
        "other: its plugin is run cold: `warm` has no perl\n",
        "shell: its plugin is run cold: its interpreter is /bin/sh\n",
        "by a warm interpreter: perl, python\n",
    ] {
        assert!(doctor.contains(line), "{line} is not in {doctor}");
    }
    let shown = text(&stage.custos(&["config", "show"]).stdout);
    assert!(shown.contains("    warm: true\n") && shown.contains("    warm: [python3]\n"), "{shown}");
    let _daemon = stage.start();
    wait_for("runs of both kinds", || counts(&stage).filter(|(warm, cold)| *warm >= 10.0 && *cold >= 5.0));
    for (check, words, code) in
        [("perl", "OK - perl x", 1), ("python", "OK - python y", 2), ("shell", "OK - shell", 0)]
    {
        for run in stage.history(check).iter().filter(|run| run["reason"] == "exited") {
            assert_eq!((run["text"].as_str(), run["exit_code"].as_i64()), (Some(words), Some(code)), "{run}");
            assert!(run["cpu_ms"].is_number() && run["max_rss_bytes"].is_number(), "{run}");
        }
    }
    let _: Vec<Value> = stage.runs("never", 1);
}

#[test]
fn what_is_no_interpreter_is_a_mistake() {
    let stage = Stage::new();
    stage.configure("defaults: { warm: [perl, ruby] }", "  own: { command: /bin/true, warm: maybe }\n");
    let told = text(&stage.custos(&["config", "check"]).stderr);
    assert!(told.contains("ruby") && told.contains("`perl` or `python3`"), "{told}");
    assert!(told.contains("`true` or `false`"), "{told}");
}
