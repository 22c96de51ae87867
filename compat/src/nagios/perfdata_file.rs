//! A line of the file into which Nagios writes the perfdata of each run, by its own template and by that of PNP4Nagios.
//!
//! ```text
//! [SERVICEPERFDATA]<tab>TIMET<tab>HOST<tab>SERVICE<tab>EXECUTIONTIME<tab>LATENCY<tab>OUTPUT<tab>PERFDATA
//! DATATYPE::SERVICEPERFDATA<tab>TIMET::1795305600<tab>HOSTNAME::web1<tab>SERVICEDESC::load<tab>SERVICEPERFDATA::…<tab>SERVICESTATE::OK
//! ```

/// A run in such a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerfdataLine {
    /// When its result was there, in seconds since the epoch.
    pub time_s: i64,
    /// The host.
    pub host: String,
    /// The service; none if the run is of the host itself.
    pub service: Option<String>,
    /// What the plugin printed before its perfdata; empty if the line does not have it.
    pub text: String,
    /// The perfdata.
    pub perfdata: String,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; none if the line does not have it.
    pub state: Option<u8>,
    /// Whether the state is confirmed; none if the line does not have it.
    pub hard: Option<bool>,
    /// How long the plugin ran, in microseconds, if the line has it.
    pub duration_us: Option<u64>,
}

impl PerfdataLine {
    /// Reads a line; none if it is by neither template.
    pub fn parse(line: &str) -> Option<PerfdataLine> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with("DATATYPE::") { by_name(line) } else { by_place(line) }
    }
}

fn by_place(line: &str) -> Option<PerfdataLine> {
    let mut fields = line.split('\t');
    let of_service = match fields.next()? {
        "[SERVICEPERFDATA]" => true,
        "[HOSTPERFDATA]" => false,
        _ => return None,
    };
    let time_s = fields.next()?.parse().ok()?;
    let host = fields.next()?.to_owned();
    let service = match of_service {
        true => Some(fields.next()?.to_owned()),
        false => None,
    };
    let duration_us = micros(fields.next()?);
    // Its latency is that of the other system.
    fields.next()?;
    let text = fields.next()?.to_owned();
    let perfdata = fields.next()?.to_owned();
    Some(PerfdataLine { time_s, host, service, text, perfdata, duration_us, ..PerfdataLine::default() })
}

fn by_name(line: &str) -> Option<PerfdataLine> {
    let mut found = PerfdataLine::default();
    let (mut of_service, mut time_s, mut service) = (false, None, None);
    for field in line.split('\t') {
        let (name, value) = field.split_once("::")?;
        match name {
            "DATATYPE" => of_service = value == "SERVICEPERFDATA",
            "TIMET" => time_s = value.parse().ok(),
            "HOSTNAME" => value.clone_into(&mut found.host),
            "SERVICEDESC" => service = Some(value.to_owned()),
            "SERVICEPERFDATA" if of_service => value.clone_into(&mut found.perfdata),
            "HOSTPERFDATA" if !of_service => value.clone_into(&mut found.perfdata),
            "SERVICEOUTPUT" if of_service => value.clone_into(&mut found.text),
            "HOSTOUTPUT" if !of_service => value.clone_into(&mut found.text),
            "SERVICESTATE" if of_service => found.state = state(value),
            "HOSTSTATE" if !of_service => found.state = state(value),
            "SERVICESTATETYPE" if of_service => found.hard = kind(value),
            "HOSTSTATETYPE" if !of_service => found.hard = kind(value),
            "SERVICEEXECUTIONTIME" if of_service => found.duration_us = micros(value),
            "HOSTEXECUTIONTIME" if !of_service => found.duration_us = micros(value),
            _ => {}
        }
    }
    let service = service.filter(|_| of_service);
    let is_whole = !found.host.is_empty() && (service.is_some() || !of_service);
    let time_s = time_s.filter(|_| is_whole)?;
    Some(PerfdataLine { time_s, service, ..found })
}

fn state(name: &str) -> Option<u8> {
    match name {
        "OK" | "UP" => Some(0),
        "WARNING" => Some(1),
        "CRITICAL" | "DOWN" => Some(2),
        "UNKNOWN" | "UNREACHABLE" => Some(3),
        _ => None,
    }
}

fn kind(name: &str) -> Option<bool> {
    match name {
        "HARD" => Some(true),
        "SOFT" => Some(false),
        _ => None,
    }
}

fn micros(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..1e9).contains(&seconds).then(|| (seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_templates_are_read() {
        let line = "[SERVICEPERFDATA]\t1795305600\tweb1\tload\t0.012\t0.3\tOK - load\tload1=0.5;5;10;0";
        let found = PerfdataLine::parse(line).unwrap();
        assert_eq!(
            (found.time_s, found.host.as_str(), found.service.as_deref()),
            (1_795_305_600, "web1", Some("load"))
        );
        assert_eq!((found.text.as_str(), found.perfdata.as_str()), ("OK - load", "load1=0.5;5;10;0"));
        assert_eq!((found.state, found.duration_us), (None, Some(12_000)));
        let line = "DATATYPE::SERVICEPERFDATA\tTIMET::1795305600\tHOSTNAME::web1\tSERVICEDESC::load\t\
                    SERVICEPERFDATA::load1=0.5\tSERVICECHECKCOMMAND::check_load\tHOSTSTATE::UP\tHOSTSTATETYPE::HARD\t\
                    SERVICESTATE::CRITICAL\tSERVICESTATETYPE::SOFT";
        let found = PerfdataLine::parse(line).unwrap();
        assert_eq!((found.state, found.hard, found.perfdata.as_str()), (Some(2), Some(false), "load1=0.5"));
        let host = "DATATYPE::HOSTPERFDATA\tTIMET::17\tHOSTNAME::web1\tHOSTPERFDATA::rta=1ms\tHOSTSTATE::UP";
        let found = PerfdataLine::parse(host).unwrap();
        assert_eq!((found.service, found.state, found.perfdata.as_str()), (None, Some(0), "rta=1ms"));
        for other in ["", "[SERVICEPERFDATA]\t17", "DATATYPE::SERVICEPERFDATA\tTIMET::17", "17|web1|load"] {
            assert_eq!(PerfdataLine::parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in "(\\[SERVICEPERFDATA\\]|DATATYPE::)\\PC{0,10}\\t\\PC{0,40}") {
            let _ = PerfdataLine::parse(&line);
        }
    }
}
