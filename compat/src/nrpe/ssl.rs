//! The `ssl_…` directives of `nrpe.cfg`, as values.

use super::command_line::atoi;

/// The cipher list without a directive: everything, anonymous suites included, strongest first.
pub const CIPHER_LIST_DEFAULT: &str = "ALL:!MD5:@STRENGTH:@SECLEVEL=0";
/// The default as it is used here: the same suites, with the anonymous ones over elliptic curves before those over
/// finite fields. One handshake of the latter costs both sides together about thirty times as much processor time.
pub const CIPHER_LIST_QUICK: &str = "ALL:!MD5:@STRENGTH:+ADH:@SECLEVEL=0";
/// The cipher list of `ssl_use_adh=2`: anonymous finite-field suites and nothing else.
pub const CIPHER_LIST_ADH_ONLY: &str = "ADH@SECLEVEL=0";
/// Longest cipher list.
pub const CIPHER_LIST_MAX_BYTES: usize = 255;

/// Everything about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SslConfig {
    /// `false`: no TLS at all (`ssl_enabled=0` of NRPE 4.2, or the option `-n`).
    pub enabled: bool,
    /// The protocol versions spoken.
    pub version: SslVersion,
    /// Anonymous Diffie-Hellman.
    pub use_adh: UseAdh,
    /// OpenSSL's cipher list for TLS 1.2 and older, as configured; see [`SslConfig::effective_cipher_list`].
    pub cipher_list: String,
    /// PEM file with the certificate and its chain.
    pub cert_file: Option<Vec<u8>>,
    /// PEM file with the private key.
    pub privatekey_file: Option<Vec<u8>>,
    /// PEM file with the authorities that client certificates are verified against.
    pub cacert_file: Option<Vec<u8>>,
    /// What is asked of clients.
    pub client_certs: ClientCerts,
    /// What is logged of each connection.
    pub logging: SslLogging,
    /// Seconds for the closing exchange. At least 1.
    pub shutdown_timeout_s: u32,
}

impl Default for SslConfig {
    fn default() -> Self {
        SslConfig {
            enabled: true,
            version: SslVersion { oldest: SslProtocol::Tls1, newer: true },
            use_adh: UseAdh::Allowed,
            cipher_list: CIPHER_LIST_DEFAULT.to_owned(),
            cert_file: None,
            privatekey_file: None,
            cacert_file: None,
            client_certs: ClientCerts::Ignored,
            logging: SslLogging::default(),
            shutdown_timeout_s: 15,
        }
    }
}

impl SslConfig {
    /// The cipher list as OpenSSL is given it.
    ///
    /// The default is the same set of suites in a better order. `ssl_use_adh=0` takes away finite-field anonymous suites only; elliptic-curve ones stay, as in NRPE.
    pub fn effective_cipher_list(&self) -> String {
        let list = match self.cipher_list.as_str() {
            CIPHER_LIST_DEFAULT => CIPHER_LIST_QUICK,
            configured => configured,
        };
        match self.use_adh {
            UseAdh::Never => format!("{list}:!ADH"),
            UseAdh::Allowed => list.to_owned(),
            UseAdh::Only => CIPHER_LIST_ADH_ONLY.to_owned(),
        }
    }
}

/// A protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslProtocol {
    /// SSL 3.0, which no current OpenSSL speaks.
    Ssl3,
    /// TLS 1.0.
    Tls1,
    /// TLS 1.1.
    Tls1_1,
    /// TLS 1.2.
    Tls1_2,
    /// TLS 1.3.
    Tls1_3,
}

/// `ssl_version`: one protocol version, or that one and all newer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslVersion {
    /// The oldest version spoken.
    pub oldest: SslProtocol,
    /// `true`: newer ones as well.
    pub newer: bool,
}

impl SslVersion {
    /// Reads `TLSv1.2`, `TLSv1.2+` and the like. SSL 2 is refused, as NRPE does with any current OpenSSL.
    pub fn parse(written: &[u8]) -> Option<SslVersion> {
        let (name, newer) = match written.strip_suffix(b"+") {
            Some(name) => (name, true),
            None => (written, false),
        };
        let oldest = match name {
            b"SSLv3" => SslProtocol::Ssl3,
            b"TLSv1" => SslProtocol::Tls1,
            b"TLSv1.1" => SslProtocol::Tls1_1,
            b"TLSv1.2" => SslProtocol::Tls1_2,
            b"TLSv1.3" => SslProtocol::Tls1_3,
            _ => return None,
        };
        Some(SslVersion { oldest, newer })
    }

