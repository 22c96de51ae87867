//! A `timeperiod` as a period.

use std::collections::BTreeSet;

use custos_compat::nagios::Object;

use super::host::Note;
use crate::config::yaml_word;

/// A period that every moment is in.
const WEEK: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// What is no day.
const OTHERS: [&str; 3] = ["timeperiod_name", "alias", "exclude"];

/// Whether every moment is within a period.
pub(super) fn is_always(period: &Object) -> bool {
    let days = || period.fields.iter().filter(|field| !OTHERS.contains(&field.name.as_str()));
    let whole = |day: &str| days().any(|field| field.name == day && field.value == "00:00-24:00");
    period.get("exclude").is_none() && days().count() == WEEK.len() && WEEK.iter().all(|day| whole(day))
}

/// The periods that these names need, themselves included, in the order of the cache.
pub(super) fn needed<'a>(periods: &[&'a Object], names: &BTreeSet<String>) -> Vec<&'a Object> {
    let mut all = names.clone();
    loop {
        let before = all.len();
        let excluded: Vec<String> = periods
            .iter()
            .filter(|period| period.get("timeperiod_name").is_some_and(|name| all.contains(name)))
            .flat_map(|period| excluded(period))
            .collect();
        all.extend(excluded);
        if all.len() == before {
            break;
        }
    }
    let is_needed = |period: &&&Object| period.get("timeperiod_name").is_some_and(|name| all.contains(name));
    periods.iter().filter(is_needed).copied().collect()
}

fn excluded(period: &Object) -> Vec<String> {
    let names = period.get("exclude").unwrap_or_default().split(',');
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// A period as YAML. Days that cannot be written are noted.
pub(super) fn yaml(period: &Object, notes: &mut Vec<Note>) -> String {
    let name = period.get("timeperiod_name").unwrap_or_default();
    let mut page = format!("  {}:\n", yaml_word(name));
    for field in period.fields.iter().filter(|field| !OTHERS.contains(&field.name.as_str())) {
        let mut note = |why: &str| {
            let what = format!("period {name}: {} {}: {why}", field.name, field.value);
            notes.push(Note { line: field.line, what });
        };
        if field.name.contains('/') {
            note("there are no days that are skipped");
            continue;
        }
        if is_range_of_weekdays(&field.name) {
            note("there is no range between days of that kind");
            continue;
        }
        let ranges = field.value.split(',').map(str::trim);
        let open: Vec<String> =
            ranges.filter(|range| !is_empty(range)).map(|range| format!("\"{range}\"")).collect();
        page += &format!("    {}: [{}]\n", yaml_word(&field.name), open.join(", "));
    }
    let excluded: Vec<String> = excluded(period).iter().map(|name| yaml_word(name)).collect();
    if !excluded.is_empty() {
        page += &format!("    exclude: [{}]\n", excluded.join(", "));
    }
    page
}

/// Whether a range has no time in it, as `00:00-00:00`, by which Nagios closes a day.
fn is_empty(range: &str) -> bool {
    range.split_once('-').is_none_or(|(start, end)| start == end)
}

/// Whether this is such as `monday 1 may - friday 2 may`.
fn is_range_of_weekdays(days: &str) -> bool {
    let is_weekday = |word: &str| WEEK.contains(&word);
    let mut words = days.split_whitespace();
    words.next().is_some_and(is_weekday)
        && words.next().is_some_and(|word| word.parse::<i32>().is_ok())
        && days.contains(" - ")
}
