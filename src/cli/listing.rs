//! What the commands that list things have in common: from what time, and how many of the newest.

use std::ops::Range;

use jiff::Zoned;

use super::read::{Failure, time};

/// The time that a list is of.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SpanArgs {
    /// Only from this time on: -24h, '2h ago', 'yesterday 03:00', 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
}

impl SpanArgs {
    /// Whether it is another one than all of time.
    pub(super) fn is_given(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// The span in ms since the epoch; by default all of time.
    pub(super) fn range(&self, now: &Zoned) -> Result<Range<i64>, Failure> {
        let bound = |option, text: &Option<String>, default| match text {
            Some(text) => time(option, text, now),
            None => Ok(default),
        };
        let range = bound("--since", &self.since, i64::MIN)?..bound("--until", &self.until, i64::MAX)?;
        if range.is_empty() {
            return Err(Failure::usage("--since is not before --until"));
        }
        Ok(range)
    }
}

/// Which part of a list is wanted: a span of time, and the newest so many of that.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PageArgs<const LIMIT: usize> {
    #[command(flatten)]
    span: SpanArgs,
    // A default of clap's would be one for every LIMIT: it is kept in a static.
    #[arg(long, short = 'n', value_name = "N", help = format!("Only the newest N of those [default: {LIMIT}]"))]
    limit: Option<usize>,
}

impl<const LIMIT: usize> PageArgs<LIMIT> {
    /// The span, see [`SpanArgs::range`], and how many of the newest.
    pub(super) fn page(&self, now: &Zoned) -> Result<(Range<i64>, usize), Failure> {
        Ok((self.span.range(now)?, self.limit.unwrap_or(LIMIT)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::command;

    #[test]
    fn every_list_has_a_default_of_its_own() {
        let mut command = command();
        for (name, limit) in
            [("history", 1000), ("runs", 20), ("events", 50), ("traps", crate::limits::TRAPS_LISTED)]
        {
            let help = command.find_subcommand_mut(name).unwrap().render_help().to_string();
            assert!(
                help.contains(&format!("Only the newest N of those [default: {limit}]")),
                "{name}: {help}"
            );
        }
    }
}
