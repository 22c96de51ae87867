//! Single scenes.

use custos_store::disk::SimDisk;
use custos_store::{Position, repair_on};

use super::stage::Stage;
use crate::feed::read::{Asked, Feed, FeedOptions, From, Loss, Notice, Order, Selection};

fn options(order: Order) -> FeedOptions {
    FeedOptions { name: Some("sink".to_owned()), order, ..FeedOptions::default() }
}

#[test]
fn the_newest_come_at_once_beside_a_backlog() {
    let mut stage = Stage::new(options(Order::Beside));
    stage.append(2000);
    stage.writer().compact().unwrap();
    stage.open_feed();
    assert!(stage.take());
    let first: Vec<u64> = stage.got.keys().map(|got| got.0).collect();
    assert!(first[0] < 50, "the backlog is read from its beginning");
    stage.append(3);
    assert!(stage.take());
    let newest: Vec<u64> = stage.got.keys().rev().take(3).map(|got| got.0).collect();
    assert_eq!(newest, [2002, 2001, 2000]);
    let lag = stage.feed().lag().unwrap();
    assert_eq!((lag.position, lag.end), (Position(2000), Position(2003)));
    assert!(stage.feed().is_catching_up());
    stage.drain();
    stage.assert_all("all");
    stage.assert_once("all");
    let lag = stage.feed().lag().unwrap();
    assert_eq!((lag.position, lag.runs, lag.owed_runs), (Position(2003), 0, 0));
    assert!(!stage.feed().is_catching_up());
}

#[test]
fn where_a_feed_begins() {
    for (from, first) in [
        (From::Start, 0),
        (From::Position(Position(700)), 700),
        (From::Time(900_000), 899),
        (From::End, 1000),
        (From::Time(i64::MAX), 1000),
    ] {
        for order in [Order::InOrder, Order::Beside] {
            let mut stage = Stage::new(FeedOptions { from, ..options(order) });
            stage.append(1000);
            stage.writer().compact().unwrap();
            stage.open_feed();
            stage.append(1);
            stage.drain();
            let numbers: Vec<u64> = stage.got.keys().map(|got| got.0).collect();
            assert_eq!(numbers, (first..1001).collect::<Vec<u64>>(), "{from:?} {order:?}");
            // There is a cursor now.
            stage.open_feed();
            assert!(!stage.take(), "{from:?} {order:?}");
        }
    }
}

#[test]
fn a_position_that_the_store_does_not_reach_is_refused() {
    let mut stage = Stage::new(options(Order::InOrder));
    stage.append(10);
    for (position, fits) in [(10, true), (11, false), (u64::MAX, false)] {
        let begun =
            FeedOptions { name: None, from: From::Position(Position(position)), ..options(Order::InOrder) };
        let opened = Feed::open_on(std::sync::Arc::new(stage.disk.clone()), begun);
        match opened {
            Ok(_) => assert!(fits, "{position}"),
            Err(error) => assert!(!fits && error.to_string().contains("the store ends at 10"), "{error}"),
        }
    }
}

#[test]
fn a_cursor_remembers_the_newest_run_though_older_ones_came_since() {
    let mut stage = Stage::new(options(Order::InOrder));
    // Run 13 is 50 s older than its neighbours.
    stage.append(13);
    stage.open_feed();
    stage.drain();
    stage.feed().save().unwrap();
    stage.open_feed();
    let lag = stage.feed().lag().unwrap();
    assert_eq!(lag.last_ms, Some(-37_000));
    stage.append(1);
    stage.drain();
    stage.feed().save().unwrap();
    stage.open_feed();
    let lag = stage.feed().lag().unwrap();
    assert_eq!((lag.last_ms, lag.newest_ms), (Some(14_000), Some(14_000)));
    stage.append(12);
    stage.drain();
    stage.feed().save().unwrap();
    stage.open_feed();
    let lag = stage.feed().lag().unwrap();
    assert_eq!((lag.last_ms, lag.newest_ms), (Some(-24_000), Some(14_000)));
}

#[test]
fn no_more_runs_are_owed_than_there_are() {
    let mut stage = Stage::new(options(Order::Beside));
    // Each writer that was killed leaves a hole in the numbers.
    for _ in 0..4 {
        stage.append(50);
        stage.writer().compact().unwrap();
        stage.drop_writer();
        stage.open_writer();
    }
    stage.open_feed();
    stage.drain();
    let of_load = (1..=200).filter(|n| super::stage::check(*n) == "load").count() as u64;
    for round in 1..=3 {
        stage.feed().ask_again(Asked { check: Some("load".to_owned()), times: i64::MIN..i64::MAX });
        assert_eq!(stage.feed().lag().unwrap().owed_runs, (of_load * round).min(200), "{round}");
    }
    for _ in 0..3 {
        stage.feed().ask_again(Asked { check: None, times: i64::MIN..i64::MAX });
        assert_eq!(stage.feed().lag().unwrap().owed_runs, 200);
    }
    stage.drain();
    assert_eq!(stage.feed().lag().unwrap().owed_runs, 0);
    stage.feed().ask_again(Asked { check: Some("nobody".to_owned()), times: i64::MIN..i64::MAX });
    assert_eq!(stage.feed().lag().unwrap().owed_runs, 0);
    stage.feed().ask_again(Asked { check: Some("load".to_owned()), times: 0..1 });
    assert_eq!(stage.feed().lag().unwrap().owed_runs, 0);
}

