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
mod symbols;

pub use decode::{Series, decode};
pub use labels::{EncodedLabels, Labels, LabelsFault};
pub use request::Request;
pub use snappy::{Compressor, SnappyError, decompress};
pub use symbols::{MetricType, SymbolRequest, decode_symbols};

/// The value of a stale marker: bit for bit this, which is not a number. It says that a series has ended.
pub const STALE_MARKER: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The largest integer up to which every one is a float. Beyond, remote write rounds what the store has exactly.
pub const INTEGER_EXACT_MAX: i64 = 1 << 53;

/// Whether an integer is the same as a float, so that remote write changes nothing.
pub fn is_exact(integer: i64) -> bool {
    integer as f64 as i128 == i128::from(integer)
}

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
