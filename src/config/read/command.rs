//! What a check runs: a line that is split as a shell would, a list, or a line for the shell itself.
//!
//! A program without a slash is looked up in the plugin directories once, when the configuration is read. One
//! that is not there is a warning, because plugins may be installed later: the name is kept, and each run says
//! what is missing.

use std::path::{Path, PathBuf};

use crate::config::model::check::Command;
use crate::config::model::snmp::SnmpConfig;
use crate::document::diagnostic::Findings;
use crate::document::fields::{printable, refuse, text, written};
use crate::document::place::Place;
use crate::document::scalar::{Kind, Scalar};
use crate::document::yaml::{Content, Node};

/// Words that mean something to a shell when they stand alone, and nothing to a program.
const OPERATORS: [&str; 12] =
    ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1", "2>/dev/null", ">/dev/null", "<<"];

/// Where programs are that are no plugins, such as `sudo`.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Where programs are found.
pub(crate) struct Lookup<'a> {
    /// The plugin directories, in order.
    pub(crate) plugins: &'a [PathBuf],
    /// The directory of the file that the command stands in; relative paths begin there.
    pub(crate) base: &'a Path,
    /// Profiles and names of SNMP.
    pub(crate) snmp: &'a SnmpConfig,
}

/// Reads the command of a check.
pub(crate) fn read(
    node: &Node,
    shell: bool,
    lookup: &Lookup<'_>,
    findings: &mut Findings,
) -> Option<Command> {
    refuse_macros(node, findings)?;
    let expected = if shell { "a line for the shell" } else { "a command line or a list of its words" };
    if shell {
        let line = text(node, expected, findings)?;
        if line.trim().is_empty() {
            findings.error(&node.place, "found an empty command, expected a line for the shell");
            return None;
        }
        return Some(Command::Shell(line.to_owned()));
    }
    let (words, place) = match &node.content {
        Content::List(items) => (list(items, findings)?, items.first().map(|item| &item.place)),
        _ => (line(text(node, expected, findings)?, &node.place, findings)?, None),
    };
    let place = place.unwrap_or(&node.place);
    match words.first() {
        None => {
            findings.error(&node.place, "found an empty command, expected a program");
            None
        }
        Some(program) if program.is_empty() => {
            findings.error(place, "found an empty word, expected a program");
            None
        }
        Some(program) => {
            let program = find(program, place, lookup, findings)?;
            Some(Command::Program(std::iter::once(program).chain(words.into_iter().skip(1)).collect()))
        }
    }
}

/// Reports macros of Nagios in a command or a variable, which would reach the program as they stand.
pub(super) fn refuse_macros(node: &Node, findings: &mut Findings) -> Option<()> {
    let nodes = match &node.content {
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut found = false;
    for node in nodes {
        let Content::Scalar(scalar) = &node.content else { continue };
        if let Some((offset, name)) = nagios_macro(&scalar.text) {
            let message =
                format!("`${name}$` is a macro of Nagios, which means nothing here; {}", remedy(name));
            findings.error(&node.place.within(&scalar.text, offset), message);
            found = true;
        }
    }
    (!found).then_some(())
}

/// Beginnings of the names of Nagios' macros. `$PATH$X` of a shell is none.
const MACROS: [&str; 22] = [
    "ADMIN",
    "ARG",
    "CONTACT",
    "EVENTSTARTTIME",
    "HOST",
    "LASTHOST",
    "LASTSERVICE",
    "LASTSTATECHANGE",
    "LONGDATETIME",
    "LONGHOST",
    "LONGSERVICE",
    "MAXHOST",
    "MAXSERVICE",
    "NOTIFICATION",
    "SERVICE",
    "SHORTDATETIME",
    "TIMET",
    "TOTAL",
    "USER",
    "_CONTACT",
    "_HOST",
    "_SERVICE",
];

/// The first macro of Nagios in a text: where it begins, in characters, and its name.
fn nagios_macro(text: &str) -> Option<(usize, &str)> {
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$') {
        let start = at + dollar + 1;
        let len = text[start..].find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let name = &text[start..start + len.unwrap_or(text.len() - start)];
        let numbered = |prefix| {
            name.strip_prefix(prefix)
                .is_none_or(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        };
        let known =
            MACROS.iter().any(|prefix| name.starts_with(prefix)) && numbered("ARG") && numbered("USER");
        if known && is_closed(&text[start + name.len()..]) {
            return Some((text[..start - 1].chars().count(), name));
        }
        at = start;
    }
    None
}

/// Whether what follows the name of a macro ends it: `$`, or the host and the service that it is of, `:web1:Disk /$`.
fn is_closed(rest: &str) -> bool {
    let Some((of, behind)) = rest.strip_prefix(':').and_then(|of| of.split_once('$')) else {
        return rest.starts_with('$');
    };
    // `$HOSTNAME:$PORT` is two variables of a shell.
    !of.trim().is_empty() && !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '{')
}