#[test]
fn a_selection_narrows_checks_and_metrics_and_the_cursor_goes_on_all_the_same() {
    let selection = Selection::parse(&["disk:m"]).unwrap();
    let mut stage = Stage::new(FeedOptions { selection, ..options(Order::InOrder) });
    stage.append(12);
    stage.open_feed();
    let now = crate::clock::Moment { mono_us: 5, wall_ms: 0 };
    let piece = stage.feed().next(super::stage::BUDGET, now).unwrap().unwrap();
    let labels: Vec<&str> = piece.runs[0].run.metrics.iter().map(|metric| metric.label.as_str()).collect();
    assert!(labels == ["m"] && piece.runs.iter().all(|fed| &*fed.check == "disk"));
    stage.feed().acknowledged(&piece.progress, now).unwrap();
    assert_eq!(stage.feed().lag().unwrap().position, Position(12));
}

#[test]
fn a_segment_that_cannot_be_read_is_a_gap_and_comes_once_it_is_repaired() {
    for order in [Order::InOrder, Order::Beside] {
        let mut stage = Stage::new(options(order));
        stage.append(200);
        stage.writer().compact().unwrap();
        stage.close_writer();
        let name = "0000000000000000-00000000000000c8.seg";
        let mut bytes = stage.disk.bytes(name).unwrap();
        let at = bytes.len() - 20;
        bytes[at] ^= 0x10;
        stage.disk.put(name, &bytes);
        stage.open_writer();
        stage.append(1);
        stage.open_feed();
        stage.drain();
        assert_eq!(stage.got.len(), 1, "{order:?}");
        let gap = &stage.gaps[0];
        assert_eq!((gap.from, gap.until, gap.loss), (Position(0), Position(200), Loss::Damaged));
        stage.close_writer();
        repair_on(std::sync::Arc::new(stage.disk.clone())).unwrap();
        stage.drain();
        stage.assert_all("repaired");
        assert_eq!(stage.got.len(), 201);
        stage.assert_once("repaired");
    }
}

#[test]
fn what_is_asked_for_again_comes_again_and_nothing_else() {
    let mut stage = Stage::new(options(Order::InOrder));
    stage.append(300);
    stage.open_feed();
    stage.drain();
    stage.feed().ask_again(Asked { check: Some("disk".to_owned()), times: 100_000..200_000 });
    stage.feed().save().unwrap();
    // It is durable.
    stage.open_feed();
    stage.drain();
    let again: Vec<i64> = stage.got.iter().filter(|(_, times)| **times == 2).map(|(got, _)| got.1).collect();
    let wanted = |n: &i64| {
        super::stage::check(*n) == "disk" && (100_000..200_000).contains(&super::stage::run(*n).time_ms)
    };
    assert_eq!(again, (1..=300).filter(wanted).collect::<Vec<i64>>());
    assert!(again.len() > 10);
}

#[test]
fn another_store_is_noticed_and_delivered_whole() {
    let mut stage = Stage::new(options(Order::InOrder));
    stage.append(30);
    stage.open_feed();
    stage.drain();
    let cursor = stage.disk.bytes("sink.cursor").unwrap();
    stage.replace_disk(SimDisk::new());
    stage.open_writer();
    stage.append(10);
    stage.disk.put("sink.cursor", &cursor);
    stage.open_feed();
    assert_eq!(stage.feed().take_notices(), [Notice::OtherStore]);
    stage.drain();
    stage.assert_all("other");
}

#[test]
fn a_store_that_parted_from_what_was_delivered_is_delivered_from_where_it_did() {
    let mut stage = Stage::new(options(Order::InOrder));
    stage.append(100);
    stage.open_feed();
    stage.drain();
    stage.writer().sync().unwrap();
    let backup = stage.copy();
    stage.drop_writer();
    stage.open_writer();
    stage.append(50);
    stage.pass(5000);
    stage.drain();
    let cursor = stage.disk.bytes("sink.cursor").unwrap();
    stage.replace_disk(backup);
    stage.disk.put("sink.cursor", &cursor);
    stage.open_writer();
    stage.append(80);
    stage.open_feed();
    assert_eq!(stage.feed().take_notices(), [Notice::Parted { from: Position(100) }]);
    stage.drain();
    stage.assert_all("parted");
    stage.assert_once("parted");
}
