//! `custos incident`: times at which something was wrong, as people mark them.

use std::io::Write;
use std::path::Path;

use clap_complete::engine::ArgValueCompleter;
use jiff::Zoned;

use super::completion;
use super::read::{Failure, ReadArgs, finish, json_line, local_time, now, tell, time};
use super::style::printable;
use super::unknown::remark;
use crate::backtest::{Incident, Incidents};
use crate::exit_code::ExitCode;
use crate::limits::INCIDENT_TEXT_MAX_BYTES;
use crate::text::human::duration_ms;

/// Marks times at which something was wrong, so that a backtest can say whether it would have been noticed.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct IncidentArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Mark a time.
    Add(AddArgs),
    /// Show all that are marked, the newest last.
    List(ListArgs),
    /// Take marks away.
    Rm(RmArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct AddArgs {
    /// From when to when: 03:10..03:40, '2026-03-01 03:10..2026-03-01 04:00', 'yesterday 03:10..03:40'
    #[arg(value_name = "TIME..TIME")]
    time: String,
    /// The check that should have noticed it, if one is meant, and what it was
    #[arg(value_name = "[CHECK] TEXT", required = true, num_args = 1..=2, add = ArgValueCompleter::new(completion::check))]
    words: Vec<String>,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// One JSON object for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct RmArgs {
    /// Their numbers
    #[arg(value_name = "NUMBER", required = true)]
    numbers: Vec<u64>,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &IncidentArgs) -> ExitCode {
    finish(|out| match &args.action {
        Action::Add(args) => add(args, &now(), out),
        Action::List(args) => list(args, &now(), out),
        Action::Rm(args) => rm(args, out),
    })
}

fn add(args: &AddArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let (since_ms, until_ms) = span(&args.time, now)?;
    let (check, text) = match args.words.as_slice() {
        [check, text] => (Some(check.clone()), text.clone()),
        words => (None, words.concat()),
    };
    if text.len() > INCIDENT_TEXT_MAX_BYTES {
        return Err(Failure::usage(format!("the text has more than {INCIDENT_TEXT_MAX_BYTES} bytes")));
    }
    let (store, _) = args.read.locate()?;
    let of = |number| Incident { number, since_ms, until_ms, check: check.clone(), text: text.clone() };
    let number = Incidents::add(&store, of)?;
    if let Some(remark) = check.and_then(|check| remark(&check, &args.read.all_checks())) {
        tell(&remark);
    }
    writeln!(out, "incident {number}")?;
    Ok(())
}

/// The time of an incident. The end may leave out the day, and is then the first such time after the beginning.
fn span(text: &str, now: &Zoned) -> Result<(i64, i64), Failure> {
    let Some((since, until)) = text.split_once("..") else {
        return Err(Failure::usage(format!("{text:?} is no time of an incident, such as 03:10..03:40")));
    };
    let since_ms = time("the beginning", since, now)?;
    let begun = jiff::Timestamp::from_millisecond(since_ms)
        .map_err(|_| Failure::usage(format!("{since:?} is beyond all calendars")))?
        .to_zoned(now.time_zone().clone());
    let until_ms = match until.trim().parse::<jiff::civil::Time>() {
        Ok(clock) => {
            let same_day = begun.date().to_datetime(clock).to_zoned(now.time_zone().clone());
            let same_day = same_day.map_err(|error| Failure::usage(format!("the end: {error}")))?;
            let after = if same_day <= begun { same_day.tomorrow().unwrap_or(same_day) } else { same_day };
            after.timestamp().as_millisecond()
        }
        Err(_) => time("the end", until, now)?,
    };
    if until_ms <= since_ms {
        return Err(Failure::usage("an incident ends after it began"));
    }
    Ok((since_ms, until_ms))
}

fn list(args: &ListArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let (store, _) = args.read.locate()?;
    let mut incidents = Incidents::read(&store)?.all;
    incidents.sort_by_key(|incident| incident.since_ms);
    for incident in &incidents {
        if args.json {
            json_line(incident, out)?;
            continue;
        }
        let check =
            incident.check.as_ref().map(|check| format!("{}: ", printable(check))).unwrap_or_default();
        writeln!(
            out,
            "{:>4}  {}  for {}  {check}{}",
            incident.number,
            local_time(incident.since_ms, now.time_zone()),
            duration_ms(incident.span().length_ms()),
            printable(&incident.text)
        )?;
    }
    Ok(())
}

fn rm(args: &RmArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (store, _) = args.read.locate()?;
    Incidents::remove(&store, &args.numbers)?;
    let removed: Vec<String> = args.numbers.iter().map(ToString::to_string).collect();
    writeln!(out, "removed {}", removed.join(", "))?;
    Ok(())
}

/// The incidents of a store, for commands that show other things as well: says on stderr that they cannot be read, and goes on without.
pub(super) fn incidents_or_none(store: &Path) -> Incidents {
    Incidents::read(store).unwrap_or_else(|error| {
        tell(&Failure::from(error).message);
        Incidents::default()
    })
}

#[cfg(test)]
mod tests {
    use custos_store::Notes;

    use super::*;
    use crate::cli::stage;
    use crate::timeline::Mark;

    fn shown<A: clap::Args>(
        store: &tempfile::TempDir,
        line: &[&str],
        command: impl Fn(&A, &Zoned, &mut dyn Write) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        stage::shown(store, line, |args: &A, now, _, out| command(args, now, out))
    }

    #[test]
    fn incidents_are_kept_with_numbers_that_do_not_come_again() {
        let store = stage::store(|_| {});
        assert_eq!(
            shown(&store, &["03:10..03:40", "load", "the disk was full"], add).unwrap(),
            "incident 1\n"
        );
        assert_eq!(shown(&store, &["yesterday 23:50..00:10", "a switch"], add).unwrap(), "incident 2\n");
        let removed = shown(&store, &["2"], |args, _, out| rm(args, out)).unwrap();
        assert_eq!(removed, "removed 2\n");
        assert_eq!(shown(&store, &["2026-11-20..2026-11-21", "\u{1b}[31m"], add).unwrap(), "incident 3\n");
        assert_eq!(
            shown(&store, &[], list).unwrap(),
            "   3  2026-11-20 00:00:00  for 1d  \\u{1b}[31m\n   1  2026-11-22 03:10:00  for 30m  load: the disk was full\n"
        );
        let json = shown(&store, &["--json"], list).unwrap();
        assert!(json.contains("\"number\":3") && json.lines().count() == 2, "{json}");
        assert!(shown(&store, &["7"], |args, _, out| rm(args, out)).is_err());
        for wrong in ["03:10", "03:40..2026-11-22T01:00:00Z", "x..y"] {
            assert!(shown(&store, &[wrong, "text"], add).is_err(), "{wrong}");
        }
        let last = Incidents { next: u64::MAX, all: Vec::new() };
        Notes::new(store.path()).write(Incident::NOTE, &serde_json::to_vec(&last).unwrap()).unwrap();
        let refused = shown(&store, &["03:10..03:40", "text"], add).unwrap_err();
        assert_eq!(refused.message, "no further number is left for incidents");
        let long = "x".repeat(INCIDENT_TEXT_MAX_BYTES + 1);
        assert!(shown(&store, &["03:10..03:40", &long], add).is_err());
    }

    #[test]
    fn an_incident_over_midnight_ends_on_the_next_day() {
        let now = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
        let (since_ms, until_ms) = span("yesterday 23:50..00:10", &now).unwrap();
        assert_eq!(until_ms - since_ms, 20 * 60_000);
    }
}
