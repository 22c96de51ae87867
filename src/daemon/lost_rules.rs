//! Rules of rule files that were in force before a reload and are not after it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::limits::LOST_RULES_NAMED_MAX;
use crate::rules::RuleGroup;

/// Rules that a reload takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LostRules {
    /// The names of their checks, with the file that each was in if that has no rule any more.
    rules: BTreeMap<String, Option<PathBuf>>,
}

impl LostRules {
    /// The rules of the configuration in force that a new one no longer has; none if it has all of them.
    pub(super) fn between(before: &Config, now: &Config) -> Option<LostRules> {
        let (before, now) = (of_files(before), of_files(now));
        let lost = before.into_iter().filter(|(check, _)| !now.contains_key(check));
        let rules = lost.map(|(check, file)| {
            let is_empty = !now.values().any(|with_rules| *with_rules == file);
            (check, is_empty.then(|| file.to_owned()))
        });
        LostRules::some(rules.collect())
    }

    fn some(rules: BTreeMap<String, Option<PathBuf>>) -> Option<LostRules> {
        (!rules.is_empty()).then_some(LostRules { rules })
    }

    /// What is said of all of them.
    pub(super) fn text(&self) -> String {
        let rules: Vec<&str> = self.rules.keys().map(String::as_str).collect();
        said("rules are no longer there", &rules)
    }

    /// What is said of those whose files have no rule any more, as where the files are gone; none if there are none.
    pub(super) fn of_files(&self) -> Option<String> {
        let mut files: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
        for (rule, file) in &self.rules {
            if let Some(file) = file {
                files.entry(file).or_default().push(rule);
            }
        }
        let (first, rules) = files.first_key_value()?;
        let what = format!("the rule file {} has no rule any more", first.display());
        let others = files.len().saturating_sub(1);
        let more = if others > 0 { format!("; the same holds for {others} more") } else { String::new() };
        Some(format!("{}{more}", said(&what, rules)))
    }

    /// Rules with the files that have no rule any more.
    #[cfg(test)]
    pub(super) fn of<const N: usize>(rules: [(&str, Option<&str>); N]) -> Option<LostRules> {
        let rules = rules.into_iter().map(|(rule, file)| (rule.to_owned(), file.map(PathBuf::from)));
        LostRules::some(rules.collect())
    }
}

/// The checks that are rules of files, with their files.
fn of_files(config: &Config) -> BTreeMap<String, &Path> {
    let file = |group: &RuleGroup| {
        config.rule_files.iter().find(|file| group.name.starts_with(&RuleGroup::names_of(file)))
    };
    let groups = config.groups.iter().filter_map(|group| Some((file(group)?.as_path(), group)));
    groups
        .flat_map(|(file, group)| group.rules.iter().map(move |rule| (rule.check.to_string(), file)))
        .collect()
}

fn said(what: &str, rules: &[&str]) -> String {
    let named = rules.iter().take(LOST_RULES_NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = rules.len().saturating_sub(LOST_RULES_NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let verb = if rules.len() == 1 { "was" } else { "were" };
    format!("{what}: {named}{more} {verb} judged until the configuration was read again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(directory: &Path, files: &[(&str, &[&str])]) -> Config {
        for file in ["a.yml", "b.yml", "c.yml"] {
            // It is there if the last configuration had it.
            let _ = std::fs::remove_file(directory.join(file));
        }
        for (file, names) in files {
            let rules: String =
                names.iter().map(|name| format!("  - {{ alert: {name}, expr: up }}\n")).collect();
            std::fs::write(directory.join(file), format!("groups:\n- name: g\n  rules:\n{rules}")).unwrap();
        }
        std::fs::write(directory.join("custos.yaml"), "rules: '*.yml'\n").unwrap();
        crate::config::load(&directory.join("custos.yaml")).unwrap().config
    }

    /// What is said of all lost rules, and of those whose files have none.
    fn lost(now: &[(&str, &[&str])]) -> Option<(String, Option<String>)> {
        let directory = tempfile::tempdir().unwrap();
        let before = config(directory.path(), &[("a.yml", &["A", "B"]), ("b.yml", &["C"])]);
        let now = config(directory.path(), now);
        let plain = |text: String| text.replace(&format!("{}/", directory.path().display()), "");
        LostRules::between(&before, &now).map(|lost| (plain(lost.text()), lost.of_files().map(plain)))
    }

    #[test]
    fn rules_that_went_are_named_and_files_that_have_none_any_more() {
        assert_eq!(lost(&[("a.yml", &["A", "B"]), ("b.yml", &["C", "D"])]), None);
        let some = |what: &str| format!("{what} judged until the configuration was read again");
        assert_eq!(
            lost(&[("a.yml", &["A"]), ("b.yml", &["C"])]),
            Some((some("rules are no longer there: B was"), None))
        );
        let of_b = (
            some("rules are no longer there: B, C were"),
            Some(some("the rule file b.yml has no rule any more: C was")),
        );
        assert_eq!(lost(&[("a.yml", &["A"])]), Some(of_b.clone()));
        assert_eq!(lost(&[("a.yml", &["A"]), ("b.yml", &[])]), Some(of_b));
        let all = some("the rule file a.yml has no rule any more: A, B were");
        assert_eq!(
            lost(&[]),
            Some((
                some("rules are no longer there: A, B, C were"),
                Some(format!("{all}; the same holds for 1 more"))
            ))
        );
    }

    #[test]
    fn rules_that_another_file_has_now_are_not_lost() {
        assert_eq!(lost(&[("a.yml", &["A", "B"]), ("c.yml", &["C"])]), None);
    }
}
