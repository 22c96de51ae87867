//! The table of all bounds in `docs/limits.md`, made from the files that define them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/limits.md";
const HEADING: &str = "## All of them, by name\n";
/// The files that define bounds, and whose they are.
const FILES: &[(&str, &str)] = &[
    ("src/limits.rs", "The agent and its commands"),
    ("src/limits/history.rs", "Looking through history"),
    ("src/limits/import.rs", "Taking in what other systems kept"),
    ("src/limits/judge.rs", "Judging rules"),
    ("src/limits/live.rs", "Watching"),
    ("src/limits/native.rs", "In the place of plugins"),
    ("src/limits/nats.rs", "The client of NATS"),
    ("src/limits/notify.rs", "Notifications"),
    ("src/limits/sink.rs", "Sinks"),
    ("src/limits/stream.rs", "Streams"),
    ("src/limits/submit.rs", "Results that are submitted"),
    ("src/limits/terminal.rs", "Programs that fill a terminal"),
    ("src/limits/traps.rs", "Traps"),
    ("plugins-shim/src/limits.rs", "The processes of plugins"),
    ("store/src/limits.rs", "The store"),
    ("store/query/src/limits.rs", "Questions to the store"),
    ("store/query/memory/src/limits.rs", "What history says"),
    ("store/query/promql/src/limits.rs", "PromQL"),
    ("compat/src/nagios/limits.rs", "Output of plugins"),
    ("compat/src/nats/limits.rs", "What a NATS server may send"),
    ("compat/src/nrpe/limits.rs", "`nrpe.cfg`"),
    ("compat/src/snmp/limits.rs", "Messages of SNMP"),
];

/// A bound as its file defines it.
#[derive(Debug, PartialEq)]
struct Bound {
    name: String,
    expression: String,
    what: String,
}

fn bounds(source: &str) -> Vec<Bound> {
    let mut bounds = Vec::new();
    let mut what = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("///") {
            what.push_str(comment);
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            let mut definition = rest.to_owned();
            while !definition.ends_with(';') {
                definition.push(' ');
                definition.push_str(lines.next().unwrap_or(";").trim());
            }
            let (name, rest) = definition.split_once(':').unwrap();
            let expression = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
            bounds.push(Bound {
                name: name.to_owned(),
                expression: expression.to_owned(),
                what: linked(&what.trim().replace("[`", "`").replace("`]", "`").replace('|', "\\|")),
            });
            what.clear();
        } else if !line.starts_with("#[") {
            what.clear();
        }
    }
    bounds
}

/// With links in place of pages that a comment names from the root of the repository.
fn linked(text: &str) -> String {
    let part = |(at, part): (usize, &str)| match part.strip_prefix("docs/") {
        Some(page) if at % 2 == 1 => format!("[{page}]({page})"),
        _ if at % 2 == 1 => format!("`{part}`"),
        _ => part.to_owned(),
    };
    text.split('`').enumerate().map(part).collect()
}

/// The number that an expression of numbers, names, `<<`, `*` and `+` stands for.
fn number(expression: &str, known: &BTreeMap<String, u64>) -> Option<u64> {
    let expression = expression.trim();
    if let Some((left, right)) = expression.split_once('+') {
        return number(left, known)?.checked_add(number(right, known)?);
    }
    if let Some((left, right)) = expression.split_once("<<") {
        return number(left, known)?.checked_shl(u32::try_from(number(right, known)?).ok()?);
    }
    if let Some((left, right)) = expression.split_once('*') {
        return number(left, known)?.checked_mul(number(right, known)?);
    }
    let plain = expression.trim_matches(['(', ')']).replace('_', "");
    plain.parse().ok().or_else(|| known.get(expression).copied())
}

/// A bound as a person reads it.
fn shown(bound: &Bound, known: &BTreeMap<String, u64>) -> String {
    let time = [("from_secs(", "s"), ("from_millis(", "ms"), ("from_micros(", "µs")];
    for (function, unit) in time {
        let inner = bound.expression.strip_prefix("Duration::").and_then(|rest| rest.strip_prefix(function));
        if let Some(count) = inner.and_then(|rest| number(rest.strip_suffix(')')?, known)) {
            let long = [(86_400, "d"), (3600, "h"), (60, "min")];
            let larger =
                long.iter().find(|(seconds, _)| unit == "s" && count >= *seconds && count % seconds == 0);
            return larger
                .map_or(format!("{count} {unit}"), |(seconds, unit)| format!("{} {unit}", count / seconds));
        }
    }
    let Some(count) = number(&bound.expression, known) else { return format!("`{}`", bound.expression) };
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit =
        units.iter().find(|(bytes, _)| bound.name.contains("BYTES") && count >= *bytes && count % bytes == 0);
    unit.map_or_else(|| grouped(count), |(bytes, unit)| format!("{} {unit}", count / bytes))
}

/// With commas between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The tables of all files.
fn tables() -> String {
    let mut text = String::new();
    let mut known = BTreeMap::new();
    for (file, whose) in FILES {
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        write!(text, "\n### {whose}\n\n| name | bound | what it bounds |\n| --- | --- | --- |\n").unwrap();
        for bound in bounds(&source) {
            if let Some(count) = number(&bound.expression, &known) {
                known.insert(bound.name.clone(), count);
            }
            writeln!(text, "| `{}` | {} | {} |", bound.name, shown(&bound, &known), bound.what).unwrap();
        }
    }
    text
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(HEADING).unwrap();
    let (introduction, said) =
        rest.split_once("\n###").map_or((rest, ""), |(head, _)| (head, &rest[head.len()..]));
    let tables = tables();
    if std::env::var_os("CUSTOS_DOCS_WRITE").is_some() {
        fs::write(&path, format!("{before}{HEADING}{introduction}{tables}")).unwrap();
        return;
    }
    let different = said.lines().zip(tables.lines()).find(|(said, made)| said != made);
    assert!(said == tables, "{PAGE}: CUSTOS_DOCS_WRITE=1 writes it anew; first difference: {different:#?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_with_their_text_and_shown_with_their_unit() {
        let source = "/// Bytes of\n/// a [`LOG`] (`docs/a.md#b`).\npub const LOG_BYTES: u64 = 16 << 20;\n\n/// Wait.\npub const WAIT: Duration =\n    \
                      Duration::from_secs(2 * 3600);\npub const ALL: usize = LOG_BYTES * 2 + 1;\n";
        let bounds = bounds(source);
        assert_eq!(bounds[0].what, "Bytes of a `LOG` ([a.md#b](a.md#b)).");
        let known = BTreeMap::from([("LOG_BYTES".to_owned(), 16 << 20)]);
        let shown: Vec<String> = bounds.iter().map(|bound| super::shown(bound, &known)).collect();
        assert_eq!(shown, ["16 MiB", "2 h", "33,554,433"]);
    }
}
