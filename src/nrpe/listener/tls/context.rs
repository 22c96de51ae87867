//! The listener's TLS, as NRPE has it: anonymous Diffie-Hellman without a certificate, and OpenSSL's cipher lists.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use custos_compat::nrpe::{ClientCerts, SslConfig, SslProtocol};
use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef, SslSessionCacheMode,
    SslVerifyMode,
};
use openssl::x509::{X509, X509NameRef, X509StoreContext, X509StoreContextRef};

use crate::limits::TLS_FILE_MAX_BYTES;
use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::request::Transport;
use crate::nrpe::tls_version;
use crate::text::system_error;
use crate::whole_file;

/// The prime of ffdhe2048 (RFC 7919, appendix A.1), a safe prime that TLS libraries know by name.
const FFDHE2048_PRIME: &str = "\
    FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695\
    A9E13641146433FBCC939DCE249B3EF97D2FE363630C75D8F681B202AEC4617A\
    D3DF1ED5D5FD65612433F51F5F066ED0856365553DED1AF3B557135E7F57C935\
    984F0C70E0E68B77E2A689DAF3EFE8721DF158A136ADE73530ACCA4F483A797A\
    BC0AB182B324FB61D108A94BB2C8E3FBB96ADAB760D7F4681D4F42A3DE394DF4\
    AE56EDE76372BB190B07A7C8EE0A6D709E02FCE1CDF7E2ECC03404CD28342F61\
    9172FE9CE98583FF8E4F1232EEF28183C3FE3B1B4C6FAD733BB5FCBC2EC22005\
    C58EF1837D1683B2C6F34A26C1B2EFFA886B423861285C97FFFFFFFFFFFFFFFF";
/// The generator of ffdhe2048.
const FFDHE2048_GENERATOR: u32 = 2;

/// Builds the context that connections are accepted with; `None` if TLS is off.
///
/// The cipher list decides OpenSSL's security level: as in NRPE, a list without `@SECLEVEL=0` excludes anonymous suites.
pub(in crate::nrpe::listener) fn context(ssl: &SslConfig) -> Result<Option<SslContext>, Error> {
    if !ssl.enabled {
        return Ok(None);
    }
    let plain = |what: &str| failed(what.to_owned());
    let mut context =
        SslContextBuilder::new(SslMethod::tls_server()).map_err(plain("create a TLS context"))?;
    context.set_options(
        SslOptions::CIPHER_SERVER_PREFERENCE | SslOptions::NO_RENEGOTIATION | SslOptions::NO_TICKET,
    );
    // An idle connection should cost as little memory as possible.
    context.set_mode(SslMode::RELEASE_BUFFERS);
    // There is one request per connection, so no session is ever resumed.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_num_tickets(0).map_err(plain("turn session tickets off"))?;
    context.set_session_id_context(b"nrpe").map_err(plain("set the session context"))?;
    set_versions(&mut context, ssl)?;
    let ciphers = ssl.effective_cipher_list();
    context.set_cipher_list(&ciphers).map_err(failed(format!("use the cipher list {ciphers}")))?;
    let group = diffie_hellman().map_err(plain("prepare Diffie-Hellman"))?;
    context.set_tmp_dh(&group).map_err(plain("prepare Diffie-Hellman"))?;
    set_certificate(&mut context, ssl)?;
    set_client_policy(&mut context, ssl)?;
    Ok(Some(context.build()))
}

/// A context built while its files could be read: once root is given up, the private key may be unreadable.
///
/// It follows from the settings that it is stored with, so it is ignored when two settings are compared.
#[derive(Clone, Default)]
pub struct Prepared(Option<SslContext>);

impl Prepared {
    /// Reads the files and builds the context.
    pub(in crate::nrpe::listener) fn of(ssl: &SslConfig) -> Result<Prepared, Error> {
        context(ssl).map(Prepared)
    }

    /// The prepared context, or else one that is built now.
    pub(in crate::nrpe::listener) fn or_context(&self, ssl: &SslConfig) -> Result<Option<SslContext>, Error> {
        match &self.0 {
            Some(prepared) if ssl.enabled => Ok(Some(prepared.clone())),
            Some(_) | None => context(ssl),
        }
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _other: &Prepared) -> bool {
        true
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "prepared" } else { "not prepared" })
    }
}

