//! Lines for `/bin/sh -c`, and those of them for which no shell is started.
//!
//! Starting dash costs twice what a small plugin does. Where a line is plain words (see
//! [`plain_words`](custos_compat::nrpe::plain_words)) and `/bin/sh` is dash, the program is executed at once, with
//! what dash would have given it: the same arguments, and the environment with `PWD`. What the shell would say of its end
//! comes from the shim. Other shells add more variables of their own, so there the shell is always started.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::OnceLock;

use custos_compat::nrpe::plain_words;

/// How a line is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShellLine {
    /// The words of the line, if the program can be started in place of the shell; else empty.
    pub(super) argv: Vec<OsString>,
    /// The line.
    pub(super) line: OsString,
    /// The environment.
    pub(super) env: Vec<(OsString, OsString)>,
}

impl ShellLine {
    /// The line, to be executed in the directory `/`.
    pub(super) fn new(line: OsString, env: Vec<(OsString, OsString)>) -> ShellLine {
        ShellLine::with_shell(line, env, shell_is_dash())
    }

    fn with_shell(line: OsString, mut env: Vec<(OsString, OsString)>, dash: bool) -> ShellLine {
        // dash drops variables whose names it could not have; that is left to it.
        let words = (dash && env.iter().all(|(name, _)| is_identifier(name)))
            .then(|| plain_words(line.as_bytes()))
            .flatten();
        let Some(words) = words else {
            return ShellLine { argv: Vec::new(), line, env };
        };
        env.retain(|(name, _)| name != "PWD");
        env.push(("PWD".into(), "/".into()));
        ShellLine { argv: words.into_iter().map(OsString::from_vec).collect(), line, env }
    }
}

/// Whether `/bin/sh` is dash, as it was when this was first asked.
fn shell_is_dash() -> bool {
    static DASH: OnceLock<bool> = OnceLock::new();
    *DASH.get_or_init(|| {
        fs::canonicalize("/bin/sh").is_ok_and(|shell| shell.file_name() == Some(OsStr::new("dash")))
    })
}

fn is_identifier(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.first().is_some_and(|first| !first.is_ascii_digit())
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::ShellLine;

    fn env(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn argv(line: &ShellLine) -> Vec<&str> {
        line.argv.iter().filter_map(|word| word.to_str()).collect()
    }

    #[test]
    fn a_plain_line_is_executed_without_a_shell() {
        let line = ShellLine::with_shell("/p -w 'a b'".into(), env(&[("PWD", "/x"), ("A", "1")]), true);
        assert_eq!(argv(&line), ["/p", "-w", "a b"]);
        assert_eq!(line.line, "/p -w 'a b'");
        assert_eq!(line.env, env(&[("A", "1"), ("PWD", "/")]));
    }

    #[test]
    fn everything_else_is_given_to_the_shell() {
        let shell = |line: &str, variables: &[(&str, &str)], dash| {
            let started = ShellLine::with_shell(line.into(), env(variables), dash);
            assert_eq!((started.argv.len(), started.line.to_str()), (0, Some(line)));
            assert_eq!(started.env, env(variables));
        };
        shell("/p | cat", &[], true);
        shell("/p", &[], false);
        shell("/p", &[("BASH_FUNC_x%%", "()")], true);
        shell("/p", &[("1", "2")], true);
    }
}
