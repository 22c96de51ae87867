//! What JSON has and YAML has not: characters beyond U+FFFF written as two escapes.

/// The text of a file as YAML reads it. A file of JSON may write a character as a pair of surrogates, `\ud83d\ude00`, as
/// many programs do; YAML, which reads all else of JSON, writes it as one escape.
pub(crate) fn in_yaml(text: String) -> String {
    if !text.trim_start().starts_with(['{', '[']) || !text.contains("\\u") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        match pair(escape) {
            Some(character) => {
                out.push_str(&format!("\\U{:08X}", u32::from(character)));
                rest = &escape[PAIR_LEN..];
            }
            None => {
                // What a backslash stands before is no backslash that begins another escape.
                let len = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&escape[..len]);
                rest = &escape[len..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Bytes of two escapes.
const PAIR_LEN: usize = 12;

/// The character that the two escapes at the start of a text stand for, if they are such a pair.
fn pair(text: &str) -> Option<char> {
    let unit = |escape: &str| {
        let digits =
            escape.strip_prefix("\\u").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let units = [unit(text.get(..PAIR_LEN / 2)?)?, unit(text.get(PAIR_LEN / 2..PAIR_LEN)?)?];
    let mut characters = char::decode_utf16(units);
    let character = characters.next()?.ok()?;
    characters.next().is_none().then_some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        in_yaml(text.to_owned())
    }

    #[test]
    fn pairs_become_one_escape_in_json_alone() {
        assert_eq!(read(r#" {"a \ud83d\ude00": "\uD834\uDD1Ex"}"#), r#" {"a \U0001F600": "\U0001D11Ex"}"#);
        assert_eq!(read(r#"["\n\ud83d\ude00\t"]"#), r#"["\n\U0001F600\t"]"#);
        for same in [
            r#"a: "\ud83d\ude00""#,
            r#"{"a": "\\ud83d\\ude00"}"#,
            r#"{"a": "\ud83d"}"#,
            r#"{"a": "\ude00\ud83d"}"#,
            r#"{"a": "\u00fc\u0041", "b": "\ud83"#,
            r#"{"a": "ends in \"#,
            r#"{"a": "\ü \ud8ü"}"#,
        ] {
            assert_eq!(read(same), same);
        }
    }
}