/// Whether one of the files exists but this process may not read it.
pub(in crate::nrpe::listener) fn out_of_reach(ssl: &SslConfig) -> bool {
    let denied = |file: &Path| {
        whole_file::open(file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    files(ssl).any(denied)
}

/// The files that TLS is set up with, if it is to be spoken.
pub(in crate::nrpe::listener) fn files(ssl: &SslConfig) -> impl Iterator<Item = &Path> {
    let files = [&ssl.cert_file, &ssl.privatekey_file, &ssl.cacert_file];
    files.into_iter().filter(|_| ssl.enabled).flatten().map(|file| as_path(file))
}

fn failed(what: String) -> impl FnOnce(ErrorStack) -> Error {
    move |source| Error::Tls { what, reason: reason(&source) }
}

/// OpenSSL's reasons, without its codes.
pub(in crate::nrpe::listener) fn reason(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
    if reasons.is_empty() { stack.to_string() } else { reasons.join(", ") }
}

fn set_versions(context: &mut SslContextBuilder, ssl: &SslConfig) -> Result<(), Error> {
    let oldest = tls_version::of_openssl(ssl.version.oldest);
    let what = || format!("use ssl_version {}", ssl.version.describe());
    context.set_min_proto_version(Some(oldest)).map_err(failed(what()))?;
    let newest = (!ssl.version.newer).then_some(oldest);
    context.set_max_proto_version(newest).map_err(failed(what()))
}

fn diffie_hellman() -> Result<Dh<openssl::pkey::Params>, ErrorStack> {
    let prime = BigNum::from_hex_str(FFDHE2048_PRIME)?;
    Dh::from_pqg(prime, None, BigNum::from_u32(FFDHE2048_GENERATOR)?)
}

fn set_certificate(context: &mut SslContextBuilder, ssl: &SslConfig) -> Result<(), Error> {
    let Some(certificate) = &ssl.cert_file else { return Ok(()) };
    let certificate = as_path(certificate);
    let what = || format!("use certificate file {}", certificate.display());
    let pem = read(certificate, what)?;
    let own = X509::from_pem(&pem).map_err(failed(what()))?;
    context.set_certificate(&own).map_err(failed(what()))?;
    for further in X509::stack_from_pem(&pem).map_err(failed(what()))?.into_iter().skip(1) {
        context.add_extra_chain_cert(further).map_err(failed(what()))?;
    }
    let Some(key) = &ssl.privatekey_file else {
        return Err(Error::Tls { what: what(), reason: "ssl_privatekey_file is not set".into() });
    };
    let key = as_path(key);
    let what = || format!("use private key file {}", key.display());
    // Nobody is there to be asked for a passphrase.
    let key = PKey::private_key_from_pem_passphrase(&read(key, what)?, b"").map_err(failed(what()))?;
    context.set_private_key(&key).map_err(failed(what()))?;
    context.check_private_key().map_err(failed("use certificate and private key as a pair".into()))
}

fn read(path: &Path, what: impl FnOnce() -> String) -> Result<Vec<u8>, Error> {
    whole_file::bytes(path, TLS_FILE_MAX_BYTES)
        .map_err(|error| Error::Tls { what: what(), reason: system_error::words(&error) })
}

fn set_client_policy(context: &mut SslContextBuilder, ssl: &SslConfig) -> Result<(), Error> {
    let mode = match ssl.client_certs {
        ClientCerts::Ignored => SslVerifyMode::NONE,
        ClientCerts::Asked => SslVerifyMode::PEER,
        ClientCerts::Required => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
    };
    context.set_verify_callback(mode, |trusted, chain| {
        if !trusted {
            note_fault(chain);
        }
        trusted
    });
    let Some(authorities) = &ssl.cacert_file else {
        return match ssl.client_certs {
            ClientCerts::Required => Err(Error::Tls {
                what: "require client certificates".into(),
                reason: "ssl_cacert_file is not set".into(),
            }),
            ClientCerts::Ignored | ClientCerts::Asked => Ok(()),
        };
    };
    let path = as_path(authorities);
    let what = || format!("use CA certificate file {}", path.display());
    let all = X509::stack_from_pem(&read(path, what)?).map_err(failed(what()))?;
    if all.is_empty() {
        return Err(Error::Tls { what: what(), reason: "no certificate found".into() });
    }
    for authority in all {
        context.add_client_ca(&authority).map_err(failed(what()))?;
        context.cert_store_mut().add_cert(authority).map_err(failed(what()))?;
    }
    Ok(())
}

/// Why the certificate of a client is refused.
#[derive(Clone, Debug)]
pub(in crate::nrpe::listener) struct BadCertificate {
    /// The line that nrpe logs.
    pub(in crate::nrpe::listener) line: String,
    /// OpenSSL's words.
    pub(in crate::nrpe::listener) reason: &'static str,
}

/// Slot of a connection for what its verification found: OpenSSL itself does not store the refused certificate.
static FAULT: LazyLock<Option<Index<Ssl, OnceLock<BadCertificate>>>> =
    LazyLock::new(|| Ssl::new_ex_index().ok());

/// The TLS state of a new connection.
pub(in crate::nrpe::listener) fn connection(context: &SslContext) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if let Some(index) = *FAULT {
        ssl.set_ex_data(index, OnceLock::new());
    }
    Ok(ssl)
}

/// Why the client's certificate was refused, if it was.
pub(in crate::nrpe::listener) fn bad_certificate(ssl: &SslRef) -> Option<&BadCertificate> {
    ssl.ex_data((*FAULT)?)?.get()
}

fn note_fault(chain: &X509StoreContextRef) {
    let connection = X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index));
    let slot = (*FAULT).and_then(|index| connection?.ex_data(index));
    if let (Some(slot), Some(certificate)) = (slot, chain.current_cert()) {
        let (name, issuer) = (logged(certificate.subject_name()), logged(certificate.issuer_name()));
        let (code, reason) = (chain.error().as_raw(), chain.error().error_string());
        let line =
            format!("SSL Client has an invalid certificate: {name} (issuer={issuer}) err={code}:{reason}");
        // The handshake ends with the first fault, so only that one is stored.
        let _ = slot.set(BadCertificate { line, reason });
    }
}

