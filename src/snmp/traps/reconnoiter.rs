//! The traps of Reconnoiter: a check in the name of the trap, its metrics in the names of the variables.
//!
//! Below `1.3.6.1.4.1.32863.1.1` lie
//! - `1`, with the UUID of a check as eight numbers of 16 bits behind it: the name of the trap;
//! - `2`, with a length and so many characters behind it: a metric of that name;
//! - `3.1`, whether the check is good: its value is the name `3.1.1` if it is, `3.1.2` if not, `3.1.0` if that is unknown;
//! - `3.2`, whether what it checks is available, in the same way;
//! - `3.3`, how long it took, in milliseconds;
//! - `3.4`, what it says.

use custos_compat::snmp::{Notification, Oid, Value};
use custos_store::{Metric, State};

use super::fields::{cut, metric};
use crate::limits::TRAP_TEXT_MAX_BYTES;
use crate::snmp::cell::number;

const ROOT: &[u32] = &[1, 3, 6, 1, 4, 1, 32863, 1, 1];
const CHECK: u32 = 1;
const METRIC: u32 = 2;
const STATUS: u32 = 3;
const GOOD: u32 = 1;
const AVAILABLE: u32 = 2;
const DURATION: u32 = 3;
const MESSAGE: u32 = 4;
/// Longest name of a metric.
const NAME_MAX_LEN: usize = 127;

/// What such a trap says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The state; OK if it only brings values.
    pub(super) state: State,
    /// What the check says.
    pub(super) text: String,
    /// The values that are numbers.
    pub(super) metrics: Vec<Metric>,
    /// The values that are texts, a line for each.
    pub(super) details: String,
    /// How long the check took.
    pub(super) duration_us: u64,
}

/// The check that a trap is of, if it is one of Reconnoiter's.
pub(super) fn check_of(trap: &Oid) -> Option<[u16; 8]> {
    let [CHECK, words @ ..] = trap.ids().strip_prefix(ROOT)? else { return None };
    let words: Vec<u16> = words.iter().map(|word| u16::try_from(*word).ok()).collect::<Option<_>>()?;
    words.try_into().ok()
}

/// Reads the variables of such a trap. What is not understood is a line of the details.
pub(super) fn read(notification: &Notification) -> Reading {
    let mut reading = Reading::default();
    let mut found = 0;
    for varbind in &notification.varbinds {
        let understood = match varbind.oid.ids().strip_prefix(ROOT) {
            Some([METRIC, name @ ..]) => read_metric(name, &varbind.value, &mut reading),
            Some([STATUS, what]) => read_status(*what, &varbind.value, &mut reading),
            _ => false,
        };
        found += usize::from(understood);
    }
    if found == 0 {
        reading.state = State::Critical;
        reading.text = "no data".to_owned();
    } else if reading.text.is_empty() {
        reading.text = format!("{found} values");
    }
    reading
}

fn read_metric(name: &[u32], value: &Value, reading: &mut Reading) -> bool {
    let Some((len, letters)) = name.split_first() else { return false };
    if usize::try_from(*len) != Ok(letters.len()) || letters.is_empty() || letters.len() > NAME_MAX_LEN {
        return false;
    }
    let letter = |letter: &u32| u8::try_from(*letter).ok().filter(|l| l.is_ascii_graphic() || *l == b' ');
    let Some(name) = letters.iter().map(letter).collect::<Option<Vec<u8>>>() else { return false };
    let name = String::from_utf8_lossy(&name).into_owned();
    if reading.metrics.iter().any(|metric| metric.label == name) {
        return false;
    }
    match (number(value), value) {
        (Some((number, unit)), _) => reading.metrics.push(metric(&name, &[], Some(number), unit)),
        (None, Value::OctetString(bytes)) => {
            let text: String =
                String::from_utf8_lossy(bytes).escape_default().take(TRAP_TEXT_MAX_BYTES).collect();
            reading.details += &format!("{name} = {text}\n");
        }
        _ => return false,
    }
    true
}

