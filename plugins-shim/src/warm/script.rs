//! Which interpreter a plugin has, and whether a fork of one that is there already can run it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::language::Language;
use crate::spec::Spec;

/// As much of the first line of a script as the kernel reads.
const LINE_MAX_BYTES: usize = 255;
/// As much of a name of a process as the kernel keeps.
const NAME_MAX_BYTES: usize = 15;
/// A plugin that is a script, which an interpreter runs that may be warm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its language.
    pub language: Language,
    /// The interpreter as it is called, and its option, if it has one.
    pub(crate) interpreter: Vec<OsString>,
    /// What the kernel calls the process.
    pub(crate) name: Vec<u8>,
}

impl Script {
    /// The script that a spec runs. Reads the file.
    ///
    /// # Errors
    /// Why it is run cold, in the words of a person, such as `it is no script`.
    pub fn of(spec: &Spec) -> Result<Script, String> {
        let Some(program) = spec.argv.first().filter(|_| spec.shell_line.is_none()) else {
            return Err("a shell runs it".to_owned());
        };
        if !program.as_bytes().starts_with(b"/") {
            return Err("it has no path".to_owned());
        }
        let script = Script::of_file(Path::new(program))?;
        if let Some((name, _)) =
            spec.env.iter().find(|(name, _)| name.as_bytes().starts_with(script.language.variables()))
        {
            return Err(format!("{} is set", name.to_string_lossy()));
        }
        Ok(script)
    }

    fn of_file(program: &Path) -> Result<Script, String> {
        let why = |error: std::io::Error| {
            let cause = error.to_string();
            format!("it cannot be read: {}", cause.split(" (os error ").next().unwrap_or_default())
        };
        let file = File::open(program).map_err(why)?;
        let metadata = file.metadata().map_err(why)?;
        if !metadata.is_file() {
            return Err("it is no file".to_owned());
        }
        if metadata.mode() & 0o6000 != 0 {
            return Err("it is setuid or setgid".to_owned());
        }
        if metadata.mode() & 0o111 == 0 {
            return Err("it is not executable".to_owned());
        }
        let mut head = Vec::new();
        file.take(LINE_MAX_BYTES as u64).read_to_end(&mut head).map_err(why)?;
        let name = program.file_name().unwrap_or_default();
        Script::of_head(&head, name)
    }

