//! Pages as expected text, and what keys and the mouse do.
//!
//! `CUSTOS_WRITE_GOLDEN=1` writes the expected texts anew.

mod said;

use custos_store::{Bounds, Metric, Run, Standing, State, Value};
use jiff::Zoned;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use tempfile::TempDir;

use super::asker::News;
use super::check::{Check, Muted};
use super::draw::draw;
use super::model::{AgentView, Answered, Deed, Model, View};
use super::source::Source;
use crate::cli::stage::{self, NOON};
use crate::control::{AgentStatus, NotifyRequest, Request};
use crate::graph::Glyphs;
use crate::part::{Finding, Part};
use crate::terminal::{Event, Key, Look, Mouse, MouseKind};

const LOW: Rect = Rect::new(0, 0, 80, 24);
const LARGE: Rect = Rect::new(0, 0, 200, 60);

/// Checks as they may be at night: one that is full, one not confirmed, one that steers terminals, one in wide characters.
fn store() -> TempDir {
    let metric = |label: &str, value: f64, crit: Option<f64>| Metric {
        crit: crit.map(|end| Bounds { start: 0.0, end, inside: false }),
        ..Metric::new(label, Value::from(value))
    };
    stage::store(|writer| {
        for tick in 0..60_i64 {
            let time_ms = NOON - 600_000 + tick * 10_000;
            let load = if tick == 40 { 9.0 } else { 1.0 + (tick % 7) as f64 / 4.0 };
            let run = Run {
                time_ms,
                duration_us: 12_345,
                cpu_us: Some(4000),
                exit_code: Some(0),
                text: format!("LOAD OK - {load}"),
                metrics: vec![metric("load1", load, Some(8.0))],
                standing: Standing { hard: true, since_ms: NOON - 600_000, ..Standing::default() },
                ..Run::default()
            };
            writer.append(&[("load", &run)]).unwrap();
            let since_ms = if tick < 30 { NOON - 600_000 } else { NOON - 300_000 };
            let full = tick >= 30;
            let state = if full { State::Critical } else { State::Ok };
            let run = Run {
                time_ms: time_ms + 1000,
                duration_us: 2_000_000,
                cpu_us: Some(31_000),
                state,
                plugin_state: State::Ok,
                exit_code: Some(0),
                text: "DISK OK - /var is there".into(),
                long_text: "/var 307MiB\n/ 8627MiB".into(),
                stderr: if full { "warning: slow\u{1b}[2J".into() } else { String::new() },
                judgement: if full { "CRITICAL: free is 3%, outside 5%:".into() } else { String::new() },
                metrics: vec![metric("free", (60 - tick) as f64, None)],
                standing: Standing {
                    hard: tick != 30,
                    attempt: if full { 2 } else { 1 },
                    hard_state: if tick > 30 { State::Critical } else { State::Ok },
                    since_ms,
                    ..Standing::default()
                },
                ..Run::default()
            };
            writer.append(&[("disk /var", &run)]).unwrap();
        }
        let soft = Run {
            time_ms: NOON - 3000,
            duration_us: 700,
            state: State::Warning,
            plugin_state: State::Warning,
            exit_code: Some(1),
            text: "日本語 \u{1b}[31m\u{202e} is hostile".into(),
            standing: Standing {
                hard: false,
                attempt: 1,
                hard_state: State::Ok,
                since_ms: NOON - 3000,
                ..Standing::default()
            },
            ..Run::default()
        };
        writer.append(&[("evil\u{1b}]0;x\u{7}", &soft)]).unwrap();
    })
}

fn noon() -> Zoned {
    jiff::Timestamp::from_millisecond(NOON).unwrap().to_zoned(jiff::tz::TimeZone::UTC)
}

/// A model of that store, as the edge would have it before it draws.
fn model(glyphs: Glyphs, area: Rect) -> (TempDir, Source, Model) {
    let directory = store();
    let mut source =
        Source::open(directory.path(), None).unwrap_or_else(|failure| panic!("{}", failure.message));
    let mut model = Model::new("web1".into(), "kim".into(), glyphs, noon());
    source.refresh(&mut model).unwrap();
    prepare(&source, &mut model, area);
    (directory, source, model)
}

