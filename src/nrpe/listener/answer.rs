//! From a finished run to the answer for the client, by NRPE's rules.
//!
//! `NRPE: Unable to read output` is NRPE's answer for every plugin that printed nothing. It is kept, because people match
//! it, and followed by the reason.

use std::time::Duration;

use custos_compat::nrpe::Version;
use custos_store::{Reason, Run};

use super::request::Answer;
use crate::limits;
use crate::observe::Printed;
use crate::text::is_unsafe;

/// The code of UNKNOWN.
const UNKNOWN: u8 = 3;
/// The code of CRITICAL.
const CRITICAL: u8 = 2;
/// NRPE's answer if there is no output.
const NO_OUTPUT: &str = "NRPE: Unable to read output";

impl Answer {
    /// UNKNOWN with this text.
    pub fn unknown(text: impl Into<Vec<u8>>) -> Answer {
        Answer { code: UNKNOWN, text: text.into() }
    }

    /// UNKNOWN: the command timed out.
    pub fn timed_out(timeout: Duration) -> Answer {
        Answer::unknown(format!("NRPE: Command timed out after {} seconds", timeout.as_secs_f64().round()))
    }

    /// The answer to a request for a command line, from its run. `timeout` is what it was allowed.
    pub fn of_line(run: &Run, printed: &Printed, timeout: Duration) -> Answer {
        let exit_code = run.exit_code.unwrap_or(UNKNOWN);
        let (why, code) = match run.reason {
            Reason::Signal => {
                (format!("killed by {}", signal_name(run.signal.unwrap_or_default())), CRITICAL)
            }
            Reason::Timeout => return Answer::timed_out(timeout),
            Reason::NotStarted => {
                let why = one_line(printed.stderr());
                return Answer::unknown(format!("NRPE: Call to fork() failed ({why})"));
            }
            Reason::NotFinished => {
                return Answer::unknown(format!("{NO_OUTPUT} (the agent was stopped while the command ran)"));
            }
            _ => (format!("exit code {exit_code}"), exit_code.min(UNKNOWN)),
        };
        let stdout = printed.stdout(run);
        let end = stdout.iter().position(|&byte| byte == 0).unwrap_or(stdout.len());
        let text = &stdout[..end];
        if text.is_empty() {
            let stderr = one_line(printed.stderr());
            let separator = if stderr.is_empty() { "" } else { ": " };
            return Answer::unknown(format!("{NO_OUTPUT} ({why}{separator}{stderr})"));
        }
        Answer { code, text: text.strip_suffix(b"\n").unwrap_or(text).to_vec() }
    }

    /// Appends lines to the long text, behind what a plugin printed, and before perfdata that stands at its end. Without a `|`, which
    /// would begin perfdata. False, with nothing changed, if the text is then longer than `room_bytes` or than what Nagios keeps.
    pub fn append_lines(&mut self, lines: &[String], room_bytes: usize) -> bool {
        let mut appended = Vec::new();
        for line in lines {
            appended.push(b'\n');
            appended.extend(line.bytes().map(|byte| if byte == b'|' { b'!' } else { byte }));
        }
        let first_end = self.text.iter().position(|byte| *byte == b'\n').unwrap_or(self.text.len());
        let perfdata = self.text[first_end..].iter().position(|byte| *byte == b'|').map(|at| first_end + at);
        if perfdata.is_some() {
            appended.push(b'\n');
        }
        if self.text.len() + appended.len() > room_bytes.min(limits::NAGIOS_OUTPUT_MAX_BYTES) {
            return false;
        }
        let end = perfdata.unwrap_or(self.text.len());
        self.text.splice(end..end, appended);
        true
    }

    /// The text as a packet of this version carries it.
    ///
    /// Version 2 is cut where its field ends, as NRPE does. The others have room for 64 KiB; beyond that the text
    /// ends with a whole word, and never inside an item of performance data.
    pub fn fitted(&self, version: Version) -> &[u8] {
        let len_max = version.text_max_bytes();
        match version {
            Version::V2 => &self.text[..self.text.len().min(len_max)],
            Version::V3 | Version::V4 if self.text.len() > len_max => {
                &self.text[..word_end(&self.text, len_max)]
            }
            Version::V3 | Version::V4 => &self.text,
        }
    }
}

/// Where the last word ends that fits into `len_max` bytes of a longer text. A blank within the quotes of a
/// label does not end a word. A text without blanks is cut at `len_max`.
fn word_end(text: &[u8], len_max: usize) -> usize {
    let head = &text[..len_max];
    let perfdata = head.iter().rposition(|&byte| byte == b'|').map_or(0, |pipe| pipe + 1);
    let mut quoted = false;
    let mut end = None;
    for (index, byte) in text.iter().enumerate().take(len_max + 1).skip(perfdata) {
        match byte {
            b'\'' if perfdata > 0 => quoted = !quoted,
            _ if byte.is_ascii_whitespace() && !quoted => end = Some(index),
            _ => {}
        }
    }
    match end {
        Some(end) => end,
        None if perfdata > 0 => perfdata - 1,
        None => len_max,
    }
}

/// The first line that a plugin wrote, for use within another text: short, printable, and without the `|` that would
/// begin performance data.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown = String::new();
    for character in line.chars() {
        if shown.len() >= limits::NRPE_REASON_MAX_BYTES {
            shown.push('…');
            break;
        }
        shown.push(if is_unsafe(character) || character == '|' { ' ' } else { character });
    }
    shown
}

