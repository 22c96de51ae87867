//! What is said in the last line and in that of a check.

use super::*;

#[test]
fn what_was_typed_stays_with_what_is_wrong_with_it() {
    let (_directory, _source, mut model) = model(Glyphs::Ascii, LOW);
    let last = |model: &mut Model| -> Vec<String> {
        let page = page(model, LOW);
        page.lines().skip(usize::from(LOW.height) - 3).map(str::to_owned).collect()
    };
    press(&mut model, Key::Char('s'));
    type_text(&mut model, "x");
    press(&mut model, Key::Enter);
    let shown = last(&mut model);
    assert!(shown[1].contains("expected a time such as 30m, 2h or 7d"), "{shown:?}");
    assert_eq!(shown[2], "Silence disk /var for: 2hx");
    press(&mut model, Key::Backspace);
    assert_eq!(last(&mut model)[1], "", "what is typed is not wrong yet");
    press(&mut model, Key::Left);
    type_text(&mut model, "0");
    press(&mut model, Key::Enter);
    type_text(&mut model, "moved");
    assert_eq!(last(&mut model)[2], "Silence disk /var for 20h, because: moved");
    assert!(press(&mut model, Key::Enter).is_some());
    let why = "you have to be root, or the owner of the store, to silence a check of this agent";
    model.answered(answered("silence disk /var", why, false));
    let shown = last(&mut model);
    assert_eq!(shown[0], "silence disk /var: you have to be root, or the owner of the store, to silence a");
    assert_eq!(shown[1..], ["check of this agent", "Silence disk /var for: 20h"]);
    press(&mut model, Key::Enter);
    assert_eq!(last(&mut model)[2], "Silence disk /var for 20h, because: moved");
    press(&mut model, Key::Esc);
    assert_eq!(model.prompt, None);
    // Who types something else by now is not interrupted.
    press(&mut model, Key::Char('a'));
    press(&mut model, Key::Enter);
    press(&mut model, Key::Char('/'));
    model.answered(answered("ack disk /var", "no", false));
    assert!(last(&mut model)[2].starts_with("Show checks with:"));
}

#[test]
fn long_messages_are_shown_in_whole_or_say_that_they_are_cut() {
    let (_directory, _source, mut model) = model(Glyphs::Ascii, LOW);
    model.under_way = 2;
    model.answered(answered("run x", &"word ".repeat(30), true));
    let shown = page(&mut model, LOW);
    assert_eq!(shown.matches("word").count(), 30, "{shown}");
    model.answered(answered("run x", &"word ".repeat(300), true));
    let shown = page(&mut model, LOW);
    let last = shown.lines().last().unwrap();
    assert!(last.ends_with("...") && last.len() <= 80 && shown.matches("word").count() > 50, "{shown}");
    model.store_trouble = Some(format!("failed to open the store anew: {}", "no such file ".repeat(9)));
    assert_eq!(page(&mut model, LOW).matches("such").count(), 9);
    model.store_trouble = Some("no such file ".repeat(90));
    assert!(page(&mut model, LOW).lines().nth(2).unwrap().ends_with("..."));
}

#[test]
fn it_is_said_when_a_check_runs_next() {
    let (_directory, source, mut model) = model(Glyphs::Ascii, LOW);
    press(&mut model, Key::Enter);
    prepare(&source, &mut model, LOW);
    model.agent = AgentView::Runs { pid: 7, started_ms: 0 };
    let mut live = crate::agent::Row {
        check: "disk /var".into(),
        next_ms: Some(NOON + 2500),
        running: false,
        running_since_ms: None,
        max_check_attempts: 1,
        last: None,
    };
    let said = |model: &mut Model, live: &crate::agent::Row| {
        model.check_mut("disk /var").unwrap().take_live(live, NOON);
        (page(model, LOW).lines().nth(2).unwrap().to_owned(), model.awaits_schedule())
    };
    assert_eq!(said(&mut model, &live), ("CRITICAL disk /var  hard, for 5m, next in 2s".to_owned(), false));
    live.next_ms = Some(NOON - 4000);
    assert_eq!(said(&mut model, &live), ("CRITICAL disk /var  hard, for 5m, due".to_owned(), true));
    (live.running, live.running_since_ms) = (true, Some(NOON - 3000));
    assert_eq!(said(&mut model, &live).0, "CRITICAL disk /var  hard, for 5m, running for 3s");
    live.running_since_ms = None;
    assert_eq!(said(&mut model, &live).0, "CRITICAL disk /var  hard, for 5m, waits for its turn to run");
    // When it runs next after that only the agent knows, which is asked.
    let run = Run { time_ms: NOON - 3000, state: State::Critical, ..Run::default() };
    model.check_mut("disk /var").unwrap().take(&run);
    assert!(!page(&mut model, LOW).contains("next in") && model.awaits_schedule());
    live.next_ms = Some(NOON + 7000);
    (live.running, live.running_since_ms) = (false, None);
    assert!(!said(&mut model, &live).1);
}
