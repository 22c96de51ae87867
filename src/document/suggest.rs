//! "Did you mean": the known word closest to one that is not known.

/// Words of other tools and their names here.
const FOREIGN: [(&str, &str); 21] = [
    ("attempts", "max_check_attempts"),
    ("cmd", "command"),
    ("crit", "critical"),
    ("check_timeout", "timeout"),
    ("datadir", "store"),
    ("duration", "for"),
    ("env", "environment"),
    ("every", "check_interval"),
    ("hostname", "host"),
    ("includes", "include"),
    ("interval", "check_interval"),
    ("label", "metric"),
    ("max_attempts", "max_check_attempts"),
    ("normal_check_interval", "check_interval"),
    ("period", "check_interval"),
    ("plugin_dir", "plugins"),
    ("retries", "max_check_attempts"),
    ("retry_check_interval", "retry_interval"),
    ("services", "checks"),
    ("units", "byte_units"),
    ("warn", "warning"),
];

/// The word that was probably meant, if one of `known` is near enough.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_ascii_lowercase().replace('-', "_");
    let foreign = FOREIGN.iter().find(|(other, _)| *other == lower).map(|(_, own)| *own);
    if let Some(own) = foreign.and_then(|own| known.iter().find(|candidate| **candidate == own)) {
        return Some(own);
    }
    // One slip in three characters; longer words than any key need no comparison.
    let allowed = (lower.chars().count() / 3).clamp(1, 4);
    known
        .iter()
        .map(|candidate| (distance(&lower, candidate, allowed), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known words, the nearest first.
pub(crate) fn by_nearness<'k>(word: &str, known: &[&'k str]) -> Vec<&'k str> {
    let lower = word.to_ascii_lowercase().replace('-', "_");
    let mut sorted = known.to_vec();
    sorted.sort_by_key(|candidate| distance(&lower, candidate, 64));
    sorted
}

/// Insertions, deletions, replacements and swaps of neighbours between two words; beyond `limit` only more
/// than that is promised.
fn distance(one: &str, other: &str, limit: usize) -> usize {
    let one: Vec<char> = one.chars().take(64).collect();
    let other: Vec<char> = other.chars().take(64).collect();
    if one.len().abs_diff(other.len()) > limit {
        return limit + 1;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["command", "check_interval", "retry_interval", "timeout", "for"];

    #[test]
    fn slips_and_words_of_other_tools_find_the_known_word() {
        for (typed, meant) in [
            ("comand", "command"),
            ("commadn", "command"),
            ("Check-Interval", "check_interval"),
            ("chek_intervall", "check_interval"),
            ("retry_intervall", "retry_interval"),
            ("time_out", "timeout"),
            ("fro", "for"),
            ("interval", "check_interval"),
            ("cmd", "command"),
        ] {
            assert_eq!(nearest(typed, &KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_word_that_is_far_from_all_gets_no_suggestion() {
        for typed in ["banana", "x", "", "warn", "commandcommandcommand"] {
            assert_eq!(nearest(typed, &KNOWN), None, "{typed}");
        }
    }

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(distance("ab", "ba", 4), 1);
        assert_eq!(distance("abc", "abc", 4), 0);
        assert_eq!(distance("kitten", "sitting", 4), 3);
    }
}
