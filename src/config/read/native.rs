//! `native: true`: a command line of `check_snmp` as a poll without a process.
//!
//! Only options whose effect is exactly the plugin's are understood. Any other is a mistake of the configuration, so that no
//! check silently does something else.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use custos_compat::getopt::{self, Known};
use custos_compat::nagios::Range;
use custos_compat::snmp::usm::{AuthProtocol, PrivProtocol};
use custos_compat::snmp::{Oid, Version};

use crate::config::model::snmp::{
    Limit, NativeCheck, Secret, SnmpAccess, SnmpPoll, SnmpProfile, SnmpUser, SnmpWanted,
};

/// The options that are understood.
const OPTIONS: [Known; 25] = [
    Known { short: b'H', long: "hostname", value: true },
    Known { short: b'p', long: "port", value: true },
    Known { short: b'P', long: "protocol", value: true },
    Known { short: b'C', long: "community", value: true },
    Known { short: b'o', long: "oid", value: true },
    Known { short: b'w', long: "warning", value: true },
    Known { short: b'c', long: "critical", value: true },
    Known { short: b't', long: "timeout", value: true },
    Known { short: b'e', long: "retries", value: true },
    Known { short: b'l', long: "label", value: true },
    Known { short: b'u', long: "units", value: true },
    Known { short: b's', long: "string", value: true },
    Known { short: b'D', long: "output-delimiter", value: true },
    Known { short: b'm', long: "miblist", value: true },
    Known { short: b'L', long: "seclevel", value: true },
    Known { short: b'U', long: "secname", value: true },
    Known { short: b'N', long: "context", value: true },
    Known { short: b'a', long: "authproto", value: true },
    Known { short: b'A', long: "authpasswd", value: true },
    Known { short: b'x', long: "privproto", value: true },
    Known { short: b'X', long: "privpasswd", value: true },
    Known { short: b'O', long: "perf-oids", value: false },
    Known { short: b'4', long: "use-ipv4", value: false },
    Known { short: INVERT_SEARCH, long: "invert-search", value: false },
    Known { short: OFFSET, long: "offset", value: true },
];
/// Options without a short form.
const INVERT_SEARCH: u8 = 1;
const OFFSET: u8 = 2;

/// An option by its long form, and its value.
type Given = (&'static str, String);

/// Makes a poll of a command line.
///
/// # Errors
/// Why it cannot be one, to follow "`native` …".
pub(crate) fn read(words: &[String]) -> Result<SnmpPoll, String> {
    let program = words.first().map(Path::new).and_then(Path::file_name);
    if program.is_none_or(|name| name != "check_snmp") {
        return Err("is for commands that run check_snmp".to_owned());
    }
    let given = options(&words[1..])?;
    let last = |name: &str| given.iter().rev().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    let number = |name: &str, otherwise: u32| match last(name) {
        None => Ok(otherwise),
        Some(text) => text.parse::<u32>().map_err(|_| format!("needs a number for --{name}, found `{text}`")),
    };
    let all = |name: &'static str| given.iter().filter(move |(own, _)| *own == name).map(|(_, text)| text);
    let list = |name: &'static str| -> Result<Vec<String>, String> {
        all(name).try_fold(Vec::new(), |list, text| Ok([list, arguments(text)?].concat()))
    };
    let words_of_oids: Vec<String> = all("oid")
        .flat_map(|text| text.split(',').filter(|oid| !oid.is_empty()))
        .map(str::to_owned)
        .collect();
    let oids: Result<Vec<Oid>, String> = words_of_oids
        .iter()
        .map(|text| text.parse().map_err(|_| format!("needs OIDs in numbers, found `{text}`")))
        .collect();
    let oids = oids?;
    let target = last("hostname").ok_or("needs -H")?.to_owned();
    // With MIBs variables have other names; for numbers alone the plugin reads none.
    if last("miblist").is_some_and(|mibs| !mibs.is_empty()) {
        return Err("does not understand -m".to_owned());
    }
    if oids.is_empty() {
        return Err("needs -o".to_owned());
    }
    let port = u16::try_from(number("port", 161)?).map_err(|_| "needs a port below 65536".to_owned())?;
    let native = NativeCheck {
        words: words.to_vec(),
        warning: limits(last("warning"))?,
        critical: limits(last("critical"))?,
        labels: list("label")?,
        units: list("units")?,
        string: last("string").map(str::to_owned),
        strings: all("string").count(),
        invert: last("invert-search").is_some(),
        offset: match last("offset") {
            None => 0.0,
            Some(text) => text.parse().map_err(|_| format!("needs a number for --offset, found `{text}`"))?,
        },
        delimiter: last("output-delimiter").unwrap_or(" ").to_owned(),
        perf_oids: last("perf-oids").is_some(),
        oids,
        words_of_oids,
    };
    let profile = SnmpProfile {
        name: format!("check_snmp {target}:{port}"),
        access: access(last)?,
        port,
        timeout: Duration::from_secs(u64::from(number("timeout", 10)?.max(1))),
        retries: number("retries", 5)?.min(crate::limits::SNMP_RETRIES_MAX),
        max_repetitions: 1,
        // As net-snmp does, by which the plugin asks.
        answers_from_any: true,
        answers_any_community: true,
    };
    Ok(SnmpPoll { target, port, profile: Arc::new(profile), wanted: SnmpWanted::Native(native) })
}

