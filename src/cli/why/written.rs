//! What people wrote of a problem: notes, incidents and acknowledgements.

use std::ops::Range;
use std::path::Path;

use crate::backtest::Incidents;
use crate::limits::{WHY_WRITTEN_LEAD_MS, WHY_WRITTEN_SHOWN};
use crate::notify::{Ack, Noted};
use crate::timeline::{Marks, TimelineNote};

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Of when it is (ms since the epoch).
    pub(super) time_ms: i64,
    /// `note`, `incident` or `acknowledgement`.
    pub(super) kind: &'static str,
    /// The check that it is about; none for the machine.
    pub(super) check: Option<String>,
    /// Who wrote it, where that is known.
    pub(super) author: Option<String>,
    /// What was written.
    pub(super) text: String,
}

impl Written {
    /// What was written, with the check that it is about, and by whom.
    pub(super) fn said(&self) -> String {
        let check = self.check.as_ref().map(|check| format!("{check}: ")).unwrap_or_default();
        let author = self.author.as_ref().map(|author| format!(" ({author})")).unwrap_or_default();
        format!("{} {check}{}{author}", self.kind, self.text)
    }
}

/// All that people wrote, from which is chosen.
pub(super) struct Sources {
    pub(super) notes: Marks<TimelineNote>,
    pub(super) incidents: Incidents,
    pub(super) acks: Vec<Ack>,
}

impl Sources {
    /// All that the store has; `tell` is told what of it cannot be read, and is left out.
    pub(super) fn read(store: &Path, tell: &mut dyn FnMut(&str)) -> Sources {
        let incidents = Incidents::read(store).unwrap_or_else(|error| {
            tell(&error.to_string());
            Incidents::default()
        });
        let notes = Marks::read(store).unwrap_or_else(|error| {
            tell(&error.to_string());
            Marks::default()
        });
        let noted = Noted::read(store, []);
        noted.faults().values().for_each(|fault| tell(fault));
        Sources { notes, incidents, acks: noted.acks() }
    }

    /// What was written of a stretch and of an hour before, whatever it is about, and the newest of what was written of the check before; the earliest
    /// first. Nothing of after the stretch counts.
    pub(super) fn of(&self, check: Option<&String>, span: &Range<i64>) -> Vec<Written> {
        // An incident that began before still counts while it lasts.
        let start_ms = span.start.saturating_sub(WHY_WRITTEN_LEAD_MS);
        let in_span = |since_ms: i64, until_ms: i64| since_ms < span.end && until_ms >= start_ms;
        let notes = self.notes.all.iter().map(|note| {
            let TimelineNote { number: _, time_ms, check, author, text } = note.clone();
            (time_ms, Written { time_ms, kind: "note", check, author: Some(author), text })
        });
        let incidents = self.incidents.all.iter().map(|incident| {
            let (time_ms, check, text) = (incident.since_ms, incident.check.clone(), incident.text.clone());
            (incident.until_ms, Written { time_ms, kind: "incident", check, author: None, text })
        });
        let acks = self.acks.iter().map(|ack| {
            let (author, text) = (Some(ack.remark.author.clone()), ack.remark.comment.clone());
            let check = Some(ack.check.clone());
            (ack.at_ms, Written { time_ms: ack.at_ms, kind: "acknowledgement", check, author, text })
        });
        let all = notes.chain(incidents).chain(acks).filter(|(_, written)| written.time_ms < span.end);
        let (mut near, far): (Vec<_>, Vec<_>) =
            all.partition(|(until_ms, written)| in_span(written.time_ms, *until_ms));
        let mut before: Vec<_> = far
            .into_iter()
            .filter(|(_, written)| check.is_some() && written.check.as_ref() == check)
            .collect();
        before.sort_by_key(|(_, written)| written.time_ms);
        near.extend(before.into_iter().rev().take(WHY_WRITTEN_SHOWN));
        let mut written: Vec<Written> = near.into_iter().map(|(_, written)| written).collect();
        written.sort_by_key(|written| written.time_ms);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Incident;
    use crate::notify::Remark;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn what_was_written_then_counts_and_what_was_written_of_the_check_before() {
        let note = |time_ms: i64, check: Option<&str>| TimelineNote {
            number: 1,
            time_ms: time_ms * HOUR,
            check: check.map(str::to_owned),
            author: "anna".to_owned(),
            text: format!("at {time_ms}"),
        };
        let incident = Incident {
            number: 1,
            since_ms: 500 * HOUR,
            until_ms: 1100 * HOUR,
            check: None,
            text: "switch".to_owned(),
        };
        let remark = Remark { author: "bert".to_owned(), comment: "on it".to_owned() };
        let sources = Sources {
            notes: Marks {
                next: 9,
                all: vec![
                    note(1000, None),
                    note(2000, None),
                    note(400, None),
                    note(100, Some("load")),
                    note(1, Some("load")),
                    note(200, Some("load")),
                    note(300, Some("load")),
                    note(1200, Some("disk")),
                ],
            },
            incidents: Marks { next: 2, all: vec![incident] },
            acks: vec![Ack { check: "load".to_owned(), of: String::new(), at_ms: 1900 * HOUR, remark }],
        };
        let said = |check: Option<&str>| {
            let check = check.map(str::to_owned);
            sources
                .of(check.as_ref(), &(1001 * HOUR..2000 * HOUR))
                .iter()
                .map(Written::said)
                .collect::<Vec<_>>()
        };
        let then = [
            "incident switch",
            "note at 1000 (anna)",
            "note disk: at 1200 (anna)",
            "acknowledgement load: on it (bert)",
        ];
        assert_eq!(said(None), then);
        let of_load = said(Some("load"));
        assert_eq!(
            of_load[..3],
            ["note load: at 100 (anna)", "note load: at 200 (anna)", "note load: at 300 (anna)"]
        );
        assert_eq!(of_load[3..], then);
    }
}
