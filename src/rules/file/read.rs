//! Rule files as they are read: whole, with every mistake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keys::{FILE, GROUP, GROUP_LABELS, GROUPS, INTERVAL, LIMIT, NAME, QUERY_OFFSET, RULES};
use super::length::length_ms;
use super::model::{Group, RuleFile};
use super::rule::rule;
use super::texts::{Texts, texts};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, refuse, text};
use crate::document::include::source_file;
use crate::document::scalar::Kind;
use crate::document::yaml::{self, Content, Node};
use crate::document::{Mistakes, SourceFile};

/// Reads rule files; the mistakes of all of them are in the list.
///
/// # Errors
/// All that is wrong, if an error is among it.
pub fn read_files(paths: &[PathBuf]) -> Result<(Vec<RuleFile>, Mistakes), Mistakes> {
    let mut findings = Findings::default();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.extend(source_file(path, false, &mut findings).map(|file| read(&file, &mut findings)));
    }
    let order: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mistakes = findings.into_mistakes(&order);
    if mistakes.has_errors() { Err(mistakes) } else { Ok((files, mistakes)) }
}

/// Reads the text of a rule file. What is wrong goes to `findings`, and what can be read is read nevertheless.
pub(crate) fn read(file: &Arc<SourceFile>, findings: &mut Findings) -> RuleFile {
    let root = yaml::parse(file, findings);
    let fields = root
        .as_ref()
        .filter(|root| !is_nothing(root))
        .and_then(|root| Fields::of(root, "the rule file", &FILE, findings));
    let mut groups: Vec<Group> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for node in fields
        .and_then(|fields| fields.get(&GROUPS))
        .map(|node| items(node, "groups", findings))
        .unwrap_or_default()
    {
        let Some(group) = group(node, findings) else { continue };
        match numbers.entry(group.name.clone()) {
            Entry::Vacant(place) => drop(place.insert(groups.len())),
            Entry::Occupied(first) => {
                let message = format!("the group `{}` is there twice in this file", group.name);
                findings.error_beside(&group.place, message, "first", &groups[*first.get()].place);
            }
        }
        groups.push(group);
    }
    RuleFile { path: file.path().to_owned(), groups }
}

fn is_nothing(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(scalar) if scalar.kind == Kind::Null)
}

fn items<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> &'n [Node] {
    match &node.content {
        Content::List(items) => items,
        _ if is_nothing(node) => &[],
        _ => {
            refuse(node, &format!("a list of {what}"), findings);
            &[]
        }
    }
}

