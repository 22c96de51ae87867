//! Why a run has its state: what the thresholds said of it, which stands among the lines of its judgement.

use custos_store::State;

/// The lines of a judgement that the thresholds wrote, the worst first; the others remark on the plugin's output.
pub fn threshold_lines(judgement: &str) -> Vec<&str> {
    let mut lines: Vec<(State, &str)> =
        judgement.lines().filter_map(|line| line_state(line).map(|state| (state, line))).collect();
    lines.sort_by_key(|(state, _)| std::cmp::Reverse(state.severity()));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The state with which a line of the thresholds begins.
fn line_state(line: &str) -> Option<State> {
    let begins = |state: &State| line.strip_prefix(state.name()).is_some_and(|rest| rest.starts_with(": "));
    State::ALL.into_iter().find(begins)
}

/// With this begins the line of a judgement that says how much of the plugin's output was kept.
const CUT: &str = "output: ";

/// A judged run in one line, which begins with what decided its state: thresholds, or the plugin's own text. Where a part
/// of the output was lost, that stands at the end.
pub fn verdict_text(state: State, judgement: &str, text: &str) -> String {
    let cut = judgement.lines().find(|line| line.starts_with(CUT));
    let decided = decided_text(state, judgement, text);
    match cut {
        Some(cut) => format!("{decided} ({cut})"),
        None => decided,
    }
}

fn decided_text(state: State, judgement: &str, text: &str) -> String {
    let limits = threshold_lines(judgement);
    match limits.first().map(|line| line_state(line)) {
        None => text.to_owned(),
        Some(worst) if worst == Some(state) => format!("{} - {text}", limits.join("; ")),
        Some(_) => format!("{text} - {}", limits.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_begins_with_what_decided_it() {
        let judgement = "WARNING: a is 3, outside 2\nperfdata: 1 bad token\nCRITICAL: b is 9, outside 5";
        assert_eq!(
            verdict_text(State::Critical, judgement, "LOAD OK"),
            "CRITICAL: b is 9, outside 5; WARNING: a is 3, outside 2 - LOAD OK"
        );
        let warning = "WARNING: a is 3, outside 2";
        assert_eq!(
            verdict_text(State::Critical, warning, "LOAD CRITICAL - load 9"),
            "LOAD CRITICAL - load 9 - WARNING: a is 3, outside 2"
        );
        assert_eq!(verdict_text(State::Warning, warning, "LOAD OK"), "WARNING: a is 3, outside 2 - LOAD OK");
        assert_eq!(verdict_text(State::Ok, "perfdata: 1 bad token", "LOAD OK"), "LOAD OK");
        assert_eq!(
            verdict_text(State::Ok, "output: 12 of 100 bytes kept", "LOAD OK"),
            "LOAD OK (output: 12 of 100 bytes kept)"
        );
    }
}
