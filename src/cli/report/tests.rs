//! The command, on a store with a problem, a gap, and words that are markup.

use custos_store::{Metric, Run, Standing, State, Value, Writer};

use super::run::answer;
use crate::cli::read::Failure;
use crate::cli::stage::{self, NOON};
use crate::timeline::{Marks, TimelineNote};

const MINUTE: i64 = 60_000;
const HOSTILE: &str = "</td><script>alert(1)</script>\u{1b}[2J`|*x*";

/// Two hours up to noon, a run each minute. Half an hour before noon `load` is CRITICAL for ten minutes, and `disk` has no run for
/// twenty.
fn store() -> tempfile::TempDir {
    let store = stage::store(|writer: &mut Writer| {
        for minute in 0..120 {
            let (time_ms, left) = (NOON - (120 - minute) * MINUTE, 120 - minute);
            let standing = Standing { hard: true, attempt: 1, hard_state: State::Ok, ..Standing::default() };
            let metrics = vec![Metric::new("load1", Value::from(if left <= 30 { 9.0 } else { 1.0 }))];
            let mut load = Run { time_ms, standing, metrics, ..Run::default() };
            let disk = Run { metrics: Vec::new(), ..load.clone() };
            if (21..=30).contains(&left) {
                (load.state, load.standing.hard_state) = (State::Critical, State::Critical);
                load.text = HOSTILE.to_owned();
            }
            writer.append(&[("load", &load)]).unwrap();
            if !(41..=60).contains(&left) {
                writer.append(&[("disk", &disk)]).unwrap();
            }
        }
        let told = Run {
            time_ms: NOON - 30 * MINUTE + 2000,
            state: State::Critical,
            text: "pager was told: load CRITICAL".to_owned(),
            ..Run::default()
        };
        writer.append(&[("load@told", &told)]).unwrap();
    });
    let (author, text) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    let of = |number| TimelineNote { number, time_ms: NOON - 35 * MINUTE, check: None, author, text };
    Marks::add(store.path(), of).unwrap();
    store
}

fn shown(line: &[&str]) -> Result<String, Failure> {
    stage::shown(&store(), line, |args, now, _, out| answer(args, now, out))
}

#[test]
fn a_report_says_what_was_wrong_when_and_what_was_not_observed() {
    let shown = shown(&["--since", "11:10", "--until", "12:59"]).unwrap();
    assert!(shown.contains("1 problem of 2 checks, "), "{shown}");
    let problem = "2026-11-22 12:30:00  load  CRITICAL  10m  </td><script>alert(1)</script>\\u{1b}[2J`|*x*\n";
    assert!(shown.contains(problem), "{shown}");
    let order = [
        "\nPROBLEMS\n",
        "\nTIMELINE\n",
        "note by ",
        "OK to CRITICAL",
        "12:30:02  load  pager was told: load CRITICAL",
        "\nGRAPHS\n",
        "load:load1  min 1 ",
        "\nNOT OBSERVED\n",
    ];
    let places: Vec<usize> =
        order.iter().map(|part| shown.find(part).unwrap_or_else(|| panic!("{part}: {shown}"))).collect();
    assert!(places.is_sorted(), "{shown}");
    let gaps = &shown[places[places.len() - 1]..];
    assert!(gaps.contains("  disk  ") && !gaps.contains("load"), "{gaps}");
    assert!(self::shown(&["--since", "12:00", "--until", "11:00"]).is_err());
}

#[test]
fn nothing_of_a_text_is_markup_in_any_format() {
    let html = shown(&["--since", "11:10", "--html"]).unwrap();
    assert!(html.contains("&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\u{1b}[2J`|*x*"), "{html}");
    assert!(!html.contains("<script") && !html.contains('\u{1b}'), "{html}");
    assert!(html.contains("default-src 'none'") && html.contains("<svg ") && html.ends_with("</html>\n"));
    // What it names lies within it.
    let elsewhere = html.replace("url(#hatched)", "");
    for loads in ["src=", "href=", "url(", "@import"] {
        assert!(!elsewhere.contains(loads), "{loads}");
    }
    let markdown = shown(&["--since", "11:10", "--md"]).unwrap();
    assert!(markdown.contains(r"\<script\>") && !markdown.contains('\u{1b}'), "{markdown}");
    // In tables each row has the cells of its head.
    let cells = |line: &str| line.replace(r"\|", "").matches('|').count();
    let rows: Vec<usize> = markdown.lines().filter(|line| line.contains("CRITICAL")).map(cells).collect();
    assert!(rows.contains(&6) && rows.contains(&4), "{markdown}");
}

#[test]
fn the_long_view_says_what_grows_and_when_it_is_full() {
    const HOUR: i64 = 60 * MINUTE;
    let store = stage::store(|writer: &mut Writer| {
        for hour in 0..6 * 7 * 24 {
            let time_ms = NOON - (6 * 7 * 24 - hour) * HOUR + HOUR / 2;
            let used = Metric { max: Some(1500.0), ..Metric::new("used", Value::from(hour as f64)) };
            // Busy on Mondays at noon.
            let load = if hour % 168 == 23 { 9.0 } else { 1.0 };
            let metrics = vec![used, Metric::new("load", Value::from(load))];
            writer.append(&[("disk", &Run { time_ms, metrics, ..Run::default() })]).unwrap();
        }
    });
    let report =
        |line: &[&str]| stage::shown(&store, line, |args, now, _, out| answer(args, now, out)).unwrap();
    let shown = report(&["--since", "-43d", "--capacity"]);
    assert!(shown.lines().next().unwrap().contains(": capacity, "), "{shown}");
    assert!(shown.contains("\n6 weeks from 2026-10-11 "), "{shown}");
    let lines: Vec<&str> = shown.lines().skip(2).collect();
    // What may be full comes first.
    assert!(
        lines[0].starts_with("disk:used") && lines[0].contains("+168") && lines[0].contains("1500 at 2026-"),
        "{shown}"
    );
    assert!(lines[1].starts_with("disk:load") && !lines[1].contains(" at "), "{shown}");
    assert!(report(&["--since", "-3d", "--capacity"]).contains("Two whole weeks at least"));
    assert!(report(&["--since", "-43d", "--capacity", "--html"]).contains("<th>busiest</th>"));
}
