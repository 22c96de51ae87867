//! The `notify` section: targets, and what holds for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::State;

use crate::config::keys::notify as keys;
use crate::config::keys::settings::STATES;
use crate::config::model::matchers::Matchers;
use crate::config::model::notify::{
    CheckNotify, GroupBy, Heartbeat, Inhibition, Medium, NotifyConfig, Target,
};
use crate::config::read::command::Lookup;
use crate::config::read::medium;
use crate::config::read::period::{self, Periods};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, choice, one_or_more, printable, refuse, text};
use crate::document::section::Row;
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::NOTIFY_TARGETS_MAX;

/// What targets share with one another.
struct Shared<'s> {
    lookup: &'s Lookup<'s>,
    periods: &'s Periods,
}

/// Reads the section.
pub(crate) fn read(
    node: &Node,
    lookup: &Lookup<'_>,
    periods: &Periods,
    findings: &mut Findings,
) -> Option<NotifyConfig> {
    let fields = Fields::of(node, "`notify`", &keys::NOTIFY, findings)?;
    let shared = Shared { lookup, periods };
    let mut targets = BTreeMap::new();
    for entry in entries(node, findings) {
        if let Some(target) = target(entry, &shared, findings) {
            targets.insert(entry.key.clone(), Arc::new(target));
        }
    }
    if targets.len() > NOTIFY_TARGETS_MAX {
        refuse(node, &format!("at most {NOTIFY_TARGETS_MAX} targets"), findings);
    }
    let names = target_names(Some(node));
    // All is read before any of it is missed, so that all mistakes are reported at once.
    let group_by =
        fields.get(&keys::GROUP_BY).map_or(GroupBy::Labels(Vec::new()), |node| group_by(node, findings));
    let group_wait = fields.value(&keys::GROUP_WAIT, findings);
    let group_interval = fields.value(&keys::GROUP_INTERVAL, findings);
    let repeat_interval = fields.value(&keys::REPEAT_INTERVAL, findings);
    let inhibit = fields.get(&keys::INHIBIT).map(|node| inhibitions(node, findings)).unwrap_or_default();
    let heartbeat = fields.get(&keys::HEARTBEAT).and_then(|node| heartbeat(node, &names, findings));
    Some(NotifyConfig {
        targets,
        group_by,
        group_wait: group_wait?,
        group_interval: group_interval?,
        repeat_interval: repeat_interval?,
        inhibit,
        heartbeat,
    })
}

/// The names of all targets of a section, also of those that cannot be used.
pub(crate) fn target_names(section: Option<&Node>) -> Vec<String> {
    let entries = section.map(|node| entries(node, &mut Findings::default())).unwrap_or_default();
    entries.iter().map(|entry| entry.key.clone()).collect()
}

/// Reads who is told about a check. `targets` are the names of those that there are.
pub(crate) fn of_check(node: &Node, targets: &[String], findings: &mut Findings) -> CheckNotify {
    match &node.content {
        Content::Scalar(scalar) if scalar.text == "true" => return CheckNotify::All,
        Content::Scalar(scalar) if scalar.text == "false" => return CheckNotify::Nobody,
        _ => {}
    }
    let mut only = Vec::new();
    for item in one_or_more(node) {
        let Some(name) = text(item, "`false`, or the name of a target", findings) else { continue };
        if known(name, item, targets, findings) && !only.iter().any(|known| known == name) {
            only.push(name.to_owned());
        }
    }
    CheckNotify::Only(only)
}

/// Reads what is run at each change of a check's state.
pub(crate) fn on_change(node: &Node, lookup: &Lookup<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    medium::program(node, lookup, findings)
}

fn entries<'n>(section: &'n Node, findings: &mut Findings) -> &'n [Entry] {
    let Content::Map(all) = &section.content else { return &[] };
    match all.iter().find(|entry| entry.key == keys::TARGETS.name()).map(|entry| &entry.value) {
        None => &[],
        Some(Node { content: Content::Map(entries), .. }) => entries,
        Some(node) => {
            refuse(node, "a mapping of names to targets", findings);
            &[]
        }
    }
}

fn known(name: &str, node: &Node, targets: &[String], findings: &mut Findings) -> bool {
    if targets.iter().any(|target| target == name) {
        return true;
    }
    let advice = findings
        .nearest(name, targets.iter().map(String::as_str))
        .map(|meant| format!("; did you mean `{meant}`?"));
    findings.error(
        &node.place,
        format!("no target `{name}` is defined in `notify`{}", advice.unwrap_or_default()),
    );
    false
}

