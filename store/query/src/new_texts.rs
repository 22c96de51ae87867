//! Texts that a check had not printed before: what a plugin says for the first time is often what there is to know.
//!
//! Numbers do not count. The past is searched backwards, and no further than until all that is said now has been said before, which mostly is
//! a few runs. A check that says something new all the time says nothing by that.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::ops::Range;

use custos_store::{Snapshot, State};

use crate::change::is_judged;
use crate::context::ReadContext;
use crate::error::Result;
use crate::limits::{
    NEW_TEXT_ONE_IN, NEW_TEXT_RUNS_BACK_MAX, NEW_TEXT_RUNS_MAX, NEW_TEXT_RUNS_MIN, NEW_TEXTS_MAX,
};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct NewTextsRequest<'a> {
    /// The checks.
    pub checks: &'a [String],
    /// The time in which a text is new, (ms since the epoch, end excluded) against all before.
    pub span: &'a Range<i64>,
}

/// A text that was printed for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewText {
    /// The check.
    pub check: String,
    /// When it was printed first (ms since the epoch).
    pub time_ms: i64,
    /// The state of that run.
    pub state: State,
    /// The text.
    pub text: String,
    /// How many earlier runs had none like it.
    pub runs: usize,
}

impl NewTextsRequest<'_> {
    /// The new texts, the earliest first.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Vec<NewText>> {
        let mut found = Vec::new();
        for check in self.checks {
            context.look()?;
            found.extend(self.of_check(store, check, context));
        }
        found.sort_by(|one, other| (one.time_ms, &one.check).cmp(&(other.time_ms, &other.check)));
        found.truncate(NEW_TEXTS_MAX);
        Ok(found)
    }

    fn of_check(&self, store: &Snapshot, check: &str, context: &mut ReadContext<'_>) -> Vec<NewText> {
        // What is said now, by its wording.
        let mut unknown: BTreeMap<String, NewText> = BTreeMap::new();
        for run in store.runs(check, self.span.clone()).take(NEW_TEXT_RUNS_MAX) {
            match run {
                Ok(run) if is_judged(run.reason) && !run.text.is_empty() => {
                    let (check, time_ms, state) = (check.to_owned(), run.time_ms, run.state);
                    let of = || NewText { check, time_ms, state, text: run.text.clone(), runs: 0 };
                    unknown.entry(wording(&run.text)).or_insert_with(of);
                }
                Ok(_) => {}
                Err(error) => context.damage(&error),
            }
        }
        let (mut runs, mut wordings) = (0, HashSet::new());
        for run in store.runs_rev(check, i64::MIN..self.span.start).take(NEW_TEXT_RUNS_BACK_MAX) {
            if unknown.is_empty() {
                return Vec::new();
            }
            match run {
                Ok(run) if is_judged(run.reason) => {
                    runs += 1;
                    let wording = wording(&run.text);
                    unknown.remove(&wording);
                    wordings.insert(wording);
                }
                Ok(_) => {}
                Err(error) => context.damage(&error),
            }
        }
        if runs < NEW_TEXT_RUNS_MIN || wordings.len() * NEW_TEXT_ONE_IN > runs {
            return Vec::new();
        }
        unknown.into_values().map(|new| NewText { runs, ..new }).collect()
    }
}

/// A text without its numbers.
fn wording(text: &str) -> String {
    let mut wording = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' if wording.ends_with('#') => {}
            '0'..='9' => wording.push('#'),
            // A fraction, or the groups of a time or an address, are one number.
            '.' | ':' | ',' if wording.ends_with('#') => {}
            _ => wording.push(character),
        }
    }
    wording
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Reader, Run, Writer};

    use super::*;

    #[test]
    fn numbers_do_not_make_another_wording() {
        assert_eq!(wording("load average: 0.12, 3.4"), wording("load average: 11.02, 0.05"));
        assert_eq!(wording("up since 03:12:00"), wording("up since 14:00:31"));
        assert_ne!(wording("disk ok"), wording("disk failed"));
    }

    #[test]
    fn what_was_never_said_before_is_new() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let end = 1000;
        for number in 0..end {
            let time_ms = number * 1000;
            let run = |text: String| Run { time_ms, text, ..Run::default() };
            let backup = match number {
                300 => "backup OK - but slow".to_owned(),
                990.. => "backup OK - 1 file changed while it was read".to_owned(),
                _ => format!("backup OK - {number} files in 1.{number} s"),
            };
            writer.append(&[("backup", &run(backup))]).unwrap();
            writer
                .append(&[(
                    "slow",
                    &run(if number == 300 || number > 990 { "slow" } else { "fast" }.to_owned()),
                )])
                .unwrap();
            let letters = |value: i64| {
                (0..6).map(|bit| if value >> bit & 1 == 1 { 'x' } else { 'y' }).collect::<String>()
            };
            // Always something else.
            writer.append(&[("chatty", &run(letters(number) + &letters(number >> 6)))]).unwrap();
        }
        writer.close().unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        let checks = ["backup", "slow", "chatty", "none"].map(str::to_owned);
        let ask = |span: Range<i64>| {
            let mut damage = |error: &custos_store::Error| panic!("{error}");
            NewTextsRequest { checks: &checks, span: &span }
                .read(&reader, &mut ReadContext::new(&mut damage))
                .unwrap()
        };
        let found = ask(900_000..1_000_000);
        let [new] = &found[..] else { panic!("{found:?}") };
        assert_eq!((new.check.as_str(), new.time_ms, new.runs), ("backup", 990_000, 900));
        assert_eq!(new.text, "backup OK - 1 file changed while it was read");
        assert_eq!(ask(500_000..900_000), []);
        // Too little is known of before.
        assert_eq!(ask(50_000..1_000_000), []);
    }
}
