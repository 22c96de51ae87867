//! The keys of test files (`cmd/promtool/unittest.go` of Prometheus 3).

use crate::document::key::{Key, Own, Required, key, section};
use crate::document::kind::Flag;
use crate::document::section::Shape;

fn scalar() -> Shape {
    Shape::Scalar
}

fn texts() -> Shape {
    Shape::Scalar.by_name()
}

section! {
    /// A test file.
    TEST_FILE = "the test file";
    RULE_FILES: Key<Own> = key("rule_files", Own(|| Shape::List(Box::new(Shape::Text))), "the rule files to test; globs are allowed");
    EVALUATION_INTERVAL: Key<Own> = key("evaluation_interval", Own(scalar), "how often the rules are evaluated").says("1m");
    GROUP_EVAL_ORDER: Key<Own> = key("group_eval_order", Own(|| Shape::List(Box::new(Shape::Scalar))), "groups in their order");
    FUZZY_COMPARE: Key<Flag> = key("fuzzy_compare", Flag, "whether values may differ in their last bit");
    TESTS: Key<Own> = key("tests", Own(|| Shape::List(Box::new(Shape::Section(&TEST)))), "the tests");
}

section! {
    /// A test.
    TEST = "test";
    NAME: Key<Own> = key("name", Own(scalar), "its name");
    INTERVAL: Key<Own> = key("interval", Own(scalar), "time between two values of a series");
    START_TIMESTAMP: Key<Own> = key("start_timestamp", Own(scalar), "time of the first value");
    INPUT_SERIES: Key<Own> = key("input_series", Own(|| Shape::List(Box::new(Shape::Section(&SERIES)))), "the series");
    ALERT_RULE_TEST: Key<Own> = key("alert_rule_test", Own(|| Shape::List(Box::new(Shape::Section(&ALERT_TEST)))), "which alerts fire");
    PROMQL_EXPR_TEST: Key<Own> = key("promql_expr_test", Own(|| Shape::List(Box::new(Shape::Section(&EXPR_TEST)))), "what expressions come to");
    EXTERNAL_LABELS: Key<Own> = key("external_labels", Own(texts), "labels of the host");
    EXTERNAL_URL: Key<Own> = key("external_url", Own(scalar), "where its page is");
}

section! {
    /// A series of a test.
    SERIES = "series";
    SERIES_NAME: Key<Own, Required> = key("series", Own(scalar), "its name and labels").required();
    VALUES: Key<Own, Required> = key("values", Own(scalar), "its values").required();
}

section! {
    /// A test of alerts.
    ALERT_TEST = "alert_rule_test";
    ALERT_EVAL_TIME: Key<Own> = key("eval_time", Own(scalar), "the time, from the first value on");
    ALERTNAME: Key<Own, Required> = key("alertname", Own(scalar), "the name of the alerts").required();
    EXP_ALERTS: Key<Own> = key("exp_alerts", Own(|| Shape::List(Box::new(Shape::Section(&EXP_ALERT)))), "the alerts that fire");
}

section! {
    /// An alert that fires.
    EXP_ALERT = "exp_alerts";
    EXP_LABELS: Key<Own> = key("exp_labels", Own(texts), "its labels but `alertname`");
    EXP_ANNOTATIONS: Key<Own> = key("exp_annotations", Own(texts), "its annotations");
}

section! {
    /// A test of an expression.
    EXPR_TEST = "promql_expr_test";
    EXPR: Key<Own, Required> = key("expr", Own(scalar), "the expression").required();
    EXPR_EVAL_TIME: Key<Own> = key("eval_time", Own(scalar), "the time, from the first value on");
    EXP_SAMPLES: Key<Own> = key("exp_samples", Own(|| Shape::List(Box::new(Shape::Section(&EXP_SAMPLE)))), "the elements");
}

section! {
    /// An element of an answer.
    EXP_SAMPLE = "exp_samples";
    SAMPLE_LABELS: Key<Own> = key("labels", Own(scalar), "its name and labels");
    VALUE: Key<Own> = key("value", Own(scalar), "its value").says("0");
    HISTOGRAM: Key<Own> = key("histogram", Own(scalar), "refused: native histograms are not stored");
}
