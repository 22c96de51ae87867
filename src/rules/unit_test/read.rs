//! Test files as they are read: whole, with every mistake, theirs and those of the rule files that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use custos_promql::Labels;

use super::keys::{
    ALERT_EVAL_TIME, ALERT_RULE_TEST, ALERT_TEST, ALERTNAME, EVALUATION_INTERVAL, EXP_ALERT, EXP_ALERTS,
    EXP_ANNOTATIONS, EXP_LABELS, EXP_SAMPLE, EXP_SAMPLES, EXPR, EXPR_EVAL_TIME, EXPR_TEST, EXTERNAL_LABELS,
    EXTERNAL_URL, FUZZY_COMPARE, GROUP_EVAL_ORDER, HISTOGRAM, INPUT_SERIES, INTERVAL, NAME, PROMQL_EXPR_TEST,
    RULE_FILES, SAMPLE_LABELS, SERIES, SERIES_NAME, START_TIMESTAMP, TEST, TEST_FILE, TESTS, VALUE, VALUES,
};
use super::model::{AlertTest, ExprTest, TestFile, TestGroup};
use super::series::{labels, scalar, series, texts, time_ms, value};
use crate::document::Mistakes;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, refuse};
use crate::document::glob;
use crate::document::include::source_file;
use crate::document::key::{Key, Own};
use crate::document::place::SourceFile;
use crate::document::scalar::Kind;
use crate::document::yaml::{self, Content, Node};
use crate::rules::evaluate::ALERT_NAME;
use crate::rules::file::{self, RuleFile, length_ms};
use crate::rules::template::External;

/// How often rules are evaluated where a file does not say so: a minute.
const EVALUATION_INTERVAL_MS: i64 = 60_000;

/// Reads test files and the rule files that they name.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read_test_files(paths: &[PathBuf]) -> Result<Vec<TestFile>, Mistakes> {
    let mut findings = Findings::default();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        if let Some(file) = source_file(path, false, &mut findings) {
            files.extend(test_file(&file, &mut findings));
        }
    }
    let order: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mistakes = findings.into_mistakes(&order);
    if mistakes.has_errors() { Err(mistakes) } else { Ok(files) }
}

fn test_file(file: &Arc<SourceFile>, findings: &mut Findings) -> Option<TestFile> {
    let root = yaml::parse(file, findings)?;
    let fields = Fields::of(&root, "the test file", &TEST_FILE, findings)?;
    let rules = list(fields.get(&RULE_FILES), "rule files", findings);
    let base = file.path().parent().unwrap_or(Path::new(""));
    let mut rule_files = Vec::new();
    for node in rules {
        rule_files.extend(rule_file(node, base, findings));
    }
    let evaluation_interval_ms = length_or(&fields, &EVALUATION_INTERVAL, EVALUATION_INTERVAL_MS, findings);
    let order = list(fields.get(&GROUP_EVAL_ORDER), "names of groups", findings);
    let tests = list(fields.get(&TESTS), "tests", findings);
    Some(TestFile {
        rules: rule_files,
        evaluation_interval_ms,
        group_order: order
            .iter()
            .filter_map(|node| scalar(node, "the name of a group", findings).map(str::to_owned))
            .collect(),
        fuzzy_compare: fields.read(&FUZZY_COMPARE, findings).unwrap_or(false),
        tests: tests
            .iter()
            .enumerate()
            .filter_map(|(index, node)| test(node, index, evaluation_interval_ms, findings))
            .collect(),
    })
}

fn rule_file(node: &Node, base: &Path, findings: &mut Findings) -> Vec<RuleFile> {
    let Some(pattern) = scalar(node, "the path of a rule file", findings) else { return Vec::new() };
    let path = base.join(pattern);
    let paths = if glob::is_glob(pattern) { glob::files(&path).unwrap_or_default() } else { vec![path] };
    if paths.is_empty() {
        findings.error(&node.place, format!("no file matches `{pattern}`"));
    }
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.extend(source_file(&path, true, findings).map(|file| file::read(&file, findings)));
    }
    files
}

