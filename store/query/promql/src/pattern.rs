//! Regular expressions as Go's RE2 reads them, compiled by `regex`.
//!
//! Where the two differ, the expression is rewritten: in RE2 `\d`, `\w`, `\s` and `\b` are of ASCII, a `{` that begins no
//! repetition is itself, `\Q…\E` is literal, and a class has neither classes within it nor set operations.

use regex::{Regex, RegexBuilder};

use crate::limits::{REGEX_BYTES_MAX, REGEX_STATES_MAX_BYTES};

/// Most repeats that RE2 takes in braces.
const REPEATS_MAX: u32 = 1_000;

/// Compiles an expression that has to match a whole text; `.` matches line ends, too.
pub(crate) fn anchored(expression: &str) -> Result<Regex, String> {
    let rewritten = rewrite(expression)?;
    // The expression by itself first, so that a parenthesis too many is found.
    build(&rewritten)?;
    build(&format!("^(?s:{rewritten})$"))
}

/// Compiles an expression of Go's RE2 syntax that may match any part of a text.
///
/// # Errors
/// What is wrong with it, or that it is too large.
pub fn regex(expression: &str) -> Result<Regex, String> {
    build(&rewrite(expression)?)
}

fn build(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression)
        .octal(true)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_STATES_MAX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(bytes) => {
                format!("the regular expression takes more than {bytes} bytes when compiled")
            }
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!("error parsing regexp: {}", last.strip_prefix("error: ").unwrap_or(last))
            }
        })
}

