//! What is expected of an answer, as the library of the plugins compares it: C strings, which end at a zero.

/// What an answer is to have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) texts: Vec<Vec<u8>>,
    /// Whether it has to begin with it, and not only to have it somewhere.
    pub(crate) at_start: bool,
    /// Whether it has to have all of them.
    pub(crate) all: bool,
}

/// How an answer compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Fails,
    Succeeds,
    /// It may yet, with more of it.
    MayYet,
}

impl Expected {
    pub(crate) fn compare(&self, answer: &[u8]) -> Match {
        let (mut matching, mut partial) = (0, 0);
        for text in &self.texts {
            match () {
                () if !self.at_start => matching += usize::from(has(answer, text)),
                () if answer.starts_with(text) => matching += 1,
                () => partial += usize::from(text.starts_with(answer)),
            }
        }
        match () {
            () if self.all && matching == self.texts.len() => Match::Succeeds,
            () if !self.all && matching > 0 => Match::Succeeds,
            () if partial > 0 || !self.at_start => Match::MayYet,
            () => Match::Fails,
        }
    }
}

/// Whether some bytes have others in them.
pub(crate) fn has(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// A C string: what is before the first zero.
pub(crate) fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(texts: &[&str], at_start: bool, all: bool) -> Expected {
        Expected { texts: texts.iter().map(|text| text.as_bytes().to_vec()).collect(), at_start, all }
    }

    #[test]
    fn a_beginning_may_yet_become_what_is_expected() {
        let greeting = expected(&["220"], true, false);
        assert_eq!(greeting.compare(b"22"), Match::MayYet);
        assert_eq!(greeting.compare(b"220 hello"), Match::Succeeds);
        assert_eq!(greeting.compare(b"421 no"), Match::Fails);
        // With one of several it is enough, unless all are asked for.
        assert_eq!(expected(&["200", "201"], true, false).compare(b"201 x"), Match::Succeeds);
        assert_eq!(expected(&["a", "b"], false, true).compare(b"xxa"), Match::MayYet);
        assert_eq!(expected(&["a", "b"], false, true).compare(b"bxa"), Match::Succeeds);
        assert_eq!(expected(&[""], false, false).compare(b"x"), Match::Succeeds);
        assert_eq!(c_string(b"ab\0c"), b"ab");
    }
}
