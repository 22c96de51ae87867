//! `title`: each word with a capital.

/// The text with the first letter of each word as a capital, and the others as they are. What joins two letters, such as an
/// apostrophe, begins no word.
pub(super) fn title(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (index, letter) in letters.iter().enumerate() {
        if letter.is_alphabetic() && begins_word(&letters, index) {
            out.extend(letter.to_uppercase());
        } else {
            out.push(*letter);
        }
    }
    out
}

fn begins_word(letters: &[char], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).map(|at| letters[at]);
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    match before(1) {
        None => true,
        Some(letter) if is_word(letter) => false,
        Some('\'' | '’' | '.' | ':' | '·') => !before(2).is_some_and(char::is_alphabetic),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_after_what_joins_no_letters() {
        for (text, expected) in [
            ("aa bB CC", "Aa BB CC"),
            ("don't stop", "Don't Stop"),
            ("disk-full on /var", "Disk-Full On /Var"),
            ("node_exporter", "Node_exporter"),
            ("", ""),
            ("'quoted' ärger", "'Quoted' Ärger"),
        ] {
            assert_eq!(title(text), expected);
        }
    }
}
