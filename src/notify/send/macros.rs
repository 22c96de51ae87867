//! What a handler of Nagios finds in its environment.

use custos_store::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::limits::NOTIFY_MACRO_MAX_BYTES;
use crate::notify::message::Message;
use crate::notify::{NotifiedAlert, NotifiedCheck, Status, Why};
use crate::text::head::head;
use crate::text::printable;

/// What Nagios takes out of what plugins print, by default, before a handler gets it: those who wrote handlers relied on it.
const ILLEGAL: &str = "`~$&|'\"<>";

/// Whom and where the macros are for.
#[derive(Clone, Debug)]
pub(super) struct Addressee<'a> {
    /// The name of the target.
    pub(super) contact: &'a str,
    /// The name of this host.
    pub(super) host: &'a str,
    /// The zone that times are shown in.
    pub(super) zone: &'a TimeZone,
    /// Now (ms since the epoch).
    pub(super) now_ms: i64,
}

/// The variables for an alert: Nagios' macros, each with `NAGIOS_` before it, and two of our own for the text.
pub(super) fn macros(
    alert: &NotifiedAlert,
    why: Why,
    to: &Addressee<'_>,
    message: &Message,
) -> Vec<(String, String)> {
    let check = &alert.check;
    let host = alert.labels.get("host").map_or(to.host, String::as_str);
    let mut macros = Macros(Vec::new());
    macros.add("NOTIFICATIONTYPE", notification_type(alert, why));
    macros.add("NOTIFICATIONRECIPIENTS", to.contact);
    macros.add("NOTIFICATIONISESCALATED", "0");
    macros.add("CONTACTNAME", to.contact);
    macros.add("CONTACTALIAS", to.contact);
    macros.add("HOSTNAME", host);
    macros.add("HOSTALIAS", host);
    macros.add("HOSTDISPLAYNAME", host);
    macros.add("HOSTADDRESS", host);
    macros.add("HOSTSTATE", "UP");
    macros.add("HOSTSTATEID", "0");
    macros.add("HOSTSTATETYPE", "HARD");
    service(&mut macros, check, to);
    times(&mut macros, to);
    macros.own("CUSTOS_SUBJECT", &message.subject);
    macros.own("CUSTOS_MESSAGE", &message.text);
    macros.0
}

fn notification_type(alert: &NotifiedAlert, why: Why) -> &'static str {
    match (why, alert.status) {
        (Why::Trial | Why::Heartbeat, _) => "CUSTOM",
        (_, Status::Firing) => "PROBLEM",
        // Nagios has no word for it, and nothing has recovered.
        (_, Status::Resolved) if alert.is_gone() => "CUSTOM",
        // To Nagios the service goes on.
        (_, Status::Resolved) if alert.others_go_on => "PROBLEM",
        (_, Status::Resolved) => "RECOVERY",
    }
}

fn service(macros: &mut Macros, check: &NotifiedCheck, to: &Addressee<'_>) {
    let lasting_ms = to.now_ms.saturating_sub(check.since_ms).max(0);
    macros.add("SERVICEDESC", &check.name);
    macros.add("SERVICEDISPLAYNAME", &check.name);
    macros.add("SERVICESTATE", name(check.state));
    macros.add("SERVICESTATEID", &check.state.code().to_string());
    macros.add("SERVICESTATETYPE", if check.hard { "HARD" } else { "SOFT" });
    macros.add("LASTSERVICESTATE", name(check.previous_state));
    macros.add("LASTSERVICESTATEID", &check.previous_state.code().to_string());
    macros.add("SERVICEATTEMPT", &check.attempt.to_string());
    macros.add("MAXSERVICEATTEMPTS", &check.max_attempts.to_string());
    macros.printed("SERVICEOUTPUT", &check.verdict);
    macros.printed("LONGSERVICEOUTPUT", &check.long_text);
    macros.printed("SERVICEPERFDATA", &without_blanks(&check.perfdata));
    macros.add("SERVICEEXECUTIONTIME", &format!("{:.3}", check.duration_us as f64 / 1e6));
    macros.add("SERVICELATENCY", &format!("{:.3}", check.lateness_us as f64 / 1e6));
    macros.add("LASTSERVICECHECK", &seconds(check.run_ms));
    macros.add("LASTSERVICESTATECHANGE", &seconds(check.since_ms));
    macros.add("SERVICEDURATIONSEC", &(lasting_ms / 1000).to_string());
    macros.add("SERVICEDURATION", &duration(lasting_ms / 1000));
}

fn times(macros: &mut Macros, to: &Addressee<'_>) {
    macros.add("TIMET", &seconds(to.now_ms));
    let Ok(now) = Timestamp::from_millisecond(to.now_ms) else { return };
    let now = now.to_zoned(to.zone.clone());
    macros.add("LONGDATETIME", &now.strftime("%a %b %e %H:%M:%S %Z %Y").to_string());
    macros.add("SHORTDATETIME", &now.strftime("%m-%d-%Y %H:%M:%S").to_string());
    macros.add("DATE", &now.strftime("%m-%d-%Y").to_string());
    macros.add("TIME", &now.strftime("%H:%M:%S").to_string());
}

fn name(state: State) -> &'static str {
    match state {
        State::Ok => "OK",
        State::Warning => "WARNING",
        State::Critical => "CRITICAL",
        State::Unknown => "UNKNOWN",
    }
}

fn seconds(ms: i64) -> String {
    ms.div_euclid(1000).to_string()
}

