//! A check as it should be, before it is known which plugin can do it.

use super::subject::Subject;

/// A check that a host should have.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    /// Why it is there, in a line.
    pub(super) why: String,
    /// Command lines that do it, the best first.
    pub(super) commands: Vec<Vec<String>>,
    pub(super) settings: &'static [(&'static str, &'static str)],
    pub(super) thresholds: &'static [&'static str],
    /// What of the host it looks at.
    pub(super) subject: Subject,
}

impl Draft {
    /// A check of a name for a reason, which has no command yet.
    pub(super) fn new(name: impl Into<String>, why: impl Into<String>) -> Draft {
        Draft {
            name: name.into(),
            why: why.into(),
            commands: Vec::new(),
            settings: &[],
            thresholds: &[],
            subject: Subject::Whole(&[]),
        }
    }

    /// The same with a further command line, for hosts that lack the plugins of those before.
    pub(super) fn command<'w>(mut self, words: impl IntoIterator<Item = &'w str>) -> Draft {
        self.commands.push(words.into_iter().map(str::to_owned).collect());
        self
    }

    /// The same with keys.
    pub(super) fn settings(self, settings: &'static [(&'static str, &'static str)]) -> Draft {
        Draft { settings, ..self }
    }

    /// The same with thresholds.
    pub(super) fn thresholds(self, thresholds: &'static [&'static str]) -> Draft {
        Draft { thresholds, ..self }
    }

    /// The same of something.
    pub(super) fn of(self, subject: Subject) -> Draft {
        Draft { subject, ..self }
    }
}
