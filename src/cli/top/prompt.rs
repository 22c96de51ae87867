//! What is asked of the person in the last line, and what is typed there.

use crate::limits::TOP_TYPED_MAX;
use crate::terminal::Key;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Which checks are shown.
    Filter,
    /// Why this check is acknowledged.
    Ack(String),
    /// For how long this check is silenced; why, if that was typed before.
    SilenceFor { check: String, because: String },
    /// Why this check is silenced until then (ms since the epoch); for how long was typed before.
    SilenceWhy { check: String, until_ms: i64, span: String },
    /// Whether the silence of this number, about this, is to end.
    Expire(u64, String),
}

/// A question, and what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) question: Question,
    pub(super) typed: String,
    /// Where the next character goes: bytes of what was typed that lie before it.
    cursor: usize,
    /// Why what was typed before was not taken.
    pub(super) error: Option<String>,
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
        Prompt { question, typed: typed.to_owned(), cursor: typed.len(), error: None }
    }

    /// The same once more, with why it was not taken.
    pub(super) fn refused(self, error: String) -> Prompt {
        Prompt { error: Some(error), ..self }
    }

    /// What stands before what is typed.
    pub(super) fn title(&self) -> String {
        match &self.question {
            Question::Filter => "Show checks with".to_owned(),
            Question::Ack(check) => format!("Acknowledge {check}, because"),
            Question::SilenceFor { check, .. } => format!("Silence {check} for"),
            Question::SilenceWhy { check, span, .. } => format!("Silence {check} for {span}, because"),
            Question::Expire(id, of) => format!("End silence {id} of {of}? y or n"),
        }
    }

    /// What was typed before the cursor, and from there on.
    pub(super) fn halves(&self) -> (&str, &str) {
        self.typed.split_at(self.cursor)
    }

    /// Takes a key.
    pub(super) fn take(&mut self, key: Key) -> Typed {
        if let Question::Expire(..) = self.question {
            return if matches!(key, Key::Char('y' | 'Y')) { Typed::Done } else { Typed::Cancelled };
        }
        match key {
            Key::Enter => return Typed::Done,
            Key::Esc | Key::Ctrl('g') => return Typed::Cancelled,
            Key::Left | Key::Ctrl('b') => self.cursor = self.before(),
            Key::Right | Key::Ctrl('f') => self.cursor = self.after(),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.typed.len(),
            Key::Backspace => self.cut(self.before(), self.cursor),
            Key::Delete | Key::Ctrl('d') => self.cut(self.cursor, self.after()),
            Key::Ctrl('u') => self.cut(0, self.cursor),
            Key::Ctrl('k') => self.typed.truncate(self.cursor),
            Key::Ctrl('w') => {
                let kept = self.typed[..self.cursor].trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.cut(kept, self.cursor);
            }
            Key::Char(character) if self.typed.chars().count() < TOP_TYPED_MAX => {
                self.typed.insert(self.cursor, character);
                self.cursor += character.len_utf8();
            }
            _ => {}
        }
        Typed::More
    }

    /// Where the character before the cursor begins.
    fn before(&self) -> usize {
        self.typed[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    /// Where the character at the cursor ends.
    fn after(&self) -> usize {
        self.cursor + self.typed[self.cursor..].chars().next().map_or(0, char::len_utf8)
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.typed.replace_range(from..to, "");
        self.cursor = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(typed: &str) -> Prompt {
        Prompt::new(Question::SilenceFor { check: "disk".to_owned(), because: String::new() }, typed)
    }

    fn after(typed: &str, keys: &[Key]) -> String {
        let mut prompt = prompt(typed);
        for key in keys {
            assert_eq!(prompt.take(*key), Typed::More);
        }
        let (before, behind) = prompt.halves();
        format!("{before}|{behind}")
    }

    #[test]
    fn what_stands_there_is_edited_at_the_cursor() {
        let minutes = [Key::Home, Key::Delete, Key::Char('3'), Key::Char('0'), Key::Delete, Key::Char('m')];
        assert_eq!(after("2h", &minutes), "30m|");
        assert_eq!(after("2h", &[Key::Left, Key::Char('4')]), "24|h");
        assert_eq!(after("2h", &[Key::Left, Key::Left, Key::Left, Key::Backspace]), "|2h");
        assert_eq!(after("2h", &[Key::Right, Key::Delete]), "2h|");
        assert_eq!(after("日本", &[Key::Left, Key::Backspace, Key::Char('é')]), "é|本");
        let word = [Key::Ctrl('a'), Key::Right, Key::Ctrl('k'), Key::Char(' '), Key::Char('b')];
        assert_eq!(after("a long one", &word), "a b|");
        assert_eq!(after("a long one", &[Key::Ctrl('w')]), "a long |");
        assert_eq!(after("a long one", &[Key::Left, Key::Ctrl('u')]), "|e");
    }

    #[test]
    fn no_more_is_typed_than_may_be() {
        let keys = vec![Key::Char('x'); TOP_TYPED_MAX + 5];
        assert_eq!(after("", &keys).len(), TOP_TYPED_MAX + 1);
    }

    #[test]
    fn a_question_is_answered_or_not() {
        let mut expire = Prompt::new(Question::Expire(7, "a".to_owned()), "");
        assert_eq!(expire.take(Key::Char('y')), Typed::Done);
        assert_eq!(expire.take(Key::Enter), Typed::Cancelled);
        assert_eq!(prompt("2h").take(Key::Enter), Typed::Done);
        assert_eq!(prompt("2h").take(Key::Esc), Typed::Cancelled);
    }
}
