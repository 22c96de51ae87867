//! The output of Monitoring Plugins' `check_snmp` 2.3.3, from an answer.
//!
//! The plugin reads the lines that `snmpget -m ''` prints and finds in them what it shows: a type by its name anywhere in a
//! line, a text up to its closing quote, a number by its first digit. So these lines are made here, too, and read in
//! the same way.

mod number;
mod printed;

use std::fmt::Write as _;

use custos_compat::snmp::Version;
use custos_store::State;

use self::number::{read, significant, whole};
use super::plan::Plan;
use super::question::{Absence, Answer, Failure, Found, Outcome};
use crate::config::{Limit, NativeCheck, SnmpPoll};

/// Between a name and its value.
const DELIMITER: &str = " = ";
/// Types whose name the plugin leaves out, in the order in which it looks for them.
const TYPES: [&str; 6] = ["Gauge: ", "Gauge32: ", "Counter32: ", "Counter64: ", "INTEGER: ", "OID: "];
const TEXT: &str = "STRING: ";
const TIMETICKS: &str = "Timeticks: ";

/// What the plugin would have printed, and its exit status.
pub(super) fn output(poll: &SnmpPoll, native: &NativeCheck, outcome: &Outcome) -> (String, State) {
    let unknown = |text: String| (format!("External command error: {text}\n"), State::Unknown);
    let values = match outcome {
        Ok(Answer { found: Found::Values(values), .. }) => values,
        Ok(_) => return unknown("Error in packet".to_owned()),
        Err(Failure::NoAnswer { .. } | Failure::OutOfTime) => {
            return unknown(format!("Timeout: No Response from {}:{}.", poll.target, poll.port));
        }
        Err(failure) => return unknown(failure.to_string()),
    };
    // Version 1 knows no absent variables: one spoils the whole answer.
    let old = poll.profile.access.version() == Version::V1;
    let mut page = String::new();
    // What was asked for twice is answered once.
    let plan = Plan::of(poll);
    for (wish, oid) in native.oids.iter().enumerate() {
        let Some(value) = values.get(plan.place(wish).0) else { break };
        let name = printed::name(oid);
        let reason = match value {
            Err(Absence::Status(status)) => status.name().unwrap_or("unknown error").to_owned(),
            Err(_) if old => "(noSuchName) There is no such variable name in this MIB.".to_owned(),
            _ => match (printed::lines(oid, value), value) {
                (Some(lines), _) => {
                    page += &lines;
                    page.push('\n');
                    continue;
                }
                // `snmpget` does not read such an answer at all; here the reason is known.
                (None, Err(absence)) => return unknown(format!("{name}: {absence}")),
                (None, Ok(_)) => return unknown(format!("{name}: the value has no known type")),
            },
        };
        return unknown(format!("Error in packet\nReason: {reason}\nFailed object: {name}\n"));
    }
    Plugin::new(native).read(&page)
}

/// The plugin at its work.
struct Plugin<'n> {
    native: &'n NativeCheck,
    text: String,
    perfdata: String,
    long_text: String,
    result: State,
    quotes: Quotes,
}

/// One value as the plugin sees it.
struct Shown {
    text: String,
    is_counter: bool,
    is_text: bool,
}

