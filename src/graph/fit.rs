//! Lines made of items that are shown whole or not at all: a number that is cut is another number.

use super::ink::{Ink, Line};
use crate::text::width::{shorten_name, width};

/// A part of a line that is shown whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What matters less is left out first. Of equals, what comes later.
    pub(super) weight: u8,
    pub(super) parts: Vec<(Ink, String)>,
}

impl Item {
    fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| width(text)).sum()
    }
}

/// The name and as many items behind it as fit into so many columns. Where some do not, a mark says so; a name that is too
/// long is cut, but not within a number.
pub(super) fn fit(mut line: Line, name: &str, mut items: Vec<Item>, columns: usize, mark: &str) -> Line {
    let free = columns.saturating_sub(line.width());
    let cut = format!("  {mark}");
    let name = shorten_name(name, free, mark);
    let mut taken = width(&name) + items.iter().map(Item::width).sum::<usize>();
    let mut left_out = false;
    while taken + if left_out { width(&cut) } else { 0 } > free {
        let least = items.iter().enumerate().rev().min_by_key(|(_, item)| item.weight).map(|(at, _)| at);
        let Some(least) = least else { break };
        taken -= items.remove(least).width();
        left_out = true;
    }
    let marked = left_out && taken + width(&cut) <= free;
    line.push(Ink::Plain, &name);
    for (ink, text) in items.iter().flat_map(|item| &item.parts) {
        line.push(*ink, text);
    }
    if marked {
        line.push(Ink::Dim, &cut);
    }
    line
}

/// A label, or what is left of it without its unit. One that takes more columns than that is left out.
pub(super) fn fit_label(label: &str, columns: usize) -> &str {
    let fits = |label: &&str| width(label) <= columns;
    [label, label.split(' ').next().unwrap_or(label)].into_iter().find(fits).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_loses_its_unit_and_then_all_of_it() {
        assert_eq!(fit_label("7.2 GB", 8), "7.2 GB");
        assert_eq!(fit_label("1234567 GB", 8), "1234567");
        assert_eq!(fit_label("-292471208y 247d", 8), "");
        assert_eq!(fit_label("+1.00e-290", 8), "");
    }

    fn shown(name: &str, columns: usize) -> String {
        let item = |weight, text: &str| Item { weight, parts: vec![(Ink::Plain, text.to_owned())] };
        let items = vec![item(2, "  min 18.7 GB"), item(1, "  avg 18.8 GB"), item(5, "  crit 257 GB")];
        fit(Line::default(), name, items, columns, "…").plain()
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        assert_eq!(shown("root:/", 45), "root:/  min 18.7 GB  avg 18.8 GB  crit 257 GB");
        assert_eq!(shown("root:/", 44), "root:/  min 18.7 GB  crit 257 GB  …");
        assert_eq!(shown("root:/", 35), "root:/  min 18.7 GB  crit 257 GB  …");
        assert_eq!(shown("root:/", 34), "root:/  crit 257 GB  …");
        assert_eq!(shown("root:/", 21), "root:/  …");
        assert_eq!(shown("root:/", 9), "root:/  …");
        assert_eq!(shown("root:/", 8), "root:/");
        assert_eq!(shown("root:/", 4), "roo…");
        assert_eq!(shown("port1234:in", 7), "port…");
    }
}
