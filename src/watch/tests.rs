//! What is drawn of lines that have come, compared with what was drawn before.

use std::path::Path;
use std::time::Duration;

use custos_store::{Bounds, Metric, Provenance, Reason, Run, State, Value};
use jiff::tz::TimeZone;

use super::*;
use crate::clock::Moment;
use crate::graph::Glyphs;
use crate::limits::{WATCH_CURVES_MAX, WATCH_POINTS_MAX};
use crate::live::{AnsweredSeries, LiveAnswer, LiveLine};
use crate::text::human::Prefixes;

/// 2026-11-22 12:00 UTC.
const NOON: i64 = 1_795_348_800_000;
const AHEAD_MS: i64 = 3000;

const BRAILLE: Looks = Looks { glyphs: Glyphs::Braille, overlay: true };
const ASCII: Looks = Looks { glyphs: Glyphs::Ascii, overlay: true };
const SMALL: Size = Size { width: 80, height: 24 };
const LARGE: Size = Size { width: 200, height: 60 };

fn model(words: &[&str]) -> Model {
    Model::new(Beginning {
        targets: words.iter().map(|word| Target::parse(word).unwrap()).collect(),
        every_ms: Some(200),
        window: Duration::from_secs(120),
        zone: TimeZone::UTC,
        prefixes: Prefixes::Si,
    })
}

fn at(ms: i64) -> Moment {
    Moment { mono_us: (1_000_000 + ms as u64) * 1000, wall_ms: NOON + ms }
}

fn line(line: &LiveLine<'_>) -> Event {
    Event::Line(line.text().trim_end().to_owned())
}

fn watching(check: &'static str) -> Event {
    line(&LiveLine::Watching {
        check: check.into(),
        interval_ms: Some(60_000),
        every_ms: Some(200),
        note: "".into(),
    })
}

fn run(check: &str, run: &Run) -> Event {
    Event::Line(LiveLine::of_run(check, run).trim_end().to_owned())
}

fn load(ms: i64, value: f64) -> Run {
    let bounds = |end| Some(Bounds { start: 0.0, end, inside: false });
    let metric = Metric { warn: bounds(3.0), crit: bounds(5.0), ..Metric::new("load1", Value::from(value)) };
    let state = if value > 5.0 { State::Critical } else { State::Ok };
    let provenance = Provenance::Watched;
    Run { time_ms: NOON + ms, state, metrics: vec![metric], provenance, ..Run::default() }
}

/// An answer of a host whose clock is ahead, which took so long (µs).
fn clock(took_us: u64) -> Event {
    let come = at(120_000);
    let there_ms = come.wall_ms + AHEAD_MS - took_us as i64 / 2000;
    Event::Clock(Asked {
        sent_us: come.mono_us - took_us,
        come_us: come.mono_us,
        come_ms: come.wall_ms,
        there_ms: (there_ms, there_ms),
    })
}

/// Two hosts that do the same at the same time; the clock of one is ahead, and it was not reached for a while.
fn two_hosts() -> Model {
    let mut model = model(&["load:load1", "https://web1:43191/load:load1"]);
    assert!(model.apply(0, watching("load"), at(0)));
    assert!(model.apply(1, watching("load"), at(0)));
    model.apply(1, clock(6_000), at(0));
    for tick in 0..600 {
        let ms = tick * 200;
        let value = if (200..220).contains(&tick) { 6.0 } else { 1.5 + (tick as f64 / 40.0).sin() };
        model.apply(0, run("load", &load(ms, value)), at(ms));
        if !(350..450).contains(&tick) {
            model.apply(1, run("load", &load(ms + AHEAD_MS, value + 1.0)), at(ms));
        }
    }
    model
}

fn drawn(model: &Model, size: Size, looks: Looks) -> String {
    let lines = model.clone().screen(at(120_000), size, looks);
    assert!(lines.len() <= size.height, "{} lines", lines.len());
    let text: String = lines.iter().map(|line| line.plain() + "\n").collect();
    assert!(text.lines().all(|line| line.chars().count() <= size.width), "{text}");
    assert!(looks.glyphs != Glyphs::Ascii || text.is_ascii(), "{text}");
    text
}