impl<'n> Plugin<'n> {
    fn new(native: &'n NativeCheck) -> Plugin<'n> {
        Plugin {
            native,
            text: String::new(),
            perfdata: "| ".to_owned(),
            long_text: String::new(),
            result: State::Unknown,
            quotes: Quotes::default(),
        }
    }

    fn read(mut self, page: &str) -> (String, State) {
        let mut lines = page.split_terminator('\n');
        for place in 0..self.native.oids.len() {
            // What follows the first line of hexadecimal digits is not understood, and ends it all.
            let Some((name, response)) = lines.next().and_then(|line| line.split_once(DELIMITER)) else {
                break;
            };
            let shown = self.shown(place, &format!("{DELIMITER}{response}"), &mut lines);
            if let Err(no_number) = self.judge(place, name, shown) {
                return (format!("No valid data returned ({no_number})\n"), State::Unknown);
            }
        }
        let Plugin { text, perfdata, long_text, result, .. } = self;
        (format!("SNMP {} -{text} {perfdata}\n{long_text}", result.name()), result)
    }

    /// What is shown of a response, which may go on in further lines.
    fn shown<'p>(
        &mut self,
        place: usize,
        response: &str,
        lines: &mut impl Iterator<Item = &'p str>,
    ) -> Shown {
        let behind = |what: &str| response.find(what).map(|at| &response[at + what.len()..]);
        if let Some((of, text)) = TYPES.iter().find_map(|of| Some((*of, behind(of)?))) {
            let is_counter = of.starts_with("Counter");
            return Shown { text: text.to_owned(), is_counter, is_text: false };
        }
        let Some(text) = behind(TEXT) else {
            let begin = response.find(TIMETICKS).unwrap_or(DELIMITER.len());
            return Shown { text: response[begin..].to_owned(), is_counter: false, is_text: false };
        };
        self.quotes.count(text);
        let mut text = text.to_owned();
        if self.quotes.is_open {
            let oid = self.native.words_of_oids.get(place).map_or("", String::as_str);
            // Writing to a string cannot fail.
            let _ = writeln!(self.long_text, "{oid}:\n{text}");
            text = text.strip_prefix('"').unwrap_or(&text).to_owned();
            for line in lines {
                self.long_text += line;
                self.long_text.push('\n');
                self.quotes.count(line);
                if !self.quotes.is_open {
                    break;
                }
            }
        }
        Shown { text, is_counter: false, is_text: true }
    }

    /// Judges a value and writes what is said of it. Fails with what should have been a number.
    fn judge(&mut self, place: usize, name: &str, shown: Shown) -> Result<(), String> {
        let native = self.native;
        let Shown { mut text, is_counter, is_text } = shown;
        let (warning, critical) = (limit(&native.warning, place), limit(&native.critical, place));
        let state = if warning.is_some() || critical.is_some() {
            let Some(begin) = text.find(|c: char| c == '-' || c.is_ascii_digit()) else { return Err(text) };
            let number = read(&text[begin..]).0 + native.offset;
            text = if is_text { significant(number) } else { whole(number) };
            level(number, warning, critical)
        } else if let Some(wanted) = native.string.as_ref().filter(|_| place < native.strings) {
            if (*wanted == text) != native.invert { State::Ok } else { State::Critical }
        } else {
            State::Ok
        };
        self.result = worse(self.result, state);
        let mark = if state == State::Ok { "" } else { "*" };
        let label = native.labels.get(place);
        self.text += if place == 0 { " " } else { &native.delimiter };
        // Writing to a string cannot fail.
        let _ = match label {
            Some(label) => write!(self.text, "{label} {mark}{text}{mark}"),
            None => write!(self.text, "{mark}{text}{mark}"),
        };
        if let Some(unit) = native.units.get(place) {
            let _ = write!(self.text, " {unit}");
        }
        let len = read(&text).1;
        if len > 0 {
            let name = label.filter(|_| !native.perf_oids).map_or(name, String::as_str);
            let counter = if is_counter { "c" } else { "" };
            let _ = write!(self.perfdata, "{}={}{counter}", quoted(name), &text[..len]);
            if !native.warning.is_empty() || !native.critical.is_empty() {
                let _ = write!(self.perfdata, ";{}", warning.map_or("", |limit| &limit.written));
            }
            if !native.critical.is_empty() {
                let _ = write!(self.perfdata, ";{}", critical.map_or("", |limit| &limit.written));
            }
            self.perfdata.push(' ');
        }
        Ok(())
    }
}

/// Whether the text that is read is within quotes, from line to line.
#[derive(Default)]
struct Quotes {
    is_open: bool,
    escapes: bool,
}

impl Quotes {
    /// Reads a line, up to where its quotes close.
    fn count(&mut self, line: &str) {
        for (at, byte) in line.bytes().enumerate() {
            // The first byte counts in any case, the others within quotes.
            if at > 0 && !self.is_open {
                return;
            }
            match byte {
                b'\\' => self.escapes = !self.escapes,
                b'"' if !self.is_open => self.is_open = true,
                b'"' if !self.escapes => self.is_open = false,
                b'"' => self.escapes = false,
                _ => {}
            }
        }
    }
}