    /// The script whose file has this name and begins so.
    fn of_head(head: &[u8], name: &OsStr) -> Result<Script, String> {
        let Some(line) = head.strip_prefix(b"#!") else { return Err("it is no script".to_owned()) };
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
            return Err("its first line is too long".to_owned());
        };
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let trimmed = |text: &[u8]| {
            let begin = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
            let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(begin, |last| last + 1);
            text[begin..end].to_vec()
        };
        let line = trimmed(&line[..end]);
        let (interpreter, option) = match line.iter().position(is_blank) {
            Some(blank) => (line[..blank].to_vec(), trimmed(&line[blank..])),
            None => (line, Vec::new()),
        };
        let base = |path: &[u8]| path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        let shown = |text: &[u8]| String::from_utf8_lossy(text).escape_debug().to_string();
        // `env` executes what it finds in PATH, which then has that name.
        let (interpreter, option, name) = match base(&interpreter).as_slice() {
            b"env" if !option.iter().any(|byte| is_blank(byte) || *byte == b'/' || *byte == b'=') => {
                (option.clone(), Vec::new(), option)
            }
            _ => (interpreter, option, name.as_bytes().to_vec()),
        };
        let Some(language) = Language::of_interpreter(&base(&interpreter)) else {
            return Err(format!("its interpreter is {}", shown(&interpreter)));
        };
        if !option.is_empty() && !language.options().iter().any(|known| known.as_bytes() == option) {
            return Err(format!("its first line has the option {}", shown(&option)));
        }
        if !interpreter.contains(&b'/') && name != interpreter {
            return Err(format!("its interpreter {} has no path", shown(&interpreter)));
        }
        let interpreter = [interpreter, option].into_iter().filter(|word| !word.is_empty());
        Ok(Script {
            language,
            interpreter: interpreter.map(OsString::from_vec).collect(),
            name: name[..name.len().min(NAME_MAX_BYTES)].to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of_head(head: &str) -> Result<Script, String> {
        Script::of_head(head.as_bytes(), OsStr::new("check_with_a_long_name"))
    }

    fn words(head: &str) -> (Language, String, String) {
        let script = of_head(head).unwrap();
        let words: Vec<_> = script.interpreter.iter().map(|word| word.to_str().unwrap()).collect();
        (script.language, words.join("|"), String::from_utf8(script.name).unwrap())
    }

    #[test]
    fn the_first_line_is_read_as_the_kernel_and_env_read_it() {
        let cut = || "check_with_a_lo".to_owned();
        assert_eq!(words("#!/usr/bin/perl\nx"), (Language::Perl, "/usr/bin/perl".into(), cut()));
        assert_eq!(words("#! /usr/bin/perl \t-w \n"), (Language::Perl, "/usr/bin/perl|-w".into(), cut()));
        assert_eq!(
            words("#!/opt/v/bin/python3.12 -u\n"),
            (Language::Python, "/opt/v/bin/python3.12|-u".into(), cut())
        );
        assert_eq!(words("#!/usr/bin/env python3\n"), (Language::Python, "python3".into(), "python3".into()));
        assert_eq!(words("#!/bin/env perl\n"), (Language::Perl, "perl".into(), "perl".into()));
    }

    #[test]
    fn what_cannot_be_warm_says_why() {
        for (head, why) in [
            ("\x7fELF", "it is no script"),
            ("", "it is no script"),
            ("#!/usr/bin/perl", "its first line is too long"),
            ("#!/bin/sh\n", "its interpreter is /bin/sh"),
            ("#!/usr/bin/python\n", "its interpreter is /usr/bin/python"),
            ("#!/usr/bin/python3x\n", "its interpreter is /usr/bin/python3x"),
            ("#!/usr/bin/perl -T\n", "its first line has the option -T"),
            ("#!/usr/bin/perl -w -T\n", "its first line has the option -w -T"),
            ("#!/usr/bin/python3 -I\n", "its first line has the option -I"),
            ("#!/usr/bin/env -S python3 -u\n", "its interpreter is /usr/bin/env"),
            ("#!/usr/bin/perl\r\n", "its interpreter is /usr/bin/perl\\r"),
            ("#!perl\n", "its interpreter perl has no path"),
            ("#!\n", "its interpreter is "),
        ] {
            assert_eq!(of_head(head).unwrap_err(), why, "{head:?}");
        }
    }

    #[test]
    fn a_spec_has_to_name_a_file_and_nothing_that_its_interpreter_reads_at_its_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("check_x");
        std::fs::write(&path, "#!/usr/bin/python3\n").unwrap();
        let mode = |mode| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let spec = |program: &str| Spec::new(vec![program.into()], Duration::from_secs(1));
        let own = spec(path.to_str().unwrap());
        mode(0o644);
        assert_eq!(Script::of(&own).unwrap_err(), "it is not executable");
        mode(0o4755);
        assert_eq!(Script::of(&own).unwrap_err(), "it is setuid or setgid");
        mode(0o755);
        assert_eq!(Script::of(&own).unwrap().language, Language::Python);
        let set = |name: &str| Script::of(&Spec { env: vec![(name.into(), "x".into())], ..own.clone() });
        assert_eq!(set("PYTHONPATH").unwrap_err(), "PYTHONPATH is set");
        assert!(set("PERL5LIB").is_ok());
        assert_eq!(Script::of(&spec("check_x")).unwrap_err(), "it has no path");
        assert_eq!(
            Script::of(&spec("/no/such")).unwrap_err(),
            "it cannot be read: No such file or directory"
        );
        assert_eq!(Script::of(&spec("/")).unwrap_err(), "it is no file");
        let line = Spec { shell_line: Some("x".into()), ..own.clone() };
        assert_eq!(Script::of(&line).unwrap_err(), "a shell runs it");
    }
}
