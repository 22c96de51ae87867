//! The output of Monitoring Plugins' `check_snmp` 2.3.3, from an answer instead of the text of `snmpget`.
//!
//! The plugin reads what `snmpget -m ''` prints, so values look as they do there: `"text"` with quotes, `Timeticks: (97)
//! 0:00:00.97`, names that begin with `iso`.

use std::fmt::Write as _;

use custos_compat::snmp::{Oid, Value, Version};
use custos_store::State;

use super::question::{Absence, Answer, Failure, Found, Outcome};
use crate::config::{Limit, NativeCheck, SnmpPoll};

/// Bytes that `snmpget` prints in one line of hexadecimal digits; the plugin reads no further.
const HEX_LINE_BYTES: usize = 16;

/// What the plugin would have printed, and its exit status.
pub(super) fn output(poll: &SnmpPoll, native: &NativeCheck, outcome: &Outcome) -> (String, State) {
    let unknown = |text: String| (format!("External command error: {text}\n"), State::Unknown);
    let values = match outcome {
        Ok(Answer { found: Found::Values(values), .. }) => values,
        Ok(_) => return unknown("Error in packet".to_owned()),
        Err(Failure::NoAnswer { .. } | Failure::OutOfTime) => {
            return unknown(format!("Timeout: No Response from {}:{}.", poll.target, poll.port));
        }
        Err(failure) => return unknown(failure.to_string()),
    };
    // Version 1 knows no absent variables: one spoils the whole answer.
    let old = poll.profile.access.version() == Version::V1;
    for (oid, value) in native.oids.iter().zip(values) {
        let reason = match value {
            Err(Absence::Status(status)) => status.name().unwrap_or("unknown error").to_owned(),
            Err(_) if old => "(noSuchName) There is no such variable name in this MIB.".to_owned(),
            _ => continue,
        };
        return unknown(format!("Error in packet\nReason: {reason}\nFailed object: {}\n", name(oid)));
    }
    let mut text = String::new();
    let mut perfdata = "| ".to_owned();
    let mut result = State::Unknown;
    for (place, (oid, value)) in native.oids.iter().zip(values).enumerate() {
        let printed = Printed::of(value);
        let (warning, critical) = (limit(&native.warning, place), limit(&native.critical, place));
        let mut shown = printed.text.clone();
        let state = if warning.is_some() || critical.is_some() {
            let Some(begin) = shown.find(|c: char| c == '-' || c.is_ascii_digit()) else {
                return (format!("No valid data returned ({shown})\n"), State::Unknown);
            };
            let number = &shown[begin..];
            let number = number[..number_len(number)].parse().unwrap_or(0.0) + native.offset;
            shown = if printed.is_text { significant(number) } else { format!("{number:.0}") };
            judge(number, warning, critical)
        } else if place == 0 && native.string.is_some() {
            let equal = native.string.as_deref() == Some(shown.as_str());
            if equal != native.invert { State::Ok } else { State::Critical }
        } else {
            State::Ok
        };
        result = worse(result, state);
        let mark = if state == State::Ok { "" } else { "*" };
        let label = native.labels.get(place);
        text += if place == 0 { " " } else { &native.delimiter };
        // Writing to a string cannot fail.
        let _ = match label {
            Some(label) => write!(text, "{label} {mark}{shown}{mark}"),
            None => write!(text, "{mark}{shown}{mark}"),
        };
        if let Some(unit) = native.units.get(place) {
            let _ = write!(text, " {unit}");
        }
        let len = number_len(&shown);
        if len > 0 {
            let name = label.filter(|_| !native.perf_oids).cloned().unwrap_or_else(|| name(oid));
            let counter = if printed.is_counter { "c" } else { "" };
            let _ = write!(perfdata, "{name}={}{counter}", &shown[..len]);
            if !native.warning.is_empty() || !native.critical.is_empty() {
                let _ = write!(perfdata, ";{}", warning.map_or("", |limit| &limit.written));
            }
            if !native.critical.is_empty() {
                let _ = write!(perfdata, ";{}", critical.map_or("", |limit| &limit.written));
            }
            perfdata.push(' ');
        }
    }
    (format!("SNMP {} -{text} {perfdata}\n", result.name()), result)
}

fn limit(limits: &[Option<Limit>], place: usize) -> Option<&Limit> {
    limits.get(place).and_then(Option::as_ref)
}

fn judge(number: f64, warning: Option<&Limit>, critical: Option<&Limit>) -> State {
    let alerts = |limit: Option<&Limit>| limit.is_some_and(|limit| limit.range.alerts(number));
    match (alerts(critical), alerts(warning)) {
        (true, _) => State::Critical,
        (false, true) => State::Warning,
        (false, false) => State::Ok,
    }
}