fn options(words: &[String]) -> Result<Vec<Given>, String> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let parsed = getopt::parse(&words, &OPTIONS, |_| false);
    if let Some(mistake) = parsed.mistakes.first() {
        return Err(format!(
            "cannot read the options: {mistake}; without `native` the command runs as it is"
        ));
    }
    if let Some(word) = parsed.words.first() {
        return Err(format!("does not understand `{}`", word.display()));
    }
    let long =
        |short: u8| OPTIONS.iter().find(|option| option.short == short).map_or("", |option| option.long);
    let given = parsed.options.into_iter();
    Ok(given.map(|given| (long(given.short), given.value.to_string_lossy().into_owned())).collect())
}

/// Ranges with commas between. What stands before the first character of a number is skipped, as the plugin does; a
/// range whose ends are in the wrong order alerts between them.
fn limits(texts: Option<&str>) -> Result<Vec<Option<Limit>>, String> {
    let read = |text: &str| {
        let ordered = in_order(text)?;
        let Some(begin) = ordered.find(|c: char| "-0123456789.:@~".contains(c)) else { return Ok(None) };
        let written = ordered[begin..].to_owned();
        match Range::parse(&written) {
            Ok(range) => Ok(Some(Limit { range, written })),
            Err(error) => Err(format!("needs ranges: `{text}`: {error}")),
        }
    };
    texts.map_or(Ok(Vec::new()), |texts| texts.split(',').map(read).collect())
}

fn in_order(text: &str) -> Result<String, String> {
    let Some((start, end)) = text.split_once(':').filter(|(_, end)| !end.is_empty()) else {
        return Ok(text.to_owned());
    };
    match (start.parse::<f64>(), end.parse::<f64>()) {
        (Ok(start_number), Ok(end_number)) if end_number < start_number => Ok(format!("@{end}:{start}")),
        (Ok(_), Ok(_)) => Ok(text.to_owned()),
        // The plugin takes any other start for 0, and so turns the range around where the end is below.
        (_, Ok(end_number)) if end_number < 0.0 => Err(format!("does not understand the range `{text}`")),
        _ => Ok(text.to_owned()),
    }
}

