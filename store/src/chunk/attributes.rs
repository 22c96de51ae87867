//! The fields of a run that are small integers, one column each. Hardly any of them ever changes.

use crate::bytes::Short;
use crate::figure::Figure;
use crate::provenance::Provenance;
use crate::run::{Reason, Run, Standing};
use crate::state::State;

/// Number of columns. `FORMAT.md` lists them in this order.
pub(crate) const ATTRIBUTES: usize = 16;

const DURATION: usize = 0;
const LATENESS_HERE: usize = 1;
const LATENESS: usize = 2;
const CPU_HERE: usize = 3;
const CPU: usize = 4;
const RSS_HERE: usize = 5;
const RSS: usize = 6;
pub(super) const VERDICT: usize = 7;
const EXIT_CODE: usize = 8;
const SIGNAL: usize = 9;
const MISSED: usize = 10;
const STANDING: usize = 11;
const ATTEMPT: usize = 12;
const SINCE: usize = 13;
const FLAPS: usize = 14;
/// Written only where a run is consolidated.
pub(super) const SPAN: usize = 15;

/// What may differ where the state of a check, or how it stands, turns.
pub(super) const TURNING: [usize; 3] = [VERDICT, STANDING, SINCE];

/// Where in the verdict the byte of [`Provenance::code`] is.
const KIND_SHIFT: u32 = 8;

/// The columns of a run. Numbers of 64 bits without sign are kept as the signed number with the same bits.
pub(crate) fn of_run(run: &Run) -> [i64; ATTRIBUTES] {
    let mut columns = [0; ATTRIBUTES];
    columns[DURATION] = run.duration_us as i64;
    let optional = [(LATENESS, run.lateness_us), (CPU, run.cpu_us), (RSS, run.max_rss_bytes)];
    for (column, number) in optional {
        columns[column - 1] = i64::from(number.is_some());
        columns[column] = number.unwrap_or(0) as i64;
    }
    let verdict = run.state.code() | run.plugin_state.code() << 2 | run.reason.code() << 4;
    let (kind, span_ms) = run.provenance.code(run.partial, run.imported);
    columns[VERDICT] = i64::from(verdict) | i64::from(kind) << KIND_SHIFT;
    columns[SPAN] = span_ms.unwrap_or(0) as i64;
    columns[EXIT_CODE] = run.exit_code.map_or(-1, i64::from);
    columns[SIGNAL] = run.signal.map_or(-1, i64::from);
    columns[MISSED] = i64::from(run.missed_slots);
    let standing = &run.standing;
    let bits = u8::from(standing.hard) | u8::from(standing.flapping) << 1 | standing.hard_state.code() << 2;
    columns[STANDING] = i64::from(bits);
    columns[ATTEMPT] = i64::from(standing.attempt);
    columns[SINCE] = standing.since_ms;
    columns[FLAPS] = standing.flap_history as i64;
    columns
}

fn optional_u8(number: i64) -> Result<Option<u8>, Short> {
    if number == -1 { Ok(None) } else { u8::try_from(number).map(Some).map_err(|_| Short) }
}

/// The byte of [`Provenance::code`] in a verdict.
fn kind(number: i64) -> Result<u8, Short> {
    u8::try_from(number >> KIND_SHIFT).map_err(|_| Short)
}

/// `true` if the run with that verdict is consolidated over a span.
pub(super) fn has_span(number: i64) -> bool {
    kind(number).is_ok_and(Provenance::has_span)
}

/// `true` if the run with that verdict is partial.
pub(super) fn is_partial(number: i64) -> Result<bool, Short> {
    kind(number).map(Provenance::is_partial)
}

/// `true` if nothing is known of what the run with that verdict would have found.
pub(super) fn is_unobserved(number: i64) -> Result<bool, Short> {
    verdict(number).map(|(.., reason)| reason.is_unobserved())
}

/// State, plugin's state and reason.
pub(super) fn verdict(number: i64) -> Result<(State, State, Reason), Short> {
    let verdict = number as u8;
    let state = State::from_code(verdict & 3).ok_or(Short)?;
    let plugin_state = State::from_code(verdict >> 2 & 3).ok_or(Short)?;
    Ok((state, plugin_state, Reason::from_code(verdict >> 4).ok_or(Short)?))
}

/// The columns that tell a number of a run, and the verdict, ascending.
pub(super) fn columns_of(figure: Figure) -> &'static [usize] {
    match figure {
        Figure::State => &[VERDICT],
        Figure::HardState => &[VERDICT, STANDING],
        Figure::Duration => &[DURATION, VERDICT],
        Figure::Lateness => &[LATENESS_HERE, LATENESS, VERDICT],
        Figure::Cpu => &[CPU_HERE, CPU, VERDICT],
        Figure::MaxRss => &[RSS_HERE, RSS, VERDICT],
    }
}

/// The reason of a row and a number of it, by its [`columns_of`].
pub(super) fn figure(
    figure: Figure,
    number: impl Fn(usize) -> Option<i64>,
) -> Result<(Reason, Option<u64>), Short> {
    let number = |column: usize| number(column).ok_or(Short);
    let (state, _, reason) = verdict(number(VERDICT)?)?;
    let optional = |column: usize| Ok((number(column - 1)? != 0).then_some(number(column)? as u64));
    let found = match figure {
        Figure::State => Some(u64::from(state.code())),
        Figure::HardState => {
            let standing = u8::try_from(number(STANDING)?).map_err(|_| Short)?;
            Some(u64::from(State::from_code(standing >> 2).ok_or(Short)?.code()))
        }
        Figure::Duration => Some(number(DURATION)? as u64),
        Figure::Lateness => optional(LATENESS)?,
        Figure::Cpu => optional(CPU)?,
        Figure::MaxRss => optional(RSS)?,
    };
    Ok((reason, found))
}

/// A run without its texts and metrics.
pub(crate) fn to_run(time_ms: i64, columns: &[i64; ATTRIBUTES]) -> Result<Run, Short> {
    let optional = |column: usize| (columns[column - 1] != 0).then_some(columns[column] as u64);
    let (state, plugin_state, reason) = verdict(columns[VERDICT])?;
    let standing = u8::try_from(columns[STANDING]).map_err(|_| Short)?;
    const { assert!(LATENESS_HERE + 1 == LATENESS && CPU_HERE + 1 == CPU && RSS_HERE + 1 == RSS) };
    let mut run = Run {
        time_ms,
        duration_us: columns[DURATION] as u64,
        lateness_us: optional(LATENESS),
        cpu_us: optional(CPU),
        max_rss_bytes: optional(RSS),
        state,
        plugin_state,
        reason,
        exit_code: optional_u8(columns[EXIT_CODE])?,
        signal: optional_u8(columns[SIGNAL])?,
        missed_slots: u32::try_from(columns[MISSED]).map_err(|_| Short)?,
        standing: Standing {
            hard: standing & 1 != 0,
            flapping: standing & 2 != 0,
            hard_state: State::from_code(standing >> 2).ok_or(Short)?,
            attempt: u32::try_from(columns[ATTEMPT]).map_err(|_| Short)?,
            since_ms: columns[SINCE],
            flap_history: columns[FLAPS] as u64,
        },
        ..Run::default()
    };
    (run.provenance, run.partial, run.imported) =
        Provenance::decode(kind(columns[VERDICT])?, || Ok(columns[SPAN] as u64))?;
    Ok(run)
}
