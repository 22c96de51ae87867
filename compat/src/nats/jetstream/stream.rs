//! A stream: its settings, what it has, and which of its settings lose what it was given.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::api::{ApiError, read};
use crate::nats::error::Error;

/// The settings of a stream, as far as they matter here. Of numbers, -1 or 0 is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamConfig {
    /// Its name.
    pub name: String,
    /// The subjects whose messages it takes.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// `limits`, `interest` or `workqueue`.
    #[serde(default)]
    pub retention: String,
    /// `file` or `memory`.
    #[serde(default)]
    pub storage: String,
    /// What goes when a limit is reached: `old` messages, or the `new` one.
    #[serde(default)]
    pub discard: String,
    /// Most messages.
    #[serde(default = "none")]
    pub max_msgs: i64,
    /// Most messages of a subject.
    #[serde(default = "none")]
    pub max_msgs_per_subject: i64,
    /// Most bytes.
    #[serde(default = "none")]
    pub max_bytes: i64,
    /// Largest message, in bytes.
    #[serde(default = "none")]
    pub max_msg_size: i64,
    /// How long messages are kept, in ns.
    #[serde(default)]
    pub max_age: i64,
    /// How long ids are known, so that a message that comes again is not stored again, in ns.
    #[serde(default)]
    pub duplicate_window: i64,
    /// On how many servers it is kept.
    #[serde(default = "one")]
    pub num_replicas: u32,
    /// Messages cannot be deleted one by one.
    #[serde(default)]
    pub deny_delete: bool,
    /// Messages cannot be purged.
    #[serde(default)]
    pub deny_purge: bool,
    /// Nothing can be published into it.
    #[serde(default)]
    pub sealed: bool,
    /// It does not answer what is published into it.
    #[serde(default)]
    pub no_ack: bool,
}

fn none() -> i64 {
    -1
}

fn one() -> u32 {
    1
}

impl StreamConfig {
    /// A stream that keeps all that is published to some subjects, on disk and for ever, and knows ids for so long.
    pub fn keeping_all(name: &str, subjects: Vec<String>, duplicate_window_ns: i64) -> StreamConfig {
        StreamConfig {
            name: name.to_owned(),
            subjects,
            retention: "limits".to_owned(),
            storage: "file".to_owned(),
            discard: "new".to_owned(),
            max_msgs: -1,
            max_msgs_per_subject: -1,
            max_bytes: -1,
            max_msg_size: -1,
            max_age: 0,
            duplicate_window: duplicate_window_ns,
            num_replicas: 1,
            deny_delete: false,
            deny_purge: false,
            sealed: false,
            no_ack: false,
        }
    }

    /// The request that makes it.
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers have a JSON")
    }

    /// Whether it takes the messages of a subject, which has no wildcards.
    pub fn takes(&self, subject: &str) -> bool {
        self.subjects.iter().any(|pattern| matches(pattern, subject))
    }

    /// The settings by which it loses what it acknowledged, or refuses what it is given, each as a sentence that says what to do.
    pub fn faults(&self) -> Vec<String> {
        let limit = |number: i64| (number > 0).then_some(number);
        let mut faults = Vec::new();
        let mut say = |fault: String| faults.push(fault);
        if self.storage == "memory" {
            say("it is kept in memory, so a restart of the server loses it: make it with storage `file`"
                .to_owned());
        }
        if !matches!(&*self.retention, "" | "limits") {
            say(format!("its retention `{}` removes what was read: make it with `limits`", self.retention));
        }
        if limit(self.max_age).is_some() {
            let mut text = format!("it removes what is older than {}", duration(self.max_age));
            let _ = write!(text, ": set max_age to 0 to keep everything");
            say(text);
        }
        let all = [
            ("max_msgs", self.max_msgs),
            ("max_msgs_per_subject", self.max_msgs_per_subject),
            ("max_bytes", self.max_bytes),
        ];
        for (name, most) in all.into_iter().filter_map(|(name, number)| Some((name, limit(number)?))) {
            say(match &*self.discard {
                "new" => format!("it refuses more once {name} is {most}: set it to -1"),
                _ => format!("it removes the oldest once {name} is {most}: set it to -1"),
            });
        }
        if self.sealed {
            say("it is sealed, so it takes nothing: use another stream".to_owned());
        }
        if self.no_ack {
            say("it acknowledges nothing: set no_ack to false".to_owned());
        }
        faults
    }
}