fn remedy(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("ARG") => "write the argument itself",
        _ if name.starts_with("USER") => {
            "write the path or the secret itself; a plugin without a path is looked up in `plugins`"
        }
        "HOSTADDRESS" | "HOSTNAME" | "HOSTALIAS" => "write the address or the name itself",
        _ => "write the value itself",
    }
}

fn list(items: &[Node], findings: &mut Findings) -> Option<Vec<String>> {
    warn_of_cut_numbers(items, findings);
    let words: Vec<Option<String>> = items
        .iter()
        .map(|item| {
            let word = written(item, "a word (write \"\" for an empty one)", findings)?;
            if word.contains('\0') {
                refuse(item, "no NUL character", findings);
                return None;
            }
            Some(word.to_owned())
        })
        .collect();
    words.into_iter().collect()
}

/// Warns, once, of numbers that follow one another behind an option within brackets: `[check_load, -w, 5,4,3]` hands the
/// plugin three words, where one was probably meant.
fn warn_of_cut_numbers(items: &[Node], findings: &mut Findings) {
    let bare = |node: &&Node| {
        matches!(&node.content, Content::Scalar(Scalar { kind: Kind::Integer(_) | Kind::Float(_), .. }))
    };
    let word = |node: &Node| match &node.content {
        Content::Scalar(scalar) => scalar.text.clone(),
        _ => String::new(),
    };
    for (index, option) in items.iter().enumerate() {
        let after = &items[index + 1..];
        let numbers = after.iter().take_while(bare).count();
        let Some((first, second)) = after.first().zip(after.get(1)) else { return };
        let is_option = word(option).starts_with('-') && !bare(&option);
        if is_option && numbers > 1 && first.place.line() == second.place.line() {
            let cut: Vec<String> = after[..numbers].iter().map(word).collect();
            let message = format!(
                "commas separate the words of a list, so `{}` is followed by {numbers} words, {}; write \"{}\" in quotes if \
                 it is one",
                word(option),
                cut.join(" and "),
                cut.join(","),
            );
            return findings.warning(&first.place, message);
        }
    }
}

fn line(text: &str, place: &Place, findings: &mut Findings) -> Option<Vec<String>> {
    match split(text) {
        Ok(words) => {
            for (word, syntax) in words.iter().filter_map(|word| Some((word, shell_syntax(word)?))) {
                let message = format!(
                    "`{syntax}` is handed to the program as it is; write `shell: true` if it is meant for a shell"
                );
                findings.warning(&place.within(text, word.offset), message);
            }
            Some(words.into_iter().map(|word| word.text).collect())
        }
        Err(fault) => {
            findings.error(&place.within(text, fault.offset), fault.message);
            None
        }
    }
}

/// What of a word means something to a shell and nothing to a program.
fn shell_syntax(word: &Word) -> Option<&str> {
    match word.text.as_str() {
        text if word.bare && OPERATORS.contains(&text) => Some(text),
        text if word.bare && text.contains(';') => Some(";"),
        _ => word.substitution,
    }
}

fn find(program: &str, place: &Place, lookup: &Lookup<'_>, findings: &mut Findings) -> Option<String> {
    if !printable(program, place, findings) {
        return None;
    }
    if program.contains('/') {
        let path = lookup.base.join(program);
        if !path.is_file() {
            findings.warning(place, format!("there is no program {} now", path.display()));
        }
        return Some(path.to_string_lossy().into_owned());
    }
    let found = lookup.plugins.iter().map(|directory| directory.join(program)).find(|path| path.is_file());
    if let Some(path) = found {
        return Some(path.to_string_lossy().into_owned());
    }
    let searched: Vec<String> = lookup.plugins.iter().map(|path| path.display().to_string()).collect();
    let searched = if searched.is_empty() { "no directories".to_owned() } else { searched.join(", ") };
    let system = SYSTEM_DIRECTORIES.iter().map(|directory| Path::new(directory).join(program));
    let hint = match system.into_iter().find(|path| path.is_file()) {
        Some(path) => format!("; write {} if that is meant", path.display()),
        None => String::new(),
    };
    let message = format!("no program `{program}` in `plugins` now (searched: {searched}){hint}");
    findings.warning(place, message);
    Some(program.to_owned())
}

