//! Options as they are collected, before they are judged together.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use custos_compat::nrpe::{AddressFamily, SslVersion, UseAdh, Version, atoi};
use custos_store::State;

use crate::limits;
use crate::nrpe::client::Options;

/// Why an option ends the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The usage is shown.
    Usage,
    /// The message has been printed already.
    Said,
}

/// What the options given so far come to.
#[derive(Debug, Default)]
pub(super) struct Draft {
    options: Options,
    host: Option<String>,
    port: Option<u16>,
    command: Option<Vec<u8>>,
    /// The words from the first argument on.
    pub(super) arguments: Vec<OsString>,
    payload_size: usize,
    v2: bool,
    v3: bool,
    timeout_state: Option<State>,
    tls_version: Option<SslVersion>,
    use_adh: Option<UseAdh>,
    cipher_list: String,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    /// For stdout, before anything else.
    pub(super) said: String,
}

impl Draft {
    /// Whether an option in a file has no effect, as it was given before: on the command line, or above.
    ///
    /// The list is nrpe's: `-b` of the file wins, and `-t` never counts there.
    pub(super) fn has(&self, short: u8) -> bool {
        match short {
            b'H' => self.host.is_some(),
            b'p' => self.port.is_some(),
            b'P' => self.payload_size > 0,
            b't' => true,
            b'u' => self.timeout_state.is_some(),
            b'2' | b'3' => self.options.version != Version::V4,
            b'4' | b'6' => self.options.addresses != AddressFamily::Any,
            b'd' => self.use_adh.is_some(),
            b'S' => self.tls_version.is_some(),
            b'L' => !self.cipher_list.is_empty(),
            b'C' => self.certificate.is_some(),
            b'K' => self.key.is_some(),
            b'A' => self.options.authorities.is_some(),
            _ => false,
        }
    }

    /// Takes an option that says what to ask, and how.
    pub(super) fn take(&mut self, short: u8, value: &OsStr) -> Result<(), Refused> {
        let bytes = value.as_bytes();
        let options = &mut self.options;
        match short {
            b'H' => self.host = Some(value.to_string_lossy().into_owned()),
            // Only the last 16 bits of the number count, as with nrpe.
            b'p' => match atoi(bytes) as u16 {
                0 => return Err(Refused::Usage),
                port => self.port = Some(port),
            },
            b'c' => self.command = Some(bytes.to_vec()),
            b't' => self.take_timeout(bytes)?,
            b'b' => options.bind = Some(value.to_string_lossy().into_owned()),
            b'P' => self.payload_size = payload_size(bytes)?,
            b'2' => {
                self.v2 = true;
                options.version = Version::V2;
            }
            b'3' => {
                self.v3 = true;
                options.version = Version::V3;
            }
            b'4' => options.addresses = AddressFamily::V4,
            b'6' => options.addresses = AddressFamily::V6,
            b'n' => options.tls = false,
            b'u' => self.timeout_state = Some(State::Unknown),
            b'E' => options.stderr_to_stdout = true,
            _ => self.take_tls(short, value)?,
        }
        Ok(())
    }

    fn take_tls(&mut self, short: u8, value: &OsStr) -> Result<(), Refused> {
        let bytes = value.as_bytes();
        match short {
            b'S' => self.tls_version = Some(SslVersion::parse(bytes).ok_or(Refused::Usage)?),
            b'L' => self.cipher_list = value.to_string_lossy().into_owned(),
            b'C' => self.certificate = Some(value.into()),
            b'K' => self.key = Some(value.into()),
            b'A' => self.options.authorities = Some(value.into()),
            b'd' => self.use_adh = Some(use_adh(bytes).ok_or(Refused::Usage)?),
            // This client writes no log, so there is nothing to choose: -s, -g and -D are taken and have no effect.
            _ => {}
        }
        Ok(())
    }

