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
    let list = |name: &str| -> Vec<String> {
        last(name).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let oids: Result<Vec<Oid>, String> = given
        .iter()
        .filter(|(name, _)| *name == "oid")
        .flat_map(|(_, text)| text.split([',', ' ']).filter(|oid| !oid.is_empty()))
        .map(|text| text.parse().map_err(|_| format!("needs OIDs in numbers, found `{text}`")))
        .collect();
    let oids = oids?;
    let target = last("hostname").ok_or("needs -H")?.to_owned();
    if oids.is_empty() {
        return Err("needs -o".to_owned());
    }
    let port = u16::try_from(number("port", 161)?).map_err(|_| "needs a port below 65536".to_owned())?;
    if [list("label"), list("units")].concat().iter().any(|text| text.contains([' ', '\'', '"'])) {
        return Err("does not understand blanks and quotes in labels and units".to_owned());
    }
    let native = NativeCheck {
        words: words.to_vec(),
        warning: limits(&list("warning"))?,
        critical: limits(&list("critical"))?,
        labels: list("label"),
        units: list("units"),
        string: last("string").map(str::to_owned),
        invert: last("invert-search").is_some(),
        offset: match last("offset") {
            None => 0.0,
            Some(text) => text.parse().map_err(|_| format!("needs a number for --offset, found `{text}`"))?,
        },
        delimiter: last("output-delimiter").unwrap_or(" ").to_owned(),
        perf_oids: last("perf-oids").is_some(),
        oids,
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

fn limits(texts: &[String]) -> Result<Vec<Option<Limit>>, String> {
    let read = |text: &String| match text.as_str() {
        "" => Ok(None),
        text => match Range::parse(text) {
            Ok(range) => Ok(Some(Limit { range, written: text.to_owned() })),
            Err(error) => Err(format!("needs ranges: `{text}`: {error}")),
        },
    };
    texts.iter().map(read).collect()
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
            ("check_snmp -o 1.3", "-H"),
            ("check_snmp -H sw", "-o"),
            ("check_snmp -H sw -o 1.3 -w 5:1", "5:1"),
            ("check_snmp -H sw -o 1.3 -P 3 -U u -L authPriv -A 12345678", "privpasswd"),
            ("check_snmp -H sw -o", "requires an argument -- 'o'"),
            ("check_snmp -H sw -o 1.3 x", "`x`"),
        ] {
            let error = read_line(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
