//! The text of a message.

use custos_store::State;

use super::background::{Background, Earlier, GRAPH_WIDTH};
use super::style::MessageStyle;
use super::subject::{NO_LONGER_CHECKED, is_one_of_several, name, word};
use crate::graph::{self, TextOptions};
use crate::limits::{NOTIFY_GRAPHS_MAX, NOTIFY_LONG_TEXT_MAX_LINES, NOTIFY_TEXT_MAX_BYTES};
use crate::notify::{Notification, NotifiedAlert, Status, Why};
use crate::text::human::duration_ms;
use crate::text::local_time::local_time;
use crate::text::printable;

/// Rows of a graph in a text, with its axes.
const GRAPH_HEIGHT: usize = 14;
/// Characters of one line of what a plugin printed.
const LINE_MAX_CHARS: usize = 500;

/// The text: a paragraph for each alert of which something is known, and a graph below it.
pub(super) fn text(
    notification: &Notification,
    known: &[Background],
    style: &MessageStyle,
    now_ms: i64,
) -> String {
    let mut text = Text::default();
    match notification.why {
        Why::Trial => text.line("Nothing happened: somebody tries whether messages arrive."),
        Why::Heartbeat => text.line("Nothing happened: this says that the agent lives."),
        Why::News | Why::Repeat => {}
    }
    let mut graphs = 0;
    for (alert, background) in notification.alerts.iter().zip(known) {
        text.paragraph();
        paragraph(&mut text, alert, background, style, now_ms);
        if let (Some(picture), Some(glyphs)) = (&background.picture, style.glyphs)
            && graphs < NOTIFY_GRAPHS_MAX
        {
            graphs += 1;
            text.paragraph();
            let options = TextOptions { width: GRAPH_WIDTH, height: GRAPH_HEIGHT, glyphs, overlay: false };
            graph::text(picture, &options).iter().for_each(|line| text.line(&line.plain()));
        }
    }
    let further = (notification.alerts.len() - known.len().min(notification.alerts.len())) as u64;
    let further = further.saturating_add(notification.left_out);
    if further > 0 {
        text.paragraph();
        text.line(&format!("And {further} more."));
    }
    text.finish()
}

fn paragraph(text: &mut Text, alert: &NotifiedAlert, known: &Background, style: &MessageStyle, now_ms: i64) {
    let check = &alert.check;
    let host = alert.labels.get("host").unwrap_or(&style.host);
    let state = match alert.status {
        Status::Firing => word(alert.state).to_owned(),
        Status::Resolved if alert.is_gone() => format!("{NO_LONGER_CHECKED} (was {})", word(alert.state)),
        Status::Resolved => format!("RECOVERED (was {})", word(alert.state)),
    };
    text.line(&format!("{state}: {} on {host}", name(alert)));
    leading(alert).iter().for_each(|line| text.line(line));
    text.line(&when(alert, style, now_ms));
    if let Some(earlier) = known.earlier {
        text.line(&before(alert, earlier));
    }
    if !known.together.is_empty() {
        let changed = known.together.iter().map(|(check, state, time_ms)| {
            let time = local_time(*time_ms, &style.zone);
            format!("{check} {} ({})", word(*state), time.get(11..).unwrap_or_default())
        });
        text.line(&format!("Changed with it: {}.", changed.collect::<Vec<_>>().join(", ")));
    }
    // What the first lines have said, such as what a rule fires for, is not said again.
    let shown = leading(alert);
    let is_said = |value: &str| {
        (check.own.is_empty() && check.verdict.contains(value))
            || shown.iter().any(|line| line.contains(value))
    };
    for (name, value) in alert.annotations.iter().filter(|(_, value)| !value.is_empty() && !is_said(value)) {
        text.lines(&format!("{name}: {value}"));
    }
    if alert.status == Status::Firing && check.state != State::Ok && check.own.is_empty() {
        let said: Vec<&str> =
            alert.annotations.values().map(String::as_str).filter(|value| !value.is_empty()).collect();
        let is_new = |line: &&str| !said.iter().any(|value| line.ends_with(value));
        text.lines(&check.long_text.lines().filter(is_new).collect::<Vec<_>>().join("\n"));
    }
}