fn test(node: &Node, index: usize, default_ms: i64, findings: &mut Findings) -> Option<TestGroup> {
    let fields = Fields::of(node, "a test", &TEST, findings)?;
    let name = fields.get(&NAME).and_then(|node| scalar(node, "a name", findings));
    let mut read_series = Vec::new();
    for node in list(fields.get(&INPUT_SERIES), "series", findings) {
        read_series.extend(one_series(node, findings));
    }
    let alerts = list(fields.get(&ALERT_RULE_TEST), "tests of alerts", findings);
    let expressions = list(fields.get(&PROMQL_EXPR_TEST), "tests of expressions", findings);
    let external_url = fields.get(&EXTERNAL_URL).and_then(|node| scalar(node, "a URL", findings));
    Some(TestGroup {
        place: node.place.clone(),
        name: name.map_or_else(|| format!("unnamed#{index}"), str::to_owned),
        interval_ms: length_or(&fields, &INTERVAL, default_ms, findings),
        start_ms: fields.get(&START_TIMESTAMP).and_then(|node| time_ms(node, findings)).unwrap_or(0),
        series: read_series,
        alerts: alerts.iter().filter_map(|node| alert_test(node, findings)).collect(),
        expressions: expressions.iter().filter_map(|node| expr_test(node, findings)).collect(),
        external: External {
            labels: fields.get(&EXTERNAL_LABELS).map(|node| texts(node, findings)).unwrap_or_default(),
            url: external_url.unwrap_or_default().to_owned(),
        },
    })
}

fn one_series(node: &Node, findings: &mut Findings) -> Option<(Labels, Vec<custos_promql::notation::Item>)> {
    let fields = Fields::of(node, "a series", &SERIES, findings)?;
    let name = fields.need(&SERIES_NAME, &node.place, "the series", "a name with labels", findings);
    let values = fields.need(&VALUES, &node.place, "the series", "values", findings);
    series(name?, values?, findings)
}

fn alert_test(node: &Node, findings: &mut Findings) -> Option<AlertTest> {
    let fields = Fields::of(node, "an alert_rule_test", &ALERT_TEST, findings)?;
    let name = fields.need(&ALERTNAME, &node.place, "the alert_rule_test", "the name of an alert", findings);
    let alert = name.and_then(|node| scalar(node, "the name of an alert", findings));
    let mut expected = Vec::new();
    for node in list(fields.get(&EXP_ALERTS), "alerts", findings) {
        let Some(fields) = Fields::of(node, "an expected alert", &EXP_ALERT, findings) else { continue };
        let labels = fields.get(&EXP_LABELS).map(|node| texts(node, findings)).unwrap_or_default();
        let annotations = fields.get(&EXP_ANNOTATIONS).map(|node| texts(node, findings)).unwrap_or_default();
        expected.push((labels.with(ALERT_NAME, alert.unwrap_or_default()), annotations));
    }
    let at_ms = length_or(&fields, &ALERT_EVAL_TIME, 0, findings);
    Some(AlertTest { place: node.place.clone(), at_ms, alert: alert?.to_owned(), expected })
}

fn expr_test(node: &Node, findings: &mut Findings) -> Option<ExprTest> {
    let fields = Fields::of(node, "a promql_expr_test", &EXPR_TEST, findings)?;
    let expr = fields.need(&EXPR, &node.place, "the promql_expr_test", "an expression", findings);
    let query = expr.and_then(|node| scalar(node, "an expression", findings));
    let mut expected = Vec::new();
    for node in list(fields.get(&EXP_SAMPLES), "elements", findings) {
        let Some(fields) = Fields::of(node, "an expected element", &EXP_SAMPLE, findings) else { continue };
        if let Some(histogram) = fields.get(&HISTOGRAM) {
            refuse(histogram, "a `value`: native histograms are not stored", findings);
        }
        let of = fields.get(&SAMPLE_LABELS).filter(|node| !is_nothing(node));
        let of = of.map_or_else(
            || Some(Labels::default()),
            |node| match scalar(node, "labels", findings) {
                Some("") => Some(Labels::default()),
                _ => labels(node, findings),
            },
        );
        let number = fields.get(&VALUE).map_or(Some(0.0), |node| value(node, findings));
        expected.extend(of.zip(number));
    }
    let at_ms = length_or(&fields, &EXPR_EVAL_TIME, 0, findings);
    Some(ExprTest { place: node.place.clone(), at_ms, query: query?.to_owned(), expected })
}

fn length_or(fields: &Fields<'_>, key: &Key<Own>, default_ms: i64, findings: &mut Findings) -> i64 {
    let given = fields.get(key).and_then(|node| length_ms(node, findings));
    // An interval of nothing is none.
    given.filter(|ms| *ms > 0).unwrap_or(default_ms)
}

fn is_nothing(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(scalar) if scalar.kind == Kind::Null)
}

fn list<'n>(node: Option<&'n Node>, what: &str, findings: &mut Findings) -> &'n [Node] {
    match node.map(|node| (node, &node.content)) {
        None => &[],
        Some((_, Content::List(items))) => items,
        Some((node, _)) if is_nothing(node) => &[],
        Some((node, _)) => {
            refuse(node, &format!("a list of {what}"), findings);
            &[]
        }
    }
}
