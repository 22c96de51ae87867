//! Command lines that need no shell: their words are the same to every shell, and a shell would do nothing with
//! them but execute the program.
//!
//! A shell costs several times what a small plugin does, so it is left out where it would not be noticed. Everything that
//! is not plainly inert is left to the shell: the question is never "what would the shell make of this?" but "can it
//! make anything else of it?".

/// The words of a line whose first is the path of a program; none if a shell could mean anything else by the line.
///
/// Words are parted by blanks. They are made of letters, digits and `% + , - . / : = @ _`, and of stretches
/// between single quotes, or between double quotes without `$`, `` ` ``, `\` or `!` in them. The program must be written
/// plainly and absolute, so that it is no keyword, builtin, function, assignment or name to be looked up. NUL and
/// line ends occur nowhere.
///
/// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting, 2.3 Token Recognition, 2.9.1 Simple Commands.
pub fn plain_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    if !line.trim_ascii_start().starts_with(b"/") {
        return None;
    }
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b' ' | b'\t' => words.extend(word.take()),
            b'\'' | b'"' => {
                // The program's own name is not quoted in any line worth the trouble.
                if words.is_empty() {
                    return None;
                }
                let end = rest.iter().position(|other| other == byte)?;
                let quoted = &rest[..end];
                if quoted.iter().any(|inner| !inert_when_quoted(*inner, *byte)) {
                    return None;
                }
                word.get_or_insert_default().extend_from_slice(quoted);
                rest = &rest[end + 1..];
            }
            byte if inert(*byte) => word.get_or_insert_default().push(*byte),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

fn inert(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte)
}

fn inert_when_quoted(byte: u8, quote: u8) -> bool {
    match byte {
        0 | b'\n' | b'\r' => false,
        b'$' | b'`' | b'\\' | b'!' => quote == b'\'',
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::plain_words;

    fn words(line: &str) -> Option<Vec<String>> {
        let words = plain_words(line.as_bytes())?;
        Some(words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect())
    }

    #[test]
    fn plain_lines_are_their_words() {
        let cases: [(&str, &[&str]); 6] = [
            ("/p", &["/p"]),
            (
                "  /usr/lib/check_load \t-w 15,10,5  -c 30,25,20 ",
                &["/usr/lib/check_load", "-w", "15,10,5", "-c", "30,25,20"],
            ),
            ("/p --name='a b $c * ~'", &["/p", "--name=a b $c * ~"]),
            ("/p \"it's\" ''", &["/p", "it's", ""]),
            ("/p 'a'\"b\"c", &["/p", "abc"]),
            ("/p -w 20% u@h:1 x=y", &["/p", "-w", "20%", "u@h:1", "x=y"]),
        ];
        for (line, expected) in cases {
            assert_eq!(
                words(line).as_deref(),
                Some(&expected.iter().map(|word| word.to_string()).collect::<Vec<_>>()[..]),
                "{line}"
            );
        }
    }

    #[test]
    fn whatever_a_shell_may_mean_otherwise_is_left_to_it() {
        for line in [
            "",
            "   ",
            "check_load",
            "./p",
            "A=1 /p",
            "'/p'",
            "/p'x'",
            "/p;",
            "/p | cat",
            "/p & ",
            "/p > f",
            "/p < f",
            "/p $X",
            "/p `x`",
            "/p \\x",
            "/p *",
            "/p a?",
            "/p [a]",
            "/p ~",
            "/p {a,b}",
            "/p (x)",
            "/p # x",
            "/p !x",
            "/p 'x",
            "/p \"x",
            "/p \"$x\"",
            "/p \"`x`\"",
            "/p \"\\x\"",
            "/p \"!x\"",
            "/p\n/q",
            "/p 'a\nb'",
            "/p a\0b",
            "/p ^x",
            "/p \u{e9}",
        ] {
            assert_eq!(words(line), None, "{line:?}");
        }
    }
}
