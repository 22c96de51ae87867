//! `ExportLogsServiceRequest`.

use super::attributes::{Attributes, put_text_value};
use super::metrics::{nanoseconds, put_scope};
use crate::protobuf::{put_fixed64, put_message, put_text, put_uint};

/// Field of the request, of `ResourceLogs`, of `Resource` and of `ScopeLogs`.
const RESOURCE_LOGS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_LOGS: u32 = 2;
const RESOURCE_ATTRIBUTES: u32 = 1;
const LOG_RECORDS: u32 = 2;
/// Fields of `LogRecord`.
const TIME: u32 = 1;
const SEVERITY_NUMBER: u32 = 2;
const SEVERITY_TEXT: u32 = 3;
const BODY: u32 = 5;
const ATTRIBUTES: u32 = 6;
const OBSERVED_TIME: u32 = 11;

/// How bad it is: the least number of each of these ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `SEVERITY_NUMBER_INFO`.
    Info = 9,
    /// `SEVERITY_NUMBER_WARN`.
    Warn = 13,
    /// `SEVERITY_NUMBER_ERROR`.
    Error = 17,
}

/// A log record.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// When it happened (ms since the epoch).
    pub time_ms: i64,
    /// When that was seen (ms since the epoch).
    pub observed_ms: i64,
    /// How bad it is.
    pub severity: Severity,
    /// That in the words of its source.
    pub severity_text: &'a str,
    /// What happened.
    pub body: &'a str,
    /// What else there is to it.
    pub attributes: &'a Attributes,
}

/// A request that is being put together.
#[derive(Clone, Debug, Default)]
pub struct LogsRequest {
    records: Vec<u8>,
}

impl LogsRequest {
    /// Adds a record.
    pub fn record(&mut self, record: &LogRecord<'_>) {
        put_message(&mut self.records, LOG_RECORDS, |out| {
            put_fixed64(out, TIME, nanoseconds(record.time_ms));
            put_fixed64(out, OBSERVED_TIME, nanoseconds(record.observed_ms));
            put_uint(out, SEVERITY_NUMBER, record.severity as u64);
            put_text(out, SEVERITY_TEXT, record.severity_text);
            put_text_value(out, BODY, record.body);
            record.attributes.put(out, ATTRIBUTES);
        });
    }

    /// The request, of a resource and of a scope with its name and version.
    pub fn bytes(&self, resource: &Attributes, scope: (&str, &str)) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.records.len() + 256);
        put_message(&mut out, RESOURCE_LOGS, |out| {
            put_message(out, RESOURCE, |out| resource.put(out, RESOURCE_ATTRIBUTES));
            put_message(out, SCOPE_LOGS, |out| {
                put_scope(out, scope);
                out.extend_from_slice(&self.records);
            });
        });
        out
    }
}
