//! What a notification says under the names of a rule: the values of variables, as text and as metrics.

use std::fmt::Write;
use std::net::IpAddr;

use custos_compat::snmp::{Notification, Oid, Value, VarBind};
use custos_store::Metric;

use crate::config::{Condition, KeyPart, Part, Template, Variable};
use crate::limits::{TRAP_DETAIL_MAX_BYTES, TRAP_DETAILS_MAX, TRAP_KEY_MAX_BYTES, TRAP_TEXT_MAX_BYTES};
use crate::mib::Names;
use crate::snmp::cell::number;
use crate::snmp::condition;
use crate::text::human;

/// A notification, and who sent it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    pub(super) notification: &'n Notification,
    pub(super) source: IpAddr,
    pub(super) names: &'n Names,
}

impl<'n> Fields<'n> {
    /// The first variable at an identifier or below it.
    fn find(&self, oid: &Oid) -> Option<&'n VarBind> {
        self.notification.varbinds.iter().find(|varbind| varbind.oid.starts_with(oid))
    }

    /// Whether a condition is fulfilled.
    pub(super) fn fulfils(&self, condition: &Condition) -> bool {
        let found = self.find(&condition.variable.oid);
        found.is_some_and(|varbind| condition::fulfils(condition, &varbind.oid, &varbind.value, self.names))
    }

    /// The value of each part of a key under its label.
    pub(super) fn key(&self, parts: &[KeyPart]) -> Vec<(String, String)> {
        let value = |part: &KeyPart| match part {
            KeyPart::Source => self.source.to_string(),
            KeyPart::Variable(variable) => self.key_value(&variable.oid),
        };
        let mut key: Vec<(String, String)> = parts
            .iter()
            .map(|part| (part.label().to_owned(), cut(value(part), TRAP_KEY_MAX_BYTES)))
            .collect();
        key.sort();
        key
    }

    /// The value of a variable; else the row that a variable of the same table is of, as the index of many tables is sent
    /// in names only; else a question mark.
    fn key_value(&self, oid: &Oid) -> String {
        if let Some(varbind) = self.find(oid) {
            return match &varbind.value {
                // The number alone, whatever word it has.
                Value::Integer(number) => number.to_string(),
                value => self.names.show(&varbind.oid, value),
            };
        }
        let row = oid.parent();
        let sibling = self.notification.varbinds.iter().find_map(|varbind| {
            let (_, index) = varbind.oid.strip_prefix(&row)?.split_first()?;
            (!index.is_empty()).then_some(index)
        });
        match sibling {
            Some(index) => index.iter().map(u32::to_string).collect::<Vec<_>>().join("."),
            None => "?".to_owned(),
        }
    }

    /// A template with its places filled; a variable that was not sent is a question mark.
    pub(super) fn text(&self, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Trap => text.push_str(&self.names.name(&self.notification.trap)),
                Part::Source => text.push_str(&self.source.to_string()),
                Part::Agent => text.push_str(&self.agent()),
                Part::Uptime => match self.notification.uptime {
                    Some(ticks) => text.push_str(&human::duration_ms(i64::from(ticks) * 10)),
                    None => text.push('?'),
                },
                Part::Variables => text.push_str(&self.details().trim_end().replace('\n', ", ")),
                Part::Variable(variable) => match self.find(&variable.oid) {
                    Some(varbind) => text.push_str(&self.names.show(&varbind.oid, &varbind.value)),
                    None => text.push('?'),
                },
            }
        }
        cut(text, TRAP_TEXT_MAX_BYTES)
    }

    fn agent(&self) -> String {
        match self.notification.agent {
            Some(agent) if !agent.is_unspecified() => agent.to_string(),
            _ => self.source.to_string(),
        }
    }

    /// Every variable on a line of its own, up to a bound; what is beyond is counted in a last line.
    pub(super) fn details(&self) -> String {
        let varbinds = &self.notification.varbinds;
        let mut lines = String::new();
        for varbind in varbinds.iter().take(TRAP_DETAILS_MAX) {
            let value = cut(self.names.show(&varbind.oid, &varbind.value), TRAP_DETAIL_MAX_BYTES);
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{} = {value}", self.names.name(&varbind.oid));
        }
        if varbinds.len() > TRAP_DETAILS_MAX {
            let _ = writeln!(lines, "and {} more", varbinds.len() - TRAP_DETAILS_MAX);
        }
        lines
    }

    /// The variables that have numbers, as metrics.
    pub(super) fn metrics(&self, variables: &[Variable], labels: &[(String, String)]) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = Vec::with_capacity(variables.len());
        for variable in variables {
            let Some(varbind) = self.find(&variable.oid) else { continue };
            let Some((value, unit)) = number(&varbind.value) else { continue };
            if metrics.iter().all(|metric| metric.label != variable.label) {
                metrics.push(metric(&variable.label, labels, Some(value), unit));
            }
        }
        metrics
    }
}

/// A metric without limits of its own.
pub(super) fn metric(
    label: &str,
    labels: &[(String, String)],
    value: Option<custos_store::Value>,
    unit: &str,
) -> Metric {
    Metric {
        labels: labels.to_vec(),
        unit: unit.to_owned(),
        printed_unit: unit.to_owned(),
        ..Metric::new(label, value)
    }
}

/// At most so many bytes of a text, whole characters.
pub(super) fn cut(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        let end = (0..=max_bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
