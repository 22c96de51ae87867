//! Every script of `tests/scripts/` comes to what it says; and the runner itself finds what is wrong.

mod script;

use std::path::Path;

#[test]
fn every_script_comes_to_what_it_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut scripts = 0;
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let report = script::run(&std::fs::read_to_string(&path).unwrap());
        assert!(report.passed > 0, "{} asks nothing", path.display());
        assert_eq!(report.skipped, 0, "{} skips queries", path.display());
        failures.extend(report.failures.iter().map(|failure| format!("{}: {failure}", path.display())));
        scripts += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(scripts >= 8, "{scripts} scripts");
}

#[test]
fn a_wrong_expectation_is_found() {
    let load = "load 1m\n  m{a=\"x\"} 1 2 3\n";
    for wrong in [
        "eval instant at 1m m\n  m{a=\"x\"} 3\n",
        "eval instant at 1m m\n  m{a=\"y\"} 2\n",
        "eval instant at 1m m\n",
        "eval instant at 1m m\n  m{a=\"x\"} 2\n  m{a=\"z\"} 2\n",
        "eval instant at 1m m\n  expect fail\n",
        "eval instant at 1m rate(m)\n  {a=\"x\"} 2\n",
        "eval instant at 1m rate(m)\n  expect fail msg: something else\n",
        "eval instant at 2m rate(m[2m])\n  expect no_info\n  {a=\"x\"} 0.016666666666666666\n",
        "eval instant at 1m quantile(0.5, m)\n  expect warn\n  {} 2\n",
        "eval range from 0 to 2m step 1m m\n  m{a=\"x\"} 1 2 4\n",
        "eval range from 0 to 2m step 1m m\n  m{a=\"x\"} 1 2\n",
        "eval instant at 1m scalar(m)\n  3\n",
        "eval instant at 1m sort(m)\n  expect ordered\n  m{a=\"y\"} 2\n",
        "evil instant at 1m m\n",
    ] {
        let report = script::run(&format!("{load}\n{wrong}"));
        assert_eq!((report.passed, report.failures.len()), (0, 1), "{wrong}: {:?}", report.failures);
    }
}
