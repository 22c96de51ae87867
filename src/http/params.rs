//! The parameters of a request: those of its address and those of its form, together.
//!
//! What Go's `net/url` refuses is refused: `;` between parameters, and a `%` without two digits of 16 behind it.

use percent_encoding::percent_decode_str;

/// Names and values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of an address (behind `?`) and of a form, of which the form's count first.
    ///
    /// # Errors
    /// What is wrong with one, in Go's words.
    pub(super) fn of(query: &str, form: &[u8]) -> Result<Params, String> {
        let mut all = Vec::new();
        for text in [form, query.as_bytes()] {
            verify(text)?;
            all.extend(form_urlencoded::parse(text).into_owned());
        }
        Ok(Params(all))
    }

    /// The first value of that name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is there, with any value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

fn verify(text: &[u8]) -> Result<(), String> {
    if text.contains(&b';') {
        return Err("invalid semicolon separator in query".to_owned());
    }
    let escapes = text.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    for (at, _) in escapes {
        let escape = &text[at..text.len().min(at + 3)];
        if escape.len() < 3 || !escape[1..].iter().all(u8::is_ascii_hexdigit) {
            return Err(format!("invalid URL escape {:?}", String::from_utf8_lossy(escape)));
        }
    }
    Ok(())
}

/// A part of a path, whose `%xx` stand for bytes. What is no such escape stays as it is; bytes that are no UTF-8 are
/// replaced.
pub(super) fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_the_address_and_the_form() {
        let params = Params::of("query=up&match[]=a&x", b"query=1%2B1+%3e+2&match%5B%5D=b%C3%A4&&=").unwrap();
        assert_eq!(params.get("query"), "1+1 > 2");
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["b\u{e4}", "a"]);
        assert_eq!((params.get("x"), params.has("x")), ("", true));
        assert_eq!((params.get("none"), params.has("none")), ("", false));
        assert_eq!(decoded("a+b%2Fc%"), "a+b/c%");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for (text, error) in [
            ("a=%zz", "invalid URL escape \"%zz\""),
            ("a=b%", "invalid URL escape \"%\""),
            ("a=%4", "invalid URL escape \"%4\""),
            ("a=1;b=2", "invalid semicolon separator in query"),
        ] {
            assert_eq!(Params::of(text, b"").unwrap_err(), error);
            assert_eq!(Params::of("", text.as_bytes()).unwrap_err(), error);
        }
        assert_eq!(Params::of("a=%3b+%2B", b"").unwrap().get("a"), "; +");
    }
}
