//! An event as the journal keeps it: a message, a priority and the fields that the event has.
//!
//! Invariant: what plugins, devices and peers say ends in the value of a field, without control characters, and makes no
//! field and no priority of its own.

use std::fmt::{self, Write as _};

use custos_compat::journal::append_field;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::{Context, Layer};

use super::queue::Queue;
use super::safe::safe_text;

/// Of syslog: system daemons.
const FACILITY: &[u8] = b"3";

/// One entry of the journal.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// As in syslog: 3 is an error, 7 is for debugging.
    priority: u8,
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Record {
    pub(super) fn warning(message: String) -> Record {
        Record { priority: priority(Level::WARN), message, fields: Vec::new() }
    }

    fn of(event: &Event<'_>) -> Record {
        let mut record = Record { priority: priority(*event.metadata().level()), ..Record::default() };
        event.record(&mut record);
        record
    }

    /// The datagram for journald. It knows the time and the process itself.
    pub(super) fn entry(&self) -> Vec<u8> {
        let mut entry = Vec::new();
        append_field(&mut entry, "SYSLOG_IDENTIFIER", b"custos");
        append_field(&mut entry, "SYSLOG_FACILITY", FACILITY);
        append_field(&mut entry, "PRIORITY", self.priority.to_string().as_bytes());
        append_field(&mut entry, "MESSAGE", self.message.as_bytes());
        for (name, value) in &self.fields {
            append_field(&mut entry, &format!("CUSTOS_{name}"), value.as_bytes());
        }
        entry
    }

    /// The message with the fields behind it, but for a check that the message begins with.
    pub(super) fn text(&self) -> String {
        let is_told = |(name, value): &&(&'static str, String)| {
            *name == "check"
                && self.message.strip_prefix(value.as_str()).is_some_and(|rest| rest.starts_with(": "))
        };
        let mut text = self.message.clone();
        for (name, value) in self.fields.iter().filter(|field| !is_told(field)) {
            // Writing to a string does not fail.
            let _ = write!(text, " {name}={value}");
        }
        text
    }

    /// The lines by which journald understands the same on stderr, each with its priority.
    pub(super) fn lines(&self) -> String {
        self.text().lines().fold(String::new(), |mut lines, line| {
            let _ = writeln!(lines, "<{}>{line}", self.priority);
            lines
        })
    }
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        let value = safe_text(value, false);
        match field.name() {
            "message" => self.message = value,
            name => self.fields.push((name, value)),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Writes the fields of an event as text.
pub(super) struct Text;

impl<'w> FormatFields<'w> for Text {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut record = Record::default();
        fields.record(&mut record);
        writer.write_str(&record.text())
    }
}

/// Puts a record of each event into the queue.
pub(super) struct Records(pub(super) Queue<Record>);

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.put(Record::of(event));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::super::queue::Entry;
    use super::*;

    /// The records of what is logged meanwhile.
    fn records(log: impl FnOnce()) -> Vec<Record> {
        let (queue, entries) = Queue::new(9);
        let subscriber = tracing_subscriber::registry().with(Records(queue));
        tracing::subscriber::with_default(subscriber, log);
        entries
            .try_iter()
            .map(|entry| match entry {
                Entry::Line(record) => record,
                Entry::End(_) => panic!("an end"),
            })
            .collect()
    }

    #[test]
    fn an_event_is_an_entry_with_its_fields() {
        let records = records(|| {
            let check = "load";
            tracing::warn!(check, since_ms = 7, store = %"/x", "OK to {}", "CRITICAL");
            tracing::error!("a");
            tracing::info!("b");
            tracing::debug!("c");
        });
        assert_eq!(
            String::from_utf8(records[0].entry()).unwrap(),
            "SYSLOG_IDENTIFIER=custos\nSYSLOG_FACILITY=3\nPRIORITY=4\nMESSAGE=OK to CRITICAL\nCUSTOS_CHECK=load\n\
             CUSTOS_SINCE_MS=7\nCUSTOS_STORE=/x\n"
        );
        assert_eq!(records[0].lines(), "<4>OK to CRITICAL check=load since_ms=7 store=/x\n");
        assert_eq!(records.iter().map(|record| record.priority).collect::<Vec<_>>(), [4, 3, 6, 7]);
    }

    #[test]
    fn a_check_that_the_message_names_is_named_once() {
        let records = records(|| {
            tracing::warn!(check = "load", since_ms = 7, "load: OK to CRITICAL");
            tracing::warn!(check = "load", "loads: x");
        });
        assert_eq!(records[0].text(), "load: OK to CRITICAL since_ms=7");
        assert!(
            String::from_utf8(records[0].entry())
                .unwrap()
                .ends_with("CUSTOS_CHECK=load\nCUSTOS_SINCE_MS=7\n")
        );
        assert_eq!(records[1].text(), "loads: x check=load");
    }

    #[test]
    fn what_a_plugin_prints_makes_neither_fields_nor_priorities() {
        let output = "x\nPRIORITY=0\n<0>\x1b[2J\u{202e}";
        let record = records(|| tracing::info!(check = output, "{output}")).remove(0);
        let shown = "x\nPRIORITY=0\n<0>\\u{1b}[2J\\u{202e}";
        assert_eq!(
            record.lines(),
            format!(
                "<6>{} check=x\n<6>PRIORITY=0\n<6><0>\\u{{1b}}[2J\\u{{202e}}\n",
                shown.replace('\n', "\n<6>")
            )
        );
        let entry = String::from_utf8(record.entry()).unwrap();
        let value = format!("\n{}\0\0\0\0\0\0\0{shown}\n", char::from(shown.len() as u8));
        let fields = format!("PRIORITY=6\nMESSAGE{value}CUSTOS_CHECK{value}");
        assert_eq!(entry, format!("SYSLOG_IDENTIFIER=custos\nSYSLOG_FACILITY=3\n{fields}"));
    }
}
