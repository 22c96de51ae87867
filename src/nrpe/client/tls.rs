//! The client's TLS, like that of `check_nrpe`: anonymous suites are offered and the host's name is not checked.
//!
//! One difference is deliberate: with `-A` anonymous suites are not offered, since otherwise a server without a
//! certificate would pass as verified.

use std::path::Path;

use custos_compat::nrpe::{CIPHER_LIST_ADH_ONLY, UseAdh};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslFiletype, SslMethod, SslVerifyMode};

use super::options::Options;
use crate::nrpe::tls_version;

/// Builds the TLS context of the client. The error is the message for the user.
pub(super) fn context(options: &Options) -> Result<SslContext, String> {
    let create = |_: ErrorStack| "CHECK_NRPE: Error - could not create SSL context.".to_owned();
    let mut context = SslContextBuilder::new(SslMethod::tls_client()).map_err(create)?;
    let oldest = tls_version::of_openssl(options.tls_version.oldest);
    context.set_min_proto_version(Some(oldest)).map_err(create)?;
    if !options.tls_version.newer {
        context.set_max_proto_version(Some(oldest)).map_err(create)?;
    }
    if let Some((certificate, key)) = &options.certificate {
        let unusable = |what: &str, path: &Path, error: &ErrorStack| {
            format!("Error: could not use {what} '{}'.{}", path.display(), reason_of(error))
        };
        context
            .set_certificate_chain_file(certificate)
            .map_err(|error| unusable("certificate file", certificate, &error))?;
        context
            .set_private_key_file(key, SslFiletype::PEM)
            .map_err(|error| unusable("private key file", key, &error))?;
    }
    context.set_verify(SslVerifyMode::NONE);
    if let Some(authorities) = &options.authorities {
        context.set_ca_file(authorities).map_err(|error| {
            format!("Error: could not use CA certificate '{}'.{}", authorities.display(), reason_of(&error))
        })?;
        context.set_verify(SslVerifyMode::PEER);
    }
    let list = cipher_list(options);
    context
        .set_cipher_list(&list)
        .map_err(|error| format!("Error: Could not set SSL/TLS cipher list: {list}{}", reason_of(&error)))?;
    Ok(context.build())
}

fn cipher_list(options: &Options) -> String {
    let mut list = match options.use_adh {
        UseAdh::Never => format!("{}:!ADH", options.cipher_list),
        UseAdh::Allowed => options.cipher_list.clone(),
        UseAdh::Only => CIPHER_LIST_ADH_ONLY.to_owned(),
    };
    if options.authorities.is_some() && options.use_adh != UseAdh::Only {
        list.push_str(":!aNULL");
    }
    list
}

fn reason_of(stack: &ErrorStack) -> String {
    match stack.errors().iter().find_map(openssl::error::Error::reason) {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verification_excludes_anonymous_suites() {
        let mut options = Options { authorities: Some("/etc/ca.pem".into()), ..Options::default() };
        assert!(cipher_list(&options).ends_with(":!aNULL"));
        options.authorities = None;
        assert!(!cipher_list(&options).contains("aNULL"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let options = Options { cipher_list: "NOSUCH".into(), ..Options::default() };
        let message = context(&options).err().unwrap();
        assert_eq!(message, "Error: Could not set SSL/TLS cipher list: NOSUCH (no cipher match)");
        let options = Options { authorities: Some("/none".into()), ..Options::default() };
        assert!(context(&options).err().unwrap().starts_with("Error: could not use CA certificate '/none'."));
    }
}
