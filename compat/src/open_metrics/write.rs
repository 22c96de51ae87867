//! Writing families, line by line.

use std::fmt::{Display, Write};

use super::escaping::{Escaping, is_identifier};

/// What kind of metrics a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They go up and down.
    Gauge,
    /// Some of them only grow, or it is not known.
    Unknown,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Unknown => "unknown",
        }
    }
}

/// Units that a name may end with, for `# UNIT`.
const UNITS: [&str; 2] = ["seconds", "bytes"];

/// Begins the family of a name: its kind, and its unit if the name ends with it, as the format wants it.
pub fn write_family(out: &mut String, name: &str, kind: Kind, escaping: Escaping) {
    let name = escaping.metric(name);
    let shown = if is_identifier(&name, true) { name.to_string() } else { quoted(&name) };
    // Writing to a String does not fail.
    let _ = writeln!(out, "# TYPE {shown} {}", kind.name());
    let unit = UNITS.into_iter().find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')));
    if let Some(unit) = unit {
        let _ = writeln!(out, "# UNIT {shown} {unit}");
    }
}

/// What the lines of a series begin with: its name and labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The series of a name and labels, which do not have the name among them. Of labels whose names become one, the first
    /// is written.
    pub fn new<'a>(
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        escaping: Escaping,
    ) -> Subject {
        let name = escaping.metric(name);
        let is_plain = is_identifier(&name, true);
        let mut parts: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        if !is_plain {
            parts.push(quoted(&name));
        }
        for (label, value) in labels {
            let label = escaping.label(label).into_owned();
            if names.contains(&label) {
                continue;
            }
            let shown = if is_identifier(&label, false) { label.clone() } else { quoted(&label) };
            parts.push(format!("{shown}={}", quoted(value)));
            names.push(label);
        }
        let before = if is_plain { &*name } else { "" };
        Subject(match parts.is_empty() {
            true => before.to_owned(),
            false => format!("{before}{{{}}}", parts.join(",")),
        })
    }
}

/// A sample: `value` as the format writes numbers (`NaN`, `+Inf`, `-Inf` among them), the time in ms since the epoch.
pub fn write_sample(out: &mut String, subject: &Subject, value: &impl Display, time_ms: i64) {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (seconds, ms) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    let Subject(subject) = subject;
    let _ = match ms {
        0 => writeln!(out, "{subject} {value} {sign}{seconds}"),
        _ => writeln!(out, "{subject} {value} {sign}{seconds}.{ms:03}"),
    };
}

/// Ends the text.
pub fn write_end(out: &mut String) {
    out.push_str("# EOF\n");
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_the_format_wants_them() {
        let text = |escaping: Escaping| {
            let mut out = String::new();
            write_family(&mut out, "check_duration_seconds", Kind::Gauge, escaping);
            let labels = [("check", "a\"b\\\n"), ("x.y", "1"), ("x_y", "2")];
            let subject = Subject::new("check_duration_seconds", labels, escaping);
            write_sample(&mut out, &subject, &0.5, 1_500);
            write_sample(&mut out, &subject, &"NaN", -2_000);
            write_family(&mut out, "disk /", Kind::Unknown, escaping);
            write_sample(&mut out, &Subject::new("disk /", [], escaping), &"+Inf", 7);
            write_end(&mut out);
            out
        };
        assert_eq!(
            text(Escaping::AllowUtf8),
            "# TYPE check_duration_seconds gauge\n# UNIT check_duration_seconds seconds\n\
             check_duration_seconds{check=\"a\\\"b\\\\\\n\",\"x.y\"=\"1\",x_y=\"2\"} 0.5 1.500\n\
             check_duration_seconds{check=\"a\\\"b\\\\\\n\",\"x.y\"=\"1\",x_y=\"2\"} NaN -2\n\
             # TYPE \"disk /\" unknown\n{\"disk /\"} +Inf 0.007\n# EOF\n"
        );
        let plain = text(Escaping::Underscores);
        assert!(plain.contains("\",x_y=\"1\"} 0.5") && plain.contains("disk__ +Inf 0.007\n"), "{plain}");
    }

    #[test]
    fn a_name_is_no_unit() {
        let mut out = String::new();
        write_family(&mut out, "seconds", Kind::Gauge, Escaping::AllowUtf8);
        write_family(&mut out, "milliseconds", Kind::Unknown, Escaping::AllowUtf8);
        assert!(!out.contains("UNIT"), "{out}");
    }
}
