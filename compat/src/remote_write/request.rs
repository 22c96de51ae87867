//! A request of version 1.0, `prometheus.WriteRequest`: one series after the other, each its labels and samples.

use super::labels::EncodedLabels;
use crate::protobuf::{bytes_len, put_varint, varint_len};

/// The key of the field `timeseries` of `WriteRequest`: number 1, with a length.
const TIME_SERIES_KEY: u8 = 1 << 3 | 2;
/// The key of the field `samples` of `TimeSeries`, and of `Sample` those of its `value` and `timestamp`. They are the
/// same in 2.0.
const SAMPLE_KEY: u8 = 2 << 3 | 2;
const VALUE_KEY: u8 = 1 << 3 | 1;
const TIMESTAMP_KEY: u8 = 2 << 3;
/// Bytes of a sample but for its key, its length and its time.
const SAMPLE_BASE_LEN: usize = 1 + 8 + 1;

/// A request that is being put together.
///
/// The samples of a series have to be in order of time, and no series may be in a request twice; whoever fills it sees to
/// that.
#[derive(Clone, Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    series: usize,
    samples: usize,
}

/// Bytes of a sample at a time, its key and length included.
fn sample_len(time_ms: i64) -> usize {
    bytes_len(SAMPLE_BASE_LEN + varint_len(time_ms as u64))
}

/// Bytes of so many samples.
pub(super) fn samples_len(times_ms: &[i64]) -> usize {
    times_ms.iter().map(|time_ms| sample_len(*time_ms)).sum()
}

/// Appends samples as the field `samples` of a series.
pub(super) fn put_samples(out: &mut Vec<u8>, times_ms: &[i64], values: &[f64]) {
    for (time_ms, value) in times_ms.iter().zip(values) {
        let time = *time_ms as u64;
        // One piece of memory of a known length costs one look at the room that there is.
        let mut head = [0; 3 + 8 + 1];
        head[0] = SAMPLE_KEY;
        head[1] = (SAMPLE_BASE_LEN + varint_len(time)) as u8;
        head[2] = VALUE_KEY;
        head[3..11].copy_from_slice(&value.to_bits().to_le_bytes());
        head[11] = TIMESTAMP_KEY;
        out.extend_from_slice(&head);
        put_varint(out, time);
    }
}

impl Request {
    /// Adds a series with samples: as many times, in ms since the epoch, as values.
    pub fn series(&mut self, labels: &EncodedLabels, times_ms: &[i64], values: &[f64]) {
        let pairs = times_ms.len().min(values.len());
        let (times_ms, values) = (&times_ms[..pairs], &values[..pairs]);
        let len = labels.bytes().len() + samples_len(times_ms);
        self.bytes.reserve(bytes_len(len));
        self.bytes.push(TIME_SERIES_KEY);
        put_varint(&mut self.bytes, len as u64);
        self.bytes.extend_from_slice(labels.bytes());
        put_samples(&mut self.bytes, times_ms, values);
        self.series += 1;
        self.samples += pairs;
    }

    /// The bytes that adding a series with these samples would add.
    pub fn series_len(labels: &EncodedLabels, times_ms: &[i64]) -> usize {
        bytes_len(labels.bytes().len() + samples_len(times_ms))
    }

    /// The request, as it is compressed and sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many series it has.
    pub fn series_count(&self) -> usize {
        self.series
    }

    /// How many samples it has.
    pub fn samples_count(&self) -> usize {
        self.samples
    }

    /// Begins the next request in the memory of this one.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.series, self.samples) = (0, 0);
    }
}
