//! The output of a plugin, split into summary, long text and perfdata (`docs/plugin-output.md#lines`).
//!
//! ```text
//! line 1        SUMMARY [ '|' PERF ]
//! line 2..k     LONG TEXT
//! line k+1      LONG TEXT '|' PERF        the first later line with a '|'
//! line k+2..    PERF                      to the end
//! ```
//!
//! A `|` separates only if a `=` follows it on its line; otherwise it is text, so that an ASCII table in the long
//! text stays readable. Output is decoded as UTF-8 with replacement characters, ends at the first NUL, and may
//! have any kind of line end. The caller decides about the state and about an empty summary.

/// The parts of a plugin's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The first line without perfdata, trimmed; may be empty.
    pub summary: String,
    /// Further lines without perfdata, joined by newlines, with blank lines between them.
    pub long_text: String,
    /// The perfdata of all lines, joined by newlines.
    pub perf: String,
    /// `true` if the output was cut off within `perf`.
    pub perf_cut_off: bool,
}

impl Output {
    /// Splits what a plugin printed.
    ///
    /// `cut_off` says that only the head of the output is given. Then the last complete line is the end
    /// (`docs/plugin-output.md#when-perfdata-counts`), or the cut itself if no line is complete.
    pub fn parse(stdout: &[u8], cut_off: bool) -> Output {
        let (head, cut_off) = match stdout.iter().position(|&byte| byte == 0) {
            // What was cut off comes after the NUL, so it would be ignored anyway.
            Some(end) => (&stdout[..end], false),
            None => (stdout, cut_off),
        };
        let (head, cut_in_line) = if cut_off { last_complete_line(head) } else { (head, false) };
        let text = String::from_utf8_lossy(head);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = text.split('\n');
        let mut output = Output::default();
        let mut perf: Vec<&str> = Vec::new();
        let mut long: Vec<&str> = Vec::new();

        let first = lines.next().unwrap_or_default();
        let (summary, first_perf) = split_perf(first);
        output.summary = summary.trim().to_owned();
        perf.extend(first_perf);
        output.perf_cut_off = cut_in_line && first_perf.is_some();
        while let Some(line) = lines.next() {
            match split_perf(line) {
                (text, None) => long.push(text),
                (text, Some(later)) => {
                    long.push(text.trim_end());
                    perf.push(later);
                    perf.extend(lines.by_ref());
                }
            }
        }
        output.long_text = long.join("\n").trim_end_matches('\n').to_owned();
        let perf = perf.join("\n");
        // A blank after the last token shows that the token is complete.
        output.perf = if output.perf_cut_off { perf.trim_start() } else { perf.trim() }.to_owned();
        output
    }
}

/// Drops the incomplete line at the end. If that is the only line, drops at most an incomplete character, and returns
/// `true`: the cut is within the line.
fn last_complete_line(head: &[u8]) -> (&[u8], bool) {
    if let Some(end) = head.iter().rposition(|&byte| byte == b'\n' || byte == b'\r') {
        return (&head[..end], false);
    }
    let complete = head.utf8_chunks().last().map_or(head.len(), |chunk| {
        let incomplete = chunk.invalid();
        // Only a byte that may begin a longer character can be incomplete; any other is malformed.
        let begins = incomplete.first().is_some_and(|&byte| (0xc2..=0xf4).contains(&byte));
        head.len() - if begins { incomplete.len() } else { 0 }
    });
    (&head[..complete], true)
}

/// Splits a line at its first `|`, if a `=` follows there.
fn split_perf(line: &str) -> (&str, Option<&str>) {
    match line.split_once('|') {
        Some((text, perf)) if perf.contains('=') => (text, Some(perf)),
        _ => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: what the plugin printed, then summary, long text and perfdata.
    const TABLE: [(&str, &str, &str, &str); 18] = [
        ("DISK OK | a=1\nlong1\nlong2 | b=2\nc=3\nd=4", "DISK OK", "long1\nlong2", "a=1\n b=2\nc=3\nd=4"),
        ("OK", "OK", "", ""),
        ("OK\n", "OK", "", ""),
        ("| a=1", "", "", "a=1"),
        ("a\nb|c=1\nd|e=2", "a", "b", "c=1\nd|e=2"),
        ("  OK  |  a=1  ", "OK", "", "a=1"),
        ("OK text | not perfdata", "OK text | not perfdata", "", ""),
        ("OK\n| a=1", "OK", "", "a=1"),
        ("line1|a=1\nline2\n\nline4", "line1", "line2\n\nline4", "a=1"),
        ("OK\r\nmore|a=1\r\n", "OK", "more", "a=1"),
        ("", "", "", ""),
        ("OK |", "OK |", "", ""),
        ("OK; 3 of 4; fine | a=1", "OK; 3 of 4; fine", "", "a=1"),
        ("OK\nname | size\n-----+-----\nx | 5\n| x=5", "OK", "name | size\n-----+-----\nx | 5\n", "x=5"),
        ("OK\ntext | a=1\nno equals sign\nb=2", "OK", "text", "a=1\nno equals sign\nb=2"),
        ("OK | a=1 | b=2", "OK", "", "a=1 | b=2"),
        ("OK\rmore", "OK", "more", ""),
        ("\nOK | a=1", "", "OK", "a=1"),
    ];

    #[test]
    fn output_is_split_as_drawn() {
        for (stdout, summary, long_text, perf) in TABLE {
            let output = Output::parse(stdout.as_bytes(), false);
            assert_eq!(output.summary, summary, "{stdout:?}");
            assert_eq!(output.long_text, long_text.trim_end_matches('\n'), "{stdout:?}");
            assert_eq!(output.perf, perf, "{stdout:?}");
            assert!(!output.perf_cut_off);
        }
    }

    #[test]
    fn malformed_bytes_are_replaced_and_a_nul_ends_the_output() {
        let output = Output::parse(b"caf\xe9 | a=1\0 b=2", true);
        assert_eq!(output.summary, "caf\u{fffd}");
        assert_eq!(output.perf, "a=1");
        assert!(!output.perf_cut_off);
    }

    #[test]
    fn cut_off_output_ends_with_its_last_complete_line() {
        let output = Output::parse(b"OK | a=1\nlong\nmore te", true);
        assert_eq!((output.long_text.as_str(), output.perf.as_str()), ("long", "a=1"));
        assert!(!output.perf_cut_off);
    }

    #[test]
    fn a_single_line_that_was_cut_off_is_kept() {
        let output = Output::parse(b"OK | a=1 b=2", true);
        assert_eq!((output.summary.as_str(), output.perf.as_str()), ("OK", "a=1 b=2"));
        assert!(output.perf_cut_off);
        assert_eq!(Output::parse("OK caf\u{e9}".as_bytes().split_last().unwrap().1, true).summary, "OK caf");
        assert_eq!(Output::parse(b"OK \xff", true).summary, "OK \u{fffd}");
        assert!(!Output::parse(b"just text", true).perf_cut_off);
    }
}
