//! The `notify` section as YAML. Secrets are shown as the files that they are in.

use std::fmt::{self, Write};

use super::word::{list, state, word};
use crate::config::keys::notify::{EVERYTHING, GRAPH, MAIL_TLS_OF};
use crate::config::model::notify::{CheckNotify, GroupBy, Medium, NotifyConfig, Target};
use crate::config::model::snmp::Secret;
use crate::config::show::secret;
use crate::document::duration;
use crate::document::key::Reads as _;

/// Writes the section.
pub(super) fn write_section(page: &mut String, notify: &NotifyConfig) -> fmt::Result {
    writeln!(page, "notify:")?;
    if !notify.targets.is_empty() {
        writeln!(page, "  targets:")?;
    }
    notify.targets.values().try_for_each(|target| write_target(page, target))?;
    match &notify.group_by {
        GroupBy::Everything => writeln!(page, "  group_by: {}", word(EVERYTHING))?,
        GroupBy::Labels(labels) => writeln!(page, "  group_by: {}", list(labels))?,
    }
    for (key, value) in [
        ("group_wait", notify.group_wait),
        ("group_interval", notify.group_interval),
        ("repeat_interval", notify.repeat_interval),
    ] {
        writeln!(page, "  {key}: {}", duration::show(value))?;
    }
    if !notify.inhibit.is_empty() {
        writeln!(page, "  inhibit:")?;
    }
    for rule in &notify.inhibit {
        writeln!(page, "    - source: {}", list(&rule.source.written()))?;
        writeln!(page, "      target: {}", list(&rule.target.written()))?;
        writeln!(page, "      equal: {}", list(&rule.equal))?;
    }
    if let Some(heartbeat) = &notify.heartbeat {
        let interval = duration::show(heartbeat.interval);
        writeln!(page, "  heartbeat: {{ target: {}, interval: {interval} }}", word(&heartbeat.target))?;
    }
    Ok(())
}

/// Who is told about a check, and what is run at its changes.
pub(super) fn write_check(
    page: &mut String,
    notify: &CheckNotify,
    on_change: Option<&[String]>,
) -> fmt::Result {
    match notify {
        CheckNotify::All => {}
        CheckNotify::Nobody => writeln!(page, "    notify: false")?,
        CheckNotify::Only(targets) => writeln!(page, "    notify: {}", list(targets))?,
    }
    match on_change {
        Some(command) => writeln!(page, "    on_change: {}", program(command)),
        None => Ok(()),
    }
}

fn write_target(page: &mut String, target: &Target) -> fmt::Result {
    writeln!(page, "    {}:", word(&target.name))?;
    writeln!(page, "      {}: {}", target.medium.key(), medium(&target.medium))?;
    write_access(page, &target.medium)?;
    if !target.matchers.is_empty() {
        writeln!(page, "      match: {}", list(&target.matchers.written()))?;
    }
    let states: Vec<String> = target.states.iter().map(|known| state(*known).to_owned()).collect();
    writeln!(page, "      states: {}", list(&states))?;
    writeln!(page, "      send_resolved: {}", target.send_resolved)?;
    if let Some(period) = &target.hours {
        writeln!(page, "      hours: {}", word(&period.name))?;
    }
    writeln!(page, "      graph: {}", GRAPH.kind().written(target.graph))?;
    writeln!(page, "      resend: {}", duration::show(target.resend))
}

fn write_access(page: &mut String, medium: &Medium) -> fmt::Result {
    let access = match medium {
        Medium::Webhook(webhook) => &webhook.access,
        Medium::Alertmanager(alertmanager) => &alertmanager.access,
        _ => return Ok(()),
    };
    if let Some((user, password)) = &access.login {
        writeln!(page, "      user: {}", word(user))?;
        file(password).map_or(Ok(()), |file| writeln!(page, "      password: {file}"))?;
    }
    if let Some(token) = access.token.as_ref().and_then(file) {
        writeln!(page, "      token: {token}")?;
    }
    match &access.ca {
        Some(path) => writeln!(page, "      ca: {}", word(&path.to_string_lossy())),
        None => Ok(()),
    }
}

fn medium(medium: &Medium) -> String {
    let fields = |fields: Vec<(&str, Option<String>)>| {
        let given = fields.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", value?)));
        format!("{{ {} }}", given.collect::<Vec<_>>().join(", "))
    };
    match medium {
        Medium::Webhook(webhook) => word(&secret::mask_path(&webhook.url)),
        Medium::Alertmanager(alertmanager) => {
            list(&alertmanager.urls.iter().map(|url| secret::mask_question(url)).collect::<Vec<_>>())
        }
        Medium::Command(command) => program(command),
        Medium::Email(email) => fields(vec![
            ("to", Some(list(&email.to))),
            ("from", email.from.as_deref().map(word)),
            ("smtp", email.smtp.as_deref().map(word)),
            ("sendmail", Some(word(&email.sendmail.to_string_lossy()))),
            ("tls", Some(MAIL_TLS_OF.kind().written(email.tls))),
            ("user", email.user.as_deref().map(word)),
            ("password", email.password.as_ref().and_then(file)),
            ("ca", email.ca.as_ref().map(|path| word(&path.to_string_lossy()))),
        ]),
        Medium::Nrdp(nrdp) => fields(vec![
            ("url", Some(word(&secret::mask_question(&nrdp.url)))),
            ("token", file(&nrdp.token)),
            ("ca", nrdp.ca.as_ref().map(|path| word(&path.to_string_lossy()))),
        ]),
        Medium::Icinga(icinga) => fields(vec![
            ("url", Some(word(&secret::mask_question(&icinga.url)))),
            ("user", Some(word(&icinga.user))),
            ("password", file(&icinga.password)),
            ("ca", icinga.ca.as_ref().map(|path| word(&path.to_string_lossy()))),
        ]),
        Medium::Nsca(nsca) => fields(vec![
            ("server", Some(word(&nsca.server))),
            ("password", nsca.password.as_ref().and_then(file)),
            ("encryption", Some(nsca.encryption.to_string())),
        ]),
    }
}

fn file(secret: &Secret) -> Option<String> {
    Some(format!("{{ file: {} }}", word(&secret.file()?.to_string_lossy())))
}

fn program(words: &[String]) -> String {
    list(&secret::mask_words(words))
}
