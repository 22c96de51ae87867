//! The values of an answer under the names of its variables.

use custos_compat::snmp::{Oid, Value};
use custos_store::Metric;

use super::cell::{Cell, mistyped};
use super::question::Absence;
use crate::mib::Names;
use crate::observe::Readings;

/// Gathers what an answer holds under the names of its variables.
#[derive(Debug)]
pub(super) struct Collector<'n> {
    pub(super) names: &'n Names,
    pub(super) readings: Readings,
}

impl Collector<'_> {
    /// Takes one value of a variable, in the row that these labels name, or the reason why there is none, unless that is
    /// told elsewhere. What could not be read is told apart from what the device has not.
    pub(super) fn take(
        &mut self,
        label: &str,
        labels: &[(String, String)],
        oid: &Oid,
        value: &Result<&Value, Option<Absence>>,
    ) {
        let readings = &mut self.readings;
        let name = series(label, labels);
        let fault = value.as_ref().ok().and_then(|value| mistyped(oid, value, self.names));
        let (number, unit) = match value {
            Ok(_) if fault.is_some() => {
                readings.unread.extend(fault.map(|fault| format!("{name} {fault}")));
                (None, "")
            }
            Ok(value) => match Cell::of(oid, value, self.names) {
                Cell::Number(number, unit, word) => {
                    readings.shown.push(format!("{name} {}", self.names.show(oid, value)));
                    readings.lines.extend(word.map(|word| format!("{name}: {word}")));
                    (Some(number), unit)
                }
                Cell::Text(text) => {
                    readings.shown.push(format!("{name} {text}"));
                    return readings.lines.push(format!("{name}: {text}"));
                }
            },
            Err(None) => (None, ""),
            Err(Some(absence)) => {
                let list = if absence.is_failure() { &mut readings.unread } else { &mut readings.missing };
                list.push(format!("{name}: {absence}"));
                (None, "")
            }
        };
        readings.metrics.push(Metric {
            labels: labels.to_vec(),
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            // By this whoever sees the counter fall knows that it may have gone past its end.
            max: matches!(value, Ok(Value::Counter32(_))).then_some(f64::from(u32::MAX)),
            ..Metric::new(label, number)
        });
    }
}

/// A metric's name for people: `ifOperStatus eth0`.
pub(super) fn series(label: &str, labels: &[(String, String)]) -> String {
    labels.iter().fold(label.to_owned(), |name, (_, value)| format!("{name} {value}"))
}
