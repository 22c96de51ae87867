//! `periods`: when checks are due at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::keys::period::EXCLUDE;
use crate::config::keys::settings::ALWAYS;
use crate::config::keys::top::PERIODS;
use crate::document::diagnostic::Findings;
use crate::document::fields::{one_or_more, printable, refuse, text};
use crate::document::include::Document;
use crate::document::place::Place;
use crate::document::section::Row;
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::PERIOD_EXCLUDE_DEPTH_MAX;
use crate::period::{Days, Hours, Period, Rule};

/// Every period that is defined, by name.
pub(crate) type Periods = BTreeMap<String, Arc<Period>>;

/// A period whose exclusions have not been looked up.
struct Draft<'d> {
    place: &'d Place,
    rules: Vec<Rule>,
    exclude: Vec<(&'d str, &'d Place)>,
}

/// Reads the periods of all files.
pub(crate) fn read_all(documents: &[Document], zone: &TimeZone, findings: &mut Findings) -> Periods {
    let mut drafts: HashMap<&str, Draft<'_>> = HashMap::new();
    let mut order = Vec::new();
    let entries: Vec<&Entry> = documents.iter().flat_map(|document| entries(document, findings)).collect();
    for entry in entries {
        let name = entry.key.as_str();
        if name.is_empty() || name == ALWAYS || !printable(name, &entry.key_place, findings) {
            let message = format!("found a period named `{name}`, expected another name");
            findings.error(&entry.key_place, message);
        } else if let Some(first) = drafts.get(name) {
            let message = format!("the period `{name}` is defined twice");
            findings.error_beside(&entry.key_place, message, "first", first.place);
        } else {
            drafts.insert(name, draft(entry, findings));
            order.push(name);
        }
    }
    let mut periods = Periods::new();
    for name in order {
        resolve(name, &drafts, zone, &mut Vec::new(), &mut periods, findings);
    }
    periods
}

/// The period that a check names: the inner option is none for `always`.
pub(crate) fn named(node: &Node, periods: &Periods, findings: &mut Findings) -> Option<Option<Arc<Period>>> {
    let name = text(node, "the name of a period", findings)?;
    if name == ALWAYS {
        return Some(None);
    }
    let period = periods.get(name);
    if period.is_none() {
        unknown(name, &node.place, periods.keys().map(String::as_str), findings);
    }
    period.map(|period| Some(Arc::clone(period)))
}

fn entries<'d>(document: &'d Document, findings: &mut Findings) -> &'d [Entry] {
    match document.get(PERIODS.name()).map(|entry| &entry.value) {
        None => &[],
        Some(Node { content: Content::Map(entries), .. }) => entries,
        Some(node) => {
            refuse(node, "a mapping of period names to periods", findings);
            &[]
        }
    }
}

fn draft<'d>(entry: &'d Entry, findings: &mut Findings) -> Draft<'d> {
    let mut draft = Draft { place: &entry.key_place, rules: Vec::new(), exclude: Vec::new() };
    let Content::Map(days) = &entry.value.content else {
        refuse(&entry.value, "a mapping of days to times, such as `monday: 08:00-18:00`", findings);
        return draft;
    };
    for day in days {
        if day.key == EXCLUDE.name() {
            for node in one_or_more(&day.value) {
                let name = text(node, "the name of a period", findings);
                let known = |name: &&str| draft.exclude.iter().any(|(known, _)| known == name);
                if let Some(name) = name.filter(|name| !known(name)) {
                    draft.exclude.push((name, &node.place));
                }
            }
        } else if let Some(days) = Days::parse(&day.key) {
            let hours = hours(&day.value, findings);
            draft.rules.push(Rule { days, hours });
        } else {
            let message = format!(
                "found `{}`, expected days such as `monday`, `monday - friday`, `monday 1`, `day -1`, \
                 `december 24 - january 2` or `2026-12-24`, or `{}`",
                day.key,
                EXCLUDE.name(),
            );
            findings.error(&day.key_place, message);
        }
    }
    draft
}

/// A range, several in a text with commas, or a list of them; an empty list closes the day.
fn hours(node: &Node, findings: &mut Findings) -> Hours {
    let mut hours = Hours::default();
    for item in one_or_more(node) {
        let Some(ranges) = text(item, "a range of times such as `08:00-18:00`", findings) else { continue };
        for range in ranges.split(',') {
            match Hours::parse(range.trim()) {
                Ok(range) => hours = hours.and(&range),
                Err(expected) => refuse(item, expected, findings),
            }
        }
    }
    hours
}

