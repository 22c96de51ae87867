//! Words and lists as YAML.

use custos_store::State;

use crate::config::keys::settings::STATES;
use crate::document::scalar::{Kind, Scalar};
use crate::text::is_unsafe;

/// The name of a state, as the configuration has it.
pub(crate) fn state(state: State) -> &'static str {
    STATES.iter().find(|(_, known)| *known == state).map_or("unknown", |(word, _)| word)
}

/// A list in one line.
pub(crate) fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|text| word(text)).collect();
    format!("[{}]", words.join(", "))
}

/// A text as a YAML scalar that reads as the same text: plain where that is safe, else in double quotes.
pub(crate) fn word(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=' | '@');
    let starts_safely = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = starts_safely && text.chars().all(safe) && Scalar::plain(text).kind == Kind::Text;
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // A byte order mark would not survive as it is, and a terminal would obey the others.
            '\u{feff}' | '\u{fffe}' | '\u{ffff}' => quoted.push_str(&escaped(c)),
            _ if is_unsafe(c) => quoted.push_str(&escaped(c)),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A character by its number, as YAML has it in double quotes.
fn escaped(c: char) -> String {
    match u32::from(c) {
        number @ ..=0xffff => format!("\\u{number:04X}"),
        number => format!("\\U{number:08X}"),
    }
}
