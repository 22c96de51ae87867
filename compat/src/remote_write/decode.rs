//! Reading a request of version 1.0, as strictly as the specification allows: labels sorted, unique and not empty, samples
//! in order of time, nothing that the message does not have.

use crate::protobuf::{Error, Fault, Field, Reader};

/// A series of a request, with its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels, by name, that of the metric (`__name__`) among them.
    pub labels: Vec<(String, String)>,
    /// Its samples: ms since the epoch and value.
    pub samples: Vec<(i64, f64)>,
}

/// The series of a request, which was decompressed before.
///
/// # Errors
/// If it is none, or breaks a rule of the specification.
pub fn decode(request: &[u8]) -> Result<Vec<Series>, Error> {
    let mut all = Vec::new();
    let mut reader = Reader::new(request);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => all.push(series(&field)?),
            _ => return Err(field.unknown()),
        }
    }
    Ok(all)
}

fn series(field: &Field<'_>) -> Result<Series, Error> {
    let mut series = Series::default();
    let mut reader = field.inside()?;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => series.labels.push(label(&field)?),
            2 => series.samples.push(sample(&field)?),
            _ => return Err(field.unknown()),
        }
    }
    series.check().map_err(|rule| field.fault(Fault::Rule(rule)))?;
    Ok(series)
}

fn label(field: &Field<'_>) -> Result<(String, String), Error> {
    let (mut name, mut value) = (String::new(), String::new());
    let mut reader = field.inside()?;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => name = field.text()?.to_owned(),
            2 => value = field.text()?.to_owned(),
            _ => return Err(field.unknown()),
        }
    }
    Ok((name, value))
}

/// A sample: ms since the epoch and value. What is absent is 0.
pub(super) fn sample(field: &Field<'_>) -> Result<(i64, f64), Error> {
    let (mut time_ms, mut value) = (0, 0.0);
    let mut reader = field.inside()?;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => value = field.double()?,
            2 => time_ms = field.uint()? as i64,
            _ => return Err(field.unknown()),
        }
    }
    Ok((time_ms, value))
}

impl Series {
    /// The rule of the specification that it breaks, if it breaks one.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let labels = &self.labels;
        let holds = [
            (labels.iter().any(|(name, _)| name == "__name__"), "a series has no name"),
            (labels.iter().all(|(name, value)| !name.is_empty() && !value.is_empty()), "a label is empty"),
            (labels.is_sorted_by(|(a, _), (b, _)| a < b), "labels are not sorted, or a name is there twice"),
            (!self.samples.is_empty(), "a series has no samples"),
            (self.samples.is_sorted_by_key(|(time_ms, _)| *time_ms), "samples are not in order of time"),
        ];
        match holds.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(rule),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EncodedLabels, Labels, Request, STALE_MARKER, is_exact};
    use super::*;
    use crate::open_metrics::Escaping;
    use proptest::prelude::*;

    fn encoded(metric: &str, labels: &[(&str, &str)]) -> EncodedLabels {
        Labels::new(metric, labels.iter().copied(), Escaping::Underscores).unwrap().encoded()
    }

    #[test]
    fn a_request_has_the_bytes_of_the_protocol() {
        let mut request = Request::default();
        request.series(&encoded("a", &[]), &[1_700_000_000_123], &[1.5]);
        let expected = b"\x0a\x21\x0a\x0d\x0a\x08__name__\x12\x01a\
            \x12\x10\x09\0\0\0\0\0\0\xf8\x3f\x10\xfb\xd0\x95\xff\xbc\x31";
        let time_at = expected.len() - 6;
        assert_eq!(request.bytes()[..time_at], expected[..time_at]);
        assert_eq!(decode(request.bytes()).unwrap()[0].samples, [(1_700_000_000_123, 1.5)]);
    }

    #[test]
    fn a_stale_marker_arrives_bit_by_bit() {
        let mut request = Request::default();
        request.series(&encoded("a", &[]), &[1], &[STALE_MARKER]);
        let [series] = &decode(request.bytes()).unwrap()[..] else { panic!("one series was sent") };
        assert_eq!(series.samples[0].1.to_bits(), 0x7ff0_0000_0000_0002);
    }

    #[test]
    fn integers_beyond_2_to_the_53_are_reported_unless_a_float_equals_them() {
        assert!(is_exact((1 << 53) - 1) && is_exact(1 << 53) && is_exact(i64::MIN) && is_exact(1 << 62));
        assert!(!is_exact((1 << 53) + 1) && !is_exact(i64::MAX) && !is_exact(i64::MIN + 1));
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let unsorted = b"\x0a\x29\x0a\x06\x0a\x01b\x12\x01c\x0a\x0d\x0a\x08__name__\x12\x01a\
            \x12\x10\x09\0\0\0\0\0\0\xf8\x3f\x10\xfb\xd0\x95\xff\xbc\x31";
        let fault = decode(&unsorted[..]).unwrap_err();
        assert_eq!(fault, Fault::Rule("labels are not sorted, or a name is there twice").at(0));
        let mut request = Request::default();
        request.series(&encoded("a", &[]), &[2, 1], &[0.0, 0.0]);
        let fault = decode(request.bytes()).unwrap_err();
        assert_eq!(fault.fault, Fault::Rule("samples are not in order of time"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in "[a-z]{1,8}",
            value in "\\PC{1,20}",
            mut times in prop::collection::vec(any::<i64>(), 1..20),
            bits in any::<u64>(),
        ) {
            times.sort_unstable();
            let values: Vec<f64> = times.iter().map(|time| f64::from_bits(bits ^ *time as u64)).collect();
            let labels = encoded(&name, &[("check", &value)]);
            let mut request = Request::default();
            request.series(&labels, &times, &values);
            prop_assert_eq!(request.bytes().len(), Request::series_len(&labels, &times));
            let read = decode(request.bytes()).unwrap();
            let samples: Vec<(i64, u64)> = read[0].samples.iter().map(|(t, v)| (*t, v.to_bits())).collect();
            let sent: Vec<(i64, u64)> = times.iter().zip(&values).map(|(t, v)| (*t, v.to_bits())).collect();
            prop_assert_eq!(samples, sent);
            prop_assert_eq!(&read[0].labels[1], &("check".to_owned(), value));
        }

        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
            let _ = decode(&bytes);
        }
    }
}