/// One word of a command line.
#[derive(Debug, PartialEq)]
struct Word {
    text: String,
    /// Where it begins, in characters.
    offset: usize,
    /// Written without quotes and backslashes.
    bare: bool,
    /// What a shell would take for a command to put the output of here, if there is any.
    substitution: Option<&'static str>,
}

/// Why a line cannot be split, and where, in characters.
#[derive(Debug, PartialEq)]
struct SplitFault {
    offset: usize,
    message: &'static str,
}

/// Splits a line as a POSIX shell does, with quotes and backslashes; nothing is expanded.
fn split(line: &str) -> Result<Vec<Word>, SplitFault> {
    let chars: Vec<char> = line.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            ' ' | '\t' | '\n' => at += 1,
            '#' => {
                let message =
                    "found `#` at the start of a word, where a shell would begin a comment; put it in quotes";
                return Err(SplitFault { offset: at, message });
            }
            _ => {
                let (word, end) = word(&chars, at)?;
                // A backslash before a line end, alone, makes no word.
                words.extend(word);
                at = end;
            }
        }
    }
    Ok(words)
}

/// The word that begins at `start`, and where it ends.
fn word(chars: &[char], start: usize) -> Result<(Option<Word>, usize), SplitFault> {
    let mut text = String::new();
    let mut at = start;
    let mut quoted = false;
    let mut substitution = None;
    while let Some(c) = chars.get(at).copied() {
        match c {
            ' ' | '\t' | '\n' => break,
            '\'' => {
                let end = chars[at + 1..].iter().position(|c| *c == '\'');
                let length = end.ok_or(SplitFault { offset: at, message: "this quote ' is never closed" })?;
                text.extend(&chars[at + 1..at + 1 + length]);
                at += length + 2;
                quoted = true;
            }
            '"' => {
                at = double_quoted(chars, at, &mut text, &mut substitution)?;
                quoted = true;
            }
            '\\' => {
                match chars.get(at + 1) {
                    Some('\n') => {}
                    Some(next) => {
                        text.push(*next);
                        quoted = true;
                    }
                    None => text.push('\\'),
                }
                at = (at + 2).min(chars.len());
            }
            _ => {
                substitution = substitution.or(substitution_at(&chars[at..]));
                text.push(c);
                at += 1;
            }
        }
    }
    let empty = text.is_empty() && !quoted;
    Ok(((!empty).then_some(Word { text, offset: start, bare: !quoted, substitution }), at))
}

/// What begins a command substitution of a shell here.
fn substitution_at(chars: &[char]) -> Option<&'static str> {
    match chars {
        ['`', ..] => Some("`"),
        ['$', '(', ..] => Some("$("),
        _ => None,
    }
}

