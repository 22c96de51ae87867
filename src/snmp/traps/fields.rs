//! What a notification says under the names of a rule: the values of variables, as text and as metrics.

use std::fmt::Write;
use std::net::IpAddr;

use custos_compat::snmp::{Notification, Oid, Value, VarBind};
use custos_store::Metric;

use crate::config::{Condition, KeyPart, Part, Template, Variable, Wanted};
use crate::limits::{TRAP_DETAIL_MAX_BYTES, TRAP_DETAILS_MAX, TRAP_KEY_MAX_BYTES, TRAP_TEXT_MAX_BYTES};
use crate::mib::{Names, without_padding};
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
        let Some(varbind) = self.find(&condition.variable.oid) else { return false };
        condition.any_of.iter().any(|wanted| match wanted {
            Wanted::Number(number) => exact(&varbind.value) == Some(*number),
            Wanted::Text(glob) => glob.is_match(self.names.show(&varbind.oid, &varbind.value)),
        })
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
            let (value, unit) = number(&varbind.value);
            if value.is_some() && metrics.iter().all(|metric| metric.label != variable.label) {
                metrics.push(metric(&variable.label, labels, value, unit));
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

/// The number of a value, if it has one, with its unit: `c` for a counter, `s` for times. Texts that are a number have one.
pub(super) fn number(value: &Value) -> (Option<custos_store::Value>, &'static str) {
    let float = |number: f64| number.is_finite().then(|| custos_store::Value::from(number));
    match value {
        Value::Integer(number) | Value::Int64(number) => (Some((*number).into()), ""),
        Value::UInt64(number) => (Some(whole(*number)), ""),
        Value::Gauge32(number) => (Some(i64::from(*number).into()), ""),
        Value::Counter32(number) => (Some(i64::from(*number).into()), "c"),
        Value::Counter64(number) => (Some(whole(*number)), "c"),
        Value::TimeTicks(ticks) => (float(f64::from(*ticks) / 100.0), "s"),
        Value::Float(number) => (float(f64::from(*number)), ""),
        Value::Double(number) => (float(*number), ""),
        Value::OctetString(bytes) => {
            let text = std::str::from_utf8(without_padding(bytes)).unwrap_or_default().trim();
            let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
            (text.parse().ok().filter(|_| numeric).and_then(float), "")
        }
        _ => (None, ""),
    }
}

/// A number that is exact up to 2^63; beyond that the nearest float.
fn whole(number: u64) -> custos_store::Value {
    i64::try_from(number).map_or_else(|_| (number as f64).into(), custos_store::Value::from)
}

/// A whole number, for conditions.
fn exact(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) | Value::Int64(number) => Some(*number),
        Value::Gauge32(number) | Value::Counter32(number) | Value::TimeTicks(number) => {
            Some(i64::from(*number))
        }
        Value::Counter64(number) | Value::UInt64(number) => i64::try_from(*number).ok(),
        Value::OctetString(bytes) => std::str::from_utf8(without_padding(bytes)).ok()?.trim().parse().ok(),
        _ => None,
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
