//! Command lines of `nrpe.cfg`: macros put in, ready for `/bin/sh -c`.
//!
//! The line is split at each `$`; the pieces alternate between text and macro. The rules have odd corners which
//! working configurations rely on, such as `$$1` for the shell's `$1`, so they are kept as they are.

use super::query::ARGUMENTS_MAX;

/// Puts the arguments into a line: `$ARG1$` to `$ARG16$`.
///
/// `$$` is one `$`. A macro of another name stays as it is. `$ARG` followed by no number within 1 and 16, and an
/// argument that was not given, vanish. An unpaired last `$` gets a second one at the end of the line. What is put
/// in is not looked at again.
pub fn expand(line: &[u8], arguments: &[&[u8]]) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(line.len());
    for (index, piece) in line.split(|&byte| byte == b'$').enumerate() {
        if index % 2 == 0 {
            expanded.extend_from_slice(piece);
        } else if piece.is_empty() {
            expanded.push(b'$');
        } else if let Some(number) = piece.strip_prefix(b"ARG") {
            let position = usize::try_from(atoi(number)).unwrap_or(0);
            if (1..=ARGUMENTS_MAX).contains(&position)
                && let Some(argument) = arguments.get(position - 1)
            {
                expanded.extend_from_slice(argument);
            }
        } else {
            expanded.push(b'$');
            expanded.extend_from_slice(piece);
            expanded.push(b'$');
        }
    }
    expanded
}

/// A line with `command_prefix` before it.
pub fn with_prefix(prefix: Option<&[u8]>, line: &[u8]) -> Vec<u8> {
    match prefix {
        Some(prefix) => [prefix, b" ", line].concat(),
        None => line.to_vec(),
    }
}

/// What C's `isspace` takes for a blank.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// A text without the blanks around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// C's `atoi`: blanks, a sign, digits; whatever follows is ignored, and no digits are 0. As glibc has it, the number is
/// read with 64 bits, of which the lower 32 are taken.
pub fn atoi(text: &[u8]) -> i32 {
    let (negative, digits) = match trim(text) {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let sign = if negative { -1 } else { 1 };
    let number = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |sum, byte| sum.saturating_mul(10).saturating_add(sign * i64::from(byte - b'0')));
    number as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str, arguments: &[&str]) -> String {
        let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
        String::from_utf8(expand(line.as_bytes(), &arguments)).unwrap()
    }

    #[test]
    fn arguments_are_put_in_as_text() {
        assert_eq!(expanded("x -w $ARG1$ -c $ARG2$", &["1,2", "3 $ARG1$"]), "x -w 1,2 -c 3 $ARG1$");
        assert_eq!(expanded("x $ARG2$.", &["a"]), "x .");
        let many: Vec<String> = (1..=16).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(expanded("$ARG16$$ARG1$", &many), "161");
    }

    #[test]
    fn odd_macros() {
        assert_eq!(expanded("[$ARG0$][$ARGx$][$ARG17$][$ARG$][$ARG-1$]", &["a"]), "[][][][][]");
        assert_eq!(expanded("$ARG1abc$[$ARG01$][$ARG 1$][$ARG+1$]", &["a"]), "a[a][a][a]");
        assert_eq!(expanded("$ARG4294967297$[$ARG18446744073709551617$]", &["a"]), "a[]");
        assert_eq!(expanded("$USER1$ $arg1$", &["a"]), "$USER1$ $arg1$");
    }

    #[test]
    fn dollars() {
        assert_eq!(expanded("echo $$HOME", &[]), "echo $HOME");
        assert_eq!(expanded("awk '{print $1}'", &[]), "awk '{print $1}'$");
        assert_eq!(expanded("a $HOME b $ARG1$", &["x"]), "a $HOME b $ARG1$");
        assert_eq!(expanded("a$", &[]), "a$");
        assert_eq!(expanded("$$$$", &[]), "$$");
    }

    #[test]
    fn prefix_is_one_blank_before_the_line() {
        assert_eq!(with_prefix(Some(b"/usr/bin/sudo"), b"x"), b"/usr/bin/sudo x");
        assert_eq!(with_prefix(None, b"x"), b"x");
    }

    #[test]
    fn atoi_reads_as_c_does() {
        let cases: [(&str, i32); 11] = [
            ("5666x", 5666),
            ("abc", 0),
            ("", 0),
            (" -7", -7),
            ("+3", 3),
            ("--3", 0),
            ("5:WARNING", 5),
            ("4294967301", 5),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
            ("- 1", 0),
        ];
        for (text, number) in cases {
            assert_eq!(atoi(text.as_bytes()), number, "{text}");
        }
    }
}