    /// The words of NRPE's log, such as `TLSv1 And Above`.
    pub fn describe(self) -> &'static str {
        match (self.oldest, self.newer) {
            (SslProtocol::Ssl3, false) => "SSLv3",
            (SslProtocol::Ssl3, true) => "SSLv3 And Above",
            (SslProtocol::Tls1, false) => "TLSv1",
            (SslProtocol::Tls1, true) => "TLSv1 And Above",
            (SslProtocol::Tls1_1, false) => "TLSv1_1",
            (SslProtocol::Tls1_1, true) => "TLSv1_1 And Above",
            (SslProtocol::Tls1_2, false) => "TLSv1_2",
            (SslProtocol::Tls1_2, true) => "TLSv1_2 And Above",
            (SslProtocol::Tls1_3, false) => "TLSv1_3",
            (SslProtocol::Tls1_3, true) => "TLSv1_3 And Above",
        }
    }
}

/// `ssl_use_adh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseAdh {
    /// 0: no finite-field anonymous suites.
    Never,
    /// 1: anonymous suites among others.
    Allowed,
    /// 2: finite-field anonymous suites only.
    Only,
}

impl UseAdh {
    /// Reads the directive's number; none beyond 2.
    pub fn parse(written: &[u8]) -> Option<UseAdh> {
        match atoi(written) {
            0 => Some(UseAdh::Never),
            1 => Some(UseAdh::Allowed),
            2 => Some(UseAdh::Only),
            _ => None,
        }
    }
}

/// `ssl_client_certs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCerts {
    /// 0: not asked for.
    Ignored,
    /// 1: asked for; a client may come without one, but not with one of another authority.
    Asked,
    /// 2: required.
    Required,
}

impl ClientCerts {
    /// Reads the directive's number; none beyond 2.
    pub fn parse(written: &[u8]) -> Option<ClientCerts> {
        match atoi(written) {
            0 => Some(ClientCerts::Ignored),
            1 => Some(ClientCerts::Asked),
            2 => Some(ClientCerts::Required),
            _ => None,
        }
    }

    /// The words of NRPE's log.
    pub fn describe(self) -> &'static str {
        match self {
            ClientCerts::Ignored => "Don't Ask",
            ClientCerts::Asked => "Accept",
            ClientCerts::Required => "Require",
        }
    }
}

/// `ssl_logging`: a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SslLogging(pub u32);

impl SslLogging {
    /// Parameters at start.
    pub const STARTUP: u32 = 0x01;
    /// Address of each peer.
    pub const PEER: u32 = 0x02;
    /// Protocol version of each connection.
    pub const VERSION: u32 = 0x04;
    /// Cipher of each connection.
    pub const CIPHER: u32 = 0x08;
    /// Whether the client has a certificate.
    pub const HAS_CERT: u32 = 0x10;
    /// Names in the client's certificate.
    pub const CERT_NAMES: u32 = 0x20;

    /// Whether one of these bits is set.
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// Reads a number as C's `strtoul` does with base 0: decimal, `0x…`, octal after `0`, and a minus wraps
    /// around. Anything else is 0, and the lower 32 bits count.
    pub fn parse(written: &[u8]) -> SslLogging {
        let text = String::from_utf8_lossy(written);
        let text = text.trim_start();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let lower = text.to_ascii_lowercase();
        let (digits, radix) = match lower.strip_prefix("0x") {
            Some(rest) if rest.starts_with(|digit: char| digit.is_ascii_hexdigit()) => (rest, 16),
            _ if lower.starts_with('0') => (lower.as_str(), 8),
            _ => (lower.as_str(), 10),
        };
        let magnitude = digits
            .chars()
            .map_while(|digit| digit.to_digit(radix))
            .fold(0_u64, |sum, digit| sum.saturating_mul(u64::from(radix)).saturating_add(u64::from(digit)));
        SslLogging(if negative { magnitude.wrapping_neg() } else { magnitude } as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let tls12 = SslVersion { oldest: SslProtocol::Tls1_2, newer: true };
        assert_eq!(SslVersion::parse(b"TLSv1.2+"), Some(tls12));
        assert_eq!(tls12.describe(), "TLSv1_2 And Above");
        for bad in ["SSLv2", "SSLv2+", "tlsv1", "TLSv1.4", "", "TLSv1++"] {
            assert_eq!(SslVersion::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn cipher_lists() {
        let mut ssl = SslConfig { cipher_list: "AES256".into(), ..SslConfig::default() };
        assert_eq!(ssl.effective_cipher_list(), "AES256");
        ssl.use_adh = UseAdh::Never;
        assert_eq!(ssl.effective_cipher_list(), "AES256:!ADH");
        assert_eq!(SslConfig::default().effective_cipher_list(), CIPHER_LIST_QUICK);
        ssl.use_adh = UseAdh::Only;
        assert_eq!(ssl.effective_cipher_list(), CIPHER_LIST_ADH_ONLY);
    }

    #[test]
    fn logging_bits() {
        for (written, bits) in [
            ("0x2f", 0x2f),
            ("47", 47),
            ("017", 15),
            ("-1", u32::MAX),
            ("0x1000000ff", 0xff),
            ("junk", 0),
            ("0x", 0),
        ] {
            assert_eq!(SslLogging::parse(written.as_bytes()).0, bits, "{written}");
        }
    }
}
