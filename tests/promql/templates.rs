//! The 539 queries of the compliance suite for PromQL (`prometheus/compliance`), told by their shapes.
//!
//! A word in `<>` stands for each word of its list in turn; `M` is `demo_memory_usage_bytes`.

/// Words that shapes vary.
const LISTS: [(&str, &[&str]); 15] = [
    ("range", &["1s", "15s", "1m", "5m", "15m", "1h"]),
    ("offset", &["1m", "5m", "10m"]),
    ("aggregate", &["sum", "avg", "max", "min", "count", "stddev", "stdvar"]),
    ("over", &["sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"]),
    ("pick", &["topk", "bottomk"]),
    ("quantile", &["-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"]),
    ("arithmetic", &["+", "-", "*", "/", "%", "^"]),
    ("compare", &["==", "!=", "<", ">", "<=", ">="]),
    ("operator", &["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="]),
    ("math", &["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"]),
    ("rate", &["delta", "rate", "increase"]),
    ("clamp", &["clamp_min", "clamp_max"]),
    ("instant", &["idelta", "irate"]),
    ("date", &["day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"]),
    (
        "group",
        &[
            "by()",
            "by(instance)",
            "by(instance, type)",
            "by(nonexistent)",
            "without()",
            "without(instance)",
            "without(instance, type)",
            "without(nonexistent)",
        ],
    ),
];

/// Expressions without a vector, or with nothing but a selector.
const SIMPLE: &[&str] = &[
    "42",
    "1.234",
    ".123",
    "1.23e-3",
    "0x3d",
    "Inf",
    "+Inf",
    "-Inf",
    "NaN",
    "M",
    "{__name__=\"demo_memory_usage_bytes\"}",
    "M{type=\"free\"}",
    "M{type!=\"free\"}",
    "M{instance=~\"demo.host:.*\"}",
    "M{instance=~\"host\"}",
    "M{instance!~\".*:10000\"}",
    "M{type=\"free\", instance!=\"demo.host:10000\"}",
    "{type=\"free\", instance!=\"demo.host:10000\"}",
    "{__name__=~\".*\"}",
    "nonexistent_metric_name",
    "M offset <offset>",
    "M offset -<offset>",
    "demo_intermittent_metric",
];

const AGGREGATIONS: &[&str] = &[
    "<aggregate>(M)",
    "<aggregate>(nonexistent_metric_name)",
    "<aggregate> <group> (M)",
    "<pick> (3, M)",
    "<pick> by(instance) (2, M)",
    "<pick> without(instance) (2, M)",
    "<pick> without() (2, M)",
    "quantile(<quantile>, M)",
    "avg(max by(type) (M))",
];

const OPERATORS: &[&str] = &[
    "1 * 2 + 4 / 6 - 10 % 2 ^ 2",
    "demo_num_cpus + (1 <compare> bool 2)",
    "M <operator> 1.2345",
    "M <compare> bool 1.2345",
    "1.2345 <compare> bool M",
    "0.12345 <operator> M",
    "(1 * 2 + 4 / 6 - (10%7)^2) <operator> M",
    "M <operator> (1 * 2 + 4 / 6 - 10)",
    "timestamp(M * 1)",
    "timestamp(-M)",
    "M <operator> on(instance, job, type) M",
    "sum by(instance, type) (M) <operator> on(instance, type) group_left(job) M",
    "M <compare> bool on(instance, job, type) M",
    "M / on(instance, job, type, __name__) M",
    "sum without(job) (M) / on(instance, type) M",
    "sum without(job) (M) / on(instance, type) group_left M",
    "sum without(job) (M) / on(instance, type) group_left(job) M",
    "M / on(instance, job) group_left demo_num_cpus",
    "M / on(instance, type, job, non_existent) M",
    "demo_num_cpus * Inf",
    "demo_num_cpus * -Inf",
    "demo_num_cpus * NaN",
    "M + -(1)",
    "-M",
    "-1 ^ 2",
    "1 <arithmetic> time()",
    "time() <arithmetic> 1",
    "time() <compare> bool 1",
    "1 <compare> bool time()",
    "time() <arithmetic> time()",
    "time() <compare> bool time()",
    "time() <operator> M",
    "M <operator> time()",
];

