//! The loop between the terminal and what is watched.
//!
//! What comes is taken into the model by threads of its own; here is only drawn, the newest each time. So a terminal that
//! takes long for a picture is shown fewer of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use custos_query::check_names;

use super::args::WatchArgs;
use super::keys::{act, wheel};
use crate::cli::graph;
use crate::cli::read::{Failure, now, tell};
use crate::cli::style::Style;
use crate::clock;
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::graph::Glyphs;
use crate::limits::WATCH_FRAME_MIN;
use crate::lock::locked;
use crate::terminal::{End, Event, Look, Screen, styled};
use crate::text::human::Prefixes;
use crate::watch::{Beginning, Kind, Looks, Model, Site, Size, Sources, Target};

/// The longest time without a new picture: what is said of ages is old by then.
const FRAME_MAX: Duration = Duration::from_secs(1);

/// Runs the command.
pub(in crate::cli) fn run(args: &WatchArgs) -> ExitCode {
    match show(args, args.read.style()) {
        Ok(end) => {
            if let Some(end) = end {
                end.follow();
            }
            ExitCode::Success
        }
        Err(failure) => {
            tell(&failure.message);
            failure.code
        }
    }
}

fn show(args: &WatchArgs, style: Style) -> Result<Option<End>, Failure> {
    let mut targets = args.targets()?;
    if !style.terminal {
        return Err(Failure::usage(
            "stdout is no terminal; custos stream --watch CHECK --every 1s writes what is watched as lines",
        ));
    }
    let (store, config) = args.read.locate()?;
    let is_here = targets.iter().any(|target| target.site == Site::Here);
    let checks = if is_here { find(args, config.as_ref(), &mut targets)? } else { Vec::new() };
    let glyphs = if args.ascii { Glyphs::Ascii } else { style.glyphs };
    let looks = Looks { glyphs, overlay: style.color || glyphs == Glyphs::Ascii };
    let access = Arc::new(args.access(store, &targets)?);
    let mut model = Model::new(Beginning {
        targets,
        every_ms: args.every_ms(),
        window: args.window,
        zone: now().time_zone().clone(),
        prefixes: if args.iec { Prefixes::Iec } else { Prefixes::Si },
    });
    for check in &checks {
        let defined = config.as_ref().and_then(|config| config.checks.get(check));
        model.judge(check, defined.map(|check| &check.thresholds[..]).unwrap_or_default());
    }
    let failed = |error: std::io::Error| Failure::new(format!("failed to use the terminal: {error}"));
    // Before other threads are started, which would get its signals.
    let mut screen = Screen::open(Look { glyphs, color: style.color }).map_err(failed)?;
    let model = Arc::new(Mutex::new(model));
    let waker = screen.waker();
    let sources = Sources::start(&model, &access, &(Arc::new(move || waker.wake()) as _));
    let _sources = sources.map_err(Failure::usage)?;
    Ok(draw(&mut screen, &model, looks))
}

/// The checks of this host that are meant; what else is meant here is an expression.
///
/// # Errors
/// One is not known.
fn find(args: &WatchArgs, config: Option<&Config>, targets: &mut [Target]) -> Result<Vec<String>, Failure> {
    let mut known = check_names(&args.read.open()?.reader);
    known.extend(config.iter().flat_map(|config| config.checks.keys().cloned()));
    known.sort();
    known.dedup();
    let mut checks = Vec::new();
    for target in targets.iter_mut().filter(|target| target.site == Site::Here) {
        match graph::target(&target.what, &known)? {
            graph::Target::Metrics(selector) => {
                target.kind = Kind::Check;
                checks.push(selector.check().to_owned());
            }
            graph::Target::Query(..) => target.kind = Kind::Query,
        }
    }
    Ok(checks)
}

/// Draws until somebody ends it. Returns what did, if that was no key.
fn draw(screen: &mut Screen, model: &Mutex<Model>, looks: Looks) -> Option<End> {
    let (mut is_new, mut drawn_us) = (true, 0);
    loop {
        let passed = Duration::from_micros(clock::mono_us().saturating_sub(drawn_us));
        if is_new && passed >= WATCH_FRAME_MIN || passed >= FRAME_MAX {
            drawn_us = clock::mono_us();
            is_new = false;
            let area = screen.area();
            let size = Size { width: usize::from(area.width), height: usize::from(area.height) };
            let lines = locked(model).screen(clock::now(), size, looks);
            // Where it fails, the terminal is gone, as the next waiting tells.
            let _ = screen.draw(|page| {
                for (y, line) in (0..area.height).zip(&lines) {
                    page.set_line(0, y, &styled(line), area.width);
                }
            });
            continue;
        }
        let next =
            if is_new { WATCH_FRAME_MIN } else { pause(model, usize::from(screen.area().width), looks) };
        let mut happened = screen.wait(next.saturating_sub(passed));
        // The picture moves on by a column.
        is_new |= happened.is_none();
        // All that is there counts before anything is drawn: a key that is held down is many.
        while let Some(event) = happened {
            match event {
                Event::End(end) => return Some(end),
                Event::Key(key) => {
                    if act(key).is_some_and(|act| locked(model).act(act, clock::now())) {
                        return None;
                    }
                    (is_new, drawn_us) = (true, 0);
                }
                Event::Mouse(mouse) => {
                    if let Some(act) = wheel(mouse.kind) {
                        locked(model).act(act, clock::now());
                        is_new = true;
                    }
                }
                // However often the size changes, no more is drawn than is seen.
                Event::Redraw => is_new = true,
                // What comes from hosts may never cease.
                Event::Woken => {
                    is_new = true;
                    break;
                }
            }
            happened = screen.wait(Duration::ZERO);
        }
    }
}

/// How long a picture stays as it is if nothing comes.
fn pause(model: &Mutex<Model>, width: usize, looks: Looks) -> Duration {
    let column_ms = locked(model).column_ms(Model::columns(width, looks));
    let column = column_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    column.unwrap_or(FRAME_MAX).clamp(WATCH_FRAME_MIN, FRAME_MAX)
}
