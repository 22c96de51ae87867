//! Rules: the files that have them, and checks with a query.

use std::fmt::{self, Write};
use std::time::Duration;

use super::sequence;
use super::word::{list, state, word};
use crate::config::model::check::{Check, Config};
use crate::document::duration;
use crate::rules::{AlertState, Judge, RuleCheck, RuleKind, Template, When};

/// Writes what holds for all rules, and where those of files are.
pub(crate) fn write_section(page: &mut String, config: &Config) -> fmt::Result {
    if !config.rule_files.is_empty() {
        let files: Vec<String> =
            config.rule_files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        writeln!(page, "rules: {}", list(&files))?;
    }
    writeln!(page, "severities:")?;
    for (name, of) in &config.severities.states {
        writeln!(page, "  {}: {}", word(name), state(*of))?;
    }
    writeln!(page, "  otherwise: {}", state(config.severities.otherwise))?;
    if !config.external_url.is_empty() {
        writeln!(page, "external_url: {}", word(&config.external_url))?;
    }
    if !config.external_labels.is_empty() {
        writeln!(page, "external_labels:")?;
    }
    for (name, value) in &config.external_labels {
        writeln!(page, "  {}: {}", word(name), word(value))?;
    }
    Ok(())
}

/// Whether a check is of a rule file, and so not written among the checks.
pub(crate) fn is_of_file(config: &Config, check: &Check) -> bool {
    let own = |group: &crate::rules::RuleGroup| *group.name == *check.name;
    check.command.is_rule() && !config.groups.iter().any(|group| own(group))
}

/// Writes the query or the sequence of a check.
pub(crate) fn write_query(page: &mut String, config: &Config, rule: &RuleCheck) -> fmt::Result {
    match &rule.judge {
        Judge::Query { query, .. } => writeln!(page, "    query: {}", word(query))?,
        Judge::Sequence(of) => sequence::write(page, of)?,
    }
    let group = config.groups.iter().find(|group| group.name == rule.check);
    if group.is_some_and(|group| matches!(group.when, When::Grid { .. })) {
        writeln!(page, "    on: interval")?;
    }
    if let AlertState::Always(always) = rule.state {
        writeln!(page, "    state: {}", state(always))?;
    }
    let RuleKind::Alert(alert) = &rule.kind else { return Ok(()) };
    for (key, ms) in [("for", alert.for_ms), ("keep_firing_for", alert.keep_firing_ms)] {
        if ms > 0 {
            writeln!(page, "    {key}: {}", duration::show(Duration::from_millis(ms.unsigned_abs())))?;
        }
    }
    write_texts(page, "labels", &rule.labels)?;
    write_texts(page, "annotations", &alert.annotations)?;
    if rule.limit > 0 {
        writeln!(page, "    limit: {}", rule.limit)?;
    }
    Ok(())
}

fn write_texts(page: &mut String, key: &str, texts: &[(String, Template)]) -> fmt::Result {
    if !texts.is_empty() {
        writeln!(page, "    {key}:")?;
    }
    texts.iter().try_for_each(|(name, text)| writeln!(page, "      {}: {}", word(name), word(text.source())))
}