fn read_status(what: u32, value: &Value, reading: &mut Reading) -> bool {
    let verdict = |value: &Value, of: u32| match value {
        Value::ObjectId(oid) => match oid.ids().strip_prefix(ROOT) {
            Some([STATUS, about, verdict]) if *about == of => Some(*verdict),
            _ => None,
        },
        _ => None,
    };
    match (what, value) {
        (GOOD | AVAILABLE, value) => {
            let state = match verdict(value, what) {
                Some(0) => State::Unknown,
                Some(1) => State::Ok,
                Some(2) => State::Critical,
                _ => return false,
            };
            reading.state = reading.state.worst(state);
        }
        (DURATION, Value::Gauge32(ms)) => reading.duration_us = u64::from(*ms) * 1000,
        (DURATION, Value::Integer(ms)) => reading.duration_us = u64::try_from(*ms).unwrap_or(0) * 1000,
        (MESSAGE, Value::OctetString(bytes)) => {
            let text = String::from_utf8_lossy(bytes)
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            reading.text = cut(text, TRAP_TEXT_MAX_BYTES);
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use custos_compat::snmp::{VarBind, Version};

    use super::*;

    fn notification(varbinds: Vec<(&[u32], Value)>) -> Notification {
        let oid = |rest: &[u32]| Oid::new(ROOT).unwrap().join(rest).unwrap();
        Notification {
            version: Version::V2c,
            security_name: Vec::new(),
            trap: oid(&[1, 0xf7ce, 0xa020, 0xf19d, 0x11dd, 0x85a6, 0xcb6d, 0x3a22, 0x07dc]),
            uptime: Some(0),
            enterprise: None,
            agent: None,
            varbinds: varbinds.into_iter().map(|(rest, value)| VarBind { oid: oid(rest), value }).collect(),
            inform: None,
        }
    }

    fn status(what: u32, verdict: u32) -> Value {
        Value::ObjectId(Oid::new(ROOT).unwrap().join(&[3, what, verdict]).unwrap())
    }

    #[test]
    fn the_check_and_its_metrics_are_in_the_names() {
        let name = |text: &str| {
            let mut name = vec![2, u32::try_from(text.len()).unwrap()];
            name.extend(text.bytes().map(u32::from));
            name
        };
        let (rtt, version) = (name("rtt ms"), name("version"));
        let notification = notification(vec![
            (&rtt, Value::Double(12.5)),
            (&version, Value::OctetString(b"v\n1".to_vec())),
            (&[3, 1], status(1, 2)),
            (&[3, 2], status(2, 1)),
            (&[3, 3], Value::Gauge32(250)),
            (&[3, 4], Value::OctetString(b"slow".to_vec())),
        ]);
        let id = [0xf7ce, 0xa020, 0xf19d, 0x11dd, 0x85a6, 0xcb6d, 0x3a22, 0x07dc];
        assert_eq!(check_of(&notification.trap), Some(id));
        let reading = read(&notification);
        assert_eq!(
            (reading.state, reading.text.as_str(), reading.duration_us),
            (State::Critical, "slow", 250_000)
        );
        assert_eq!(reading.metrics, [metric("rtt ms", &[], Some(12.5.into()), "")]);
        assert_eq!(reading.details, "version = v\\n1\n");
    }

    #[test]
    fn what_makes_no_sense_is_no_value() {
        for varbind in [
            (&[2, 3, 97, 98][..], Value::Integer(1)),
            (&[2, 0], Value::Integer(1)),
            (&[2], Value::Integer(1)),
            (&[2, 1, 7], Value::Integer(1)),
            (&[2, 1, 97], Value::Null),
            (&[3, 1], status(1, 3)),
            (&[3, 1], status(2, 1)),
            (&[3, 9], Value::Integer(1)),
        ] {
            let reading = read(&notification(vec![varbind.clone()]));
            assert_eq!((reading.state, reading.text.as_str()), (State::Critical, "no data"), "{varbind:?}");
        }
        let oid = |text: &str| text.parse::<Oid>().unwrap();
        assert_eq!(check_of(&oid("1.3.6.1.4.1.32863.1.1.1.1.2.3.4.5.6.7.65536")), None);
        assert_eq!(check_of(&oid("1.3.6.1.4.1.32863.1.1.1.1.2.3.4.5.6.7")), None);
        assert_eq!(read(&notification(vec![(&[2, 1, 97], Value::Integer(1))])).text, "1 values");
    }
}