fn target(entry: &Entry, shared: &Shared<'_>, findings: &mut Findings) -> Option<Target> {
    if !is_target_name(&entry.key) {
        let message = format!(
            "found a target named `{}`, expected letters, digits, `_`, `-` and `.`, 64 at most, of which the first is a \
             letter, a digit or `_`",
            entry.key
        );
        findings.error(&entry.key_place, message);
    }
    let owner = format!("target `{}`", entry.key);
    let fields = Fields::of(&entry.value, &owner, &keys::TARGET, findings)?;
    let medium = one_medium(entry, &fields, &owner, shared, findings);
    let states = match fields.get(&keys::TARGET_STATES) {
        // It does with every alert what its own configuration says.
        None if matches!(medium, Some(Medium::Alertmanager(_))) => State::ALL.to_vec(),
        None => State::ALL.into_iter().filter(|state| *state != State::Ok).collect(),
        Some(node) => one_or_more(node).iter().filter_map(|item| choice(item, &STATES, findings)).collect(),
    };
    let matchers = fields.get(&keys::MATCH).map(|node| matchers(node, findings)).unwrap_or_default();
    let hours = fields.get(&keys::HOURS).and_then(|node| period::named(node, shared.periods, findings));
    let send_resolved = fields.value(&keys::SEND_RESOLVED, findings);
    let graph = fields.value(&keys::GRAPH, findings);
    let resend = fields.value(&keys::RESEND, findings);
    Some(Target {
        name: entry.key.clone(),
        matchers,
        states,
        send_resolved: send_resolved?,
        hours: hours.unwrap_or_default(),
        graph: graph?,
        resend: resend?,
        medium: medium?,
    })
}

/// Whether it matches what [`keys::TARGET_NAME`] says.
fn is_target_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(inner)
}

/// The medium of a target: exactly one.
fn one_medium(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    shared: &Shared<'_>,
    findings: &mut Findings,
) -> Option<Medium> {
    let given: Vec<&Entry> = keys::MEDIA.into_iter().filter_map(|key| fields.entry(key)).collect();
    match given[..] {
        [] => {
            if keys::MEDIA.into_iter().all(|key| fields.lacks(key)) {
                let media: Vec<&str> = keys::MEDIA.into_iter().map(|key| key.name()).collect();
                let message = format!("{owner} has no medium, expected one of `{}`", media.join("`, `"));
                findings.error(&entry.key_place, message);
            }
            None
        }
        [one] => medium::read(one, fields, shared.lookup, findings),
        [first, second, ..] => {
            let message = format!("{owner} has `{}` and `{}`, expected one of them", first.key, second.key);
            findings.error_beside(&second.key_place, message, "first", &first.key_place);
            None
        }
    }
}

/// Reads conditions: one, or a list of them.
fn matchers(node: &Node, findings: &mut Findings) -> Matchers {
    let mut written = Vec::new();
    for item in one_or_more(node) {
        let condition = text(item, "a condition on a label such as `check=disk`", findings);
        if let Some(condition) = condition.filter(|condition| printable(condition, &item.place, findings)) {
            match Matchers::parse([condition]) {
                Ok(_) => written.push(condition),
                Err(why) => findings.error(&item.place, why),
            }
        }
    }
    Matchers::parse(written).unwrap_or_else(|why| {
        findings.error(&node.place, why);
        Matchers::default()
    })
}

fn group_by(node: &Node, findings: &mut Findings) -> GroupBy {
    let labels = labels(node, findings);
    match labels.iter().any(|label| label == keys::EVERYTHING) {
        true => GroupBy::Everything,
        false => GroupBy::Labels(labels),
    }
}

fn labels(node: &Node, findings: &mut Findings) -> Vec<String> {
    let items = one_or_more(node).iter();
    items.filter_map(|item| text(item, "the name of a label", findings)).map(str::to_owned).collect()
}

fn inhibitions(node: &Node, findings: &mut Findings) -> Vec<Inhibition> {
    const OWNER: &str = "an item of `inhibit`";
    let Content::List(items) = &node.content else {
        refuse(node, "a list of mappings with `source` and `target`", findings);
        return Vec::new();
    };
    let read = |item| {
        let fields = Fields::of(item, OWNER, &keys::INHIBITION, findings)?;
        let source = fields.need(&keys::INHIBIT_SOURCE, &item.place, OWNER, "conditions", findings);
        let target = fields.need(&keys::INHIBIT_TARGET, &item.place, OWNER, "conditions", findings);
        Some(Inhibition {
            source: matchers(source?, findings),
            target: matchers(target?, findings),
            equal: fields.get(&keys::INHIBIT_EQUAL).map(|node| labels(node, findings)).unwrap_or_default(),
        })
    };
    items.iter().filter_map(read).collect()
}

