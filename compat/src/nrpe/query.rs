//! What a client asks: the text of a query, judged and split as the NRPE daemon does it.
//!
//! The order of the judgements decides what a poller sees in the log: empty, forbidden characters anywhere,
//! arguments where none are allowed, nothing but separators, a command substitution in an argument.

use std::fmt;

/// The command that every NRPE daemon has, and answers with its version; what a client asks that is not told what to.
pub const VERSION_COMMAND: &str = "_NRPE_CHECK";
/// Most arguments of a query; further ones are dropped.
pub const ARGUMENTS_MAX: usize = 16;
/// Between the command's name and each argument.
pub const SEPARATOR: u8 = b'!';
/// Characters that NRPE refuses anywhere in a query unless `nasty_metachars` says otherwise.
pub const METACHARS_DEFAULT: &[u8] = b"|`&><'\\[]{};\r\n";

/// What a server lets clients send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Characters refused anywhere in a query.
    pub metachars: Vec<u8>,
    /// Whether a query may carry arguments.
    pub arguments: bool,
    /// Whether an argument may contain `$(`.
    pub substitution: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { metachars: METACHARS_DEFAULT.to_vec(), arguments: false, substitution: false }
    }
}

/// A query that passed every judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// Name of the command. Not empty.
    pub command: &'a [u8],
    /// Its arguments, none of them empty, at most [`ARGUMENTS_MAX`].
    pub arguments: Vec<&'a [u8]>,
}

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No text at all.
    Empty,
    /// A forbidden character.
    Metachar(u8),
    /// Arguments, which are not allowed.
    Arguments,
    /// Separators and nothing else.
    NoCommand,
    /// `$(` in an argument.
    Substitution,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Empty => write!(f, "the query is empty"),
            Refusal::Metachar(byte) => write!(f, "the query contains the character {:?}", char::from(*byte)),
            Refusal::Arguments => write!(f, "the query has arguments, which are not allowed"),
            Refusal::NoCommand => write!(f, "the query names no command"),
            Refusal::Substitution => write!(f, "an argument contains $("),
        }
    }
}

impl<'a> Query<'a> {
    /// Judges and splits the text of a query. Runs of separators count as one, and leading ones as none.
    pub fn parse(text: &'a [u8], policy: &Policy) -> Result<Query<'a>, Refusal> {
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if let Some(&byte) = text.iter().find(|byte| policy.metachars.contains(byte)) {
            return Err(Refusal::Metachar(byte));
        }
        if !policy.arguments && text.contains(&SEPARATOR) {
            return Err(Refusal::Arguments);
        }
        let mut words = text.split(|&byte| byte == SEPARATOR).filter(|word| !word.is_empty());
        let command = words.next().ok_or(Refusal::NoCommand)?;
        let arguments: Vec<&[u8]> = words.take(ARGUMENTS_MAX).collect();
        let substitutes = |argument: &&[u8]| argument.windows(2).any(|pair| pair == b"$(");
        if !policy.substitution && arguments.iter().any(substitutes) {
            return Err(Refusal::Substitution);
        }
        Ok(Query { command, arguments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_arguments() -> Policy {
        Policy { arguments: true, ..Policy::default() }
    }

    fn words(text: &str) -> Vec<String> {
        let policy = with_arguments();
        let query = Query::parse(text.as_bytes(), &policy).unwrap();
        std::iter::once(query.command)
            .chain(query.arguments)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn words_are_separated_by_exclamation_marks() {
        assert_eq!(words("check_load"), ["check_load"]);
        assert_eq!(words("a!b c! d"), ["a", "b c", " d"]);
        assert_eq!(words("a!!b!"), ["a", "b"]);
        assert_eq!(words("!a!b"), ["a", "b"]);
    }

    #[test]
    fn the_seventeenth_argument_is_dropped() {
        let text = (0..20).map(|n| n.to_string()).collect::<Vec<_>>().join("!");
        assert_eq!(words(&text).len(), 17);
    }

    #[test]
    fn refusals_come_in_the_order_of_nrpe() {
        let refusal = |text: &[u8], policy: &Policy| Query::parse(text, policy).unwrap_err();
        let off = Policy::default();
        assert_eq!(refusal(b"", &off), Refusal::Empty);
        assert_eq!(refusal(b"a!b|c", &off), Refusal::Metachar(b'|'));
        assert_eq!(refusal(b"a!", &off), Refusal::Arguments);
        assert_eq!(refusal(b"!!", &with_arguments()), Refusal::NoCommand);
        assert_eq!(refusal(b"a!$(id)", &with_arguments()), Refusal::Substitution);
        let substitution = Policy { substitution: true, ..with_arguments() };
        assert!(Query::parse(b"a!$(id)", &substitution).is_ok());
    }

    #[test]
    fn each_default_metachar_is_refused_and_others_pass() {
        for &byte in METACHARS_DEFAULT {
            assert_eq!(Query::parse(&[b'a', byte], &Policy::default()), Err(Refusal::Metachar(byte)));
        }
        for byte in *b"\"$()*?~#%\t\x80\xff" {
            assert!(Query::parse(&[b'a', byte], &Policy::default()).is_ok(), "{byte:#x}");
        }
    }
}
