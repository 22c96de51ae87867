//! Lines on their way past expressions, which are answered with them.

use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError};

use super::queries::Queries;
use crate::clock;
use crate::limits::WATCH_QUERY_LINES_MAX;

/// Hands on what the agent says to one who watches, and what expressions come to with it, until there is no more, or `show` says that
/// nobody takes it.
///
/// # Errors
/// What came instead of a line.
pub fn pump<E>(
    mut queries: Queries,
    lines: &Receiver<Result<String, E>>,
    mut show: impl FnMut(&str) -> bool,
) -> Result<(), E> {
    // Lines that came since something was answered: however many come, there are answers.
    let mut taken = 0;
    loop {
        let due = queries.due_in(clock::mono_us());
        let next = match due {
            Some(Duration::ZERO) if taken >= WATCH_QUERY_LINES_MAX => Err(RecvTimeoutError::Timeout),
            Some(due) => lines.recv_timeout(due),
            None => lines.recv().map_err(RecvTimeoutError::from),
        };
        match next {
            Ok(line) => {
                let line = line?;
                taken += 1;
                if queries.take(&line) && !show(&line) {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                taken = 0;
                if !queries.answers().iter().all(|line| show(line.trim_end())) {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Options, Reader, Run, Value, Writer};

    use super::*;
    use crate::live::LiveLine;

    #[test]
    fn a_flood_of_runs_is_answered_now_and_then_and_the_last_one_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
        let now_ms = clock::now_ms();
        let run = |ms: i64| {
            let metrics = vec![Metric::new("m", Value::from(ms))];
            Run { time_ms: now_ms + ms, metrics, ..Run::default() }
        };
        writer.append(&[("x", &run(0))]).unwrap();
        let mut reader = Reader::open(dir.path()).unwrap();
        let snapshot = reader.snapshot();
        let look = Box::new(move || reader.refresh().ok().map(|()| reader.snapshot()));
        let (queries, _) = Queries::begin(&["max(x)".to_owned()], Vec::new(), look, &snapshot);
        let runs = 10 * WATCH_QUERY_LINES_MAX as i64;
        let (sender, lines) = crossbeam::channel::unbounded::<Result<String, ()>>();
        for ms in 1..=runs {
            sender.send(Ok(LiveLine::of_run("x", &run(ms)).trim_end().to_owned())).unwrap();
        }
        let mut answered = Vec::new();
        let ended = pump(queries, &lines, |line| {
            let Ok(LiveLine::Answer(answer)) = serde_json::from_str(line) else { panic!("{line}") };
            answered.push(answer.time_ms - now_ms);
            answer.time_ms < now_ms + runs
        });
        assert_eq!(ended, Ok(()));
        assert!((2..=11).contains(&answered.len()), "{answered:?}");
        assert!(answered.is_sorted() && answered.last() == Some(&runs), "{answered:?}");
    }
}