const FUNCTIONS: &[&str] = &[
    "<over>_over_time(M[<range>])",
    "quantile_over_time(<quantile>, M[<range>])",
    "timestamp(demo_num_cpus)",
    "timestamp(timestamp(demo_num_cpus))",
    "<math>(M)",
    "<math>(-M)",
    "<rate>(nonexistent_metric[5m])",
    "<rate>(demo_cpu_usage_seconds_total[<range>])",
    "deriv(demo_disk_usage_bytes[<range>])",
    "predict_linear(demo_disk_usage_bytes[<range>], 600)",
    "time()",
    "label_replace(demo_num_cpus, \"job\", \"destination-value-$1\", \"instance\", \"demo.host:(.*)\")",
    "label_replace(demo_num_cpus, \"job\", \"destination-value-$1\", \"instance\", \"host:(.*)\")",
    "label_replace(demo_num_cpus, \"job\", \"$1-$2\", \"instance\", \"local(.*):(.*)\")",
    "label_replace(demo_num_cpus, \"job\", \"value-$1\", \"nonexistent-src\", \"source-value-(.*)\")",
    "label_replace(demo_num_cpus, \"job\", \"value-$1\", \"nonexistent-src\", \"(.*)\")",
    "label_replace(demo_num_cpus, \"job\", \"value-$1\", \"instance\", \"non-matching-regex\")",
    "label_replace(demo_num_cpus, \"job\", \"\", \"dst\", \".*\")",
    "label_replace(demo_num_cpus, \"job\", \"value-$1\", \"src\", \"(.*\")",
    "label_replace(demo_num_cpus, \"~invalid\", \"\", \"src\", \"(.*)\")",
    "label_replace(demo_num_cpus, \"instance\", \"\", \"\", \"\")",
    "label_join(demo_num_cpus, \"new_label\", \"-\", \"instance\", \"job\")",
    "label_join(demo_num_cpus, \"job\", \"-\", \"instance\", \"job\")",
    "label_join(demo_num_cpus, \"job\", \"-\", \"instance\")",
    "label_join(demo_num_cpus, \"~invalid\", \"-\", \"instance\")",
    "<date>()",
    "<date>(demo_batch_last_success_timestamp_seconds offset <offset>)",
    "<instant>(demo_cpu_usage_seconds_total[<range>])",
    "<clamp>(M, 2)",
    "clamp(M, 0, 1)",
    "clamp(M, 0, 1000000000000)",
    "clamp(M, 1000000000000, 0)",
    "clamp(M, 1000000000000, 1000000000000)",
    "resets(demo_cpu_usage_seconds_total[<range>])",
    "changes(demo_batch_last_success_timestamp_seconds[<range>])",
    "vector(1.23)",
    "vector(time())",
    "histogram_quantile(<quantile>, rate(demo_api_request_duration_seconds_bucket[1m]))",
    "histogram_quantile(0.9, nonexistent_metric)",
    "histogram_quantile(0.9, M)",
    "histogram_quantile(0.9, {__name__=~\"demo_api_request_duration_seconds_.+\"})",
    "count_values(\"value\", demo_api_request_duration_seconds_bucket)",
    "absent(M)",
    "absent(nonexistent_metric_name)",
    "max_over_time((time() - max(demo_batch_last_success_timestamp_seconds) < 1000)[5m:10s] offset 5m)",
    "avg_over_time(rate(demo_cpu_usage_seconds_total[1m])[2m:10s])",
];

/// All queries.
pub(crate) fn queries() -> Vec<String> {
    let shapes = [SIMPLE, AGGREGATIONS, OPERATORS, FUNCTIONS].concat();
    shapes.iter().flat_map(|shape| expanded(shape.to_string())).map(|query| with_metric(&query)).collect()
}

fn expanded(shape: String) -> Vec<String> {
    let word = LISTS.iter().find(|(name, _)| shape.contains(&format!("<{name}>")));
    let Some((name, words)) = word else { return vec![shape] };
    words.iter().flat_map(|word| expanded(shape.replace(&format!("<{name}>"), word))).collect()
}

/// `M` where it stands by itself is the metric of the memory.
fn with_metric(query: &str) -> String {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut out = String::new();
    for (at, c) in query.char_indices() {
        let alone =
            c == 'M' && !is_word(query[..at].chars().last()) && !is_word(query[at + 1..].chars().next());
        match alone {
            true => out.push_str("demo_memory_usage_bytes"),
            false => out.push(c),
        }
    }
    out
}