/// The path that a directive names.
pub(in crate::nrpe::listener) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// What the handshake has agreed on.
pub(in crate::nrpe::listener) fn transport(ssl: &SslRef) -> Transport {
    let client = ssl.peer_certificate().map(|certificate| subject(certificate.subject_name()));
    let cipher = ssl.current_cipher().map_or("none", |cipher| cipher.name());
    Transport::Tls {
        protocol: ssl.version_str(),
        anonymous: is_anonymous(cipher),
        cipher: cipher.to_owned(),
        client,
    }
}

/// Whether a cipher suite authenticates neither side.
pub fn is_anonymous(cipher: &str) -> bool {
    cipher.starts_with("ADH-") || cipher.starts_with("AECDH-")
}

/// Subject and issuer of the client's certificate, if it sent one.
pub(in crate::nrpe::listener) fn client_names(ssl: &SslRef) -> Option<(String, String)> {
    let certificate: X509 = ssl.peer_certificate()?;
    Some((logged(certificate.subject_name()), logged(certificate.issuer_name())))
}

/// A name as nrpe logs it: bytes that are not printable ASCII as `\\xC3`.
fn logged(name: &X509NameRef) -> String {
    let mut line = String::new();
    for byte in subject(name).bytes() {
        match byte {
            b' '..=b'~' => line.push(char::from(byte)),
            byte => line.push_str(&format!("\\x{byte:02X}")),
        }
    }
    line
}

/// A name in OpenSSL's one-line form, such as `/O=Example/CN=poller`.
pub(in crate::nrpe::listener) fn subject(name: &X509NameRef) -> String {
    let mut line = String::new();
    for entry in name.entries() {
        line.push('/');
        match entry.object().nid().short_name() {
            Ok(short) if entry.object().nid() != Nid::UNDEF => line.push_str(short),
            // An attribute without a short name is written as its OID.
            _ => line.push_str(&entry.object().to_string()),
        }
        line.push('=');
        let value = entry.data().to_string();
        escape_value(value.as_deref().unwrap_or("?"), &mut line);
    }
    line
}

/// Escapes a value so that no two names look alike: an organization `Example/CN=poller` is not an organization `Example`
/// with a common name.
fn escape_value(value: &str, line: &mut String) {
    for character in value.chars() {
        if matches!(character, '/' | '=' | '\\') {
            line.push('\\');
        }
        line.push(character);
    }
}