fn heartbeat(node: &Node, targets: &[String], findings: &mut Findings) -> Option<Heartbeat> {
    const OWNER: &str = "`heartbeat`";
    let fields = Fields::of(node, OWNER, &keys::HEARTBEAT_OF, findings)?;
    let target =
        fields.need(&keys::HEARTBEAT_TARGET, &node.place, OWNER, "the name of a target", findings)?;
    let name = text(target, "the name of a target", findings)?;
    known(name, target, targets, findings);
    Some(Heartbeat { target: name.to_owned(), interval: fields.value(&keys::HEARTBEAT_INTERVAL, findings)? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::model::notify::MailTls;
    use crate::config::{Config, Surroundings, load_with};

    fn load(text: &str) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        std::fs::write(&path, text).unwrap();
        let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: jiff::tz::TimeZone::UTC };
        load_with(&path, &surroundings)
            .map(|loaded| loaded.config)
            .map_err(|mistakes| mistakes.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_section_is_read_and_what_is_absent_is_built_in() {
        let config = load(
            "notify:\n  targets:\n    hook: { webhook: 'https://example.org/hook' }\n    \
             am: { alertmanager: ['http://127.0.0.1:9093'], resend: 2m }\n    \
             mail: { email: { to: [ops@example.org] }, match: ['check=~d.*'], states: critical, hours: day, graph: ascii }\n    \
             old: { command: /bin/true }\nperiods: { day: { monday: 08:00-18:00 } }\n\
             checks: { a: { command: /bin/true, notify: [mail], on_change: /bin/echo x }, b: { command: /bin/true, notify: false } }\n",
        )
        .unwrap();
        let notify = config.notify.unwrap();
        assert_eq!(
            (notify.group_wait, notify.group_interval),
            (Duration::from_secs(30), Duration::from_secs(300))
        );
        assert_eq!(
            (notify.repeat_interval, notify.group_by),
            (Duration::from_secs(4 * 3600), GroupBy::Labels(vec![]))
        );
        let [am, hook, mail, old] =
            ["am", "hook", "mail", "old"].map(|name| Arc::clone(&notify.targets[name]));
        assert!(matches!(&am.medium, Medium::Alertmanager(to) if to.urls == ["http://127.0.0.1:9093"]));
        assert_eq!((am.resend, am.states.len()), (Duration::from_secs(120), 4));
        assert!(matches!(&hook.medium, Medium::Webhook(to) if to.url == "https://example.org/hook"));
        assert_eq!((hook.send_resolved, hook.states.len(), hook.matchers.is_empty()), (true, 3, true));
        let Medium::Email(email) = &mail.medium else { panic!("{mail:?}") };
        assert_eq!((email.to.len(), &email.smtp, email.tls), (1, &None, MailTls::Starttls));
        assert_eq!(
            (mail.states.as_slice(), mail.hours.as_ref().unwrap().name.as_str()),
            (&[State::Critical][..], "day")
        );
        assert!(matches!(&old.medium, Medium::Command(words) if words == &["/bin/true"]));
        assert_eq!(config.checks["a"].notify, CheckNotify::Only(vec!["mail".to_owned()]));
        assert!(config.checks["a"].on_change.is_some());
        assert_eq!(config.checks["b"].notify, CheckNotify::Nobody);
    }

    #[test]
    fn an_address_has_a_host_and_a_port_that_there_is() {
        let with = |url: &str| {
            load(&format!(
                "notify: {{ targets: {{ t: {{ webhook: '{url}' }} }} }}\nchecks: {{ a: {{ command: /bin/true }} }}\n"
            ))
        };
        for good in
            ["http://a", "https://a.b:8080/x?y=z", "http://[::1]:80/", "http://[::1]", "http://1.2.3.4/"]
        {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in [
            "http://[::1",
            "http://a:0/",
            "http://a:",
            "http://a:99999/",
            "http://",
            "http:///x",
            "http://::1/",
        ] {
            let mistake = with(bad).unwrap_err();
            assert!(
                mistake.contains("found a text of another form, expected an address"),
                "{bad}: {mistake}"
            );
        }
    }

    #[test]
    fn mistakes_have_their_places() {
        let mistakes = load(
            "notify:\n  targets:\n    '-x': { webhook: 'http://a/' }\n    a: {}\n    b: { webhook: 'ftp://x', states: good }\n    \
             c: { webhook: 'http://a/', command: /bin/true }\n    d: { webhook: 'http://a/', match: [check] }\n    \
             f: { alertmanager: 'http://a/api/v2/alerts', resend: 5 }\n    g: { email: { to: a, smtp: 'b:25', user: c, password: hunter2 } }\n  \
             group_wait: 30\n  heartbeat: { target: e }\n  inhibit: [{ source: a=b }]\n\
             checks: { a: { command: /bin/true, notify: [dd] } }\n",
        )
        .unwrap_err();
        let expected = [
            "custos.yaml:3:5: found a target named `-x`, expected letters",
            "custos.yaml:4:5: target `a` has no medium, expected one of `webhook`",
            "custos.yaml:5:19: found a text of another form, expected an address",
            "custos.yaml:5:38: found `good`, expected `ok`, `warning`, `critical` or `unknown`",
            "custos.yaml:6:32: target `c` has `webhook` and `command`, expected one of them",
            "custos.yaml:7:40: found `check`, expected a condition on a label",
            "custos.yaml:8:24: the address of an Alertmanager ends before `/api/v2/alerts`",
            "custos.yaml:8:58: found the number `5`",
            "custos.yaml:9:59: the secret is to stand in a file, expected `{ file: PATH }`",
            "custos.yaml:10:15: found the number `30`",
            "custos.yaml:11:24: no target `e` is defined in `notify`",
            "custos.yaml:12:13: an item of `inhibit` has no `target`, expected conditions",
            "custos.yaml:13:45: no target `dd` is defined in `notify`; did you mean `d`?",
        ];
        let lines: Vec<&str> = mistakes.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{mistakes}");
        assert!(!mistakes.contains("hunter2"), "{mistakes}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n{expected}");
        }
    }
}