/// The same expression in the syntax of `regex`.
fn rewrite(expression: &str) -> Result<String, String> {
    let mut out = String::with_capacity(expression.len() + 8);
    let mut rest = expression;
    let mut is_repeated = false;
    while let Some(first) = rest.chars().next() {
        let was_repeated = std::mem::take(&mut is_repeated);
        let taken = match first {
            '\\' => escape(rest, false, &mut out)?,
            '[' => class(rest, &mut out)?,
            '{' if !is_repetition(rest) => {
                out.push_str("\\{");
                1
            }
            '*' | '+' | '?' | '{' => {
                is_repeated = true;
                repetition(rest, was_repeated, &mut out)?
            }
            '(' if rest.starts_with("(?") => group(rest, &mut out)?,
            _ => {
                out.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Ok(out)
}

/// A repetition, with the `?` that makes it lazy; returns how many bytes it has. RE2 knows no repetition of a repetition.
fn repetition(text: &str, was_repeated: bool, out: &mut String) -> Result<usize, String> {
    let braces = text.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(inner, _)| inner);
    let mut end = braces.map_or(1, |inner| inner.len() + 2);
    let is_too_many = |count: &str| count.parse().map_or(!count.is_empty(), |count: u32| count > REPEATS_MAX);
    if braces.is_some_and(|inner| inner.split(',').any(is_too_many)) {
        return Err(format!("error parsing regexp: invalid repeat count: `{}`", &text[..end]));
    }
    end += usize::from(text[end..].starts_with('?'));
    if was_repeated {
        return Err(format!("error parsing regexp: invalid nested repetition operator: `{}`", &text[..end]));
    }
    out.push_str(&text[..end]);
    Ok(end)
}

/// Whether `{2}`, `{2,}` or `{2,3}` stands here.
fn is_repetition(text: &str) -> bool {
    let Some(end) = text.find('}') else { return false };
    let (low, high) = text[1..end].split_once(',').unwrap_or((&text[1..end], ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// The start of a group with flags or a name; flags that RE2 does not know are refused.
fn group(text: &str, out: &mut String) -> Result<usize, String> {
    let flags = text[2..].bytes().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-').count();
    let end = text[2 + flags..].chars().next();
    if matches!(end, Some(':' | ')')) && !text[2..2 + flags].bytes().all(|flag| b"imsU-".contains(&flag)) {
        return Err(format!("error parsing regexp: invalid flags: `{}`", &text[..2 + flags]));
    }
    out.push_str(&text[..2 + flags]);
    Ok(2 + flags)
}

/// An escape; returns how many bytes it has.
fn escape(text: &str, in_class: bool, out: &mut String) -> Result<usize, String> {
    let Some(letter) = text[1..].chars().next() else {
        return Err("error parsing regexp: trailing backslash at end of expression".to_owned());
    };
    let (open, close) = if in_class { ("", "") } else { ("[", "]") };
    match letter {
        'd' => out.push_str(&format!("{open}0-9{close}")),
        'w' => out.push_str(&format!("{open}0-9A-Za-z_{close}")),
        's' => out.push_str(&format!("{open}\\t\\n\\x0C\\r {close}")),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'B' if !in_class => out.push_str("(?:(?-u:\\b){0}\\B)"),
        'Q' => {
            let literal = &text[2..];
            let end = literal.find("\\E").unwrap_or(literal.len());
            out.push_str(&regex::escape(&literal[..end]));
            return Ok(2 + (end + 2).min(literal.len()));
        }
        'C' | '<' | '>' => {
            return Err(format!("error parsing regexp: invalid escape sequence: `\\{letter}`"));
        }
        _ => {
            out.push('\\');
            out.push(letter);
        }
    }
    Ok(1 + letter.len_utf8())
}

/// A class, `[…]`; returns how many bytes it has.
fn class(text: &str, out: &mut String) -> Result<usize, String> {
    out.push('[');
    let mut at = 1;
    if text[at..].starts_with('^') {
        out.push('^');
        at += 1;
    }
    let start = at;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match first {
            ']' if at > start => {
                out.push(']');
                return Ok(at + 1);
            }
            '\\' => escape(rest, true, out)?,
            '[' if rest.starts_with("[:") && rest.contains(":]") => {
                let end = rest.find(":]").map_or(rest.len(), |end| end + 2);
                out.push_str(&rest[..end]);
                end
            }
            '-' if at == start => {
                out.push_str("\\-");
                1
            }
            '-' if rest.starts_with("--") => {
                out.push_str("-\\-");
                2
            }
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(first);
                1
            }
            _ => {
                out.push(first);
                first.len_utf8()
            }
        };
    }
    Err(format!("error parsing regexp: missing closing ]: `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, text: &str) -> bool {
        anchored(expression).unwrap_or_else(|error| panic!("{expression}: {error}")).is_match(text)
    }

    #[test]
    fn an_expression_matches_the_whole_text_over_lines() {
        assert!(matches("a.c", "a\nc"));
        assert!(matches("a|bc", "bc"));
        assert!(!matches("a|bc", "abc"));
        assert!(!matches("a", "a\n"));
        assert!(matches("", ""));
        assert!(matches("(?i)AB", "ab"));
    }

    #[test]
    fn go_reads_it_so() {
        for (expression, yes, no) in [
            ("a{", "a{", "a"),
            ("{x}", "{x}", "x"),
            ("a{2,3}", "aaa", "a{2,3}"),
            (r"\Qa.b\E+", "a.bb", "axb"),
            (r"\Qa.b", "a.b", "axb"),
            (r"\d", "5", "٥"),
            (r"\w+", "aZ_9", "ä"),
            (r"[\d.]+", "1.5", "1,5"),
            (r"[^\D]", "5", "x"),
            ("[[a]+", "[a[", "b"),
            ("[a&&b]+", "a&b", "c"),
            ("[+--]+", "+,-", "."),
            ("[-a]+", "-a", "b"),
            ("[]a]+", "]a", "b"),
            ("[[:alpha:]]", "x", "5"),
            (r"\x41\101", "AA", "A"),
            (r"\pL", "ä", "5"),
            ("a*?b+?c{2,}?", "bcc", "ac"),
            (r"\**[*]*", "**", "a"),
        ] {
            assert!(matches(expression, yes), "{expression} matches {yes}");
            assert!(!matches(expression, no), "{expression} does not match {no}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for wrong in [
            "(",
            ")",
            "*a",
            "[a",
            r"a\",
            "(?x)a",
            r"\C",
            "[b-a]",
            "a**",
            "a+*",
            "a??*",
            "a{2}{3}",
            "a{2}?+",
            "a{1001}",
            "a{1,1001}",
        ] {
            assert!(anchored(wrong).is_err(), "{wrong}");
        }
        assert!(anchored("((a{1000}){1000}){1000}").unwrap_err().contains("bytes when compiled"));
    }
}