/// Whether a connection without any certificate is possible: the cipher list has an anonymous suite, and the security
/// level allows it.
pub fn offers_anonymous(ssl: &SslConfig) -> bool {
    let Ok(Some(made)) = context(ssl) else { return false };
    // OpenSSL refuses a list in which nothing is left when all suites with authentication are taken away.
    let anonymous_only = format!("{}:!aRSA:!aDSS:!aECDSA:!aPSK:!aSRP", ssl.effective_cipher_list());
    let left = SslContextBuilder::new(SslMethod::tls_server())
        .is_ok_and(|mut context| context.set_cipher_list(&anonymous_only).is_ok());
    let old_enough = ssl.version.oldest != SslProtocol::Tls1_3;
    left && old_enough && made.security_level() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_are_written_differently() {
        let shown = |entries: &[(&str, &str)]| {
            let mut name = openssl::x509::X509NameBuilder::new().unwrap();
            for (key, value) in entries {
                name.append_entry_by_text(key, value).unwrap();
            }
            subject(&name.build())
        };
        assert_eq!(shown(&[("O", "Example"), ("CN", "poller")]), "/O=Example/CN=poller");
        assert_eq!(shown(&[("O", "Example/CN=poller")]), r"/O=Example\/CN\=poller");
        assert_eq!(shown(&[("O", r"Example\"), ("CN", "poller")]), r"/O=Example\\/CN=poller");
        // As it might be written by who is to be taken for another.
        let names: [&[(&str, &str)]; 9] = [
            &[("O", "Example"), ("CN", "poller")],
            &[("O", "Example/CN=poller")],
            &[("O", r"Example\"), ("CN", "poller")],
            &[("O", r"Example\/CN=poller")],
            &[("O", r"Example\/CN\=poller")],
            &[("O", "Example, CN=poller")],
            &[("O", r"Example\, CN=poller")],
            &[("CN", "poller"), ("O", "Example")],
            &[("CN", "poller/O=Example")],
        ];
        let written: std::collections::BTreeSet<String> = names.iter().map(|name| shown(name)).collect();
        assert_eq!(written.len(), names.len(), "{written:?}");
    }

    #[test]
    fn the_group_is_a_safe_prime() {
        let mut work = openssl::bn::BigNumContext::new().unwrap();
        let prime = BigNum::from_hex_str(FFDHE2048_PRIME).unwrap();
        assert_eq!(prime.num_bits(), 2048);
        assert!(prime.is_prime(20, &mut work).unwrap());
        let mut half = BigNum::new().unwrap();
        half.rshift1(&prime).unwrap();
        assert!(half.is_prime(20, &mut work).unwrap());
    }

    #[test]
    fn the_default_offers_anonymous_suites() {
        let with = |list: &str| SslConfig { cipher_list: list.into(), ..SslConfig::default() };
        assert!(offers_anonymous(&SslConfig::default()));
        assert!(offers_anonymous(&with("AECDH:AES256-SHA:@SECLEVEL=0")));
        assert!(!offers_anonymous(&with("ALL:!aNULL:@SECLEVEL=0")));
        assert!(!offers_anonymous(&with("ALL:@SECLEVEL=1")));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |change: &dyn Fn(&mut SslConfig)| {
            let mut ssl = SslConfig::default();
            change(&mut ssl);
            context(&ssl).err().unwrap().to_string()
        };
        assert!(refused(&|ssl| ssl.cipher_list = "NOSUCH".into()).contains("cipher list NOSUCH"));
        assert!(refused(&|ssl| ssl.cert_file = Some(b"/none.pem".to_vec())).contains("/none.pem"));
        assert!(refused(&|ssl| ssl.client_certs = ClientCerts::Required).contains("ssl_cacert_file"));
        assert!(refused(&|ssl| ssl.cacert_file = Some(b"/none-ca.pem".to_vec())).contains("/none-ca.pem"));
        assert!(refused(&|ssl| ssl.cert_file = Some(b"/dev/zero".to_vec())).contains("not a regular file"));
        assert!(refused(&|ssl| ssl.cacert_file = Some(b"/dev/zero".to_vec())).contains("not a regular file"));
        let mut off = SslConfig { enabled: false, ..SslConfig::default() };
        off.cipher_list = "NOSUCH".into();
        assert!(context(&off).unwrap().is_none());
    }
}
