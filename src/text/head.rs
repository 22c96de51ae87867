//! The beginning of a text.

/// As much of a text from its beginning as fits into so many bytes, and no part of a character.
pub fn head(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = (0..=max_bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_character_is_left() {
        for (max_bytes, expected) in [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (4, "aéb"), (99, "aéb")] {
            assert_eq!(head("aéb", max_bytes), expected);
        }
    }
}