/// The first lines about an alert: what is said of it by itself, or else what the thresholds and the plugin say of its check.
fn leading(alert: &NotifiedAlert) -> Vec<&str> {
    let check = &alert.check;
    let goes_on = check.state != State::Ok && alert.status == Status::Resolved;
    let all: Vec<&str> = match &*check.own {
        "" => check.judgement.lines().chain([&*check.text]).collect(),
        // What its check says is about the alerts that go on.
        _ if goes_on => Vec::new(),
        _ if alert.status == Status::Resolved => vec![&check.text],
        // A threshold on a rule counts all of its alerts.
        own => check.judgement.lines().chain([own]).collect(),
    };
    all.into_iter().filter(|line| !line.is_empty()).collect()
}

/// Since when it fires, or how long it did.
fn when(alert: &NotifiedAlert, style: &MessageStyle, now_ms: i64) -> String {
    let started = local_time(alert.started_ms, &style.zone);
    match alert.ended_ms {
        Some(ended_ms) if alert.status == Status::Resolved => format!(
            "From {started} to {}: {}.",
            local_time(ended_ms, &style.zone),
            duration_ms(ended_ms.saturating_sub(alert.started_ms).max(0))
        ),
        _ => {
            let for_ms = now_ms.saturating_sub(alert.started_ms).max(0);
            let check = &alert.check;
            let attempt = if check.max_attempts > 1 && !check.hard {
                format!(", attempt {} of {}", check.attempt, check.max_attempts)
            } else {
                String::new()
            };
            format!("Since {started}, {}{attempt}.", duration_ms(for_ms))
        }
    }
}

