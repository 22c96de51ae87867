//! What a table says of a key, in words.

use std::time::Duration;

use crate::document::section::{Absent, Row, Shape};
use crate::document::size;

/// What a key is for, with its bounds and the words that it may have, in Markdown.
pub(crate) fn meaning(row: &dyn Row) -> String {
    let text = row.text();
    match constraint(&row.shape()) {
        // They belong to what is said first.
        Some(Constraint::Bounds(bounds)) => match text.split_once(';') {
            Some((first, rest)) => format!("{first}, {bounds};{rest}"),
            None => format!("{text}, {bounds}"),
        },
        // Most texts say what each word means.
        Some(Constraint::Words(words)) if !words.iter().any(|word| text.contains(&format!("`{word}`"))) => {
            format!("{text}: {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
        _ => text.to_owned(),
    }
}

/// What holds without a key, in Markdown.
pub(crate) fn absence(row: &dyn Row) -> String {
    match row.absent() {
        Absent::Required => "required".to_owned(),
        Absent::Value(value) => format!("`{value}`"),
        Absent::Values(values) => {
            values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
        }
        Absent::Words(words) => words.to_owned(),
    }
}

/// The same as a sentence of its own.
pub(crate) fn default(row: &dyn Row) -> String {
    let absence = absence(row);
    if !absence.contains("required") {
        return format!("Default: {absence}.");
    }
    let (first, rest) = absence.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}

enum Constraint {
    Bounds(String),
    Words(Vec<&'static str>),
}

fn constraint(shape: &Shape) -> Option<Constraint> {
    match shape {
        Shape::Duration { least, most } => {
            Some(Constraint::Bounds(format!("{} to {}", time(*least), time(*most))))
        }
        Shape::Whole { least, most: i64::MAX } => Some(Constraint::Bounds(format!("at least {least}"))),
        Shape::Whole { least, most } => Some(Constraint::Bounds(format!("{least} to {}", thousands(*most)))),
        Shape::Number { least, most } => Some(Constraint::Bounds(format!("{least} to {most}"))),
        Shape::Size { most } if *most < i64::MAX as u64 => {
            Some(Constraint::Bounds(format!("at most {}", size::show(*most))))
        }
        Shape::Words(words) => Some(Constraint::Words(words.clone())),
        // `sync` has words and a time.
        Shape::Either(shapes) => shapes.iter().filter_map(constraint).find(|found| {
            matches!(found, Constraint::Bounds(_))
                && shapes.iter().any(|shape| matches!(shape, Shape::Duration { .. }))
        }),
        _ => None,
    }
}

/// A number with commas between its thousands, if it has more than four digits.
fn thousands(number: i64) -> String {
    let digits = number.to_string();
    if number < 10_000 {
        return digits;
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = digits.as_str();
    while rest.len() > 3 {
        let (before, part) = rest.split_at(rest.len() - 3);
        parts.push(part);
        rest = before;
    }
    parts.push(rest);
    parts.reverse();
    parts.join(",")
}

/// A duration in its largest unit that leaves no rest, as texts have it: `366 d`.
fn time(duration: Duration) -> String {
    const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let ms = duration.as_millis();
    match UNITS.iter().find(|(unit_ms, _)| ms.is_multiple_of(*unit_ms)) {
        _ if ms == 0 => "0 s".to_owned(),
        Some((unit_ms, unit)) => format!("{} {unit}", ms / unit_ms),
        None => format!("{ms} ms"),
    }
}

/// Markdown without its links: their texts remain.
pub(crate) fn without_links(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, text, after)) = link(rest) {
        plain.push_str(before);
        plain.push_str(text);
        rest = after;
    }
    plain + rest
}

/// What stands before the first link, its text, and what stands behind it.
fn link(markdown: &str) -> Option<(&str, &str, &str)> {
    let middle = markdown.find("](")?;
    let start = markdown[..middle].rfind('[')?;
    let end = middle + markdown[middle..].find(')')?;
    Some((&markdown[..start], &markdown[start + 1..middle], &markdown[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::{nrpe, process, settings, snmp, threshold, top};

    #[test]
    fn bounds_and_words_are_told_with_the_text() {
        assert_eq!(meaning(&settings::CHECK_INTERVAL), "time between two runs, 100 ms to 366 d");
        assert_eq!(meaning(&snmp::RETRIES), "attempts after the first, 0 to 20");
        assert_eq!(meaning(&snmp::TOTAL), "traps a second that are taken in all, 1 to 10,000,000");
        assert_eq!(
            meaning(&process::OUTPUT),
            "what is kept of stdout, at most 8MiB; the rest is read and dropped"
        );
        assert!(meaning(&threshold::FOR).ends_with("before it counts, 0 s to 366 d; `0s` is at once"));
        assert!(meaning(&top::SYNC).ends_with("long after, 10 ms to 1 h"));
        assert!(
            meaning(&settings::TIMEOUT_STATE).ends_with("ended so: `ok`, `warning`, `critical`, `unknown`")
        );
        assert_eq!(meaning(&settings::BYTE_UNITS), settings::BYTE_UNITS.text());
        assert_eq!(absence(&settings::TIMEOUT), "`10s`");
        assert_eq!(absence(&nrpe::TLS), "`true`");
        assert_eq!(absence(&snmp::VERSION), "required");
        assert_eq!(default(&snmp::VERSION), "Required.");
        assert_eq!(default(&threshold::WARNING), "This, `critical` or `outside` is required.");
        assert_eq!(default(&settings::RETRY_INTERVAL), "Default: `check_interval`.");
        assert!(absence(&top::PLUGINS).starts_with("`/usr/lib/nagios/plugins`, `/usr/lib64/"));
    }

    #[test]
    fn links_leave_their_text() {
        assert_eq!(without_links("see [a `b`](c.md#d) and [e](#f)."), "see a `b` and e.");
        assert_eq!(without_links("`[start:]end` (x)"), "`[start:]end` (x)");
    }
}
