//! Writing perfdata: `'label'=value[unit];[warn];[crit];[min];[max]`.

use std::fmt::{self, Display, Write};

use super::range::Range;

/// One metric to be written. Its unit is one that [`Perfdata`](super::Perfdata) reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Item<'a, V> {
    /// The label. Characters that some parsers do not accept within quotes are written as `_`.
    pub label: &'a str,
    /// The value; `None` is written as `U`.
    pub value: Option<V>,
    /// The unit; may be empty.
    pub unit: &'a str,
    /// The warning range.
    pub warn: Option<Range>,
    /// The critical range.
    pub crit: Option<Range>,
    /// The least possible value.
    pub min: Option<f64>,
    /// The greatest possible value.
    pub max: Option<f64>,
}

impl<V: Display> Display for Item<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_label(self.label, f)?;
        match &self.value {
            Some(value) => write!(f, "={value}{}", self.unit)?,
            None => write!(f, "=U{}", self.unit)?,
        }
        let fields: [Option<&dyn Display>; 4] = [
            self.warn.as_ref().map(|range| range as &dyn Display),
            self.crit.as_ref().map(|range| range as &dyn Display),
            self.min.as_ref().map(|limit| limit as &dyn Display),
            self.max.as_ref().map(|limit| limit as &dyn Display),
        ];
        let len = fields.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for field in &fields[..len] {
            f.write_char(';')?;
            if let Some(field) = field {
                field.fmt(f)?;
            }
        }
        Ok(())
    }
}

/// Always in quotes: blanks and most signs may be in a label, and `''` is a quote.
fn write_label(label: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('\'')?;
    for character in label.chars() {
        match character {
            '\'' => f.write_str("''")?,
            '=' | '|' => f.write_char('_')?,
            character if character.is_control() => f.write_char('_')?,
            character => f.write_char(character)?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::super::{Number, Options, Perfdata};
    use super::*;

    fn written(label: &str, value: Option<f64>, unit: &str) -> String {
        Item { label, value, unit, ..Item::default() }.to_string()
    }

    #[test]
    fn an_item_is_written_without_empty_fields_at_its_end() {
        assert_eq!(written("load1", Some(0.42), ""), "'load1'=0.42");
        assert_eq!(written("it's here", None, "%"), "'it''s here'=U%");
        assert_eq!(written("a=b|c\n", Some(1.0), "B"), "'a_b_c_'=1B");
        let item = Item { crit: Range::parse("~:20").ok(), min: Some(0.0), ..Item::default() };
        assert_eq!(Item { label: "x", value: Some(7), ..item }.to_string(), "'x'=7;;~:20;0");
    }

    fn range() -> impl Strategy<Value = Range> {
        (-1e9..1e9_f64, 0.0..1e9_f64, any::<bool>())
            .prop_map(|(start, len, inside)| Range::new(start, start + len, inside).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            label in "[^=|\\p{C}]{1,20}",
            value in option::of(-1e15..1e15_f64),
            unit in prop::sample::select(vec!["", "s", "B", "%", "c"]),
            warn in option::of(range()),
            crit in option::of(range()),
            limits in option::of((-1e9..0.0_f64, 0.0..1e9_f64)),
        ) {
            let (min, max) = (limits.map(|limits| limits.0), limits.map(|limits| limits.1));
            let item = Item { label: &label, value, unit, warn, crit, min, max };
            let options = Options { check_multi: false, ..Options::default() };
            let read = Perfdata::parse(&item.to_string(), &options);
            prop_assert!(read.warnings.is_empty(), "{item}: {:?}", read.warnings);
            let metric = &read.metrics[0];
            prop_assert_eq!(&metric.label, &label);
            prop_assert_eq!(metric.value.map(Number::to_f64), value);
            prop_assert_eq!(metric.unit.as_str(), unit);
            prop_assert_eq!((metric.warn, metric.crit), (warn, crit));
            prop_assert_eq!((metric.min, metric.max), (min, max));
        }
    }
}
