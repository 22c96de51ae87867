//! OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/>), as binary Protocol Buffers: requests that carry metrics or log
//! records, and what is answered.
//!
//! The messages are those of `opentelemetry/proto/collector/{metrics,logs}/v1` and what these import. A request has one resource
//! and one scope. What does not change from one request to the next, the attributes of a series, is encoded once
//! ([`Attributes`]).

mod answer;
mod attributes;
mod logs;
mod metrics;

pub use answer::{Partial, partial, status_message};
pub use attributes::Attributes;
pub use logs::{LogRecord, LogsRequest, Severity};
pub use metrics::{MetricKind, MetricsRequest, PointValue};

/// `Content-Type` of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// What follows the address of a receiver, for metrics.
pub const METRICS_PATH: &str = "/v1/metrics";
/// The same for log records.
pub const LOGS_PATH: &str = "/v1/logs";
