//! The options of a command line, of which everything must be known.

use std::ffi::{OsStr, OsString};

use custos_compat::getopt::{self, Given, Known, Parsed};

use crate::not_native::NotNative;

/// An option with a value.
pub(crate) const fn valued(short: u8, long: &'static str) -> Known {
    Known { short, long, value: true }
}

/// An option without one.
pub(crate) const fn flag(short: u8, long: &'static str) -> Known {
    Known { short, long, value: false }
}

/// A command line taken apart.
///
/// # Errors
/// There is an option that the program does not know.
pub(crate) fn parsed(words: &[OsString], known: &[Known]) -> Result<Parsed, NotNative> {
    let mut parsed = getopt::parse(words, known, |_| false);
    match parsed.mistakes.is_empty() {
        true => Ok(parsed),
        false => Err(NotNative(parsed.mistakes.swap_remove(0))),
    }
}

/// A word that no option explains.
pub(crate) fn stray(word: &OsStr) -> NotNative {
    NotNative(format!("the word `{}` without an option", word.to_string_lossy()))
}

/// The options of a command line that has nothing else, each with its value.
///
/// # Errors
/// There is something else.
pub(crate) fn options(words: &[OsString], known: &[Known]) -> Result<Vec<(u8, String)>, NotNative> {
    let parsed = parsed(words, known)?;
    if let Some(word) = parsed.words.first() {
        return Err(stray(word));
    }
    parsed.options.into_iter().map(|given| Ok((given.short, text(given)?))).collect()
}

/// The options of a command line, and the words behind them.
pub(crate) struct Words {
    pub(crate) options: Vec<(u8, String)>,
    pub(crate) words: Vec<String>,
}

/// The options of a command line whose program reads no option behind the first other word, and those words.
///
/// # Errors
/// There is something that the program does not know, or an option behind a word.
pub(crate) fn leading(words: &[OsString], known: &[Known]) -> Result<Words, NotNative> {
    let parsed = parsed(words, known)?;
    // Old forms of options, which some programs read otherwise.
    if words.iter().any(|word| ["--", "-to", "-wt", "-ct"].iter().any(|old| word == old)) {
        return Err(NotNative("an old form of an option".to_owned()));
    }
    let first = words.len() - parsed.words.len();
    if parsed.options.iter().any(|given| given.index >= first) {
        return Err(NotNative("an option behind a word without one".to_owned()));
    }
    let options =
        parsed.options.into_iter().map(|given| Ok((given.short, text(given)?))).collect::<Result<_, _>>()?;
    let words = parsed.words.into_iter().map(utf8).collect::<Result<_, _>>()?;
    Ok(Words { options, words })
}

fn text(given: Given) -> Result<String, NotNative> {
    utf8(given.value)
}

/// A value or a word as text.
pub(crate) fn utf8(word: OsString) -> Result<String, NotNative> {
    word.into_string().map_err(|_| NotNative("a value that is not UTF-8".to_owned()))
}

/// A number of digits only, of at most 18.
pub(crate) fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// A number as people write it: digits, and perhaps a point with more of them behind it.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = plain(whole) && plain(fraction) && !fraction.is_empty() && !text.is_empty();
    (is_number && text.len() <= 18).then(|| text.parse().ok())?
}

/// The value of `-t`, which matters to what takes no time only in that the plugin refuses others.
pub(crate) fn check_timeout(value: &str) -> Result<(), NotNative> {
    digits(value)
        .filter(|seconds| (1..=86_400).contains(seconds))
        .map(drop)
        .ok_or_else(|| unknown("-t", value))
}

/// A value of an option that is not exactly known.
pub(crate) fn unknown(option: &str, value: &str) -> NotNative {
    NotNative(format!("the value `{value}` of {option}"))
}