/// The plugin's order: UNKNOWN is the least.
fn worse(one: State, other: State) -> State {
    let order = [State::Unknown, State::Ok, State::Warning, State::Critical];
    let place = |state: State| order.iter().position(|own| *own == state);
    if place(other) > place(one) { other } else { one }
}

/// A name as `snmpget` prints it without MIBs.
fn name(oid: &Oid) -> String {
    let roots = ["ccitt", "iso", "joint-iso-ccitt"];
    match oid.ids().split_first() {
        Some((first, rest)) => {
            let root =
                roots.get(*first as usize).map_or_else(|| first.to_string(), |root| (*root).to_owned());
            rest.iter().fold(root, |name, id| format!("{name}.{id}"))
        }
        None => String::new(),
    }
}

/// A value as the plugin sees it.
struct Printed {
    text: String,
    is_counter: bool,
    is_text: bool,
}

impl Printed {
    fn of(value: &Result<Value, Absence>) -> Printed {
        let mut printed = Printed { text: String::new(), is_counter: false, is_text: false };
        printed.text = match value {
            Ok(Value::Integer(number)) => number.to_string(),
            Ok(Value::Gauge32(number)) => number.to_string(),
            Ok(Value::Counter32(number)) => {
                printed.is_counter = true;
                number.to_string()
            }
            Ok(Value::Counter64(number)) => {
                printed.is_counter = true;
                number.to_string()
            }
            Ok(Value::TimeTicks(ticks)) => timeticks(*ticks),
            Ok(Value::OctetString(bytes)) => {
                printed.is_text = !bytes.is_empty();
                octets(bytes)
            }
            Ok(Value::ObjectId(oid)) => name(oid),
            Ok(Value::IpAddress(address)) => format!("IpAddress: {address}"),
            Ok(Value::Float(number)) => format!("Opaque: Float: {number:.6}"),
            Ok(Value::Double(number)) => format!("Opaque: Double: {number:.6}"),
            Ok(_) => "NULL".to_owned(),
            Err(Absence::NoSuchObject) => "No Such Object available on this agent at this OID".to_owned(),
            Err(_) => "No Such Instance currently exists at this OID".to_owned(),
        };
        printed
    }
}

fn timeticks(ticks: u32) -> String {
    let (seconds, hundredths) = (ticks / 100, ticks % 100);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    format!("Timeticks: ({ticks}) {days}{hours}:{minutes:02}:{:02}.{hundredths:02}", seconds % 60)
}

/// Text in quotes, or hexadecimal digits where a byte is neither printable nor a blank.
fn octets(bytes: &[u8]) -> String {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if text.iter().all(|byte| byte.is_ascii_graphic() || blank(*byte)) {
        let text = String::from_utf8_lossy(text).replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{text}\"");
    }
    bytes.iter().take(HEX_LINE_BYTES).fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02X} ");
        digits
    })
}

/// How many bytes at the beginning are a decimal number.
fn number_len(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with(['-', '+']));
    let whole = digits(&text[sign..]);
    let mut len = sign + whole;
    let mut fraction = 0;
    if text[len..].starts_with('.') {
        fraction = digits(&text[len + 1..]);
        len += if whole + fraction > 0 { 1 + fraction } else { 0 };
    }
    if whole + fraction == 0 { 0 } else { len }
}

/// A number with ten significant digits and no zeros at its end, as C's `%.10g` prints it.
fn significant(number: f64) -> String {
    let exponent = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    if !(-4..10).contains(&exponent) {
        return format!("{number:e}");
    }
    let decimals = usize::try_from(9 - exponent).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_as_snmpget_does() {
        let printed = |value| Printed::of(&Ok(value)).text;
        assert_eq!(printed(Value::TimeTicks(97)), "Timeticks: (97) 0:00:00.97");
        assert_eq!(printed(Value::TimeTicks(8_640_097)), "Timeticks: (8640097) 1 day, 0:00:00.97");
        assert_eq!(printed(Value::OctetString(b"a \"b\"".to_vec())), "\"a \\\"b\\\"\"");
        assert_eq!(printed(Value::OctetString(vec![7, 0xea])), "07 EA ");
        assert_eq!(printed(Value::ObjectId(Oid::from_ids([1, 3, 6]))), "iso.3.6");
    }

    #[test]
    fn numbers_are_found_and_printed() {
        for (text, len) in [("12 x", 2), ("-1.5e", 4), (".5", 2), (".", 0), ("-", 0), ("\"1\"", 0), ("", 0)] {
            assert_eq!(number_len(text), len, "{text}");
        }
        for (number, text) in
            [(10.79, "10.79"), (3.0, "3"), (0.0, "0"), (1234567890.0, "1234567890"), (-0.25, "-0.25")]
        {
            assert_eq!(significant(number), text);
        }
    }
}
