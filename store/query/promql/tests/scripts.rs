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
        assert!(report.skipped.is_empty(), "{} skips queries", path.display());
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
        "eval instant at 1m m\nexpect fail\n",
        "eval range from 0 to 1m step 1m sort(m)\n  expect warn msg: something else\n  expect warn regex: ineffective\n  m{a=\"x\"} 1 2\n",
    ] {
        let report = script::run(&format!("{load}\n{wrong}"));
        assert_eq!((report.passed, report.failures.len()), (0, 1), "{wrong}: {:?}", report.failures);
    }
}

#[test]
fn what_is_not_stored_is_refused_by_name_and_counted() {
    let script = "load 1m\n  native {{schema:0 count:1 sum:1}}\n  both_bucket{le=\"1\"} 1\n\n\
                  load_with_nhcb 1m\n  classic_bucket{le=\"+Inf\"} 5\n\n\
                  eval instant at 1m sum(native)\n\n\
                  eval instant at 1m {__name__=~\"nat.*\"}\n\n\
                  eval instant at 1m histogram_quantile(0.5, classic)\n\n\
                  eval instant at 1m histogram_count(vector(1))\n\n\
                  eval instant at 1m classic_bucket\n# a comment ends it\n\n\
                  eval instant at 1m both_bucket\nboth_bucket{le=\"1\"} 1\n";
    let report = script::run(script);
    let skipped: Vec<_> = report.skipped.into_iter().collect();
    assert_eq!((report.passed, report.failures.len()), (1, 1), "{:?}", report.failures);
    assert_eq!(
        skipped,
        [
            ("function \"histogram_count\" needs native histograms, which are not stored".to_owned(), 1),
            ("native histograms are not stored".to_owned(), 3),
        ]
    );
}
