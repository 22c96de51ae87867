//! What is asked of the person in the last line.

use crate::limits::TOP_TYPED_MAX;
use crate::terminal::Key;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Which checks are shown.
    Filter,
    /// Why this check is acknowledged.
    Ack(String),
    /// For how long this check is silenced.
    SilenceFor(String),
    /// Why this check is silenced until then (ms since the epoch).
    SilenceWhy(String, i64),
    /// Whether the silence of this number, about this, is to end.
    Expire(u64, String),
}

/// A question, and what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) question: Question,
    pub(super) typed: String,
}

/// What a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    More,
    Done,
    Cancelled,
}

impl Prompt {
    pub(super) fn new(question: Question, typed: &str) -> Prompt {
        Prompt { question, typed: typed.to_owned() }
    }

    /// What stands before what is typed.
    pub(super) fn title(&self) -> String {
        match &self.question {
            Question::Filter => "Show checks with".to_owned(),
            Question::Ack(check) => format!("Acknowledge {check}, because"),
            Question::SilenceFor(check) => format!("Silence {check} for"),
            Question::SilenceWhy(check, _) => format!("Silence {check}, because"),
            Question::Expire(id, of) => format!("End silence {id} of {of}? y or n"),
        }
    }

    /// Takes a key.
    pub(super) fn take(&mut self, key: Key) -> Typed {
        if let Question::Expire(..) = self.question {
            return if matches!(key, Key::Char('y' | 'Y')) { Typed::Done } else { Typed::Cancelled };
        }
        match key {
            Key::Enter => return Typed::Done,
            Key::Esc | Key::Ctrl('g') => return Typed::Cancelled,
            Key::Backspace => drop(self.typed.pop()),
            Key::Ctrl('u') => self.typed.clear(),
            Key::Ctrl('w') => {
                let kept = self.typed.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.typed.truncate(kept);
            }
            Key::Char(character) if self.typed.chars().count() < TOP_TYPED_MAX => self.typed.push(character),
            _ => {}
        }
        Typed::More
    }
}