fn duration(ns: i64) -> String {
    let seconds = ns / 1_000_000_000;
    match (seconds / 86_400, seconds / 3_600, seconds / 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} days"),
    }
}

/// Whether a subject is one of those that a pattern with `*` and `>` stands for.
fn matches(pattern: &str, subject: &str) -> bool {
    let (mut patterns, mut tokens) = (pattern.split('.'), subject.split('.'));
    loop {
        match (patterns.next(), tokens.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) => return true,
            (Some(pattern), Some(token)) if pattern == "*" || pattern == token => {}
            _ => return false,
        }
    }
}

/// What a stream has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StreamState {
    /// Messages.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Sequence of the first message.
    pub first_seq: u64,
    /// Sequence of the last message that it had.
    pub last_seq: u64,
    /// How many messages each subject has, if that was asked for.
    pub subjects: Option<BTreeMap<String, u64>>,
}

/// A stream with its settings and what it has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StreamInfo {
    /// Its settings.
    pub config: StreamConfig,
    /// What it has.
    pub state: StreamState,
}

/// The question for a stream that has the subjects counted which a filter with wildcards stands for.
pub fn subjects_request(filter: &str) -> Vec<u8> {
    serde_json::to_vec(&BTreeMap::from([("subjects_filter", filter)])).expect("a text has a JSON")
}

/// Reads the answer to a question for a stream, or to the request that makes one.
///
/// # Errors
/// If it is none. That there is no such stream is an answer, [`super::codes::NO_STREAM`].
pub fn read_info(json: &[u8]) -> Result<Result<StreamInfo, ApiError>, Error> {
    read("what is known of a stream", json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_subjects() {
        for (pattern, subject, is) in [
            ("custos.>", "custos.lab.web", true),
            ("custos.>", "custos", false),
            ("custos.*.*", "custos.lab.web", true),
            ("custos.*", "custos.lab.web", false),
            ("custos.lab", "custos.lab", true),
            (">", "a", true),
            ("custos.*.b", "custos.a", false),
        ] {
            assert_eq!(matches(pattern, subject), is, "{pattern} {subject}");
        }
    }

    #[test]
    fn settings_that_lose_data_are_named() {
        let good = StreamConfig::keeping_all("S", vec!["custos.>".to_owned()], 120_000_000_000);
        assert!(good.faults().is_empty() && good.takes("custos.a.b") && !good.takes("other"));
        let bad = StreamConfig {
            max_age: 30 * 86_400 * 1_000_000_000,
            max_bytes: 1000,
            storage: "memory".to_owned(),
            retention: "workqueue".to_owned(),
            discard: "old".to_owned(),
            no_ack: true,
            sealed: true,
            ..good.clone()
        };
        let faults = bad.faults();
        assert_eq!(faults.len(), 6, "{faults:?}");
        assert_eq!(faults[2], "it removes what is older than 30 days: set max_age to 0 to keep everything");
        assert_eq!(faults[3], "it removes the oldest once max_bytes is 1000: set it to -1");
        let full = StreamConfig { max_msgs: 5, ..good };
        assert_eq!(full.faults(), ["it refuses more once max_msgs is 5: set it to -1"]);
    }

    /// As nats-server 2.9.10 answers.
    #[test]
    fn what_is_known_of_a_stream_is_read() {
        let json = br#"{"type":"io.nats.jetstream.api.v1.stream_info_response","total":1,"offset":0,"limit":100000,"config":{"name":"S",
            "subjects":["custos.>"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,
            "max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"new","storage":"file","num_replicas":1,"duplicate_window":120000000000,
            "allow_direct":false,"mirror_direct":false,"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false},
            "created":"2026-11-28T00:00:00Z","state":{"messages":3,"bytes":10,"first_seq":1,"last_seq":3,"num_subjects":1,
            "subjects":{"custos.a.b":3},"consumer_count":0}}"#;
        let info = read_info(json).unwrap().unwrap();
        assert_eq!(info.config, StreamConfig::keeping_all("S", vec!["custos.>".to_owned()], 120_000_000_000));
        assert_eq!((info.state.last_seq, info.state.subjects.unwrap()["custos.a.b"]), (3, 3));
        let made: serde_json::Value = serde_json::from_slice(&info.config.json()).unwrap();
        assert_eq!((&made["max_age"], &made["retention"]), (&0.into(), &"limits".into()));
    }
}
