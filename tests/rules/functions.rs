//! Each function of templates, beside Debian's `promtool`: the same texts come of the same templates.

use std::fmt::Write as _;

use crate::parity::{Question, both, custos};
use crate::stage::text;

/// Templates of annotations of an alert with the value 93.25 and the labels of [`SERIES`].
const TEMPLATES: &[&str] = &[
    // What an alert has.
    "{{ $value }} {{ .Value }} {{ $labels.instance }} {{ .Labels.disk }}{{ $labels.none }}{{ .Labels.none }}",
    "{{ $externalLabels.site }} {{ .ExternalLabels.site }} {{ $externalURL }} {{ .ExternalURL }}",
    "{{ $labels }} {{ len $labels }}",
    "{{ range $name, $text := $labels }}{{ $name }}={{ $text }};{{ end }}",
    // Numbers as people write them.
    "{{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize .12345 }} {{ humanize -4321.0 }}",
    "{{ humanize \"1e21\" }} {{ humanize \"-1e-21\" }} {{ humanize \"Inf\" }} {{ humanize \"NaN\" }} {{ 5 | humanize }}",
    "{{ humanize \"999.96\" }} {{ humanize \"999999\" }} {{ humanize \"1e-9\" }} {{ humanize \"1e30\" }}",
    "{{ humanize1024 0.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 1e30 }} {{ humanize1024 \"-2048\" }} {{ humanize1024 512 }}",
    "{{ humanizeDuration 0.0 }} {{ humanizeDuration 1.0 }} {{ humanizeDuration 61.5 }} {{ humanizeDuration 3600.0 }} {{ humanizeDuration 90061.0 }}",
    "{{ humanizeDuration 0.1 }} {{ humanizeDuration 0.0001 }} {{ humanizeDuration -86400.0 }} {{ humanizeDuration \"Inf\" }} {{ humanizeDuration 899.99 }}",
    "{{ humanizePercentage 0.2959 }} {{ humanizePercentage 1.0 }} {{ humanizePercentage \"0.00012345\" }} {{ humanizePercentage 12345.678 }}",
    "{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 0.0 }} {{ humanizeTimestamp \"1e9\" }} {{ humanizeTimestamp \"NaN\" }}",
    "{{ 1435065584.128 | toTime }} {{ toTime \"0\" }}",
    "{{ parseDuration \"1h30m\" }} {{ parseDuration \"1d\" | humanizeDuration }}",
    // Texts.
    "{{ title \"aa bB CC d-e\" }} {{ \"x\" | toUpper }} {{ \"ÄX\" | toLower }}",
    "{{ match \"a+\" \"aa\" }} {{ match \"a+\" \"b\" }} {{ reReplaceAll \"(a)b\" \"x${1}\" \"ab ab\" }} {{ \"a.b\" | reReplaceAll \"\\\\.\" \"-\" }}",
    "{{ stripPort \"localhost:80\" }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"x\" }}",
    "{{ stripDomain \"a.example.org:80\" }} {{ stripDomain \"10.1.2.3\" }} {{ stripDomain \"a\" }}",
    "{{ graphLink \"up{a=\\\"b c\\\"}\" }} {{ tableLink \"up\" }} {{ safeHtml \"<b>\" }}",
    // Answers to queries.
    "{{ query \"other\" | sortByLabel \"host\" | first | value }} {{ query \"other\" | sortByLabel \"host\" | first | label \"host\" }}",
    "{{ range query \"other\" | sortByLabel \"host\" }}{{ .Labels.host }}:{{ .Value }} {{ end }}",
    "{{ with query \"nothing\" }}{{ . | first | value }}{{ else }}none{{ end }} {{ len (query \"other\") }}",
    "{{ query \"other{host='a'}\" | first | strvalue }}|",
    "{{ define \"x\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"x\" (args 1 \"two\") }}",
    // The language.
    "{{ if gt $value 90.0 }}high{{ else if gt $value 50.0 }}middle{{ else }}low{{ end }}",
    "{{ printf \"%.1f %5.2f|%-8s|%q|%v|%d|%x|%e|%g|%08.3f|%+d|%t\" $value $value \"ab\" \"c\" 1 2 255 $value $value $value 3 true }}",
    "{{ and true false }} {{ or \"\" \"x\" }} {{ not true }} {{ eq 1 1 }} {{ ne \"a\" \"b\" }} {{ lt 1 2 }} {{ ge 2.5 2.5 }}",
    "{{ len \"abc\" }} {{ index $labels \"disk\" }} {{ slice \"abcdef\" 1 3 }} {{ print 1 2 \"x\" }} {{ println \"y\" }}",
    "{{ html \"<a&b>\" }} {{ urlquery \"a b&c\" }} {{ js \"it's\" }}",
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }} {{- \" trimmed\" -}} \t end",
    "{{ range $i, $e := (query \"other\" | sortByLabel \"host\") }}{{ if $i }}, {{ end }}{{ $e.Labels.host }}{{ end }}",
    "{{ with $labels.disk }}on {{ . }}{{ end }}{{/* nothing */}} {{ \"quoted \\\"x\\\"\" }} {{ `raw` }} {{ 'a' }} {{ 0x10 }} {{ 1e3 }}",
    "no action, braces } { and {{ \"{{\" }}",
];

/// Templates that come to something else than Debian's Prometheus 2.42 makes of them, each for a reason that
/// `docs/promql-differences.md` gives: what Custos makes of them.
const OTHERWISE: &[(&str, &str)] = &[
    // 2.42 has `Don'T`, Prometheus 3 what Custos has.
    ("{{ title \"don't\" }}", "Don't"),
    // 2.42 fails at these two in tests of rules, which have no page.
    ("{{ pathPrefix }}", "/path/prefix"),
    ("{{ externalURL }}", "http://testhost:9090/path/prefix"),
    // What 2.42 does not have.
    ("{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"),
    ("{{ toDuration 90.5 }}", "1m30.5s"),
    ("{{ now | printf \"%.0f\" }}", "300"),
];

const SERIES: &str = r#"
rule_files: [functions.rules.yml]
evaluation_interval: 1m
tests:
  - interval: 59s
    external_labels: { site: lab }
    external_url: http://testhost:9090/path/prefix
    input_series:
      - { series: 'hot{instance="web1.example.org:9100",disk="/var"}', values: '_ 93.25x60' }
      - { series: 'other{host="a"}', values: '_ 1x60' }
      - { series: 'other{host="b"}', values: '_ 2.5x60' }
"#;

#[test]
fn every_function_of_templates_gives_the_same_text() {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("functions.rules.yml");
    let mut file = String::from("groups:\n- name: templates\n  rules:\n");
    for (index, template) in TEMPLATES.iter().enumerate() {
        let quoted = serde_json::to_string(template).unwrap();
        let _ = writeln!(file, "  - {{ alert: T{index}, expr: hot > 1, annotations: {{ text: {quoted} }} }}");
    }
    std::fs::write(&rules, file).unwrap();
    let answers = both(&rules, SERIES);
    for (index, template) in TEMPLATES.iter().enumerate() {
        let answer = &answers[&(5, Question::Alert(format!("T{index}")))][0].1;
        assert!(answer.contains("text") && !answer.contains("error expanding"), "{template}: {answer}");
    }
}

#[test]
fn what_is_otherwise_is_as_it_is_documented() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = String::from("groups:\n- name: templates\n  rules:\n");
    let mut test = format!("{}    alert_rule_test:\n", SERIES.trim_start());
    for (index, (template, expected)) in OTHERWISE.iter().enumerate() {
        let (quoted, expected) =
            (serde_json::to_string(template).unwrap(), serde_json::to_string(expected).unwrap());
        let _ =
            writeln!(file, "  - {{ alert: T{index}, expr: vector(1), annotations: {{ text: {quoted} }} }}");
        let _ = writeln!(
            test,
            "      - {{ eval_time: 5m, alertname: T{index}, exp_alerts: [{{ exp_annotations: {{ text: {expected} }} }}] }}"
        );
    }
    std::fs::write(directory.path().join("functions.rules.yml"), file).unwrap();
    let test_file = directory.path().join("test.yml");
    std::fs::write(&test_file, test).unwrap();
    let ours = custos(&test_file);
    assert!(ours.status.success(), "{}{}", text(&ours.stdout), text(&ours.stderr));
}