fn prepare(source: &Source, model: &mut Model, area: Rect) {
    model.arrange(area);
    let shown = model.shown(area);
    source.read_recent(model, &shown);
    source.read_story(model, usize::from(area.width));
}

fn page(model: &mut Model, area: Rect) -> String {
    let mut page = Buffer::empty(area);
    draw(model, &mut page);
    Look { glyphs: model.glyphs, color: true }.mute(&mut page);
    let mut text = String::new();
    for y in 0..area.height {
        let mut x = 0;
        let mut line = String::new();
        while x < area.width {
            let symbol = page[(x, y)].symbol();
            line.push_str(symbol);
            x += crate::text::width::width(symbol).max(1) as u16;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    assert!(
        !text.contains(|c: char| c != '\n' && crate::text::is_unsafe(c)),
        "it steers a terminal: {text:?}"
    );
    text
}

fn press(model: &mut Model, key: Key) -> Option<Deed> {
    let deed = model.take(Event::Key(key), LOW);
    model.arrange(LOW);
    deed
}

fn type_text(model: &mut Model, text: &str) {
    for character in text.chars() {
        assert_eq!(press(model, Key::Char(character)), None);
    }
}

fn golden(name: &str, shown: &str) {
    let path = format!("{}/src/cli/top/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CUSTOS_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == shown, "{name} is not as expected:\n{shown}");
}

#[test]
fn pages_of_all_sizes_and_characters_are_as_expected() {
    for (size, area) in [("80x24", LOW), ("200x60", LARGE)] {
        for (kind, glyphs) in [("utf8", Glyphs::Braille), ("ascii", Glyphs::Ascii)] {
            let (_directory, source, mut model) = model(glyphs, area);
            golden(&format!("list_{size}_{kind}"), &page(&mut model, area));
            model.take(Event::Key(Key::Enter), area);
            prepare(&source, &mut model, area);
            golden(&format!("check_{size}_{kind}"), &page(&mut model, area));
        }
    }
}

#[test]
fn no_size_is_too_small() {
    let (_directory, source, mut model) = model(Glyphs::Braille, LOW);
    let check = |name: &str, scroll| View::Check { name: name.into(), scroll };
    let views = [View::List, check("load", 1000), check("disk /var", 0), View::Help(Box::new(View::List))];
    for view in views {
        for (width, height) in (0..90).zip((0..30).cycle()) {
            let area = Rect::new(0, 0, width, height);
            model.view = view.clone();
            prepare(&source, &mut model, area);
            let mut buffer = Buffer::empty(area);
            draw(&mut model, &mut buffer);
        }
    }
    let area = Rect::new(0, 0, 39, 7);
    assert!(page(&mut model, area).starts_with("custos top needs 40 x 8\n"));
}

#[test]
fn keys_stay_with_a_check_that_moves() {
    let (_directory, _source, mut model) = model(Glyphs::Braille, LOW);
    let shown = |model: &Model| -> Vec<String> { model.shown(LOW) };
    assert_eq!(shown(&model)[..2], ["disk /var", "evil\u{1b}]0;x\u{7}"]);
    press(&mut model, Key::End);
    assert_eq!(model.cursor(), 2);
    press(&mut model, Key::Char('N'));
    assert_eq!(shown(&model), ["disk /var", "evil\u{1b}]0;x\u{7}", "load"]);
    press(&mut model, Key::Char('N'));
    assert_eq!((model.cursor(), model.reversed), (0, true), "load is first now");
    press(&mut model, Key::Char('T'));
    assert_eq!(shown(&model)[0], "disk /var");
    press(&mut model, Key::Char('C'));
    assert_eq!(shown(&model), ["disk /var", "load", "evil\u{1b}]0;x\u{7}"]);
    press(&mut model, Key::Enter);
    assert_eq!(model.open().map(|(name, _)| name), Some("load"));
    press(&mut model, Key::Tab);
    assert_eq!(model.open().map(|(name, _)| name), Some("evil\u{1b}]0;x\u{7}"));
    press(&mut model, Key::Char('h'));
    assert_eq!(model.open(), None);
}

#[test]
fn a_filter_is_typed_and_taken_back() {
    let (_directory, _source, mut model) = model(Glyphs::Braille, LOW);
    press(&mut model, Key::Char('/'));
    type_text(&mut model, "DISKq");
    assert_eq!(model.shown(LOW).len(), 0);
    press(&mut model, Key::Backspace);
    assert_eq!(model.shown(LOW), ["disk /var"]);
    press(&mut model, Key::Enter);
    assert!(page(&mut model, LOW).contains("with \"DISK\", 1 of 3"));
    assert_eq!(press(&mut model, Key::Esc), None);
    assert_eq!(model.shown(LOW).len(), 3);
    press(&mut model, Key::Char('p'));
    assert_eq!(model.shown(LOW).len(), 2);
    assert_eq!(press(&mut model, Key::Char('q')), Some(Deed::Quit));
}

#[test]
fn the_mouse_points_at_heads_and_rows() {
    let (_directory, _source, mut model) = model(Glyphs::Braille, LOW);
    let click = |x, y| Event::Mouse(Mouse { kind: MouseKind::Press, x, y });
    let titles = model.places(LOW).titles;
    let at = page(&mut model, LOW).lines().nth(usize::from(titles)).unwrap().find("CHECK").unwrap() as u16;
    // The mark behind the sorted column is one column, and three bytes.
    model.take(click(at - 2, titles), LOW);
    model.arrange(LOW);
    assert_eq!(model.sort, super::sort::SortBy::Name);
    model.take(click(20, titles + 3), LOW);
    assert_eq!((model.cursor(), model.open()), (2, None));
    model.take(click(20, titles + 3), LOW);
    assert_eq!(model.open().map(|(name, _)| name), Some("load"));
    model.take(Event::Mouse(Mouse { kind: MouseKind::WheelDown, x: 0, y: 0 }), LOW);
    assert!(matches!(model.view, View::Check { scroll: 3, .. }));
}

#[test]
fn the_agent_is_asked_for_what_somebody_wants() {
    let (_directory, _source, mut model) = model(Glyphs::Braille, LOW);
    press(&mut model, Key::Char('a'));
    type_text(&mut model, "known");
    let matchers = vec!["\"disk /var\"".to_owned()];
    let (author, comment) = ("kim".to_owned(), "known".to_owned());
    let ack = NotifyRequest::Ack { matchers: matchers.clone(), author: author.clone(), comment };
    assert_eq!(press(&mut model, Key::Enter), Some(Deed::Ask("ack disk /var".into(), Request::Notify(ack))));
    press(&mut model, Key::Char('s'));
    assert_eq!(press(&mut model, Key::Enter), None);
    let (until_ms, comment) = (NOON + 7_200_000, String::new());
    let silence = NotifyRequest::Silence { matchers, from_ms: None, until_ms, author, comment };
    let asked = Some(Deed::Ask("silence disk /var".into(), Request::Notify(silence)));
    assert_eq!(press(&mut model, Key::Enter), asked);
    let run = Some(Deed::Ask("run disk /var".into(), Request::Run("disk /var".into())));
    assert_eq!(press(&mut model, Key::Char('r')), run.clone());
    assert_eq!(press(&mut model, Key::Char('r')), run);
    assert_eq!(press(&mut model, Key::Char('r')), None, "as many are under way as may be");
    model.answered(answered("run disk /var", "OK", true));
    assert!(press(&mut model, Key::Char('r')).is_some());
}

fn answered(what: &str, said: &str, done: bool) -> Answered {
    Answered { what: what.into(), said: said.into(), done }
}

#[test]
fn what_is_sorted_by_is_shown_on_a_narrow_page() {
    let (_directory, _source, mut model) = model(Glyphs::Ascii, LOW);
    let titles = |model: &mut Model| page(model, LOW).lines().nth(2).unwrap().to_owned();
    assert!(!titles(&mut model).contains("TIME") && !titles(&mut model).contains("CPU"));
    press(&mut model, Key::Char('C'));
    assert!(titles(&mut model).contains("CPUv"));
    press(&mut model, Key::Char('T'));
    assert!(titles(&mut model).contains("TIMEv") && !titles(&mut model).contains("CPU"));
}

#[test]
fn a_check_without_metrics_shows_its_states() {
    let (_directory, source, mut model) = model(Glyphs::Ascii, LOW);
    press(&mut model, Key::Down);
    assert!(page(&mut model, LOW).lines().any(|line| line.starts_with("WARNING") && line.contains("  w ")));
    press(&mut model, Key::Enter);
    prepare(&source, &mut model, LOW);
    let shown = page(&mut model, LOW);
    assert!(
        shown.contains("STATES over time") && shown.contains("w warn") && !shown.contains("no samples"),
        "{shown}"
    );
}

#[test]
fn texts_of_runs_go_on_below_their_beginning() {
    let directory = stage::store(|writer| {
        let text = "words ".repeat(20);
        let run = Run { time_ms: NOON - 5000, text: text.clone(), stderr: text, ..Run::default() };
        writer.append(&[("a", &run)]).unwrap();
    });
    let mut source =
        Source::open(directory.path(), None).unwrap_or_else(|failure| panic!("{}", failure.message));
    let mut model = Model::new("h".into(), "kim".into(), Glyphs::Ascii, noon());
    source.refresh(&mut model).unwrap();
    model.arrange(LARGE);
    let narrow = Rect::new(0, 0, 60, 60);
    press(&mut model, Key::Enter);
    prepare(&source, &mut model, narrow);
    let shown = page(&mut model, narrow);
    let of_runs =
        shown.split("RUNS, the newest first").nth(1).unwrap().split("CHANGES OF STATE").next().unwrap();
    let lines: Vec<&str> = of_runs.lines().filter(|line| line.contains("words")).collect();
    assert_eq!(of_runs.matches("words").count(), 40, "{shown}");
    assert!(lines.len() > 4 && lines.iter().all(|line| line.starts_with("    ")), "{shown}");
}

#[test]
fn the_agent_goes_and_comes_back() {
    let (_directory, mut source, mut model) = model(Glyphs::Braille, LOW);
    source.hear(News::Gone("no agent is running".into()), &mut model);
    prepare(&source, &mut model, LOW);
    assert!(page(&mut model, LOW).contains("no agent is running; shown is what was stored"));
    let part = Part {
        findings: (0..5).map(|number| Finding::Warning(format!("trouble\u{1b} {number}"))).collect(),
        ..Part::new("sinks")
    };
    let row = |check: &str| crate::agent::Row {
        check: check.into(),
        next_ms: Some(NOON + 5000),
        running: false,
        running_since_ms: None,
        max_check_attempts: 3,
        last: None,
    };
    let status = AgentStatus {
        pid: 7,
        started_ms: NOON - 61_000,
        rows: vec![row("load"), row("new")],
        parts: vec![part],
    };
    source.hear(News::Agent(Box::new(status), None), &mut model);
    source.refresh(&mut model).unwrap();
    prepare(&source, &mut model, LOW);
    assert_eq!(model.agent, AgentView::Runs { pid: 7, started_ms: NOON - 61_000 });
    let shown = page(&mut model, LOW);
    assert!(shown.contains("agent up 1m 1s, pid 7"), "{shown}");
    assert!(shown.contains("sinks: trouble\\u{1b} 0\n") && shown.contains("and 2 more"), "{shown}");
    assert_eq!(model.shown(LOW), ["new", "load"], "the agent says which checks there are");
    assert!(shown.contains("PENDING"), "{shown}");
}

#[test]
fn new_runs_are_taken_in_where_they_come() {
    let directory = stage::store(|writer| {
        writer.append(&[("a", &Run { time_ms: NOON - 5000, text: "one".into(), ..Run::default() })]).unwrap();
    });
    let mut source =
        Source::open(directory.path(), None).unwrap_or_else(|failure| panic!("{}", failure.message));
    let mut model = Model::new("h".into(), "kim".into(), Glyphs::Ascii, noon());
    source.refresh(&mut model).unwrap();
    let mut writer = custos_store::Writer::open(directory.path(), custos_store::Options::default()).unwrap();
    let two = Run { time_ms: NOON - 1000, text: "two".into(), cpu_us: Some(5), ..Run::default() };
    writer.append(&[("a", &two), ("b", &two), ("a@watched", &two)]).unwrap();
    writer.close().unwrap();
    source.refresh(&mut model).unwrap();
    let names: Vec<&str> = model.checks.iter().map(|check| check.row.check.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(model.checks.iter().all(|check| check.row.text == "two" && check.cpu_us == Some(5)));
}

#[test]
fn what_nobody_is_told_is_noted() {
    let mut check = Check::new(crate::cli::status::StatusRow::pending("x"));
    assert_eq!(check.note(), "");
    check.row.severity = Some(State::Warning);
    (check.row.state_type, check.row.attempt, check.row.max_check_attempts) = ("SOFT", 2, Some(3));
    assert_eq!(check.note(), "2/3");
    check.row.max_check_attempts = Some(100);
    assert_eq!(check.note(), "soft");
    check.muted = Some(Muted::Silenced(String::new()));
    assert_eq!(check.note(), "sil");
}

fn silence(id: u64, until_ms: i64, of: &str, comment: &str) -> crate::notify::Silence {
    crate::notify::Silence {
        id,
        matchers: vec![of.to_owned()],
        from_ms: NOON - 1000,
        until_ms,
        remark: crate::notify::Remark { author: "kim".to_owned(), comment: comment.to_owned() },
    }
}

#[test]
fn silences_are_listed_and_ended_after_asking() {
    let (_directory, _source, mut model) = model(Glyphs::Ascii, LOW);
    press(&mut model, Key::Char('z'));
    assert!(page(&mut model, LOW).contains("without an agent nobody knows the silences"));
    assert_eq!(press(&mut model, Key::Char('x')), None);
    assert_eq!(model.prompt, None);
    let hour = NOON + 3_600_000;
    let hostile = silence(9, hour + 2, "evil\u{1b}[2J", "\u{202e}\u{7}");
    model.set_silences(Some(vec![
        silence(4, hour, "check=load", "disk swap"),
        silence(7, hour + 1, "a", ""),
        hostile,
    ]));
    press(&mut model, Key::Down);
    let shown = page(&mut model, LOW);
    assert!(shown.contains("4       2026-11-22 13:00:00 check=load, by kim: disk swap"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown:?}");
    // One that ends meanwhile leaves what is chosen as it is.
    model.set_silences(Some(vec![silence(7, hour + 1, "a", ""), silence(9, hour + 2, "b", "")]));
    press(&mut model, Key::Char('x'));
    assert!(page(&mut model, LOW).contains("End silence 7 of a? y or n"));
    assert_eq!(press(&mut model, Key::Char('n')), None);
    assert_eq!(model.prompt, None);
    press(&mut model, Key::Delete);
    let expire = Request::Notify(NotifyRequest::Expire(7));
    assert_eq!(press(&mut model, Key::Char('y')), Some(Deed::Ask("silence expire 7".to_owned(), expire)));
    (0..50).for_each(|_| drop(press(&mut model, Key::Down)));
    assert_eq!(model.view, View::Silences { at: 1 });
    // They need not fit.
    let many = (0..100).map(|id| silence(id, hour, "c", "")).collect();
    model.set_silences(Some(many));
    press(&mut model, Key::End);
    assert!(page(&mut model, LOW).contains("\n99 "), "{}", page(&mut model, LOW));
    press(&mut model, Key::Esc);
    assert_eq!(model.view, View::List);
}

#[test]
fn what_else_changed_is_looked_for_and_given_up() {
    let (_directory, source, mut model) = model(Glyphs::Ascii, LOW);
    assert_eq!(press(&mut model, Key::Char('w')), None, "a check has to be open");
    press(&mut model, Key::Enter);
    let name = model.open().unwrap().0.to_owned();
    assert_eq!(press(&mut model, Key::Char('w')), Some(Deed::Search(name.clone())));
    prepare(&source, &mut model, LOW);
    assert!(model.is_searching());
    assert!(page(&mut model, LOW).contains("is looked for; w gives that up"));
    assert_eq!(press(&mut model, Key::Char('w')), None);
    assert!(!model.is_searching());
    // What comes of something that nobody waits for any more is nothing.
    model.told_why(&name, Ok("too late".to_owned()));
    assert!(!page(&mut model, LOW).contains("too late"));
    press(&mut model, Key::Char('w'));
    model.told_why(&name, Ok("load:load1 1 -> 9\nfirst: load\u{1b}[2J\n".to_owned()));
    let shown = page(&mut model, LOW);
    assert!(shown.contains("load:load1 1 -> 9\nfirst: load") && !shown.contains('\u{1b}'), "{shown}");
    press(&mut model, Key::Char('w'));
    press(&mut model, Key::Esc);
    assert!(!model.is_searching(), "who leaves the check waits for nothing");
}

#[test]
fn what_is_told_of_a_check_is_what_custos_why_tells() {
    let directory = store();
    let style = crate::cli::style::Style {
        color: false,
        glyphs: Glyphs::Ascii,
        terminal: true,
        width: 80,
        height: 24,
    };
    let told = |is_cancelled: bool| {
        let told = crate::cli::why::told(directory.path(), "disk /var", &noon(), style, &|| is_cancelled);
        told.map_err(|failure| failure.message)
    };
    let text = told(false).unwrap();
    assert!(text.contains(" before, 2 metrics\n"), "{text}");
    assert!(told(true).is_err(), "it can be given up");
    let nowhere = crate::cli::why::told(std::path::Path::new("/nonexistent"), "x", &noon(), style, &|| false);
    assert!(nowhere.is_err());
}

#[test]
fn a_store_that_is_replaced_is_followed() {
    let place = tempfile::tempdir().unwrap();
    let (store, away) = (place.path().join("store"), place.path().join("away"));
    let append = |check: &str| {
        let mut writer = custos_store::Writer::open(&store, custos_store::Options::default()).unwrap();
        let run = Run { time_ms: NOON - 1000, text: format!("OK {check}"), ..Run::default() };
        writer.append(&[(check, &run)]).unwrap();
    };
    append("before");
    let mut source = Source::open(&store, None).unwrap_or_else(|failure| panic!("{}", failure.message));
    let mut model = Model::new("web1".into(), "kim".into(), Glyphs::Ascii, noon());
    let mut shown = |source: &mut Source| {
        let said = source.refresh(&mut model);
        prepare(source, &mut model, LOW);
        (said.err(), page(&mut model, LOW))
    };
    assert!(shown(&mut source).1.contains("OK before"));
    std::fs::rename(&store, &away).unwrap();
    let (said, page) = shown(&mut source);
    assert!(said.is_some_and(|said| said.starts_with("failed to open the store anew: ")));
    assert!(page.contains("OK before"), "what is known is shown: {page}");
    append("afterwards");
    let (said, page) = shown(&mut source);
    assert_eq!(said, None);
    assert!(page.contains("OK afterwards") && !page.contains("OK before"), "{page}");
    // It is followed on.
    append("later");
    assert!(shown(&mut source).1.contains("OK later"));
    // The same store elsewhere is the same.
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    assert!(shown(&mut source).1.contains("OK before"));
}