/// Reads from the opening `"` at `start`; returns where the text after the closing one begins.
fn double_quoted(
    chars: &[char],
    start: usize,
    text: &mut String,
    substitution: &mut Option<&'static str>,
) -> Result<usize, SplitFault> {
    let mut at = start + 1;
    while let Some(c) = chars.get(at).copied() {
        match (c, chars.get(at + 1)) {
            ('"', _) => return Ok(at + 1),
            ('\\', Some('\n')) => at += 2,
            ('\\', Some(next @ ('$' | '`' | '"' | '\\'))) => {
                text.push(*next);
                at += 2;
            }
            _ => {
                *substitution = substitution.or(substitution_at(&chars[at..]));
                text.push(c);
                at += 1;
            }
        }
    }
    Err(SplitFault { offset: start, message: "this quote \" is never closed" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    #[test]
    fn macros_of_nagios_are_told_from_variables_of_a_shell() {
        for (text, found) in [
            ("$USER1$/check_disk -w $ARG1$", Some((0, "USER1"))),
            ("check_ping -H $HOSTADDRESS$", Some((14, "HOSTADDRESS"))),
            ("ü $_SERVICEPORT$", Some((2, "_SERVICEPORT"))),
            ("x $A$ARG2$", Some((4, "ARG2"))),
            ("$SERVICEDESC$", Some((0, "SERVICEDESC"))),
            ("$USER1$/a $HOSTADDRESS:web1$ $ARG1$", Some((0, "USER1"))),
            ("$HOSTADDRESS:web1$ $TOTALHOSTSUP$", Some((0, "HOSTADDRESS"))),
            ("$SERVICESTATEID:web1:Disk /$", Some((0, "SERVICESTATEID"))),
            ("$$ARG1$$", Some((1, "ARG1"))),
            ("$LONGSERVICEOUTPUT$", Some((0, "LONGSERVICEOUTPUT"))),
            ("echo $HOSTNAME:$PORT", None),
            ("echo $HOSTNAME: $5", None),
            ("echo $PATH$X", None),
            ("echo $USER$HOME", None),
            ("echo $USER", None),
            ("echo $ARG", None),
            ("awk '{print $1}'", None),
            ("cost 5$ $", None),
            ("$HOST", None),
        ] {
            assert_eq!(nagios_macro(text), found, "{text}");
        }
    }

    /// The warnings about a command, without their places.
    fn warnings(command: &str) -> Vec<String> {
        let file = SourceFile::new("f".into(), command.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let snmp = SnmpConfig::default();
        let lookup = Lookup { plugins: &[], base: Path::new("/"), snmp: &snmp };
        read(&root, false, &lookup, &mut findings).unwrap();
        let list = findings.into_mistakes(&[]).list;
        list.iter().map(|mistake| mistake.message.clone()).collect()
    }

    #[test]
    fn numbers_that_commas_cut_are_named_once() {
        for command in
            ["[/bin/true, -w, 5,4,3, -c, 10,8,6]", "[/bin/true, -w, 5, 4, 3]", "[/bin/true, -w, 5,4,3, x]"]
        {
            assert_eq!(
                warnings(command),
                [
                    "commas separate the words of a list, so `-w` is followed by 3 words, 5 and 4 and 3; write \"5,4,3\" in \
                  quotes if it is one"
                ],
                "{command}"
            );
        }
        for command in [
            "[/bin/true, -w, '5,4,3']",
            "[/bin/true, -w, 5, -c, 6]",
            "[/bin/true, 5, 4]",
            "[/bin/true, -5, 4, 3]",
            "- /bin/true\n- -w\n- 5\n- 4",
        ] {
            assert_eq!(warnings(command), [""; 0], "{command}");
        }
    }

    #[test]
    fn what_only_a_shell_understands_is_named() {
        for (command, syntax) in [
            ("/bin/true a | b", "|"),
            ("/bin/true a; b", ";"),
            ("/bin/true a ; b", ";"),
            ("/bin/true `date`", "`"),
            ("/bin/true $(date)", "$("),
            ("/bin/true \"on $(date)\"", "$("),
        ] {
            let message = format!(
                "`{syntax}` is handed to the program as it is; write `shell: true` if it is meant for a shell"
            );
            assert_eq!(warnings(command), [message], "{command}");
        }
        for command in ["/bin/true 'a;b' '$(x)' '`'", r"/bin/true a\; \$(x)", "/bin/true $HOME $1"] {
            assert_eq!(warnings(command), [""; 0], "{command}");
        }
    }

    #[test]
    fn a_program_that_is_no_plugin_is_hinted_at() {
        let hint = "no program `env` in `plugins` now (searched: no directories); write /usr/bin/env if that is meant";
        assert_eq!(warnings("env check_x"), [hint]);
        let none = "no program `check_notthere` in `plugins` now (searched: no directories)";
        assert_eq!(warnings("check_notthere"), [none]);
    }

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_line_is_split_as_by_a_shell() {
        for (line, expected) in [
            ("check_load -w 5,4,3", &["check_load", "-w", "5,4,3"][..]),
            ("  a\t b\n", &["a", "b"]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            ("a b' 'c\" \"d", &["a", "b c d"]),
            ("a '' \"\"", &["a", "", ""]),
            (r"a b\ c \' \\", &["a", "b c", "'", "\\"]),
            (r#"a "b\"c" "d\e" "\$x""#, &["a", "b\"c", "d\\e", "$x"]),
            ("a 'b\\'", &["a", "b\\"]),
            ("a \\\n b", &["a", "b"]),
            ("a b#c '#d'", &["a", "b#c", "#d"]),
            ("a $HOME *", &["a", "$HOME", "*"]),
            ("a\\", &["a\\"]),
            ("", &[]),
        ] {
            assert_eq!(words(line), expected, "{line:?}");
        }
    }

    #[test]
    fn faults_say_where() {
        for (line, offset) in [("a 'b", 2), ("a \"b 'c'", 2), ("äöü \"b\\\"", 4), ("a # b", 2)] {
            assert_eq!(split(line).unwrap_err().offset, offset, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_split_or_refused(line in "[ab'\"\\\\# \n$äö]{0,40}") {
            let _ = split(&line);
        }

        #[test]
        fn quoted_words_come_back_whole(expected in proptest::collection::vec("[^'\0]{0,8}", 1..5)) {
            let line: Vec<String> = expected.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(words(&line.join(" ")), expected);
        }
    }
}
