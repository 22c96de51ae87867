//! The labels of a series as remote write wants them: sorted by name, each name once, neither names nor values empty,
//! every name one that the receiver takes.

use std::fmt;

use crate::open_metrics::Escaping;
use crate::protobuf::{bytes_len, put_bytes, put_message};

/// The label that has the name of the metric.
const NAME: &str = "__name__";
/// Fields of `TimeSeries` and `Label` in `types.proto`.
const TIME_SERIES_LABELS: u32 = 1;
const LABEL_NAME: u32 = 1;
const LABEL_VALUE: u32 = 2;

/// Why labels are none of a series. The text continues "failed to name the series: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelsFault {
    /// The name of the metric is empty.
    NoName,
}

impl fmt::Display for LabelsFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelsFault::NoName => write!(out, "its metric has no name"),
        }
    }
}

impl std::error::Error for LabelsFault {}

/// The labels of a series, fit to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Labels(Vec<(String, String)>);

/// Labels as the bytes of the field `labels` of a series, whose length is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncodedLabels(Box<[u8]>);

impl Labels {
    /// The labels of the series of a metric. Names are escaped as the receiver takes them; of labels whose names become
    /// one the first is kept; what has no value is no label.
    ///
    /// # Errors
    /// If the metric has no name.
    pub fn new<'a>(
        metric: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        escaping: Escaping,
    ) -> Result<Labels, LabelsFault> {
        if metric.is_empty() {
            return Err(LabelsFault::NoName);
        }
        let mut all = vec![(NAME.to_owned(), escaping.metric(metric).into_owned())];
        for (name, value) in labels {
            if name.is_empty() || value.is_empty() {
                continue;
            }
            all.push((escaping.label(name).into_owned(), value.to_owned()));
        }
        // The sort is stable, so the first of several stays.
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|(next, _), (kept, _)| next == kept);
        Ok(Labels(all))
    }

    /// Each as (name, value), by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The bytes that a request of 1.0 has of them.
    pub fn encoded(&self) -> EncodedLabels {
        let len = |text: &str| bytes_len(text.len());
        let mut out =
            Vec::with_capacity(self.iter().map(|(name, value)| bytes_len(len(name) + len(value))).sum());
        for (name, value) in self.iter() {
            put_message(&mut out, TIME_SERIES_LABELS, |out| {
                put_bytes(out, LABEL_NAME, name.as_bytes());
                put_bytes(out, LABEL_VALUE, value.as_bytes());
            });
        }
        EncodedLabels(out.into())
    }
}

impl EncodedLabels {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_each_once_and_none_empty() {
        let given = [("zone", "1"), ("a.b", "x"), ("a b", "y"), ("host", ""), ("", "v"), ("check", "disk /")];
        let labels = Labels::new("disk /", given, Escaping::Underscores).unwrap();
        let expected = [("__name__", "disk__"), ("a_b", "x"), ("check", "disk /"), ("zone", "1")];
        assert_eq!(labels.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Labels::new("", given, Escaping::Values), Err(LabelsFault::NoName));
    }

    #[test]
    fn a_label_that_claims_the_name_of_the_metric_does_not_replace_it() {
        let labels = Labels::new("load1", [("__name__", "other")], Escaping::Values).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("__name__", "load1")]);
    }

    #[test]
    fn they_are_encoded_as_protobuf_has_them() {
        let labels = Labels::new("a", [("b", "c")], Escaping::AllowUtf8).unwrap();
        assert_eq!(labels.encoded().bytes(), b"\x0a\x0d\x0a\x08__name__\x12\x01a\x0a\x06\x0a\x01b\x12\x01c");
    }
}
