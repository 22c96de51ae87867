//! The languages whose interpreters may be warm.

/// Options of perl that a warm one has as well.
const PERL_OPTIONS: [&str; 1] = ["-w"];
/// Options of python that a warm one has as well.
const PYTHON_OPTIONS: [&str; 7] = ["-u", "-B", "-E", "-s", "-Es", "-sE", "-Bs"];

/// A language whose interpreter may be warm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Perl 5.
    Perl,
    /// Python 3, as CPython has it.
    Python,
}

impl Language {
    /// Its name, as that of its interpreter.
    pub fn name(self) -> &'static str {
        match self {
            Language::Perl => "perl",
            Language::Python => "python3",
        }
    }

    /// The language of an interpreter of this name, with a version or without.
    pub(crate) fn of_interpreter(name: &[u8]) -> Option<Language> {
        let is_version = |rest: &[u8]| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if name.strip_prefix(b"perl").is_some_and(is_version) {
            return Some(Language::Perl);
        }
        let rest = name.strip_prefix(b"python3")?;
        (rest.is_empty() || (rest.starts_with(b".") && is_version(rest))).then_some(Language::Python)
    }

    /// The options that its interpreter may have on a first line.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Language::Perl => &PERL_OPTIONS,
            Language::Python => &PYTHON_OPTIONS,
        }
    }

    /// What the names of the variables begin with that its interpreter reads at its start.
    pub(crate) fn variables(self) -> &'static [u8] {
        match self {
            Language::Perl => b"PERL",
            Language::Python => b"PYTHON",
        }
    }
}

/// The languages whose plugins are run by forks of warm interpreters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warm {
    /// Those in Perl.
    pub perl: bool,
    /// Those in Python.
    pub python: bool,
}

impl Warm {
    /// Plugins of each language that may be.
    pub const ALL: Warm = Warm { perl: true, python: true };

    /// Whether those of any language are.
    pub fn any(self) -> bool {
        self != Warm::default()
    }

    /// Whether those of this language are.
    pub fn has(self, language: Language) -> bool {
        match language {
            Language::Perl => self.perl,
            Language::Python => self.python,
        }
    }
}
