//! Where the log goes: stderr, with the levels that `CUSTOS_LOG` asks for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `CUSTOS_LOG` is a filter such as `debug` or `custos::serve=debug`; `info` if it is not set.
pub(super) fn start() {
    let filter = EnvFilter::try_from_env("CUSTOS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let stderr = std::io::stderr();
    let colors = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colors).init();
}
