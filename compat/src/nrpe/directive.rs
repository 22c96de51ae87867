//! One `name=value` of `nrpe.cfg`, applied to a configuration.
//!
//! Names are exact, except that every name containing `command[` is a command and every name containing `debug`
//! is `debug`: configurations exist that rely on it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::command_line::atoi;
use super::config::{AddressFamily, CommandLine, Config, LogFacility, Note, Severity};
use super::ssl::{CIPHER_LIST_MAX_BYTES, ClientCerts, SslLogging, SslVersion, UseAdh};

/// Lowest port that NRPE takes.
const PORT_MIN: u16 = 1024;

/// Where a directive stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    pub(super) line_number: usize,
}

/// What a directive asks of the reader beyond the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    IncludeFile(PathBuf),
    IncludeDir(PathBuf),
}

/// Applies a directive. An error is what is wrong, as in `Invalid port number`.
pub(super) fn apply(
    config: &mut Config,
    name: &[u8],
    value: &[u8],
    place: Place<'_>,
) -> Result<Effect, &'static str> {
    match name {
        b"server_port" => {
            let port = u16::try_from(atoi(value)).ok().filter(|&port| port >= PORT_MIN);
            config.server_port = port.ok_or("Invalid port number")?;
        }
        b"command_prefix" => config.command_prefix = Some(value.to_vec()),
        b"server_address" => config.server_address = Some(text(value)),
        b"address_family" => match value {
            b"any" | b"both" => config.address_family = AddressFamily::Any,
            b"4" => config.address_family = AddressFamily::V4,
            b"6" => config.address_family = AddressFamily::V6,
            _ => return Err("Invalid address_family"),
        },
        b"allowed_hosts" => {
            for bad in config.allowed_hosts.add(value) {
                let text =
                    format!("Can't add to ACL this record ({}). Check allowed_hosts option!", bad.written);
                note(config, Severity::Error, format!("{text} {}", bad.reason), place);
            }
        }
        name if contains(name, b"command[") => return define_command(config, name, value, place),
        name if contains(name, b"debug") => config.debug = atoi(value) > 0,
        b"nrpe_user" => config.nrpe_user = Some(text(value)),
        b"nrpe_group" => config.nrpe_group = Some(text(value)),
        b"dont_blame_nrpe" => config.policy.arguments = is_on(value),
        b"allow_bash_command_substitution" => config.policy.substitution = is_on(value),
        b"nasty_metachars" => config.policy.metachars = decode_escapes(value),
        b"command_timeout" => config.command_timeout_s = positive(value).ok_or("Invalid command_timeout")?,
        b"connection_timeout" => {
            config.connection_timeout_s = Some(positive(value).ok_or("Invalid connection_timeout")?);
        }
        b"max_commands" => match u32::try_from(atoi(value)) {
            Ok(max) => config.max_commands = max,
            Err(_) => {
                config.max_commands = 0;
                let text = "max_commands set too low, setting to 0".into();
                config.notes.push(Note { severity: Severity::Warning, text });
            }
        },
        b"listen_queue_size" => {
            // What is below zero is, to the kernel, more than it allows.
            let size = u32::try_from(atoi(value)).unwrap_or(u32::MAX);
            config.listen_queue_size = Some(size).filter(|&size| size > 0);
            config.listen_queue_size.ok_or("Invalid listen queue size")?;
        }
        b"pid_file" => config.pid_file = Some(path(value)),
        b"keep_env_vars" => {
            let names = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            config.keep_env_vars = names.filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
        }
        // It only matters where OpenSSL has no entropy of its own.
        b"allow_weak_random_seed" => {}
        b"log_facility" => match LogFacility::parse(value) {
            Some(facility) => config.log_facility = facility,
            None => note(config, Severity::Warning, "Invalid log_facility specified".into(), place),
        },
        b"log_file" => config.log_file = Some(path(value)),
        b"disable_syslog" => config.disable_syslog = is_on(value),
        b"include" | b"include_file" => return Ok(Effect::IncludeFile(path(value))),
        b"include_dir" => {
            return Ok(Effect::IncludeDir(path(value.strip_suffix(b"/").unwrap_or(value))));
        }
        name if name.starts_with(b"ssl_") => return apply_ssl(config, name, value, place),
        _ => unknown(config, place),
    }
    Ok(Effect::None)
}

