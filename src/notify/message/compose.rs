//! A message of what is told and of what the store knows about it.

use std::borrow::Cow;

use super::background::{Background, Known, Past};
use super::style::MessageStyle;
use super::{subject, text};
use crate::graph::svg;
use crate::limits::NOTIFY_TOLD_MAX;
use crate::notify::{Notification, Why};

/// What a message says of what it lacks.
const GAVE_UP: &str = "\n(Part of what happened before is left out, as reading it took too long.)\n";

/// What people read about a notification. Every character of it is safe to show; what else a medium needs escaped is up to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// The text, with a graph below it.
    pub text: String,
    /// The graph of the first alert that has one, as an image.
    pub svg: Option<String>,
}

impl Message {
    /// The message of a notification. `now_ms` is when it is written (ms since the epoch). Without a store, it tells only what the notification has.
    pub fn of(
        notification: &Notification,
        known: Option<Known<'_>>,
        style: &MessageStyle,
        now_ms: i64,
    ) -> Message {
        let notification = &people_s(notification);
        // Of a trial and a heartbeat the store knows nothing.
        let known = known.filter(|_| matches!(notification.why, Why::News | Why::Repeat));
        let told = || notification.alerts.iter().take(NOTIFY_TOLD_MAX);
        let mut past = known.map(|known| Past::of(known, told()));
        let mut of = |alert| {
            past.as_mut().map(|past| Background::read(alert, past, style, now_ms)).unwrap_or_default()
        };
        let backgrounds: Vec<Background> = told().map(&mut of).collect();
        let gave_up = past.is_some_and(|past| past.gave_up);
        let picture =
            backgrounds.iter().find_map(|background| background.image.as_ref()).filter(|_| style.svg);
        Message {
            subject: subject::subject(notification, style),
            text: text::text(notification, &backgrounds, style, now_ms) + if gave_up { GAVE_UP } else { "" },
            svg: picture.map(svg),
        }
    }
}

/// A notification without what means something only to media that know alerts by all of their labels: an alert that goes on has not
/// recovered because its severity is another one.
fn people_s(notification: &Notification) -> Cow<'_, Notification> {
    if !notification.alerts.iter().any(|alert| alert.relabelled) {
        return Cow::Borrowed(notification);
    }
    let mut told = notification.clone();
    told.alerts.retain(|alert| !alert.relabelled);
    Cow::Owned(told)
}
