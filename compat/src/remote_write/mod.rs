//! Prometheus' remote write: requests of versions 1.0 and 2.0, before they are compressed (snappy, [`Compressor`]).
//!
//! 1.0 is <https://prometheus.io/docs/specs/prw/remote_write_spec/>, `prompb/remote.proto` and `prompb/types.proto`; 2.0
//! is <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/> (still experimental),
//! `prompb/io/prometheus/write/v2/types.proto`.
//!
//! What does not change from one request to the next, the labels of a series, is encoded once ([`Labels::encoded`]); a
//! request is those bytes and the samples behind them.

mod decode;
mod labels;
mod request;
mod snappy;
mod special;
mod symbols;

pub use decode::{Series, decode};
pub use labels::{EncodedLabels, Labels, LabelsFault};
pub use request::Request;
pub use snappy::{Compressor, SnappyError, decompress};
pub use special::{INTEGER_EXACT_MAX, STALE_MARKER, is_exact};
pub use symbols::{MetricType, SymbolRequest, decode_symbols};

/// Of headers of a request: what its body is, by version.
pub mod headers {
    /// `Content-Encoding` of both.
    pub const ENCODING: &str = "snappy";
    /// `Content-Type` of 1.0.
    pub const CONTENT_TYPE: &str = "application/x-protobuf";
    /// `X-Prometheus-Remote-Write-Version` of 1.0.
    pub const VERSION: &str = "0.1.0";
    /// `Content-Type` of 2.0.
    pub const CONTENT_TYPE_2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    /// `X-Prometheus-Remote-Write-Version` of 2.0.
    pub const VERSION_2: &str = "2.0.0";
    /// The header that has the version.
    pub const VERSION_NAME: &str = "x-prometheus-remote-write-version";
    /// The header of an answer to 2.0 that says how many samples were written. An answer without it is none to 2.0.
    pub const WRITTEN_NAME: &str = "x-prometheus-remote-write-samples-written";
}
