//! What an asker is shown of a run: the plugin's own output, with the verdict where it differs.

use custos_shim::Report;
use custos_store::{Reason, Run, State};

/// Output as a plugin would print it, ending in a newline.
///
/// Where the thresholds changed the state, what they say comes first; perfdata and further lines stay as printed.
pub fn plugin_output(report: &Report, run: &Run) -> Vec<u8> {
    let mut output = Vec::new();
    if run.state != run.plugin_state {
        // A `|` would begin perfdata.
        let said = threshold_lines(&run.judgement).collect::<Vec<_>>().join("; ").replace('|', "/");
        output.extend_from_slice(format!("{said} - ").as_bytes());
    }
    if run.reason == Reason::Exited && !report.stdout.trim_ascii().is_empty() {
        output.extend_from_slice(report.stdout.trim_ascii_end());
    } else {
        output.extend_from_slice(run.text.as_bytes());
    }
    output.push(b'\n');
    output
}

/// The lines of a judgement that the thresholds wrote; the others remark on the plugin's output.
pub fn threshold_lines(judgement: &str) -> impl Iterator<Item = &str> {
    judgement.lines().filter(|line| {
        State::ALL.iter().any(|state| line.strip_prefix(state.name()).is_some_and(|r| r.starts_with(": ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_shim::Outcome;

    fn output(stdout: &str, run: &Run) -> String {
        let report = Report {
            outcome: Outcome::Exited(0),
            stdout: stdout.into(),
            stdout_bytes: stdout.len() as u64,
            stderr: Vec::new(),
            stderr_bytes: 0,
            wait_us: 0,
            wall_us: 0,
            cpu_us: 0,
            max_rss_bytes: 0,
            left_behind: 0,
        };
        String::from_utf8(plugin_output(&report, run)).unwrap()
    }

    #[test]
    fn the_output_of_the_plugin_stays_as_it_is() {
        let run = Run { judgement: "perfdata: 1 bad token".into(), ..Run::default() };
        assert_eq!(output("OK | a=1\nmore\n\n", &run), "OK | a=1\nmore\n");
    }

    #[test]
    fn a_verdict_of_its_own_comes_first() {
        let run = Run {
            state: State::Critical,
            judgement: "perfdata: 1 bad token\nCRITICAL: a|b is 3, outside 2".into(),
            ..Run::default()
        };
        assert_eq!(output("OK | a=1\n", &run), "CRITICAL: a/b is 3, outside 2 - OK | a=1\n");
    }

    #[test]
    fn where_nothing_was_printed_the_text_says_why() {
        let run = Run { text: "(no output)".into(), ..Run::default() };
        assert_eq!(output(" \n", &run), "(no output)\n");
    }
}