fn apply_ssl(
    config: &mut Config,
    name: &[u8],
    value: &[u8],
    place: Place<'_>,
) -> Result<Effect, &'static str> {
    let ssl = &mut config.ssl;
    match name {
        b"ssl_enabled" => ssl.enabled = is_on(value),
        b"ssl_version" => ssl.version = SslVersion::parse(value).ok_or("Invalid ssl version")?,
        b"ssl_use_adh" => ssl.use_adh = UseAdh::parse(value).ok_or("Invalid use adh value")?,
        b"ssl_logging" => ssl.logging = SslLogging::parse(value),
        b"ssl_cipher_list" => ssl.cipher_list = text(&value[..value.len().min(CIPHER_LIST_MAX_BYTES)]),
        b"ssl_cert_file" => ssl.cert_file = Some(value.to_vec()),
        b"ssl_privatekey_file" => ssl.privatekey_file = Some(value.to_vec()),
        b"ssl_cacert_file" => ssl.cacert_file = Some(value.to_vec()),
        b"ssl_client_certs" => {
            ssl.client_certs = ClientCerts::parse(value).ok_or("Invalid client certs value")?;
        }
        b"ssl_shutdown_timeout" => {
            ssl.shutdown_timeout_s = positive(value).ok_or("Invalid ssl_shutdown_timeout")?;
        }
        _ => unknown(config, place),
    }
    Ok(Effect::None)
}

fn define_command(
    config: &mut Config,
    name: &[u8],
    line: &[u8],
    place: Place<'_>,
) -> Result<Effect, &'static str> {
    // The name stands between the first bracket and the next closing one; a missing one is not missed.
    let name = name.split(|&byte| byte == b'[').filter(|piece| !piece.is_empty()).nth(1);
    let name = name.and_then(|rest| rest.split(|&byte| byte == b']').find(|piece| !piece.is_empty()));
    let name = name.ok_or("Invalid command")?.to_vec();
    let command =
        CommandLine { line: line.to_vec(), file: place.file.to_owned(), line_number: place.line_number };
    if config.debug {
        let (name, line) = (String::from_utf8_lossy(&name), String::from_utf8_lossy(line));
        config.notes.push(Note { severity: Severity::Debug, text: format!("Added command[{name}]={line}") });
    }
    if let Some(earlier) = config.commands.insert(name.clone(), command) {
        let text = format!(
            "command[{}] in {}:{} is replaced by a later one",
            String::from_utf8_lossy(&name),
            earlier.file.display(),
            earlier.line_number,
        );
        note(config, Severity::Info, text, place);
    }
    Ok(Effect::None)
}

fn unknown(config: &mut Config, place: Place<'_>) {
    note(config, Severity::Warning, "Unknown option specified".into(), place);
}

fn note(config: &mut Config, severity: Severity, text: String, place: Place<'_>) {
    let text = format!("{text} in config file '{}' - Line {}", place.file.display(), place.line_number);
    config.notes.push(Note { severity, text });
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window == part)
}

fn is_on(value: &[u8]) -> bool {
    atoi(value) == 1
}

fn positive(value: &[u8]) -> Option<u32> {
    u32::try_from(atoi(value)).ok().filter(|&number| number > 0)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn path(value: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(value.to_vec()))
}

