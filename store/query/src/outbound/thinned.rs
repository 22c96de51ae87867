//! One sample a time, one mark an end.

use custos_store::Value;

use super::sample::OutboundSample;

/// Passes on what a series has: of several values of one time the last, of several ends in a row the first. An end is
/// passed on only behind a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thinned {
    held: Option<OutboundSample>,
    has_value: bool,
}

impl Thinned {
    /// Takes in what a run says of the series, and passes on what came before.
    pub(super) fn push(&mut self, time_ms: i64, value: Option<Value>, out: &mut Vec<OutboundSample>) {
        if self.held.is_some_and(|held| held.time_ms != time_ms) {
            self.flush(out);
        }
        self.held = Some(OutboundSample { time_ms, value });
    }

    /// Passes on what is left.
    pub(super) fn flush(&mut self, out: &mut Vec<OutboundSample>) {
        let Some(held) = self.held.take() else { return };
        if held.value.is_some() || self.has_value {
            out.push(held);
        }
        self.has_value = held.value.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_time_and_the_first_end_count() {
        let (mut thinned, mut out) = (Thinned::default(), Vec::new());
        let said = [
            (0, None),
            (1, Some(1.0)),
            (2, Some(2.0)),
            (2, Some(3.0)),
            (3, None),
            (4, None),
            (5, Some(5.0)),
            (6, Some(6.0)),
            (6, None),
        ];
        for (time_ms, value) in said {
            thinned.push(time_ms, value.map(Value::from), &mut out);
        }
        thinned.flush(&mut out);
        let found: Vec<_> =
            out.iter().map(|sample| (sample.time_ms, sample.value.map(Value::to_f64))).collect();
        assert_eq!(found, [(1, Some(1.0)), (2, Some(3.0)), (3, None), (5, Some(5.0)), (6, None)]);
    }
}
