//! Command lines as GNU `getopt_long` reads them, for programs that emulate others.
//!
//! Options and other words may be mixed, short options may be joined, a long one may be abbreviated where that is not
//! ambiguous, and `--` ends the options.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An option that a program has.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its short form, by which the result names it. An option without one has a number below the blank instead, which
    /// no word of a command line stands for.
    pub short: u8,
    /// Its long form, without dashes; may be empty.
    pub long: &'static str,
    /// Whether it takes a value.
    pub value: bool,
}

impl Known {
    fn has_short(&self) -> bool {
        self.short > b' '
    }
}

/// An option of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The short form of the option, or the number that it has instead.
    pub short: u8,
    /// Its value, empty if it takes none.
    pub value: OsString,
    /// The index of the word with the value, or with the option if it takes none.
    pub index: usize,
}

/// A parsed command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The options, in order.
    pub options: Vec<Given>,
    /// The other words, in order.
    pub words: Vec<OsString>,
    /// What is wrong, in order, as getopt prints it behind the program's name.
    pub mistakes: Vec<String>,
}

/// Parses a command line without the program's name. Parsing stops behind an option for which `last` is true, and goes on
/// after a mistake.
pub fn parse(words: &[OsString], known: &[Known], last: impl Fn(u8) -> bool) -> Parsed {
    let mut parsed = Parsed::default();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let bytes = word.as_bytes();
        index += 1;
        match bytes {
            b"--" => {
                parsed.words.extend_from_slice(&words[index..]);
                break;
            }
            [b'-', b'-', long @ ..] => index = parse_long(long, words, index, known, &mut parsed),
            [b'-', short @ ..] if !short.is_empty() => {
                index = parse_short(short, words, index, known, &mut parsed);
            }
            _ => {
                parsed.words.push(word.clone());
                continue;
            }
        }
        if parsed.options.last().is_some_and(|given| last(given.short)) {
            break;
        }
    }
    parsed
}

/// Reads a long option; returns the index of the word after it.
fn parse_long(
    long: &[u8],
    words: &[OsString],
    mut index: usize,
    known: &[Known],
    parsed: &mut Parsed,
) -> usize {
    let (name, value) = match long.iter().position(|&byte| byte == b'=') {
        Some(equals) => (&long[..equals], Some(&long[equals + 1..])),
        None => (long, None),
    };
    let shown = String::from_utf8_lossy(long);
    let exact = known.iter().find(|option| !option.long.is_empty() && option.long.as_bytes() == name);
    let starts: Vec<_> = known.iter().filter(|option| option.long.as_bytes().starts_with(name)).collect();
    let option = match (exact, starts.as_slice()) {
        (Some(option), _) => option,
        (None, [option]) => *option,
        (None, []) => {
            parsed.mistakes.push(format!("unrecognized option '--{shown}'"));
            return index;
        }
        (None, several) => {
            let several: String = several.iter().map(|option| format!(" '--{}'", option.long)).collect();
            parsed.mistakes.push(format!("option '--{shown}' is ambiguous; possibilities:{several}"));
            return index;
        }
    };
    let value = match (option.value, value) {
        (false, Some(_)) => {
            parsed.mistakes.push(format!("option '--{}' doesn't allow an argument", option.long));
            return index;
        }
        (false, None) => OsString::new(),
        (true, Some(value)) => OsString::from_vec(value.to_vec()),
        (true, None) => {
            let Some(value) = words.get(index) else {
                parsed.mistakes.push(format!("option '--{}' requires an argument", option.long));
                return index;
            };
            index += 1;
            value.clone()
        }
    };
    parsed.options.push(Given { short: option.short, value, index: index - 1 });
    index
}

/// Reads the short options that are joined in one word; returns the index of the word after them.
fn parse_short(
    mut short: &[u8],
    words: &[OsString],
    mut index: usize,
    known: &[Known],
    parsed: &mut Parsed,
) -> usize {
    while let [letter, rest @ ..] = short {
        let shown = char::from(*letter);
        short = rest;
        let named = |option: &&Known| option.short == *letter && option.has_short();
        let Some(option) = known.iter().find(named) else {
            parsed.mistakes.push(format!("invalid option -- '{shown}'"));
            continue;
        };
        let value = match (option.value, rest) {
            (false, _) => OsString::new(),
            (true, [_, ..]) => OsStr::from_bytes(rest).to_owned(),
            (true, []) => {
                let Some(value) = words.get(index) else {
                    parsed.mistakes.push(format!("option requires an argument -- '{shown}'"));
                    break;
                };
                index += 1;
                value.clone()
            }
        };
        parsed.options.push(Given { short: *letter, value, index: index - 1 });
        if option.value {
            break;
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 6] = [
        Known { short: b'H', long: "host", value: true },
        Known { short: b'h', long: "help", value: false },
        Known { short: b'n', long: "no-ssl", value: false },
        Known { short: b'2', long: "v2-packets-only", value: false },
        Known { short: b'a', long: "args", value: true },
        Known { short: 1, long: "offset", value: true },
    ];

    fn parsed(words: &[&str]) -> Parsed {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words, &KNOWN, |short| short == b'a')
    }

    fn options(words: &[&str]) -> Vec<(char, String)> {
        let parsed = parsed(words);
        assert!(parsed.mistakes.is_empty(), "{:?}", parsed.mistakes);
        let given = parsed.options.into_iter();
        given.map(|g| (char::from(g.short), g.value.into_string().unwrap())).collect()
    }

    #[test]
    fn every_form_of_an_option() {
        let h = ('H', "x".to_owned());
        for words in [
            &["-H", "x"][..],
            &["-Hx"],
            &["--host", "x"],
            &["--host=x"],
            &["--hos", "x"],
            &["stray", "-H", "x"],
        ] {
            assert_eq!(options(words), std::slice::from_ref(&h), "{words:?}");
        }
        assert_eq!(options(&["-n2Hx"]), [('n', String::new()), ('2', String::new()), h]);
    }

    #[test]
    fn an_option_without_a_short_form_has_its_long_one_only() {
        assert_eq!(options(&["--offset=5"]), [('\u{1}', "5".to_owned())]);
        let parsed = parsed(&["-\u{1}5"]);
        assert_eq!((parsed.options, parsed.mistakes.len()), (Vec::new(), 2));
    }

    #[test]
    fn parsing_stops_behind_the_last_option() {
        let parsed = parsed(&["-n", "-a", "one", "-H", "x"]);
        assert_eq!(parsed.options.last().unwrap().index, 2);
        assert_eq!(parsed.options.len(), 2);
    }

    #[test]
    fn mistakes() {
        for (words, mistake) in [
            (&["--bogus=1"][..], "unrecognized option '--bogus=1'"),
            (&["-x"], "invalid option -- 'x'"),
            (&["-H"], "option requires an argument -- 'H'"),
            (&["--host"], "option '--host' requires an argument"),
            (&["--h=x"], "option '--h=x' is ambiguous; possibilities: '--host' '--help'"),
            (&["--help=x"], "option '--help' doesn't allow an argument"),
        ] {
            assert_eq!(parsed(words).mistakes, [mistake]);
        }
        assert_eq!(parsed(&["--", "-x"]).words, ["-x"]);
    }

    #[test]
    fn mistakes_do_not_end_the_line() {
        let parsed = parsed(&["--bogus", "-xny", "-H", "h"]);
        let given: Vec<char> = parsed.options.iter().map(|given| char::from(given.short)).collect();
        assert_eq!(given, ['n', 'H']);
        assert_eq!(parsed.mistakes.len(), 3);
    }
}
