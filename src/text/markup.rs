//! Text in files of markup: HTML and SVG.

/// Text between tags, or in an attribute within double quotes, of XML and HTML. Control characters, which XML cannot hold, are dropped.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            escaped("</td><script x=\"y\">'&\u{1b}[2J\u{ffff}é"),
            "&lt;/td&gt;&lt;script x=&quot;y&quot;&gt;'&amp;[2Jé"
        );
    }
}
