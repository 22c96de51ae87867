//! The parameters of a request: those of its address and those of its form, together.

use std::borrow::Cow;

/// Names and values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of an address (behind `?`) and of a form, of which the form's count first.
    pub(super) fn of(query: &str, form: &[u8]) -> Params {
        let mut all = pairs(&String::from_utf8_lossy(form));
        all.extend(pairs(query));
        Params(all)
    }

    /// The first value of that name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name, true).into_owned(), decoded(value, true).into_owned())
    };
    parts.map(pair).collect()
}

/// A text whose `%xx` stand for bytes, and in forms `+` for a blank. What is no such escape stays as it is; bytes that are no
/// UTF-8 are replaced.
pub(super) fn decoded(text: &str, in_form: bool) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |index: usize| bytes.get(index).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                // Two digits of 16 make a byte.
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) if in_form => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_the_address_and_the_form() {
        let params = Params::of("query=up&match[]=a&x", b"query=1%2B1+%3e+2&match%5B%5D=b%zz%C3%A4");
        assert_eq!(params.get("query"), "1+1 > 2");
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["b%zzä", "a"]);
        assert_eq!(params.get("x"), "");
        assert_eq!(params.get("none"), "");
        assert_eq!(decoded("a+b%2Fc%", false), "a+b/c%");
        assert_eq!(decoded("%ff", false), "\u{fffd}");
    }
}