fn group(node: &Node, findings: &mut Findings) -> Option<Group> {
    let fields = Fields::of(node, "a group", &GROUP, findings)?;
    let name = fields.need(&NAME, &node.place, "the group", "a name", findings);
    let name = name.and_then(|node| text(node, "the name of a group", findings)).unwrap_or_default();
    let labels = fields.get(&GROUP_LABELS);
    if let Some(labels) = labels {
        // Once as plain texts, so that a group without rules is read, too.
        texts(labels, Texts::Labels, None, findings);
    }
    let rules = fields.get(&RULES).map(|node| items(node, "rules", findings)).unwrap_or_default();
    let mut limit = fields.read(&LIMIT, findings).unwrap_or(0);
    limit = limit.max(0);
    Some(Group {
        name: name.to_owned(),
        place: node.place.clone(),
        interval_ms: fields.get(&INTERVAL).and_then(|node| length_ms(node, findings)).filter(|ms| *ms > 0),
        limit: usize::try_from(limit).unwrap_or(0),
        query_offset_ms: fields.get(&QUERY_OFFSET).and_then(|node| length_ms(node, findings)),
        rules: rules.iter().filter_map(|node| rule(node, labels, findings)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::file::RuleKind;

    fn read_text(text: &str) -> (RuleFile, String) {
        let file = SourceFile::new("r.yml".into(), text.to_owned());
        let mut findings = Findings::default();
        let read = read(&file, &mut findings);
        (read, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn a_file_has_groups_of_both_kinds_of_rules() {
        let (file, mistakes) = read_text(
            r#"
groups:
  - name: disks
    interval: 30s
    limit: 5
    query_offset: 1m
    labels: { team: storage, severity: low }
    rules:
      - record: disk:used:ratio
        expr: disk_used / disk_size
        labels: { source: "{{ not a template }}" }
      - alert: DiskFull
        expr: |
          disk:used:ratio
            > 0.9
        for: 10m
        keep_firing_for: 1h30m
        labels: { severity: critical, port: 80 }
        annotations:
          summary: "{{ $labels.disk }} is {{ $value | humanizePercentage }} full"
  - name: empty
    rules:
"#,
        );
        assert_eq!(mistakes, "");
        let [disks, empty] = &file.groups[..] else { panic!("{file:?}") };
        assert_eq!((disks.interval_ms, disks.limit, disks.query_offset_ms), (Some(30_000), 5, Some(60_000)));
        assert!(empty.rules.is_empty());
        let [record, alert] = &disks.rules[..] else { panic!("{disks:?}") };
        assert_eq!((record.name(), alert.name()), ("disk:used:ratio", "DiskFull"));
        assert!(record.labels.iter().all(|(_, template)| template.is_fixed()));
        let names: Vec<&str> = alert.labels.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["severity", "port", "team"]);
        let RuleKind::Alert(alert) = &alert.kind else { panic!("{alert:?}") };
        assert_eq!((alert.for_ms, alert.keep_firing_ms, alert.annotations.len()), (600_000, 5_400_000, 1));
    }

    #[test]
    fn an_empty_file_has_no_groups() {
        for text in ["", "# nothing\n", "groups:\n", "groups: []\n"] {
            let (file, mistakes) = read_text(text);
            assert!(file.groups.is_empty() && mistakes.is_empty(), "{text:?}: {mistakes}");
        }
    }

    #[test]
    fn every_mistake_is_found_where_it_is() {
        let rule = |rule: &str| format!("groups:\n- name: g\n  rules:\n  - {rule}\n");
        let many: Vec<String> = (0..65).map(|n| format!("a{n}: b")).collect();
        for (text, mistake) in [
            (
                "rules: []\n".to_owned(),
                "r.yml:1:1: unknown key `rules` in the rule file; expected one of `groups`",
            ),
            ("groups:\n- rules: []\n".to_owned(), "r.yml:2:3: the group has no `name`, expected a name"),
            (
                "groups:\n- name: a\n- name: a\n".to_owned(),
                "r.yml:3:3: the group `a` is there twice in this file (first at r.yml:2:3)",
            ),
            (
                "groups:\n- {name: g, interval: 5}\n".to_owned(),
                "r.yml:2:23: found the number `5`, expected a duration such as `90s`, `1h30m` or `1d`",
            ),
            (
                rule("{alert: A, expr: up > }"),
                "r.yml:4:26: the expression of the rule `A` cannot be used: unexpected end of input",
            ),
            (
                rule("{alert: A, expr: 'sum(x) by y'}"),
                "r.yml:4:33: the expression of the rule `A` cannot be used: unexpected identifier \"y\" in grouping opts, expected \"(\"",
            ),
            (
                rule("{alert: A, expr: 'x[5m]'}"),
                "r.yml:4:23: the expression of the rule `A` cannot be used: a rule needs an instant vector or a number, and this is a range vector",
            ),
            (rule("{alert: A}"), "r.yml:4:5: the rule `A` has no `expr`, expected an expression"),
            (
                rule("{expr: up}"),
                "r.yml:4:5: the rule has neither `record` nor `alert`, expected one of them",
            ),
            (
                rule("{alert: A, record: b, expr: up}"),
                "r.yml:4:13: found `record` and `alert` in one rule, expected one of them",
            ),
            (
                rule("{record: 'a{b=\"c\"}', expr: up}"),
                "r.yml:4:14: found `a{b=\"c\"}`, expected the name of a series, without labels",
            ),
            (
                rule("{record: check_state, expr: up}"),
                "r.yml:4:14: found `check_state`, which is a series of every check that the agent writes itself; expected another name",
            ),
            (
                rule("{record: ALERTS, expr: up}"),
                "r.yml:4:14: found `ALERTS`, which is a series of the alerts of all rules that the agent writes itself; expected another name",
            ),
            (
                rule("{alert: A, expr: up, annotations: {a: '{{template \"x\"}}'}}"),
                "r.yml:4:43: the template of `a` cannot be used: 1:3: template \"x\" not defined",
            ),
            (
                rule("{record: a, expr: up, for: 5m}"),
                "r.yml:4:27: the rule `a` records a series, which has no `for`",
            ),
            (
                rule("{alert: A, expr: up, labels: {__name__: b}}"),
                "r.yml:4:35: the label `__name__` is the name of the series: it cannot be set",
            ),
            (
                rule(&format!("{{alert: A, expr: up, labels: {{a: b, c: {}}}}}", "x".repeat(8190))),
                "r.yml:4:41: with `c` the labels have more than 8192 bytes, expected 8192 at most in all names and texts",
            ),
            (
                rule(&format!("{{alert: A, expr: up, annotations: {{{}}}}}", many.join(", "))),
                "r.yml:4:39: found 65 annotations, expected 64 at most",
            ),
            (
                rule("{alert: A, expr: up, annotations: {a: '{{ $x }}'}}"),
                "r.yml:4:43: the template of `a` cannot be used: ",
            ),
            (
                rule("{alert: A, expr: up, labels: {a: '{{ nothing }}'}}"),
                "r.yml:4:38: the template of `a` cannot be used: 1:4: function \"nothing\" not defined",
            ),
            (
                rule("{alert: A, expr: up, fro: 5m}"),
                "r.yml:4:26: unknown key `fro` in a rule; did you mean `for`?",
            ),
        ] {
            let (_, mistakes) = read_text(&text);
            assert!(mistakes.starts_with(mistake) && mistakes.lines().count() == 1, "{text}\n{mistakes}");
        }
    }
}
