//! `custos traps`: the traps that were received, matched or not, the newest last.

use std::io::Write;

use custos_query::{Listed, NewestRuns, Pick, ReadContext, RunJson, check_names};
use custos_store::Run;
use jiff::Zoned;

use super::listing::PageArgs;
use super::read::{Failure, Opened, ReadArgs, finish, local_time, now, tell};
use super::style::{Style, printable};
use crate::config::UNMATCHED_CHECK;
use crate::exit_code::ExitCode;
use crate::limits::TRAPS_LISTED;

/// Shows the SNMP traps that were received, the newest last.
///
/// A line shows the time, the state of the check after it, the check, and the text of the trap. Traps that match
/// no check are listed under the name custos.traps, and so are counts of traps beyond the limits. With --verbose every variable
/// follows; JSON has them in long_text.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TrapsArgs {
    /// Only traps that match no check
    #[arg(long)]
    unmatched: bool,
    #[command(flatten)]
    page: PageArgs<TRAPS_LISTED>,
    /// Every variable of each trap, too
    #[arg(long, short)]
    verbose: bool,
    /// One JSON object for each trap
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &TrapsArgs) -> ExitCode {
    finish(|out| show(args, &now(), args.read.style(), out))
}

fn show(args: &TrapsArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let (span, limit) = args.page.page(now)?;
    let Opened { reader, mut damage, .. } = args.read.open()?;
    let unmatched = |check: &String| !args.unmatched || check == UNMATCHED_CHECK;
    let checks: Vec<String> = check_names(&reader).into_iter().filter(unmatched).collect();
    let request = NewestRuns { checks: &checks, span, limit, pick: &pick };
    let traps = request.read(&reader, &mut ReadContext::new(&mut |error| damage.note(error)))?;
    if traps.is_empty() && limit > 0 {
        tell("no trap is within this time");
    }
    for Listed { check, run } in &traps {
        if args.json {
            RunJson::new(check, run).write(out)?;
        } else {
            write_line(check, run, args.verbose, now, style, out)?;
        }
    }
    damage.finish(out)
}

/// A check whose newest run is no trap has none: traps set the state of a check alone, or never.
fn pick(run: &Run) -> Pick {
    match run.origin.as_str() {
        _ if is_trap(run) => Pick::Take,
        // What a check recorded by itself between two traps, or before the first.
        "expired" => Pick::Pass,
        _ => Pick::Stop,
    }
}

fn is_trap(run: &Run) -> bool {
    run.origin.starts_with("trap ") || run.origin.starts_with("traps of ")
}

fn write_line(
    check: &str,
    run: &Run,
    verbose: bool,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let state = format!("{:<8}", run.state.name());
    writeln!(
        out,
        "{}  {}  {}: {}",
        local_time(run.time_ms, now.time_zone()),
        style.state(run.state, &state),
        printable(check),
        printable(&run.text)
    )?;
    if verbose {
        writeln!(out, "    {}", style.dim(&format!("from {}", printable(&run.origin))))?;
        for line in run.long_text.lines() {
            writeln!(out, "    {}", printable(line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use custos_store::State;

    use super::*;
    use crate::cli::stage::{self, NOON};

    fn shown(line: &[&str]) -> String {
        try_shown(line).unwrap()
    }

    fn try_shown(line: &[&str]) -> Result<String, Failure> {
        let store = stage::store(|writer| {
            let trap = |offset_ms: i64, state, text: &str| Run {
                time_ms: NOON + offset_ms,
                state,
                text: text.to_owned(),
                long_text: "ifIndex.3 = 3".to_owned(),
                origin: "trap 192.0.2.1".to_owned(),
                ..Run::default()
            };
            let plugin = Run { time_ms: NOON, text: "no trap".to_owned(), ..Run::default() };
            writer.append(&[("load", &plugin)]).unwrap();
            writer.append(&[("link", &trap(0, State::Critical, "linkDown"))]).unwrap();
            writer.append(&[(UNMATCHED_CHECK, &trap(1000, State::Ok, "other\u{1b}"))]).unwrap();
            let over = Run { origin: "expired".to_owned(), ..trap(1500, State::Ok, "over") };
            writer.append(&[("link", &over)]).unwrap();
            writer.append(&[("link", &trap(2000, State::Ok, "linkUp"))]).unwrap();
        });
        stage::shown(&store, line, show)
    }

    #[test]
    fn traps_of_all_checks_come_in_the_order_of_time() {
        assert_eq!(
            shown(&[]),
            "2026-11-22 13:00:00  CRITICAL  link: linkDown\n\
             2026-11-22 13:00:01  OK        custos.traps: other\\u{1b}\n\
             2026-11-22 13:00:02  OK        link: linkUp\n"
        );
        assert_eq!(
            shown(&["-v", "-n", "1"]),
            "2026-11-22 13:00:02  OK        link: linkUp\n    from trap 192.0.2.1\n    ifIndex.3 = 3\n"
        );
    }

    #[test]
    fn some_can_be_had_alone() {
        assert_eq!(shown(&["--unmatched"]).lines().count(), 1);
        assert!(shown(&["--since", "13:00:01", "--until", "13:00:02"]).contains("other"));
        assert_eq!(shown(&["--since", "13:00:03"]), "");
        let refused = try_shown(&["--since", "now", "--until", "-1h"]).unwrap_err();
        assert_eq!(refused.message, "--since is not before --until");
        let json = shown(&["--unmatched", "--json"]);
        assert!(
            json.contains(r#""check":"custos.traps""#) && json.contains(r#""long_text":"ifIndex.3 = 3""#)
        );
    }
}
