//! Where within an expression the end of what is typed stands, and which names may go on there.

/// What may come next at the end of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'t> {
    /// The name of a metric or of a function.
    Name,
    /// The name of a label, of series of this name; empty if none is given.
    Label(&'t str),
    /// The value of this label, of series of this name.
    Value(&'t str, &'t str),
    /// A number, a length of time, an operator, a text.
    Other,
}

/// What may come next, and what of it is typed.
pub(super) fn next(typed: &str) -> (Next<'_>, &str) {
    let mut open: Option<usize> = None;
    let mut quote: Option<(char, usize)> = None;
    let mut escaped = false;
    let mut in_brackets = false;
    for (at, character) in typed.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(('"' | '\'', _)), '\\') => escaped = true,
            (Some((mark, _)), character) if mark == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some((character, at + 1)),
            (None, '{') => open = Some(at),
            (None, '}') => open = None,
            (None, '[') => in_brackets = true,
            (None, ']') => in_brackets = false,
            _ => {}
        }
    }
    let name = open.map_or("", |at| trailing_name(typed[..at].trim_end()));
    match (open, quote) {
        (Some(_), Some((_, from))) => {
            let before = typed[..from - 1].trim_end();
            let label = before.strip_suffix('~').or(before.strip_suffix('='));
            let label = label.map(|rest| trailing_name(rest.trim_end_matches(['=', '!']).trim_end()));
            match label.filter(|label| !label.is_empty()) {
                Some(label) => (Next::Value(label, name), &typed[from..]),
                None => (Next::Other, ""),
            }
        }
        (Some(at), None) => {
            let label = trailing_name(typed);
            let before = typed[..typed.len() - label.len()].trim_end();
            let is_start = before.len() == at + 1 || before.ends_with(',');
            if is_start { (Next::Label(name), label) } else { (Next::Other, "") }
        }
        (None, None) if !in_brackets => (Next::Name, trailing_name(typed)),
        _ => (Next::Other, ""),
    }
}

/// The name that a text ends with.
fn trailing_name(text: &str) -> &str {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
    let name = &text[text.trim_end_matches(is_of_name).len()..];
    if name.starts_with(|first: char| first.is_ascii_digit()) { "" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_next() {
        for (typed, expected, of_it) in [
            ("", Next::Name, ""),
            ("lo", Next::Name, "lo"),
            ("rate(lo", Next::Name, "lo"),
            ("load{metric=\"x\"} + ch", Next::Name, "ch"),
            ("rate(load[5m]) / job:x", Next::Name, "job:x"),
            ("load{", Next::Label("load"), ""),
            ("sum(load{me", Next::Label("load"), "me"),
            ("{check=\"a\", me", Next::Label(""), "me"),
            ("load{metric=\"lo", Next::Value("metric", "load"), "lo"),
            ("load{metric!=\"lo", Next::Value("metric", "load"), "lo"),
            ("load{a=\"{\", metric=~'x y", Next::Value("metric", "load"), "x y"),
            ("load[5", Next::Other, ""),
            ("load{metric=", Next::Other, ""),
            ("load{metric", Next::Label("load"), "metric"),
            ("load{\"x", Next::Other, ""),
            ("label_replace(a, \"b", Next::Other, ""),
        ] {
            assert_eq!(next(typed), (expected, of_it), "{typed}");
        }
    }
}