/// What happened before, this time counted. Of an alert that is one of several of its check the check is counted, and said to be.
fn before(alert: &NotifiedAlert, Earlier { count, average_ms }: Earlier) -> String {
    let lasted = match count {
        0 => String::new(),
        1 => format!("; it lasted {} before", duration_ms(average_ms)),
        _ => format!(", {} each before", duration_ms(average_ms)),
    };
    let number = if count == 0 { "first".to_owned() } else { ordinal(count + 1) };
    match is_one_of_several(alert) {
        true => format!("The {number} time in 7 days that {} is in trouble{lasted}.", alert.check.name),
        false => format!("The {number} time in 7 days{lasted}."),
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Lines that are safe to show, up to a bound.
#[derive(Default)]
struct Text {
    text: String,
    left_out: bool,
}

impl Text {
    fn line(&mut self, line: &str) {
        let line: String = line.chars().take(LINE_MAX_CHARS).collect();
        let line = printable(line.trim_end());
        if self.left_out || self.text.len() + line.len() > NOTIFY_TEXT_MAX_BYTES {
            self.left_out = true;
            return;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    fn lines(&mut self, lines: &str) {
        let mut all = lines.lines();
        all.by_ref().take(NOTIFY_LONG_TEXT_MAX_LINES).for_each(|line| self.line(line));
        let further = all.count();
        if further > 0 {
            self.line(&format!("({further} more lines)"));
        }
    }

    /// An empty line between what there is and what follows.
    fn paragraph(&mut self) {
        if !self.text.is_empty() {
            self.line("");
        }
    }

    fn finish(mut self) -> String {
        if self.left_out {
            self.text.push_str("(the rest is left out)\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::compose::Message;
    use super::*;
    use crate::graph::Glyphs;
    use crate::notify::send::stage::{NOON, notification, resolved};
    use crate::text::is_unsafe;

    fn style() -> MessageStyle {
        MessageStyle { host: "web".into(), zone: TimeZone::UTC, glyphs: Some(Glyphs::Ascii), svg: true }
    }

    #[test]
    fn an_alert_is_told_in_a_paragraph() {
        let notification = notification(&["disk"]);
        let message = Message::of(&notification, None, &style(), NOON + 90_000);
        assert_eq!(message.subject, "CRITICAL: web disk: it is full");
        assert_eq!(
            message.text,
            "CRITICAL: disk on web\n/ 97% above critical 95%\nDISK CRITICAL - free space: / 3%\n\
             Since 2026-11-22 12:00:00, 1m 30s.\nsummary: it is full\nfirst\nsecond\n"
        );
        assert_eq!(message.svg, None);
    }

    #[test]
    fn what_a_rule_says_is_said_once() {
        let mut notification = notification(&["disk"]);
        let alert = &mut notification.alerts[0];
        alert.check.text = "FIRING 2: it is full (for 12m), another (new)".into();
        alert.check.own = "disk:/var 97 > 90: it is full".into();
        alert.check.long_text = "CRITICAL disk:/var 97 > 90 (for 12m): it is full".into();
        alert.check.judgement = "".into();
        alert.annotations.insert("runbook".into(), "look".into());
        let message = Message::of(&notification, None, &style(), NOON + 90_000);
        assert_eq!(
            message.text,
            "CRITICAL: disk on web\ndisk:/var 97 > 90: it is full\nSince 2026-11-22 12:00:00, 1m 30s.\nrunbook: look\n"
        );
    }

    #[test]
    fn what_is_over_and_what_happened_before_is_told() {
        let mut notification = notification(&["disk", "load"]);
        notification.alerts[1] = resolved(notification.alerts[1].clone());
        notification.alerts[1].labels.insert("path".into(), "/var".into());
        notification.left_out = 4;
        let known = Background {
            earlier: Some(Earlier { count: 2, average_ms: 720_000 }),
            together: vec![("net".into(), State::Warning, NOON + 3000)],
            ..Background::default()
        };
        let known = [
            Background { earlier: Some(Earlier { count: 0, average_ms: 0 }), ..Background::default() },
            known,
        ];
        let told = text(&notification, &known, &style(), NOON);
        let second = told.split("\n\n").nth(1).unwrap();
        assert_eq!(
            second,
            "RECOVERED (was CRITICAL): load (path=/var) on web\nDISK OK\n\
             From 2026-11-22 12:00:00 to 2026-11-22 12:12:00: 12m.\nThe 3rd time in 7 days that load is in trouble, 12m each before.\n\
             Changed with it: net WARNING (12:00:03).\nsummary: it is full"
        );
        assert!(
            told.contains("\nThe first time in 7 days.\n") && told.ends_with("\n\nAnd 4 more.\n"),
            "{told}"
        );
        let subject = Message::of(&notification, None, &style(), NOON).subject;
        assert_eq!(subject, "1 CRITICAL, 1 RECOVERED, 4 more: web disk, load (path=/var)");
        let mut repeated = notification.clone();
        repeated.why = Why::Repeat;
        repeated.alerts[1] = repeated.alerts[0].clone();
        let subject = Message::of(&repeated, None, &style(), NOON).subject;
        assert_eq!(subject, "STILL 2 CRITICAL, 4 more: web disk");
        // A check that is no longer defined has not recovered.
        let mut gone = notification;
        gone.alerts[1].check = crate::notify::NotifiedCheck { gone: true, ..gone.alerts[1].check.clone() };
        let Message { subject, text, .. } = Message::of(&gone, None, &style(), NOON);
        assert_eq!(subject, "1 CRITICAL, 1 NO LONGER CHECKED, 4 more: web disk, load (path=/var)");
        assert!(text.contains("NO LONGER CHECKED (was CRITICAL): load (path=/var)"), "{text}");
        assert!(!text.contains("RECOVERED"), "{text}");
    }

    #[test]
    fn what_is_over_by_its_old_labels_only_has_not_recovered() {
        let mut both = notification(&["disk", "disk"]);
        let alone = Message::of(&notification(&["disk"]), None, &style(), NOON);
        both.alerts[0] = resolved(both.alerts[0].clone());
        both.alerts[0].relabelled = true;
        assert_eq!(Message::of(&both, None, &style(), NOON), alone);
    }

    #[test]
    fn numbers_have_their_endings() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111].map(ordinal).to_vec();
        assert_eq!(all.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th");
    }

    proptest! {
        #[test]
        fn a_message_is_safe_to_show_and_bounded(text in any::<String>(), lines in "(.*\n){0,40}", name in any::<String>()) {
            let mut notification = notification(&["disk", "load"]);
            let alert = &mut notification.alerts[0];
            alert.check.text = (text.clone() + "\u{1b}]0;x\u{7}\u{202e}").into();
            alert.check.long_text = lines.repeat(20).into();
            alert.check.judgement = lines.into();
            alert.labels.insert(name.clone(), text.clone());
            alert.annotations.insert(name, text);
            for alerts in [1, 2] {
                notification.alerts.truncate(3 - alerts);
                let message = Message::of(&notification, None, &style(), NOON);
                prop_assert!(!message.subject.contains(is_unsafe), "{:?}", message.subject);
                prop_assert!(!message.text.contains(|character| character != '\n' && is_unsafe(character)));
                prop_assert!(message.text.len() <= NOTIFY_TEXT_MAX_BYTES + 100);
            }
        }
    }
}