/// Compares with a file of `golden/`, which `CUSTOS_WRITE_GOLDEN=1` writes anew.
fn assert_golden(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/watch/golden").join(name);
    if std::env::var_os("CUSTOS_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(drawn, expected, "{name} is now drawn as\n{drawn}");
}

#[test]
fn two_hosts_are_drawn_in_one_chart() {
    let model = two_hosts();
    assert_golden("two_hosts_80x24.txt", &drawn(&model, SMALL, BRAILLE));
    assert_golden("two_hosts_80x24_ascii.txt", &drawn(&model, SMALL, ASCII));
    assert_golden("two_hosts_200x60.txt", &drawn(&model, LARGE, BRAILLE));
    assert_golden("two_hosts_200x60_ascii.txt", &drawn(&model, LARGE, ASCII));
}

#[test]
fn a_clock_that_is_ahead_is_said_and_both_ways_of_drawing_are() {
    let mut model = two_hosts();
    let peak = |model: &Model, series: usize| {
        let picture = model.picture(at(120_000), (1200, 60));
        let high = |column: &&custos_query::Column| column.max > 5.5;
        picture.series[series].columns.iter().flatten().find(high).unwrap().first_ms - NOON
    };
    let (here, there) = (peak(&model, 0), peak(&model, 1));
    assert_eq!(here, there, "what happened at one time is drawn at one time");
    let shown = drawn(&model, SMALL, BRAILLE);
    assert!(shown.contains("offset +3.000 s ± 4 ms: drawn shifted, by this host's clock"), "{shown}");
    model.act(Act::Clock, at(120_000));
    assert_eq!(peak(&model, 1) - peak(&model, 0), AHEAD_MS, "it is drawn by its own clock");
    let shown = drawn(&model, SMALL, BRAILLE);
    assert!(shown.contains("offset +3.000 s ± 4 ms: drawn by its own clock, not shifted"), "{shown}");
    let failed = Event::Failed { why: "no answer".to_owned(), again_ms: 4000 };
    model.apply(1, failed, at(120_000));
    let shown = drawn(&model, SMALL, BRAILLE);
    assert!(shown.contains("web1:43191  not connected, again in 4 s: no answer"), "{shown}");
}

#[test]
fn why_a_host_is_not_reached_is_said_whole() {
    let mut model = two_hosts();
    let why =
        "failed to begin TLS with web1: its certificate is not accepted: self-signed certificate".to_owned();
    model.apply(1, Event::Failed { why, again_ms: 500 }, at(120_000));
    let shown = drawn(&model, SMALL, ASCII);
    let said: Vec<&str> = shown.lines().skip(1).take(2).map(str::trim).collect();
    assert_eq!(
        said.join(" "),
        "web1:43191  not connected, again in 1 s: failed to begin TLS with web1: its certificate is not accepted: \
         self-signed certificate"
    );
}

#[test]
fn a_gap_stays_a_gap() {
    let model = two_hosts();
    let picture = model.picture(at(120_000), (600, 60));
    let holes =
        |series: usize| picture.series[series].columns.iter().filter(|column| column.is_none()).count();
    assert!(holes(0) < 10 && (95..130).contains(&holes(1)), "{} {}", holes(0), holes(1));
    let gaps = |series: usize| {
        picture.series[series].columns.iter().flatten().filter(|column| column.after_gap).count()
    };
    assert_eq!((gaps(0), gaps(1)), (0, 1));
    let blank =
        |ribbon: usize| picture.ribbons[ribbon].states.cells().iter().filter(|cell| cell.is_none()).count();
    assert!(blank(0) <= 1 && blank(1) >= 8, "{} {}", blank(0), blank(1));
}

#[test]
fn the_longest_name_counts_and_what_is_not_drawn_is_not_watched() {
    let mut model = model(&["https://web1/disk:root:used", "https://web1/load"]);
    assert_eq!(model.asked(0), ["disk:root:used", "disk:root", "disk", "load"]);
    let ended = |check: &'static str| line(&LiveLine::Ended { check: check.into(), why: "no check".into() });
    assert!(model.apply(0, ended("disk:root:used"), at(0)));
    assert!(model.apply(0, watching("disk"), at(0)));
    assert!(!model.apply(0, watching("disk:root"), at(0)), "disk is watched for nothing");
    assert_eq!(model.asked(0), ["disk:root", "load"]);
    assert!(!drawn(&model, LARGE, BRAILLE).contains("no check"));
    model.apply(0, ended("load"), at(0));
    assert!(drawn(&model, LARGE, BRAILLE).contains("load: no check"));
}

#[test]
fn what_is_missing_is_said() {
    let mut model = model(&["load:lod1", "swap"]);
    model.apply(0, watching("load"), at(0));
    model.apply(0, run("load", &load(0, 1.0)), at(0));
    model.apply(0, Event::Line("{\"swapped\":".to_owned()), at(0));
    model.apply(0, line(&LiveLine::Dropped(17)), at(0));
    let note = "at most 64 checks have a clone".into();
    let refused = LiveLine::Watching { check: "swap".into(), interval_ms: None, every_ms: None, note };
    model.apply(0, line(&refused), at(0));
    let shown = drawn(&model, LARGE, BRAILLE);
    for said in [
        "load: its last run has no such metric",
        "swap: at most 64 checks have a clone",
        "17 lines were left out",
        "1 lines cannot be read",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn what_a_plugin_or_a_host_prints_is_inert() {
    let mut model = model(&["x", "https://web1/x"]);
    let hostile = "\u{1b}[31m\u{9b}2J\r\n\u{202e}";
    let metric = Metric { unit: hostile.to_owned(), ..Metric::new(hostile, Value::from(1.0)) };
    let bad = Run { time_ms: NOON, text: hostile.to_owned(), metrics: vec![metric], ..Run::default() };
    model.apply(0, run("x", &bad), at(0));
    model.apply(1, line(&LiveLine::Ended { check: "x".into(), why: hostile.into() }), at(0));
    model.apply(0, Event::Failed { why: hostile.to_owned(), again_ms: u64::MAX }, at(0));
    for looks in [BRAILLE, ASCII] {
        for line in model.screen(at(0), SMALL, looks) {
            let shown: String =
                line.parts().map(|(_, part)| crate::text::printable(part).into_owned()).collect();
            assert!(!shown.contains(crate::text::is_unsafe), "{shown:?}");
        }
    }
}

#[test]
fn panels_that_have_no_room_are_a_key_away() {
    let words: Vec<String> = (0..9).map(|number| format!("check{number}:m")).collect();
    let mut model = model(&words.iter().map(String::as_str).collect::<Vec<_>>());
    for number in 0..9 {
        let metric = Metric::new("m", Value::from(10_f64.powi(3 * number)));
        let one = Run { time_ms: NOON + 100_000, metrics: vec![metric], ..Run::default() };
        model.apply(0, run(&format!("check{number}"), &one), at(0));
    }
    let shown = drawn(&model, SMALL, BRAILLE);
    assert!(shown.contains("check0:m") && shown.contains("panels 1 to 3 of 9"), "{shown}");
    assert!(shown.contains("; 6 more: scroll with ↑ ↓ PgUp PgDn"), "{shown}");
    let act = |model: &mut Model, act: Act| {
        model.screen(at(120_000), SMALL, BRAILLE);
        model.act(act, at(0));
        model.screen(at(120_000), SMALL, BRAILLE);
        drawn(model, SMALL, BRAILLE)
    };
    let shown = act(&mut model, Act::PageDown);
    assert!(shown.contains("panels 4 to 6 of 9"), "{shown}");
    for _ in 0..50 {
        model.act(Act::Down, at(0));
    }
    let shown = act(&mut model, Act::Down);
    assert!(shown.contains("check8:m") && shown.contains("panels 7 to 9 of 9"), "{shown}");
    let shown = act(&mut model, Act::Up);
    assert!(shown.contains("panels 6 to 8 of 9"), "what was scrolled too far is taken back: {shown}");
    let shown = act(&mut model, Act::PageUp);
    assert!(shown.contains("panels 3 to 5 of 9"), "{shown}");
}

#[test]
fn the_states_of_all_checks_are_shown_however_many_they_are() {
    let words: Vec<String> = (0..40).map(|number| format!("check{number}:m")).collect();
    let mut model = model(&words.iter().map(String::as_str).collect::<Vec<_>>());
    for number in 0..39 {
        let state = match number {
            7 | 30 => State::Critical,
            38 => State::Warning,
            _ => State::Ok,
        };
        let metrics = vec![Metric::new("m", Value::from(1.0))];
        let one = Run { time_ms: NOON + 100_000, state, metrics, ..Run::default() };
        model.apply(0, run(&format!("check{number}"), &one), at(0));
    }
    for (size, looks, name) in [
        (SMALL, BRAILLE, "many_80x24"),
        (SMALL, ASCII, "many_80x24_ascii"),
        (LARGE, BRAILLE, "many_200x60"),
        (LARGE, ASCII, "many_200x60_ascii"),
    ] {
        let shown = drawn(&model, size, looks);
        let counts = [
            "2 CRITICAL  check7  check30",
            "1 WARNING  check38",
            "1 without a run  check39",
            "36 OK  check0",
        ];
        // Wide enough for a line of each of them.
        let has_all = counts.iter().all(|count| shown.contains(count));
        assert!(has_all || size == LARGE && shown.contains("check39"), "{shown}");
        assert_golden(&format!("{name}.txt"), &shown);
    }
}

#[test]
fn any_size_is_filled_or_said_to_be_too_small() {
    let mut model = two_hosts();
    for looks in [BRAILLE, ASCII] {
        for (width, height) in [(0, 0), (1, 1), (39, 24), (80, 11), (40, 12), (41, 13), (1000, 300)] {
            let shown = model.screen(at(120_000), Size { width, height }, looks);
            let small = width < 40 || height < 12;
            assert_eq!(shown.len(), if small { 1 } else { height }, "{width} x {height}");
            assert!(shown.iter().all(|line| line.width() <= width.max(3)), "{width} x {height}");
        }
    }
    model.act(Act::Help, at(0));
    assert!(drawn(&model, SMALL, ASCII).contains("q           ends; the clones end with it"));
}

#[test]
fn what_is_held_has_bounds() {
    let mut model = model(&["load"]);
    for tick in 0..WATCH_POINTS_MAX as i64 + 10 {
        model.apply(0, run("load", &load(tick * 100, 1.0)), at(0));
    }
    let metrics = (0..WATCH_CURVES_MAX + 9).map(|number| Metric::new(format!("m{number}"), Value::from(1.0)));
    let many = Run { time_ms: NOON + 10_000_000, metrics: metrics.collect(), ..Run::default() };
    model.apply(0, run("load", &many), at(0));
    assert_eq!(model.picture(at(0), (10, 10)).series.len(), WATCH_CURVES_MAX);
    let shown = drawn(&model, LARGE, BRAILLE);
    assert!(shown.contains("load: 10 more of its curves are not drawn; name some"), "{shown}");
}

#[test]
fn what_nobody_asked_for_is_not_held() {
    let mut model = model(&["https://web1/load"]);
    for number in 0..1000 {
        let check = format!("other{number}");
        model.apply(0, run(&check, &load(number * 100, 1.0)), at(0));
        model.apply(0, line(&LiveLine::Ended { check: check.into(), why: "gone".into() }), at(0));
        model.apply(
            0,
            line(&LiveLine::Ended { check: "load".into(), why: number.to_string().into() }),
            at(0),
        );
    }
    assert_eq!((model.hosts[0].checks.len(), model.hosts[0].missing_count()), (0, 1));
    assert!(drawn(&model, LARGE, BRAILLE).contains("load: 999"));
}

#[test]
fn runs_that_were_not_made_part_the_line() {
    let mut model = model(&["load"]);
    for tick in 0..20 {
        let mut one = load(tick * 200, 1.0);
        if tick == 10 {
            one.reason = Reason::Missed;
            one.metrics.clear();
        }
        model.apply(0, run("load", &one), at(0));
    }
    let picture = model.picture(at(4000), (600, 60));
    assert_eq!(picture.series[0].columns.iter().flatten().filter(|column| column.after_gap).count(), 1);
}

fn asking(query: &str, checks: &[&'static str], unit: &'static str) -> Event {
    let checks = checks.iter().map(|check| (*check).into()).collect();
    line(&LiveLine::Asking { query: query.into(), checks, unit: unit.into() })
}

fn answer(query: &str, ms: i64, values: &[(&str, f64)]) -> Event {
    let series = values.iter().map(|(host, value)| AnsweredSeries {
        labels: [("host".into(), (*host).into())].into(),
        value: value.is_finite().then_some(*value),
    });
    line(&LiveLine::Answer(LiveAnswer {
        query: query.into(),
        time_ms: NOON + ms,
        watched: true,
        series: series.collect(),
        left_out: 0,
    }))
}

#[test]
fn an_expression_is_drawn_with_its_series_and_their_gaps() {
    let query = "rate(net{metric=\"in\"}[1m])";
    let mut model = model(&[&format!("https://web1/{query}")]);
    assert_eq!((model.asked(0), model.asked_queries(0)), (vec![query.to_owned()], vec![query.to_owned()]));
    let ended =
        |check: &'static str| line(&LiveLine::Ended { check: check.into(), why: "no such check".into() });
    model.apply(0, asking(query, &["net"], "B/s"), at(0));
    model.apply(0, ended("rate(net{metric=\"in\"}[1m])"), at(0));
    model.apply(0, watching("net"), at(0));
    for tick in 0..600 {
        let one = [("a", 1000.0), ("b", 3000.0)];
        let of = if (200..300).contains(&tick) { &one[..1] } else { &one[..] };
        model.apply(0, answer(query, tick * 200, of), at(tick * 200));
    }
    let text = drawn(&model, SMALL, BRAILLE);
    assert!(text.contains("web1/{host=\"a\"}  min 1 kB/s  avg 1 kB/s"), "{text}");
    assert!(text.contains("web1/{host=\"b\"}  min 3 kB/s"), "{text}");
    assert!(!text.contains("no such check") && !text.contains("no series"), "{text}");
    // Nothing more is asked for, and what it selects may be said not to be run so often.
    model.apply(
        0,
        line(&LiveLine::Watching {
            check: "net".into(),
            interval_ms: None,
            every_ms: None,
            note: "as rarely".into(),
        }),
        at(0),
    );
    model.apply(0, answer(query, 120_000, &[]), at(0));
    let text = drawn(&model, SMALL, BRAILLE);
    assert!(text.contains("no series has a value now") && text.contains("net: as rarely"), "{text}");
    model.apply(0, line(&LiveLine::Refused { query: query.into(), why: "it took too long".into() }), at(0));
    assert!(drawn(&model, SMALL, BRAILLE).contains("it took too long"));
}

#[test]
fn a_check_of_that_name_comes_before_an_expression() {
    let mut model = model(&["https://web1/disk(root)", "https://web1/sum(load)"]);
    assert_eq!(model.asked_queries(0), ["sum(load)"], "what is no expression is not asked as one");
    assert!(model.apply(0, asking("sum(load)", &["load"], ""), at(0)));
    let reconnects = !model.apply(0, watching("sum(load)"), at(0));
    assert!(reconnects, "it is not answered beside");
    assert!(model.asked_queries(0).is_empty());
    // A host of an older version knows nothing of expressions.
    let mut model = super::tests::model(&["https://web1/sum(load)"]);
    let why = "there is no check called sum(load)";
    model.apply(0, line(&LiveLine::Ended { check: "sum(load)".into(), why: why.into() }), at(0));
    assert!(drawn(&model, SMALL, BRAILLE).contains(why));
}

#[test]
fn what_a_host_answers_has_bounds_and_cannot_steer_a_terminal() {
    let query = "sum(load)";
    let mut model = model(&[&format!("ssh://web1/{query}")]);
    let checks: Vec<&str> = vec!["\u{1b}[2J"; 100_000];
    model.apply(0, asking(query, &checks, "\u{202e}\u{1b}]0;x\u{7}"), at(0));
    for number in 0..3 * WATCH_CURVES_MAX as i64 {
        let name = format!("\u{1b}[31m\u{202e}{number}");
        let event = answer(query, number, &[(&name, 1e308), ("inf", f64::INFINITY)]);
        model.apply(0, event, at(number));
        model.apply(0, answer("another", number, &[("a", 1.0)]), at(number));
    }
    for time_ms in [i64::MIN, i64::MAX, 0] {
        model.apply(0, answer(query, time_ms.saturating_sub(NOON), &[("a", -1e308)]), at(0));
    }
    let text = drawn(&model, LARGE, BRAILLE);
    assert!(
        text.contains("more series are not drawn; select fewer") || text.contains("panels 1 to"),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text:?}");
}

#[test]
fn no_terminal_is_too_small() {
    let mut model = two_hosts();
    model.apply(1, Event::Failed { why: "日本語 \u{301}".repeat(50), again_ms: 1 }, at(0));
    for help in [false, true] {
        for (width, height) in (0..60).flat_map(|width| (0..30).map(move |height| (width, height))) {
            for looks in [BRAILLE, ASCII] {
                let lines = model.screen(at(120_000), Size { width, height }, looks);
                assert!(lines.len() <= height.max(1), "{width} x {height}: {} lines", lines.len());
                let wide = |line: &crate::graph::Line| line.width() > width.max(3);
                assert!(!lines.iter().any(wide), "{width} x {height}, help {help}");
            }
        }
        model.act(Act::Help, at(0));
    }
}