/// Decodes C's escapes. A backslash before any other character takes that character away; what NRPE has in its
/// place is the byte that stood at this position of the text as written, most often the backslash itself.
fn decode_escapes(written: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(written.len());
    let mut bytes = written.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            decoded.push(byte);
            continue;
        }
        let escaped = match bytes.next() {
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(&same @ (b'\\' | b'\'' | b'"' | b'?')) => same,
            _ => written[decoded.len()],
        };
        decoded.push(escaped);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nrpe::ssl::SslProtocol;

    fn applied(lines: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        for (name, value) in lines {
            let place = Place { file: Path::new("/etc/nagios/nrpe.cfg"), line_number: 7 };
            apply(&mut config, name.as_bytes(), value.as_bytes(), place).unwrap();
        }
        config
    }

    fn refused(name: &str, value: &str) -> &'static str {
        let place = Place { file: Path::new("x"), line_number: 1 };
        apply(&mut Config::default(), name.as_bytes(), value.as_bytes(), place).unwrap_err()
    }

    fn commands(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        applied(lines).commands.iter().map(|(name, command)| (text(name), text(&command.line))).collect()
    }

    #[test]
    fn commands_by_name() {
        let read = commands(&[
            ("command[a b.c-d]", "x=1"),
            ("\u{feff}command[bom]", "y"),
            ("my_command[z]  ", "z"),
            ("command[open", "o"),
            ("command[a b.c-d]", "later"),
        ]);
        let expected = [("a b.c-d", "later"), ("bom", "y"), ("open", "o"), ("z", "z")];
        assert_eq!(read, expected.map(|(name, line)| (name.to_owned(), line.to_owned())));
        assert_eq!(refused("command[]", "x"), "Invalid command");
    }

    #[test]
    fn a_replaced_command_is_remarked_on() {
        let config = applied(&[("command[a]", "x"), ("command[a]", "y")]);
        let text = "command[a] in /etc/nagios/nrpe.cfg:7 is replaced by a later one \
                    in config file '/etc/nagios/nrpe.cfg' - Line 7";
        assert_eq!(config.notes, [Note { severity: Severity::Info, text: text.into() }]);
    }

    #[test]
    fn numbers_are_read_as_c_does_and_kept_in_range() {
        let config = applied(&[("server_port", "6000x"), ("connection_timeout", "5:WARNING")]);
        assert_eq!((config.server_port, config.connection_timeout_s), (6000, Some(5)));
        assert_eq!(refused("server_port", "1023"), "Invalid port number");
        assert_eq!(refused("server_port", "65536"), "Invalid port number");
        assert_eq!(refused("command_timeout", "0"), "Invalid command_timeout");
        assert_eq!(refused("connection_timeout", "abc"), "Invalid connection_timeout");
        assert_eq!(refused("listen_queue_size", "0"), "Invalid listen queue size");
        assert_eq!(refused("ssl_use_adh", "3"), "Invalid use adh value");
        assert_eq!(refused("ssl_client_certs", "-1"), "Invalid client certs value");
        assert_eq!(refused("ssl_version", "SSLv2+"), "Invalid ssl version");
        assert_eq!(refused("ssl_shutdown_timeout", "0"), "Invalid ssl_shutdown_timeout");
    }

    #[test]
    fn some_mistakes_are_only_remarked_on() {
        let config = applied(&[
            ("max_commands", "-1"),
            ("log_facility", "lpr"),
            ("no_such_option", "1"),
            ("Server_Port", "7000"),
            ("allowed_hosts", "127.0.0.1,*"),
        ]);
        let severities: Vec<Severity> = config.notes.iter().map(|note| note.severity).collect();
        use Severity::{Error, Warning};
        assert_eq!(severities, [Warning, Warning, Warning, Warning, Error]);
        assert_eq!(
            config.notes[2].text,
            "Unknown option specified in config file '/etc/nagios/nrpe.cfg' - Line 7"
        );
        assert_eq!(config.server_port, 5666);
    }

    #[test]
    fn switches_are_on_for_exactly_one() {
        for (value, on) in [("1", true), ("2", false), ("0", false), ("yes", false)] {
            assert_eq!(applied(&[("dont_blame_nrpe", value)]).policy.arguments, on);
        }
        assert!(applied(&[("debug", "2")]).debug);
        assert!(applied(&[("x_debug_y", "1")]).debug);
        assert!(!applied(&[("command[check_debug]", "1")]).debug);
    }

    #[test]
    fn metachars_are_decoded() {
        let metachars = |written: &str| applied(&[("nasty_metachars", written)]).policy.metachars;
        assert_eq!(metachars(r"|`\n\t\\\'\?"), b"|`\n\t\\'?");
        assert_eq!(metachars(r"a\qb\"), br"a\bb");
        assert_eq!(metachars(r"\nx\q"), b"\nxx");
    }

    #[test]
    fn environment_and_tls() {
        let config = applied(&[("keep_env_vars", " A , LC_,"), ("ssl_version", "TLSv1.3")]);
        assert_eq!(config.keep_env_vars, [b"A".to_vec(), b"LC_".to_vec()]);
        assert_eq!(config.ssl.version, SslVersion { oldest: SslProtocol::Tls1_3, newer: false });
    }
}