/// Looks up what a period excludes, which may exclude something itself. `path` is how it was come by.
fn resolve<'d>(
    name: &'d str,
    drafts: &HashMap<&'d str, Draft<'d>>,
    zone: &TimeZone,
    path: &mut Vec<&'d str>,
    periods: &mut Periods,
    findings: &mut Findings,
) -> Option<Arc<Period>> {
    if let Some(period) = periods.get(name) {
        return Some(Arc::clone(period));
    }
    let draft = drafts.get(name)?;
    path.push(name);
    let mut exclude = Vec::new();
    for (other, place) in &draft.exclude {
        if let Some(from) = path.iter().position(|on_the_way| on_the_way == other) {
            let round = [&path[from..], &[*other]].concat().join(" → ");
            findings.error(place, format!("the period `{other}` excludes itself: {round}"));
        } else if path.len() > PERIOD_EXCLUDE_DEPTH_MAX {
            findings.error(
                place,
                format!("more than {PERIOD_EXCLUDE_DEPTH_MAX} periods exclude one another in a row"),
            );
        } else if !drafts.contains_key(other) {
            unknown(other, place, drafts.keys().copied(), findings);
        } else {
            exclude.extend(resolve(other, drafts, zone, path, periods, findings));
        }
    }
    path.pop();
    let period = Period { name: name.to_owned(), rules: draft.rules.clone(), exclude, zone: zone.clone() };
    let period = Arc::new(period);
    periods.insert(name.to_owned(), Arc::clone(&period));
    Some(period)
}

fn unknown<'n>(name: &str, place: &Place, known: impl Iterator<Item = &'n str>, findings: &mut Findings) {
    let advice =
        findings.nearest(name, known.chain([ALWAYS])).map(|meant| format!("; did you mean `{meant}`?"));
    findings.error(place, format!("no period `{name}` is defined{}", advice.unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Surroundings, load_with};

    fn load(text: &str) -> Result<crate::config::Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        std::fs::write(&path, text).unwrap();
        let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: TimeZone::UTC };
        load_with(&path, &surroundings)
            .map(|loaded| loaded.config)
            .map_err(|mistakes| mistakes.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn periods_are_read_and_chosen() {
        let config = load(
            "periods:\n  office:\n    monday - friday: [08:00-12:00, 13:00-18:00]\n    december 24: []\n    \
             exclude: holidays\n  holidays: {december 25 - 26: '00:00-24:00'}\n\
             defaults: {check_period: office}\n\
             checks:\n  a: {command: /bin/true}\n  b: {command: /bin/true, check_period: always}\n",
        )
        .unwrap();
        let office = config.checks["a"].check_period.as_ref().unwrap();
        assert_eq!(
            (office.name.as_str(), office.rules.len(), office.exclude[0].name.as_str()),
            ("office", 2, "holidays")
        );
        assert_eq!(office.rules[0].hours.to_string(), "08:00-12:00, 13:00-18:00");
        assert_eq!(config.checks["b"].check_period, None);
        assert_eq!(config.periods.len(), 2);
    }

    #[test]
    fn mistakes_in_periods_have_their_places() {
        let mistakes = load(
            "periods:\n  always: {}\n  a: {mondays: 08:00-09:00, tuesday: 22:00-06:00, exclude: [b, c, holydays]}\n  \
             b: {exclude: a}\n  c: 5\nchecks:\n  x: {command: /bin/true, check_period: d}\n",
        )
        .unwrap_err();
        let expected = [
            "custos.yaml:2:3: found a period named `always`, expected another name",
            "custos.yaml:3:7: found `mondays`, expected days such as",
            "custos.yaml:3:38: found `22:00-06:00`, expected a range of times within a day",
            "custos.yaml:3:67: no period `holydays` is defined",
            "custos.yaml:4:16: the period `a` excludes itself: a → b → a",
            "custos.yaml:5:6: found the number `5`, expected a mapping of days to times",
            "custos.yaml:7:41: no period `d` is defined",
        ];
        let lines: Vec<&str> = mistakes.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{mistakes}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n{expected}");
        }
    }
}
