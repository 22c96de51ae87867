//! TLS of the server: 1.2 and 1.3, with the ciphers that OpenSSL's wrapper takes from Mozilla's advice.

use std::fmt;
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    AlpnError, Ssl, SslAcceptor, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions,
    SslSessionCacheMode, SslVerifyMode, select_next_proto,
};
use openssl::x509::{X509, X509VerifyResult};
use serde::{Deserialize, Serialize};
use tokio_openssl::SslStream;

use super::socket::Via;
use super::wire::Stream;
use crate::limits::HTTP_HANDSHAKE_TIMEOUT;

/// The only protocol that is offered, as ALPN writes it.
const PROTOCOLS: &[u8] = b"\x08http/1.1";

/// What TLS takes, in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The certificate and its chain.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// The authorities that clients' certificates are verified against.
    pub client_ca: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// What connections are accepted with; `is_needed` is whether each client needs a certificate, where any is asked for.
    ///
    /// # Errors
    /// The certificate, its key or the authorities cannot be used.
    pub(super) fn context(&self, is_needed: bool) -> Result<SslContext, String> {
        let acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server());
        let mut context = acceptor.map_err(failed("set TLS up"))?;
        context.set_options(SslOptions::NO_RENEGOTIATION | SslOptions::NO_TICKET);
        // An idle connection should cost as little memory as possible, and a client that comes again nothing until then.
        context.set_mode(SslMode::RELEASE_BUFFERS);
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_num_tickets(0).map_err(failed("turn session tickets off"))?;
        context.set_session_id_context(b"custos-http").map_err(failed("set the session context"))?;
        context.set_alpn_select_callback(|_, offered| {
            select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::NOACK)
        });
        set_certificate(&mut context, self)?;
        if let Some(authorities) = &self.client_ca {
            set_authorities(&mut context, authorities, is_needed)?;
        }
        Ok(context.build().into_context())
    }
}

fn failed(what: &'static str) -> impl FnOnce(ErrorStack) -> String {
    move |stack| {
        let reasons: Vec<&str> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
        format!("HTTP: failed to {what}: {}", reasons.join(", "))
    }
}

fn set_certificate(context: &mut SslContextBuilder, tls: &Tls) -> Result<(), String> {
    const CERTIFICATE: &str = "use tls_certificate";
    let chain = X509::stack_from_pem(tls.certificate.as_bytes()).map_err(failed(CERTIFICATE))?;
    let mut chain = chain.into_iter();
    let Some(own) = chain.next() else {
        return Err("HTTP: failed to use tls_certificate: there is none in the file".to_owned());
    };
    context.set_certificate(&own).map_err(failed(CERTIFICATE))?;
    chain.try_for_each(|further| context.add_extra_chain_cert(further)).map_err(failed(CERTIFICATE))?;
    // Nobody is there to be asked for a passphrase.
    let key =
        PKey::private_key_from_pem_passphrase(tls.key.as_bytes(), b"").map_err(failed("use tls_key"))?;
    context.set_private_key(&key).map_err(failed("use tls_key with tls_certificate"))?;
    context.check_private_key().map_err(failed("use tls_key with tls_certificate"))
}

fn set_authorities(
    context: &mut SslContextBuilder,
    authorities: &str,
    is_needed: bool,
) -> Result<(), String> {
    const AUTHORITIES: &str = "use tls_client_ca";
    let all = X509::stack_from_pem(authorities.as_bytes()).map_err(failed(AUTHORITIES))?;
    if all.is_empty() {
        return Err("HTTP: failed to use tls_client_ca: there is no certificate in the file".to_owned());
    }
    for authority in all {
        context.add_client_ca(&authority).map_err(failed(AUTHORITIES))?;
        context.cert_store_mut().add_cert(authority).map_err(failed(AUTHORITIES))?;
    }
    let needed = if is_needed { SslVerifyMode::FAIL_IF_NO_PEER_CERT } else { SslVerifyMode::NONE };
    context.set_verify(SslVerifyMode::PEER | needed);
    Ok(())
}

/// Does the handshake of a connection.
///
/// # Errors
/// The client does not finish it, or not in time, or its certificate is not one that counts.
pub(super) async fn accept(
    context: &SslContext,
    stream: Box<dyn Stream>,
    via: Via,
) -> Result<(Box<dyn Stream>, Via), String> {
    let ssl = Ssl::new(context).map_err(|error| error.to_string())?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
    match tokio::time::timeout(HTTP_HANDSHAKE_TIMEOUT, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the handshake took too long".to_owned()),
    }
    let ssl = stream.ssl();
    let is_certified = ssl.peer_certificate().is_some() && ssl.verify_result() == X509VerifyResult::OK;
    Ok((Box::new(stream), Via { is_certified, ..via }))
}