fn signal_name(signal: u8) -> String {
    match nix::sys::signal::Signal::try_from(i32::from(signal)) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::implicit_check;
    use crate::observe::{Ending, Observation, PluginEnd, Reading, observe_plugin};

    fn answer(ending: Ending, stdout: &[u8], stderr: &[u8]) -> (u8, String) {
        let end = PluginEnd { stderr: stderr.to_vec(), ..PluginEnd::printed(ending, stdout.to_vec()) };
        let reading = Reading::from(&implicit_check("x"));
        let Observation { run, printed, .. } = observe_plugin(end, &reading);
        let answer = Answer::of_line(&run, &printed, Duration::from_secs(60));
        (answer.code, String::from_utf8_lossy(&answer.text).into_owned())
    }

    #[test]
    fn exit_codes_from_4_are_unknown_with_the_text_kept() {
        for (exit, code) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (127, 3), (255, 3)] {
            assert_eq!(answer(Ending::Exited(exit), b"text | a=1\n", b""), (code, "text | a=1".into()));
        }
    }

    #[test]
    fn one_newline_goes_and_the_text_ends_at_a_nul() {
        for (stdout, text) in [
            ("a\n\n", "a\n"),
            ("\n", ""),
            ("\n\n", "\n"),
            ("  a", "  a"),
            ("a\r\n", "a\r"),
            ("a\nb\n", "a\nb"),
            ("a\0b\n", "a"),
        ] {
            assert_eq!(answer(Ending::Exited(1), stdout.as_bytes(), b""), (1, text.into()), "{stdout:?}");
        }
    }

    #[test]
    fn no_output_is_unknown_and_says_why() {
        assert_eq!(
            answer(Ending::Exited(126), b"", b"\nsh: 1: /opt/x: Permission denied\nmore"),
            (3, "NRPE: Unable to read output (exit code 126: sh: 1: /opt/x: Permission denied)".into())
        );
        assert_eq!(
            answer(Ending::Exited(0), b"\0abc", b""),
            (3, "NRPE: Unable to read output (exit code 0)".into())
        );
        assert_eq!(
            answer(Ending::Signalled(9), b"", b"a|b\x1b[0m"),
            (3, "NRPE: Unable to read output (killed by SIGKILL: a b [0m)".into())
        );
        let long = "x".repeat(5_000);
        assert!(answer(Ending::Exited(0), b"", long.as_bytes()).1.len() < 400);
    }

    #[test]
    fn a_killed_shell_is_critical_with_what_it_printed() {
        assert_eq!(answer(Ending::Signalled(9), b"so far\n", b""), (2, "so far".into()));
    }

    #[test]
    fn timeouts_and_failures_to_start() {
        assert_eq!(
            answer(Ending::TimedOut, b"partial", b""),
            (3, "NRPE: Command timed out after 60 seconds".into())
        );
        let ending = Ending::NotStarted("failed to fork: try again".into());
        assert_eq!(
            answer(ending, b"", b""),
            (3, "NRPE: Call to fork() failed (failed to fork: try again)".into())
        );
    }

    #[test]
    fn version_2_is_cut_where_its_field_ends() {
        let answer = Answer { code: 0, text: vec![b'x'; 3000] };
        assert_eq!(answer.fitted(Version::V2).len(), 1023);
        assert_eq!(answer.fitted(Version::V4).len(), 3000);
    }

    #[test]
    fn lines_are_appended_whole_or_not_at_all_and_never_into_perfdata() {
        let lines = ["load  min 1".to_owned(), "  2 | *".to_owned()];
        let appended = |text: &str, room_bytes| {
            let mut answer = Answer { code: 0, text: text.into() };
            let fits = answer.append_lines(&lines, room_bytes);
            (fits, String::from_utf8(answer.text).unwrap())
        };
        let graph = "\nload  min 1\n  2 ! *";
        assert_eq!(appended("OK", 1023), (true, format!("OK{graph}")));
        assert_eq!(appended("OK | a=1", 1023), (true, format!("OK | a=1{graph}")));
        assert_eq!(appended("OK | a=1\nmore\n", 1023), (true, format!("OK | a=1\nmore\n{graph}")));
        let long = appended("OK | a=1\nmore | b=2\nc=3", 1023);
        assert_eq!(long, (true, format!("OK | a=1\nmore {graph}\n| b=2\nc=3")));
        assert_eq!(appended("OK", 2 + graph.len()), (true, format!("OK{graph}")));
        assert_eq!(appended("OK", 1 + graph.len()), (false, "OK".into()));
        let full = "x".repeat(8180);
        assert_eq!(appended(&full, 65_535), (false, full.clone()));
    }

    #[test]
    fn long_texts_end_with_a_whole_item() {
        let fitted = |text: Vec<u8>| Answer { code: 0, text }.fitted(Version::V4).to_vec();
        let items = |label: &str, count: usize| -> Vec<u8> {
            let items: Vec<String> = (0..count).map(|_| format!("{label}=1;2;3")).collect();
            format!("OK | {}", items.join(" ")).into_bytes()
        };
        let cut = fitted(items("label", 10_000));
        assert!(cut.len() > 65_500 && cut.len() < 65_536 && cut.ends_with(b"=1;2;3"));
        let cut = fitted(items("'a b c'", 10_000));
        assert!(cut.len() > 65_500 && cut.ends_with(b"'a b c'=1;2;3"));
        assert_eq!(fitted(vec![b'x'; 70_000]).len(), 65_535);
        let mut exact = vec![b'x'; 65_535];
        exact.extend_from_slice(b" y");
        assert_eq!(fitted(exact).len(), 65_535);
    }
}
