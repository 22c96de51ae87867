//! A line of Nagios' log and of its archive, and of Icinga's log in that form: what became of the state of a host or a service.
//!
//! ```text
//! [1795305600] SERVICE ALERT: web1;load;WARNING;SOFT;1;LOAD WARNING - load average: 6.02
//! [1795305600] CURRENT SERVICE STATE: web1;disk /;OK;HARD;1;DISK OK
//! [1795305600] SERVICE FLAPPING ALERT: web1;load;STARTED; Service appears to have started flapping
//! ```

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its time, in seconds since the epoch.
    pub time_s: i64,
    /// The host.
    pub host: String,
    /// The service; none if the line is of the host itself.
    pub service: Option<String>,
    /// What it says.
    pub said: LogSaid,
}

/// What a line of a log says of a host or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSaid {
    /// It was found to be in a state.
    State(LogState),
    /// It began to flap (`true`), or no longer does.
    Flapping(bool),
}

/// A state in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogState {
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. A host that is up is 0, one that is down 2, one that cannot be reached 3.
    pub state: u8,
    /// Whether it is confirmed.
    pub hard: bool,
    /// Which attempt it was.
    pub attempt: u32,
    /// What the plugin printed first.
    pub text: String,
    /// Whether it only says how things stand, at the start of a log.
    pub is_standing: bool,
}

impl LogLine {
    /// Reads a line; none if it says nothing of a state, or is none of a log.
    pub fn parse(line: &str) -> Option<LogLine> {
        let (time, rest) = line.trim_end().strip_prefix('[')?.split_once("] ")?;
        let time_s: i64 = time.trim().parse().ok()?;
        let (kind, rest) = rest.split_once(": ")?;
        let (of_service, is_standing, flapping) = match kind {
            "SERVICE ALERT" => (true, false, false),
            "CURRENT SERVICE STATE" | "INITIAL SERVICE STATE" => (true, true, false),
            "HOST ALERT" => (false, false, false),
            "CURRENT HOST STATE" | "INITIAL HOST STATE" => (false, true, false),
            "SERVICE FLAPPING ALERT" => (true, false, true),
            "HOST FLAPPING ALERT" => (false, false, true),
            _ => return None,
        };
        // A text may have semicolons, and so may nothing else.
        let mut fields = rest.splitn(if of_service { 6 } else { 5 } - usize::from(flapping), ';');
        let host = fields.next()?.to_owned();
        let service = match of_service {
            true => Some(fields.next()?.to_owned()),
            false => None,
        };
        let said = if flapping {
            match fields.next()? {
                "STARTED" => LogSaid::Flapping(true),
                "STOPPED" | "DISABLED" => LogSaid::Flapping(false),
                _ => return None,
            }
        } else {
            let state = match fields.next()? {
                "OK" | "UP" => 0,
                "WARNING" => 1,
                "CRITICAL" | "DOWN" => 2,
                "UNKNOWN" | "UNREACHABLE" => 3,
                _ => return None,
            };
            let hard = match fields.next()? {
                "HARD" => true,
                "SOFT" => false,
                _ => return None,
            };
            let attempt = fields.next()?.parse().ok()?;
            let text = fields.next().unwrap_or_default().to_owned();
            LogSaid::State(LogState { state, hard, attempt, text, is_standing })
        };
        Some(LogLine { time_s, host, service, said })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn states_and_flapping_are_read() {
        let line = "[1795305600] SERVICE ALERT: web1;disk /;WARNING;SOFT;2;DISK WARNING - /: 91%; see wiki";
        let state = LogState {
            state: 1,
            hard: false,
            attempt: 2,
            text: "DISK WARNING - /: 91%; see wiki".to_owned(),
            is_standing: false,
        };
        let expected = LogLine {
            time_s: 1_795_305_600,
            host: "web1".to_owned(),
            service: Some("disk /".to_owned()),
            said: LogSaid::State(state),
        };
        assert_eq!(LogLine::parse(line), Some(expected));
        let host = LogLine::parse("[17] CURRENT HOST STATE: web1;DOWN;HARD;1;").unwrap();
        let LogSaid::State(state) = &host.said else { panic!("{host:?}") };
        assert_eq!((host.service, state.state, state.is_standing), (None, 2, true));
        let flapping =
            "[17] SERVICE FLAPPING ALERT: web1;load;STARTED; Service appears to have started flapping";
        assert_eq!(LogLine::parse(flapping).unwrap().said, LogSaid::Flapping(true));
        for other in [
            "",
            "[x] SERVICE ALERT: a;b;OK;HARD;1;",
            "[17] Nagios 4.4.6 starting... (PID=1)",
            "[17] SERVICE NOTIFICATION: admin;web1;load;WARNING;notify;text",
            "[17] SERVICE ALERT: a;b;FINE;HARD;1;",
            "[17] SERVICE ALERT: a;b;OK",
        ] {
            assert_eq!(LogLine::parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in "\\[[0-9]{1,3}\\] (SERVICE|HOST) ALERT: \\PC{0,40}") {
            let _ = LogLine::parse(&line);
        }
    }
}