/// As Nagios writes it: `0d 0h 12m 5s`.
fn duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!("{}d {}h {}m {}s", hours / 24, hours % 24, minutes % 60, seconds % 60)
}

/// Perfdata with `_` for blanks in labels: quotes, within which these may stand, are taken out of it.
fn without_blanks(perfdata: &str) -> String {
    let mut is_quoted = false;
    let shown = |character: char| {
        is_quoted ^= character == '\'';
        if is_quoted && character.is_whitespace() { '_' } else { character }
    };
    perfdata.chars().map(shown).collect()
}

struct Macros(Vec<(String, String)>);

impl Macros {
    fn add(&mut self, name: &str, value: &str) {
        self.own(&format!("NAGIOS_{name}"), &printable(value));
    }

    /// What a plugin printed. Newlines are two characters, as in Nagios, whose handlers make lines of them.
    fn printed(&mut self, name: &str, value: &str) {
        let escaped = value.trim_end().replace('\\', "\\\\").replace('\n', "\\n");
        let legal: String = escaped.chars().filter(|character| !ILLEGAL.contains(*character)).collect();
        self.add(name, &legal);
    }

    fn own(&mut self, name: &str, value: &str) {
        let mut value: String = value.chars().filter(|character| *character != '\0').collect();
        value.truncate(head(&value, NOTIFY_MACRO_MAX_BYTES).len());
        self.0.push((name.to_owned(), value));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::notify::send::stage::{NOON, notification, resolved};

    fn of(alert: &NotifiedAlert) -> BTreeMap<String, String> {
        let zone = TimeZone::UTC;
        let to = Addressee { contact: "pager", host: "web", zone: &zone, now_ms: NOON + 725_000 };
        let message = Message { subject: "s".into(), text: "a\nb".into(), svg: None };
        macros(alert, Why::News, &to, &message).into_iter().collect()
    }

    #[test]
    fn a_handler_finds_what_nagios_would_have_given_it() {
        let alert = notification(&["disk"]).alerts.remove(0);
        let all = of(&alert);
        for (name, value) in [
            ("NAGIOS_NOTIFICATIONTYPE", "PROBLEM"),
            ("NAGIOS_CONTACTNAME", "pager"),
            ("NAGIOS_HOSTNAME", "web"),
            ("NAGIOS_SERVICEDESC", "disk"),
            ("NAGIOS_SERVICESTATE", "CRITICAL"),
            ("NAGIOS_SERVICESTATEID", "2"),
            ("NAGIOS_SERVICESTATETYPE", "HARD"),
            ("NAGIOS_LASTSERVICESTATE", "OK"),
            ("NAGIOS_SERVICEATTEMPT", "3"),
            ("NAGIOS_MAXSERVICEATTEMPTS", "3"),
            ("NAGIOS_SERVICEOUTPUT", "DISK CRITICAL - free space: / 3%"),
            ("NAGIOS_LONGSERVICEOUTPUT", "first\\nsecond"),
            ("NAGIOS_SERVICEPERFDATA", "/=97%;90;95"),
            ("NAGIOS_SERVICEEXECUTIONTIME", "0.012"),
            ("NAGIOS_SERVICELATENCY", "0.002"),
            ("NAGIOS_SERVICEDURATION", "0d 0h 12m 5s"),
            ("NAGIOS_SERVICEDURATIONSEC", "725"),
            ("NAGIOS_LASTSERVICECHECK", "1795348820"),
            ("NAGIOS_TIMET", "1795349525"),
            ("NAGIOS_LONGDATETIME", "Sun Nov 22 12:12:05 UTC 2026"),
            ("NAGIOS_SHORTDATETIME", "11-22-2026 12:12:05"),
            ("CUSTOS_MESSAGE", "a\nb"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        let over = of(&resolved(alert));
        assert_eq!(over["NAGIOS_NOTIFICATIONTYPE"], "RECOVERY");
        assert_eq!((&*over["NAGIOS_SERVICESTATE"], &*over["NAGIOS_LASTSERVICESTATE"]), ("OK", "CRITICAL"));
    }

    #[test]
    fn a_service_has_not_recovered_while_another_alert_of_it_goes_on() {
        let mut alert = resolved(notification(&["disk"]).alerts.remove(0));
        alert.others_go_on = true;
        assert_eq!(of(&alert)["NAGIOS_NOTIFICATIONTYPE"], "PROBLEM");
    }

    #[test]
    fn a_label_of_perfdata_has_no_blank() {
        let mut alert = notification(&["disk"]).alerts.remove(0);
        alert.check.perfdata = "'a b'=1;2 'c'=2".into();
        assert_eq!(of(&alert)["NAGIOS_SERVICEPERFDATA"], "a_b=1;2 c=2");
    }

    proptest! {
        #[test]
        fn nothing_that_a_shell_acts_on_is_left_of_what_plugins_print(text in any::<String>(), long in any::<String>()) {
            let mut alert = notification(&["disk"]).alerts.remove(0);
            alert.check.verdict = (text.clone() + "$(reboot) `id` ; a\0b\u{202e}").into();
            alert.check.long_text = long.into();
            alert.check.perfdata = text.into();
            for (name, value) in of(&alert) {
                prop_assert!(!value.contains('\0'));
                if name.ends_with("SERVICEOUTPUT") || name.ends_with("PERFDATA") {
                    let bad = |character: char| ILLEGAL.contains(character) || crate::text::is_unsafe(character);
                    prop_assert!(!value.contains(bad), "{name}={value:?}");
                }
            }
        }
    }
}
