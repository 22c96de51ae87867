//! A request of version 2.0, `io.prometheus.write.v2.Request`: every text stands once in a table of symbols, and series
//! refer to it by number.

use std::collections::HashMap;

use super::decode::{Series, sample};
use super::labels::Labels;
use super::request::{put_samples, samples_len};
use crate::protobuf::Wire;
use crate::protobuf::{
    Error, Fault, Field, Reader, bytes_len, put_bytes, put_key, put_uint, put_varint, varint_len,
};

/// Fields of `Request`.
const SYMBOLS: u32 = 4;
const TIME_SERIES: u32 = 5;
/// Fields of `TimeSeries`; `samples`, number 2, is as in 1.0.
const LABELS_REFS: u32 = 1;
const METADATA: u32 = 5;
/// Fields of `Metadata`.
const TYPE: u32 = 1;
const UNIT_REF: u32 = 4;

/// What a series counts, as receivers note it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricType {
    /// Not known.
    #[default]
    Unspecified = 0,
    /// It grows, or begins anew.
    Counter = 1,
    /// It goes up and down.
    Gauge = 2,
}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub struct SymbolRequest {
    numbers: HashMap<String, u32>,
    /// The table, as it is sent: symbols in the order of their numbers.
    symbols: Vec<u8>,
    series: Vec<u8>,
    samples: usize,
    refs: Vec<u8>,
}

impl Default for SymbolRequest {
    fn default() -> SymbolRequest {
        let mut request = SymbolRequest {
            numbers: HashMap::new(),
            symbols: Vec::new(),
            series: Vec::new(),
            samples: 0,
            refs: Vec::new(),
        };
        // The symbol 0 has to be the empty text.
        request.symbol("");
        request
    }
}

impl SymbolRequest {
    fn symbol(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        put_bytes(&mut self.symbols, SYMBOLS, text.as_bytes());
        number
    }

    /// Adds a series of a type and a unit, which may be empty, with samples: as many times, in ms since the epoch, as values.
    pub fn series(&mut self, labels: &Labels, of: (MetricType, &str), times_ms: &[i64], values: &[f64]) {
        let pairs = times_ms.len().min(values.len());
        let (times_ms, values) = (&times_ms[..pairs], &values[..pairs]);
        let mut refs = std::mem::take(&mut self.refs);
        refs.clear();
        for (name, value) in labels.iter() {
            put_varint(&mut refs, u64::from(self.symbol(name)));
            put_varint(&mut refs, u64::from(self.symbol(value)));
        }
        let (kind, unit) = (of.0 as u64, u64::from(self.symbol(of.1)));
        let metadata_len = 2 + 1 + varint_len(unit);
        let len = bytes_len(refs.len()) + samples_len(times_ms) + bytes_len(metadata_len);
        put_key(&mut self.series, TIME_SERIES, Wire::Bytes);
        put_varint(&mut self.series, len as u64);
        put_bytes(&mut self.series, LABELS_REFS, &refs);
        put_samples(&mut self.series, times_ms, values);
        put_key(&mut self.series, METADATA, Wire::Bytes);
        put_varint(&mut self.series, metadata_len as u64);
        put_uint(&mut self.series, TYPE, kind);
        put_uint(&mut self.series, UNIT_REF, unit);
        self.refs = refs;
        self.samples += pairs;
    }

    /// How many samples it has.
    pub fn samples_count(&self) -> usize {
        self.samples
    }

    /// How many bytes it has.
    pub fn bytes_count(&self) -> usize {
        self.symbols.len() + self.series.len()
    }

    /// The request, as it is compressed and sent.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.symbols[..], &self.series[..]].concat()
    }

    /// Begins the next request.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.symbols.clear();
        self.series.clear();
        self.samples = 0;
        self.symbol("");
    }
}

/// The series of a request, which was decompressed before, with the type and the unit of each. It is read as strictly as
/// [`super::decode`] reads.
///
/// # Errors
/// If it is none, or breaks a rule of the specification.
pub fn decode_symbols(request: &[u8]) -> Result<Vec<(Series, u64, String)>, Error> {
    let (mut symbols, mut found) = (Vec::new(), Vec::new());
    let mut reader = Reader::new(request);
    while let Some(field) = reader.field()? {
        match field.number {
            SYMBOLS => symbols.push(field.text()?),
            TIME_SERIES => found.push(field),
            _ => return Err(field.unknown()),
        }
    }
    if symbols.first() != Some(&"") {
        return Err(Fault::Rule("the first symbol is not empty").at(0));
    }
    found.iter().map(|field| series(field, &symbols)).collect()
}

fn symbol(field: &Field<'_>, symbols: &[&str], number: u64) -> Result<String, Error> {
    let found = usize::try_from(number).ok().and_then(|number| symbols.get(number));
    found.map(|text| (*text).to_owned()).ok_or(field.fault(Fault::Range(field.number)))
}

fn series(field: &Field<'_>, symbols: &[&str]) -> Result<(Series, u64, String), Error> {
    let (mut series, mut kind, mut unit) = (Series::default(), 0, String::new());
    let mut reader = field.inside()?;
    while let Some(field) = reader.field()? {
        match field.number {
            LABELS_REFS => {
                let mut refs = field.inside()?;
                while !refs.rest().is_empty() {
                    let name = symbol(&field, symbols, refs.varint()?)?;
                    series.labels.push((name, symbol(&field, symbols, refs.varint()?)?));
                }
            }
            2 => series.samples.push(sample(&field)?),
            METADATA => {
                let mut reader = field.inside()?;
                while let Some(field) = reader.field()? {
                    match field.number {
                        TYPE => kind = field.uint()?,
                        UNIT_REF => unit = symbol(&field, symbols, field.uint()?)?,
                        _ => return Err(field.unknown()),
                    }
                }
            }
            _ => return Err(field.unknown()),
        }
    }
    series.check().map_err(|rule| field.fault(Fault::Rule(rule)))?;
    Ok((series, kind, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_metrics::Escaping;
    use proptest::prelude::*;

    #[test]
    fn texts_stand_once_and_series_are_read_again() {
        let labels = |of| Labels::new("load1", [("check", "load"), ("host", of)], Escaping::Values).unwrap();
        let mut request = SymbolRequest::default();
        request.series(&labels("a"), (MetricType::Gauge, "s"), &[1, 2], &[0.5, -1.0]);
        request.series(&labels("b"), (MetricType::Counter, ""), &[3], &[f64::INFINITY]);
        let bytes = request.bytes();
        assert_eq!(bytes.len(), request.bytes_count());
        assert_eq!(bytes.windows(5).filter(|window| window == b"load1").count(), 1);
        let read = decode_symbols(&bytes).unwrap();
        assert_eq!(read[0].0.samples, [(1, 0.5), (2, -1.0)]);
        assert_eq!((read[0].1, read[0].2.as_str()), (2, "s"));
        let own: Vec<(String, String)> =
            labels("b").iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!((&read[1].0.labels, read[1].1), (&own, 1));
        request.clear();
        assert_eq!(decode_symbols(&request.bytes()), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
            let _ = decode_symbols(&bytes);
            let _ = decode_symbols(&[b"\x22\x00", &bytes[..]].concat());
        }
    }
}
