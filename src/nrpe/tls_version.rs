//! TLS versions in OpenSSL's terms.

use custos_compat::nrpe::SslProtocol;
use openssl::ssl::SslVersion;

/// OpenSSL's version for one of NRPE's.
pub(crate) fn of_openssl(protocol: SslProtocol) -> SslVersion {
    match protocol {
        SslProtocol::Ssl3 => SslVersion::SSL3,
        SslProtocol::Tls1 => SslVersion::TLS1,
        SslProtocol::Tls1_1 => SslVersion::TLS1_1,
        SslProtocol::Tls1_2 => SslVersion::TLS1_2,
        SslProtocol::Tls1_3 => SslVersion::TLS1_3,
    }
}
