//! The `http` section as YAML. Tokens are shown as the files that they are in.

use std::fmt::{self, Write};
use std::path::PathBuf;

use crate::config::model::http::HttpConfig;
use crate::config::show::word::{list, word};

/// Writes the section.
pub(crate) fn write_section(page: &mut String, http: &HttpConfig) -> fmt::Result {
    writeln!(page, "http:")?;
    let listen: Vec<String> = http.listen.iter().map(ToString::to_string).collect();
    writeln!(page, "  listen: {}", list(&listen))?;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    for (key, file) in [
        ("tls_certificate", &http.tls_certificate),
        ("tls_key", &http.tls_key),
        ("tls_client_ca", &http.tls_client_ca),
    ] {
        if let Some(file) = file {
            writeln!(page, "  {key}: {}", word(&path(file)))?;
        }
    }
    let tokens = http.tokens.iter().filter_map(|token| Some(token.file()?.to_string_lossy().into_owned()));
    for (key, words) in
        [("tokens", tokens.collect()), ("cors", http.cors.clone()), ("hosts", http.hosts.clone())]
    {
        if !words.is_empty() {
            writeln!(page, "  {key}: {}", list(&words))?;
        }
    }
    if http.open_watch {
        writeln!(page, "  open_watch: true")?;
    }
    Ok(())
}