    /// `N`, `:STATE` or `N:STATE`. Colons in a row count as one, and what follows the state is not looked at.
    fn take_timeout(&mut self, written: &[u8]) -> Result<(), Refused> {
        let mut fields = written.split(|&byte| byte == b':').filter(|field| !field.is_empty());
        let seconds = if written.starts_with(b":") { None } else { fields.next() };
        if let Some(written) = fields.next() {
            self.timeout_state = state_named(written);
            // A state that there is not does not end the call.
            if self.timeout_state.is_none() {
                self.said.push_str(
                    "Timeout state must be a valid state name (OK, WARNING, CRITICAL, UNKNOWN) or integer (0-3).\n",
                );
            }
        }
        match seconds.map(|written| atoi(written) as i32) {
            None => {}
            Some(seconds @ 1..) => self.options.timeout = Duration::from_secs(seconds.unsigned_abs().into()),
            Some(_) => {
                self.said.push_str("Timeout value must be a positive integer\n");
                return Err(Refused::Said);
            }
        }
        Ok(())
    }

    /// Which halves of the client's certificate are there: itself, and its key.
    pub(super) fn halves(&self) -> (bool, bool) {
        (self.certificate.is_some(), self.key.is_some())
    }

    /// Judges options that do not go together, and what is missing.
    pub(super) fn judge(&mut self, nothing_to_ask: bool) -> Result<(), Refused> {
        if self.payload_size > 0 && self.options.version != Version::V2 {
            self.said.push_str("Error: if a fixed payload size is specified, '-2' must also be specified\n");
            return Err(Refused::Usage);
        }
        if self.v2 && self.v3 {
            self.said.push_str(
                "Error: Only one of force_v2_packet (-2) and force_v3_packet (-3) can be specified.\n",
            );
            return Err(Refused::Usage);
        }
        if self.host.is_none() && !nothing_to_ask { Err(Refused::Usage) } else { Ok(()) }
    }

    /// The question.
    pub(super) fn options(self) -> Options {
        let mut options = self.options;
        options.host = self.host.unwrap_or_default();
        options.port = self.port.unwrap_or(options.port);
        if self.payload_size > 0 {
            options.v2_field_len = self.payload_size;
        }
        options.timeout_state = self.timeout_state.unwrap_or(options.timeout_state);
        options.tls_version = self.tls_version.unwrap_or(options.tls_version);
        options.use_adh = self.use_adh.unwrap_or(options.use_adh);
        if !self.cipher_list.is_empty() {
            options.cipher_list = self.cipher_list;
        }
        options.certificate = self.certificate.zip(self.key);
        options.query = query(self.command.unwrap_or(options.query), &self.arguments);
        options
    }
}

fn query(mut query: Vec<u8>, arguments: &[OsString]) -> Vec<u8> {
    query.truncate(limits::CHECK_NRPE_QUERY_MAX_BYTES);
    for argument in arguments {
        // An argument without a byte of its own is not begun.
        if query.len() + 1 >= limits::CHECK_NRPE_QUERY_MAX_BYTES {
            break;
        }
        query.push(b'!');
        query.extend_from_slice(argument.as_bytes());
        query.truncate(limits::CHECK_NRPE_QUERY_MAX_BYTES);
    }
    query
}

/// The size of version 2's text field; 0 leaves it as it is.
fn payload_size(written: &[u8]) -> Result<usize, Refused> {
    let size = usize::try_from(atoi(written) as i32).map_err(|_| Refused::Usage)?;
    if size > limits::CHECK_NRPE_PAYLOAD_MAX_BYTES { Err(Refused::Usage) } else { Ok(size) }
}

/// The first character alone is checked, but the whole number counts; beyond 2 it is what 1 is.
fn use_adh(written: &[u8]) -> Option<UseAdh> {
    match (written.first()?, atoi(written)) {
        (b'0'..=b'2', 0) => Some(UseAdh::Never),
        (b'0'..=b'2', 2) => Some(UseAdh::Only),
        (b'0'..=b'2', _) => Some(UseAdh::Allowed),
        _ => None,
    }
}

fn state_named(written: &[u8]) -> Option<State> {
    State::ALL.into_iter().find(|state| {
        written.eq_ignore_ascii_case(state.name().as_bytes())
            || written == state.code().to_string().as_bytes()
    })
}