/// The labels or units of an option: with commas between, and blanks before each left out. Where one begins with a quote it
/// takes all that follows; an empty one is the last.
fn arguments(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if let Some(quoted) = rest.strip_prefix('\'') {
            if !quoted.contains('\'') {
                return Err(format!("found a quote in `{text}` that is never closed"));
            }
            found.push(quoted.to_owned());
            return Ok(found);
        }
        match rest.split_once(',') {
            Some(("", _)) => {
                found.push(String::new());
                return Ok(found);
            }
            Some((one, others)) if !others.is_empty() => {
                found.push(one.to_owned());
                rest = others;
            }
            _ => {
                found.push(rest.to_owned());
                return Ok(found);
            }
        }
    }
}

fn access<'g>(last: impl Fn(&str) -> Option<&'g str>) -> Result<SnmpAccess, String> {
    let version = match last("protocol").unwrap_or("1") {
        "1" => Version::V1,
        "2c" => Version::V2c,
        "3" => Version::V3,
        other => return Err(format!("needs protocol 1, 2c or 3, found `{other}`")),
    };
    if version != Version::V3 {
        let community = Secret::inline(last("community").unwrap_or("public"));
        return Ok(SnmpAccess::Community { version, community });
    }
    let level = last("seclevel").unwrap_or("noAuthNoPriv");
    let (signs, encrypts) = match level {
        "noAuthNoPriv" => (false, false),
        "authNoPriv" => (true, false),
        "authPriv" => (true, true),
        other => return Err(format!("needs a security level, found `{other}`")),
    };
    let secret =
        |name: &str| last(name).map(Secret::inline).ok_or_else(|| format!("needs --{name} at this level"));
    let auth =
        AuthProtocol::from_name(last("authproto").unwrap_or("md5")).ok_or("needs a known --authproto")?;
    let privacy =
        PrivProtocol::from_name(last("privproto").unwrap_or("des")).ok_or("needs a known --privproto")?;
    Ok(SnmpAccess::User(SnmpUser {
        name: last("secname").ok_or("needs -U")?.to_owned(),
        auth: if signs { Some((auth, secret("authpasswd")?)) } else { None },
        privacy: if encrypts { Some((privacy, secret("privpasswd")?)) } else { None },
        context: last("context").unwrap_or_default().to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<SnmpPoll, String> {
        super::read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn common_options_are_understood() {
        let poll = read_line(
            "/usr/lib/check_snmp -H sw -P2c -C hush -o .1.3.6.1,1.3.7 -w :5,6 --critical=7 -p 1161 -O",
        )
        .unwrap();
        assert_eq!(
            (poll.target.as_str(), poll.port, poll.profile.access.version()),
            ("sw", 1161, Version::V2c)
        );
        let SnmpWanted::Native(native) = &poll.wanted else { panic!("not native") };
        assert_eq!((native.oids.len(), native.warning.len(), native.critical.len()), (2, 2, 1));
        assert!(native.perf_oids && !format!("{poll:?}").contains("hush\""), "{poll:?}");
        assert_eq!(read_line("check_snmp -H sw -o 1.3").unwrap().profile.access.version(), Version::V1);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, why) in [
            ("check_load -w 5", "check_snmp"),
            ("check_snmp -H sw -o 1.3 -r ^x", "invalid option -- 'r'"),
            ("check_snmp -H sw -o 1.3 --rate", "unrecognized option '--rate'"),
            ("check_snmp -H sw -o sysUpTime.0", "sysUpTime.0"),
            ("check_snmp -H sw -o 1.3 -m ALL", "-m"),
            ("check_snmp -o 1.3", "-H"),
            ("check_snmp -H sw", "-o"),
            ("check_snmp -H sw -o 1.3 -w 5:x", "5:x"),
            ("check_snmp -H sw -o 1.3 -w ~:-5", "~:-5"),
            ("check_snmp -H sw -o 1.3 -l 'a", "quote"),
            ("check_snmp -H sw -o 1.3 -P 3 -U u -L authPriv -A 12345678", "privpasswd"),
            ("check_snmp -H sw -o", "requires an argument -- 'o'"),
            ("check_snmp -H sw -o 1.3 x", "`x`"),
        ] {
            let error = read_line(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
