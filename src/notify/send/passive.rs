//! Passive results: where each check of a notification stands, as another monitoring system takes it.

use std::collections::BTreeMap;

use crate::notify::{Notification, NotifiedCheck};
use crate::text::is_unsafe;

/// A result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PassiveResult<'a> {
    /// The host that it is of.
    pub(super) host: &'a str,
    /// The check's name.
    pub(super) service: &'a str,
    /// 0 to 3.
    pub(super) state: u8,
    /// Its text, further lines below the first.
    pub(super) output: String,
    /// Its performance data.
    pub(super) perfdata: String,
    /// Which alerts of the notification are of it.
    pub(super) alerts: Vec<usize>,
}

/// The results that a notification comes to: one for each check, by its newest run. `host` is the name of this one.
pub(super) fn results<'a>(notification: &'a Notification, host: &'a str) -> Vec<PassiveResult<'a>> {
    let mut checks: BTreeMap<(&str, &str), (&NotifiedCheck, Vec<usize>)> = BTreeMap::new();
    for (index, alert) in notification.alerts.iter().enumerate() {
        let host = alert.labels.get("host").map_or(host, String::as_str);
        let (newest, alerts) =
            checks.entry((host, &alert.check.name)).or_insert_with(|| (&alert.check, Vec::new()));
        if alert.check.run_ms > newest.run_ms {
            *newest = &alert.check;
        }
        alerts.push(index);
    }
    checks
        .into_iter()
        .map(|((host, service), (check, alerts))| result(host, service, check, alerts))
        .collect()
}

fn result<'a>(
    host: &'a str,
    service: &'a str,
    check: &NotifiedCheck,
    alerts: Vec<usize>,
) -> PassiveResult<'a> {
    let lines = if check.long_text.is_empty() { String::new() } else { format!("\n{}", check.long_text) };
    let output = lines_of(&format!("{}{lines}", check.verdict));
    let perfdata = lines_of(&check.perfdata).replace('\n', " ");
    PassiveResult { host, service, state: check.state.code(), output, perfdata, alerts }
}

/// A text without what no receiver should act on. What stands behind `|` is taken for performance data, so there is none.
fn lines_of(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => '\n',
        '|' => '\u{a6}',
        _ if is_unsafe(character) => ' ',
        _ => character,
    };
    text.trim_end().chars().map(shown).collect()
}

impl PassiveResult<'_> {
    /// As a plugin would have printed it.
    pub(super) fn printed(&self) -> String {
        if self.perfdata.is_empty() {
            return self.output.clone();
        }
        match self.output.split_once('\n') {
            Some((first, rest)) => format!("{first}|{}\n{rest}", self.perfdata),
            None => format!("{}|{}", self.output, self.perfdata),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::send::stage::{notification, resolved};

    #[test]
    fn a_check_is_one_result_by_its_newest_run() {
        let mut notification = notification(&["disk", "load", "disk"]);
        notification.alerts[2] = resolved(notification.alerts[2].clone());
        notification.alerts[2].check.perfdata = "a=1\nb=2".into();
        notification.alerts[2].check.verdict = "ok | x=1\u{1b}[2J\0".into();
        let results = results(&notification, "other");
        assert_eq!(results.len(), 2);
        assert_eq!((results[0].host, results[0].service, results[0].state), ("web", "disk", 0));
        assert_eq!(results[0].alerts, [0, 2]);
        assert_eq!(results[0].printed(), "ok \u{a6} x=1 [2J |a=1 b=2\nfirst\nsecond");
        assert_eq!((results[1].service, results[1].state, &results[1].alerts[..]), ("load", 2, &[1][..]));
    }
}