/// A label of perfdata.
fn quoted(label: &str) -> String {
    match label {
        label if !label.contains([' ', '=', '\'', '"']) => label.to_owned(),
        label if !label.contains('\'') => format!("'{label}'"),
        label => format!("\"{label}\""),
    }
}

fn limit(limits: &[Option<Limit>], place: usize) -> Option<&Limit> {
    limits.get(place).and_then(Option::as_ref)
}

fn level(number: f64, warning: Option<&Limit>, critical: Option<&Limit>) -> State {
    let alerts = |limit: Option<&Limit>| limit.is_some_and(|limit| limit.range.alerts(number));
    match (alerts(critical), alerts(warning)) {
        (true, _) => State::Critical,
        (false, true) => State::Warning,
        (false, false) => State::Ok,
    }
}

/// The plugin's order: UNKNOWN is the least.
fn worse(one: State, other: State) -> State {
    let order = [State::Unknown, State::Ok, State::Warning, State::Critical];
    let place = |state: State| order.iter().position(|own| *own == state);
    if place(other) > place(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use custos_compat::nagios::Range;
    use custos_compat::snmp::Oid;
    use proptest::prelude::*;

    use super::*;

    /// A line as `snmpget` may print it, or anything else.
    fn line() -> impl Strategy<Value = String> {
        let kind = prop_oneof![
            Just("STRING: "),
            Just("INTEGER: "),
            Just("Counter32: "),
            Just("Timeticks: "),
            Just("OID: "),
            Just("")
        ];
        prop_oneof![
            4 => (kind, r#"[-0-9.a\\"'= |\PC]{0,12}"#).prop_map(|(kind, text)| format!("iso.3.6.1 = {kind}{text}")),
            1 => r#"[\PC"]{0,12}"#,
        ]
    }

    fn texts(text: &'static str) -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(text.prop_map(|text: String| text), 0..4)
    }

    fn limits() -> impl Strategy<Value = Vec<Option<Limit>>> {
        let limit = prop::sample::select(vec!["5", "5:7", "~:9", "@1:2", "-3:"])
            .prop_map(|written| Limit { range: Range::parse(written).unwrap(), written: written.to_owned() });
        prop::collection::vec(prop::option::of(limit), 0..4)
    }

    /// A command line for three variables.
    fn native() -> impl Strategy<Value = NativeCheck> {
        let oids: Vec<Oid> = (1..4).map(|number| Oid::from_ids([1, 3, 6, number])).collect();
        let string = (prop::option::of("[x1]{0,2}"), 0..4_usize, any::<bool>());
        let options = (limits(), limits(), texts("[a '\"=]{0,3}"), texts("[B%]?"), string, any::<bool>());
        options.prop_map(move |(warning, critical, labels, units, (string, strings, invert), perf_oids)| {
            NativeCheck {
                words: Vec::new(),
                words_of_oids: oids.iter().map(ToString::to_string).collect(),
                oids: oids.clone(),
                warning,
                critical,
                labels,
                units,
                string,
                strings,
                invert,
                offset: 0.0,
                delimiter: ", ".to_owned(),
                perf_oids,
            }
        })
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_judged(
            lines in prop::collection::vec(line(), 0..8),
            native in native(),
        ) {
            let page = lines.iter().fold(String::new(), |page, line| page + line + "\n");
            let (output, state) = Plugin::new(&native).read(&page);
            if output.starts_with("No valid data returned (") {
                prop_assert_eq!(state, State::Unknown);
            } else {
                let head = format!("SNMP {} -", state.name());
                prop_assert!(output.starts_with(&head) && output.contains("| "), "{}", output);
            }
            // No variable is judged twice, and none that was not printed.
            let answered = lines.iter().filter(|line| line.contains(DELIMITER)).count();
            prop_assert!(state != State::Ok || answered > 0, "{}", output);
        }
    }
}
