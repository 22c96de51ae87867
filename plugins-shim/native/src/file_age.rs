//! `check_file_age`: how old and how large a file is.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use custos_compat::getopt::Known;

use crate::arguments::{digits, flag, parsed, stray, unknown, valued};
use crate::not_native::NotNative;
use crate::printed::{Printed, State, does_not_answer};
use crate::system::System;

/// How a plugin of this kind calls itself.
pub(crate) const WORD: &str = "FILE_AGE";

/// All options; the long form of `-f` takes no value in the plugin, and so is left to it.
const KNOWN: [Known; 9] = [
    flag(b'V', "version"),
    flag(b'h', "help"),
    flag(b'i', "ignore-missing"),
    flag(1, "file"),
    valued(b'f', ""),
    valued(b'w', "warning-age"),
    valued(b'W', "warning-size"),
    valued(b'c', "critical-age"),
    valued(b'C', "critical-size"),
];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FileAge {
    file: OsString,
    may_be_missing: bool,
    warning: Limits,
    critical: Limits,
}

/// What is still well.
#[derive(Clone, Debug, PartialEq)]
struct Limits {
    /// How old (s).
    age: Limit,
    /// How small (bytes).
    size: Limit,
}

/// A number, as it was written.
#[derive(Clone, Debug, PartialEq)]
struct Limit {
    text: String,
    value: i64,
}

impl Limit {
    fn read(option: &str, text: &str) -> Result<Limit, NotNative> {
        let value =
            digits(text).and_then(|value| i64::try_from(value).ok()).ok_or_else(|| unknown(option, text))?;
        Ok(Limit { text: text.to_owned(), value })
    }

    fn of(value: i64) -> Limit {
        Limit { text: value.to_string(), value }
    }
}

impl FileAge {
    pub(crate) fn read(words: &[OsString]) -> Result<FileAge, NotNative> {
        let parsed = parsed(words, &KNOWN)?;
        if words.iter().any(|word| word == "--" || word == "-") {
            return Err(NotNative("a dash alone".to_owned()));
        }
        let mut file = None;
        let mut may_be_missing = false;
        let limits = |age_s| Limits { age: Limit::of(age_s), size: Limit::of(0) };
        let (mut warning, mut critical) = (limits(240), limits(600));
        for given in parsed.options {
            let text = given.value.to_string_lossy();
            match given.short {
                b'f' => file = Some(given.value),
                b'i' => may_be_missing = true,
                b'w' => warning.age = Limit::read("-w", &text)?,
                b'W' => warning.size = Limit::read("-W", &text)?,
                b'c' => critical.age = Limit::read("-c", &text)?,
                b'C' => critical.size = Limit::read("-C", &text)?,
                other => return Err(NotNative(format!("-{}", other as char))),
            }
        }
        let mut words = parsed.words.into_iter();
        let file = file.or_else(|| words.next()).ok_or_else(|| NotNative("no file".to_owned()))?;
        if let Some(word) = words.next() {
            return Err(stray(&word));
        }
        if !file.as_bytes().starts_with(b"/") {
            return Err(NotNative("a file without the whole of its path".to_owned()));
        }
        Ok(FileAge { file, may_be_missing, warning, critical })
    }

    pub(crate) fn run(&self, system: &dyn System) -> Printed {
        let file = self.file.as_bytes();
        match system.file(&self.file) {
            Ok(found) => self.judge(found.age_s, found.bytes),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => does_not_answer(WORD, &self.file),
            Err(_) if self.may_be_missing => {
                let end = b" doesn't exist, but ignore-missing was set";
                State::Ok.says([b"FILE_AGE OK: ", file, end].concat())
            }
            Err(_) => State::Critical.says([b"FILE_AGE CRITICAL: File not found - ", file].concat()),
        }
    }

    fn judge(&self, age_s: i64, bytes: u64) -> Printed {
        let size = i64::try_from(bytes).unwrap_or(i64::MAX);
        let alerts = |limits: &Limits| age_s > limits.age.value || size < limits.size.value;
        let state = match () {
            () if alerts(&self.critical) => State::Critical,
            () if alerts(&self.warning) => State::Warning,
            () => State::Ok,
        };
        let end = format!(
            " is {age_s} seconds old and {bytes} bytes | age={age_s}s;{};{} size={bytes}B;{};{};0",
            self.warning.age.text, self.critical.age.text, self.warning.size.text, self.critical.size.text
        );
        let start = format!("FILE_AGE {}: ", state.text());
        state.says([start.as_bytes(), OsStr::as_bytes(&self.file), end.as_bytes()].concat())
    }
}
