//! What is logged about the settings at a start and at a reload.

use custos_compat::nrpe::{Note, Severity, SslLogging};

use super::output::Log;
use crate::nrpe::listener::settings::Settings;
use crate::nrpe::listener::tls;

/// Logs the remarks on the settings, and nrpe's own lines about them.
pub(in crate::nrpe::listener) fn announce(log: &Log, settings: &Settings) {
    for Note { severity, text } in &settings.notes {
        log.write(*severity, text);
    }
    if settings.ssl.logging.has(SslLogging::STARTUP) && settings.ssl.enabled {
        for line in tls::startup_lines(&settings.ssl) {
            log.info(line);
        }
    }
    if settings.policy.arguments {
        log.write(
            Severity::Notice,
            "Warning: Daemon is configured to accept command arguments from clients!",
        );
    }
    if settings.arguments_withheld {
        log.write(
            Severity::Warning,
            "dont_blame_nrpe=1 has no effect without --allow-arguments, as with Debian's nrpe",
        );
    }
}
