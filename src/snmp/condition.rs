//! Whether a variable is what a condition of a table or of a trap asks for.

use custos_compat::snmp::{Oid, Value};

use crate::config::{Condition, Wanted};
use crate::mib::{Names, without_padding};

/// Whether the variable of this name and value fulfils a condition.
pub(super) fn fulfils(condition: &Condition, oid: &Oid, value: &Value, names: &Names) -> bool {
    condition.any_of.iter().any(|wanted| match wanted {
        Wanted::Number(number) => exact(value) == Some(*number),
        // Texts are compared as they are shown, and as they came.
        Wanted::Text(glob) => {
            glob.is_match(names.show(oid, value)) || as_it_came(value).is_some_and(|text| glob.is_match(text))
        }
    })
}

/// The whole number of a value, also of a text that is one.
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

fn as_it_came(value: &Value) -> Option<String> {
    match value {
        Value::OctetString(bytes) => Some(String::from_utf8_lossy(without_padding(bytes)).into_owned()),
        Value::ObjectId(oid) => Some(oid.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use globset::Glob;

    use super::*;
    use crate::config::Variable;

    fn fulfilled(name: &str, value: &Value, wanted: Wanted) -> bool {
        let names = Names::builtin();
        let oid = names.resolve(name).unwrap();
        let variable = Variable { label: name.to_owned(), oid: oid.clone() };
        fulfils(&Condition { variable, any_of: vec![Wanted::Number(-1), wanted] }, &oid, value, names)
    }

    #[test]
    fn numbers_are_compared_whatever_their_type() {
        let text = |text: &str| Value::OctetString(text.into());
        for (value, fits) in [
            (Value::Integer(7), true),
            (Value::Gauge32(7), true),
            (Value::Counter64(7), true),
            (text(" 7\0\0"), true),
            (Value::Integer(8), false),
            (text("7 eth"), false),
            (Value::Counter64(u64::MAX), false),
            (Value::Null, false),
        ] {
            assert_eq!(fulfilled("ifIndex.1", &value, Wanted::Number(7)), fits, "{value:?}");
        }
    }

    #[test]
    fn texts_are_compared_as_they_are_shown_and_as_they_came() {
        let glob = |glob: &str| Wanted::Text(Glob::new(glob).unwrap().compile_matcher());
        let text = |text: &str| Value::OctetString(text.into());
        let link_down = Value::ObjectId("1.3.6.1.6.3.1.1.5.3".parse().unwrap());
        for (name, value, pattern, fits) in [
            ("ifName.1", text("eth0\0\0"), "eth?", true),
            ("ifPhysAddress.1", Value::OctetString(vec![0, 0x1b, 0x21]), "00:1b:*", true),
            ("1.3.6.1.4.1.9.1", text("a\nb"), "a?b", true),
            ("sysObjectID.0", link_down.clone(), "linkDown", true),
            ("sysObjectID.0", link_down, "1.3.6.1.6.*", true),
            ("ifName.1", text("eth0"), "wlan*", false),
        ] {
            assert_eq!(fulfilled(name, &value, glob(pattern)), fits, "{name} {pattern}");
        }
    }
}
