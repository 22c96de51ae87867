//! How receivers are asked for samples over the API of Prometheus, and what they answer.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Row>,
}

/// A series with samples.
#[derive(Deserialize)]
pub(in crate::feed) struct Row {
    /// Its labels.
    pub(in crate::feed) metric: BTreeMap<String, String>,
    /// Time (s since the epoch) and value of each.
    #[serde(default)]
    pub(in crate::feed) values: Vec<(f64, String)>,
}

/// The series of an answer.
///
/// # Errors
/// It is none.
pub(in crate::feed) fn rows(body: &[u8]) -> Result<Vec<Row>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| unread(&error))?;
    Ok(answer.data.result)
}

pub(in crate::feed) fn unread(error: &serde_json::Error) -> String {
    format!("failed to read the receiver's answer: {error}")
}

/// The time of an answer (ms since the epoch).
pub(in crate::feed) fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// A time (ms since the epoch) as receivers take it.
pub(in crate::feed) fn seconds(time_ms: i64) -> String {
    format!("{}.{:03}", time_ms.div_euclid(1000), time_ms.rem_euclid(1000))
}

/// What a label is compared with.
pub(in crate::feed) fn matcher(name: &str, comparison: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}{comparison}\"{value}\"")
}

/// A regular expression that matches any of some texts, and nothing else.
pub(super) fn any_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let escaped = |text: &str| -> String {
        let has_meaning = |c: char| c.is_ascii_punctuation() && c != '_';
        text.chars().flat_map(|c| has_meaning(c).then_some('\\').into_iter().chain([c])).collect()
    };
    texts.into_iter().map(escaped).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(matcher("a", "=", "b\"c\\d\n"), r#"a="b\"c\\d\n""#);
        assert_eq!(any_of(["a_b", "c.d|é"]), r"a_b|c\.d\|é");
        assert_eq!((seconds(1234), ms(1.2339999)), ("1.234".to_owned(), 1234));
    }
}
