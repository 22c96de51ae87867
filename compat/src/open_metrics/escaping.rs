//! Names that are no identifiers, and how they are written for readers that take only identifiers. The ways are those of
//! Prometheus 3, by its names.

use std::borrow::Cow;
use std::fmt::Write;

/// How names that are no identifiers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// As they are, in quotes: `{"disk /",…}`. Prometheus before 3 does not read it.
    #[default]
    AllowUtf8,
    /// With `_` in place of what is not allowed. Different names may become one.
    Underscores,
    /// With `_dot_` in place of a point, `__` in place of `_` and of all else that is not allowed.
    Dots,
    /// Behind `U__`, with `_20_` in place of U+0020 and `__` in place of `_`, so that the name can be told from it.
    Values,
}

impl Escaping {
    /// Every way with its name.
    pub const ALL: [(&'static str, Escaping); 4] = [
        ("allow-utf-8", Escaping::AllowUtf8),
        ("underscores", Escaping::Underscores),
        ("dots", Escaping::Dots),
        ("values", Escaping::Values),
    ];

    /// The name of a metric, as it is written but for quotes.
    pub fn metric(self, name: &str) -> Cow<'_, str> {
        self.apply(name, true)
    }

    /// The name of a label, as it is written but for quotes.
    pub fn label(self, name: &str) -> Cow<'_, str> {
        self.apply(name, false)
    }

    fn apply(self, name: &str, of_metric: bool) -> Cow<'_, str> {
        let is_plain = is_identifier(name, of_metric);
        // The way of points changes identifiers, too, so that a name can be told from it.
        if self == Escaping::AllowUtf8 || (is_plain && self != Escaping::Dots) {
            return name.into();
        }
        let mut out = String::from(if self == Escaping::Values { "U__" } else { "" });
        for (at, character) in name.char_indices() {
            let is_allowed = fits(character, at == 0, of_metric);
            // Writing to a String does not fail.
            let _ = match (self, character) {
                (Escaping::Dots | Escaping::Values, '_') => write!(out, "__"),
                (_, character) if is_allowed => write!(out, "{character}"),
                (Escaping::Dots, '.') => write!(out, "_dot_"),
                (Escaping::Dots, _) => write!(out, "__"),
                (Escaping::Values, character) => write!(out, "_{:x}_", u32::from(character)),
                _ => write!(out, "_"),
            };
        }
        if out.is_empty() { "_".into() } else { out.into() }
    }
}

fn fits(character: char, at_start: bool, of_metric: bool) -> bool {
    character.is_ascii_alphabetic()
        || character == '_'
        || (character == ':' && of_metric)
        || (character.is_ascii_digit() && !at_start)
}

/// Whether a name needs no quotes.
pub(super) fn is_identifier(name: &str, of_metric: bool) -> bool {
    !name.is_empty() && name.char_indices().all(|(at, character)| fits(character, at == 0, of_metric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_prometheus_writes_them() {
        for (name, underscores, dots, values) in [
            ("load", "load", "load", "load"),
            ("check_state", "check_state", "check__state", "check_state"),
            ("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"),
            ("disk /", "disk__", "disk____", "U__disk_20__2f_"),
            ("a_b c", "a_b_c", "a__b__c", "U__a__b_20_c"),
            ("1h", "_h", "__h", "U___31_h"),
            ("größe", "gr__e", "gr____e", "U__gr_f6__df_e"),
            ("", "_", "_", "U__"),
        ] {
            let escaped =
                [Escaping::Underscores, Escaping::Dots, Escaping::Values].map(|way| way.metric(name));
            assert_eq!(escaped, [underscores, dots, values]);
            assert_eq!(Escaping::AllowUtf8.metric(name), name);
        }
        assert_eq!(Escaping::Underscores.label("a:b"), "a_b");
    }
}
