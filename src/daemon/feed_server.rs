//! Sinks: a process of their own, which the agent starts, watches and replaces.

use tokio::task::JoinHandle;

use super::helper::{Helper, Kind, Reports};
use crate::clock::Moment;
use crate::feed::sink::{Settings, SinkReport, figure_prefix, shown_of};
use crate::limits::{FEED_DRAIN, SINK_NOTICE_SHOWN};
use crate::part::Part;
use crate::text::human;

static KIND: Kind = Kind {
    args: ["feed", "--of-agent"],
    process: "the process of the sinks",
    lost: "nothing is delivered",
    was_lost: "nothing was delivered for a moment",
    again: "sinks deliver again",
    drain: FEED_DRAIN,
};

/// The sinks, if the configuration has some.
#[derive(Debug, Default)]
pub(super) struct Sinks {
    running: Option<(Settings, Helper<Vec<SinkReport>>)>,
    /// What the sinks said of themselves before the last reload, which holds until those after it know.
    before: Vec<SinkReport>,
    /// Why they cannot be started.
    failed: Option<String>,
}

impl Reports for Vec<SinkReport> {
    fn ended(&self) -> Vec<SinkReport> {
        // What a sink has delivered stands in its cursor; what it says of itself is of the one that runs.
        self.clone()
    }

    fn with(&self, before: &Vec<SinkReport>) -> Vec<SinkReport> {
        if self.is_empty() { before.clone() } else { self.clone() }
    }
}

impl Sinks {
    /// Goes by these settings from now on.
    pub(super) fn take(&mut self, settings: Result<Option<Settings>, String>) {
        self.failed = None;
        match settings {
            Ok(Some(settings)) => {
                // What waits for somebody to put something right is tried at once.
                let goes_on = |helper: &Helper<Vec<SinkReport>>| {
                    helper.reported().0.iter().all(|report| report.waits.is_none())
                };
                if self.running.as_ref().is_some_and(|(known, helper)| *known == settings && goes_on(helper))
                {
                    return;
                }
                self.before = self.reports();
                self.stop();
                let helper = Helper::start(&KIND, settings.message(), Ok(Vec::new()));
                self.running = Some((settings, helper));
            }
            Ok(None) => {
                self.before = Vec::new();
                self.stop();
            }
            Err(why) => {
                tracing::error!("nothing is delivered: {why}");
                self.failed = Some(why);
            }
        }
    }

    /// Has the process end, and returns what ends with it.
    pub(super) fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.running.take().map(|(_, helper)| helper.stop())
    }

    /// How each sink does, and the process of all.
    pub(super) fn parts(&self, now: Moment) -> Vec<Part> {
        let mut all = Vec::new();
        if let Some(why) = &self.failed {
            let mut part = Part::new("sinks");
            part.critical(format!("nothing is delivered: {why}"));
            all.push(part);
        }
        let Some((_, helper)) = &self.running else { return all };
        let restarts = helper.reported().1;
        let mut process = Part::new("sinks").with_totals("sinks", [("restarts", restarts)]);
        helper.judge(&mut process, now);
        all.push(process);
        all.extend(self.reports().iter().map(|report| part(report, now)));
        all
    }

    /// What there is to say of each sink.
    fn reports(&self) -> Vec<SinkReport> {
        let Some((settings, helper)) = &self.running else { return Vec::new() };
        let names: Vec<&str> = settings.sinks.iter().map(|sink| sink.name.as_str()).collect();
        shown_of(helper.reported().0, &self.before, &names)
    }
}

/// How a sink does.
fn part(report: &SinkReport, now: Moment) -> Part {
    let name = &report.name;
    let counts = &report.counts;
    let totals = [
        ("acknowledged", counts.acknowledged),
        ("requests", counts.requests),
        ("failures", counts.failures),
        ("refused", counts.refused),
        ("ends_refused", counts.ends_refused),
        ("rewinds", counts.rewinds),
        ("sent_bytes", report.sent_bytes),
        ("rounded", report.rounded),
        ("left_out", report.left_out),
        ("repeated", report.repeated),
        ("gaps", report.gaps),
    ];
    let prefix = figure_prefix(name);
    let mut part = Part::new(&format!("sink {name}"))
        .with_totals(&prefix, totals)
        .with_level(&format!("{prefix}_lag_ms"), report.lag_ms.unsigned_abs())
        .with_level(&format!("{prefix}_behind_runs"), report.behind_runs)
        .with_level(&format!("{prefix}_set_aside"), report.set_aside);
    let (warning_ms, critical_ms) = report.lag_limits_ms;
    let why = report.waits.as_deref().map_or(String::new(), |why| format!(": {why}"));
    let lag = || format!("sink {name}: {} behind{why}", human::duration_ms(report.lag_ms));
    // Of several sinks the text of the agent's check has what is wrong with each.
    let of_sink = |what: &str| match what.starts_with(&format!("sink {name}: ")) {
        true => what.to_owned(),
        false => format!("sink {name}: {what}"),
    };
    if let Some(trouble) = &report.trouble {
        part.critical(of_sink(trouble));
    }
    if critical_ms > 0 && report.lag_ms >= critical_ms {
        part.critical(lag());
    } else if warning_ms > 0 && report.lag_ms >= warning_ms {
        part.warning(lag());
    }
    if report.set_aside > 0 {
        let why = report.set_aside_why.as_deref().unwrap_or_default();
        let samples = human::counted(report.set_aside, "sample");
        let are = if report.set_aside == 1 { "is" } else { "are" };
        part.warning(of_sink(&format!("{samples} {are} set aside, the last since: {why}")));
    }
    if let Some(why) = &report.not_proven {
        part.warning(of_sink(why));
    }
    if let Some((at_ms, what)) = &report.noticed
        && now.wall_ms.abs_diff(*at_ms) < SINK_NOTICE_SHOWN.as_millis() as u64
    {
        part.warning(of_sink(what));
    }
    report.warnings.iter().for_each(|warning| part.warning(of_sink(warning)));
    part.summary = Some(summary(report, now));
    part
}

/// How a sink does, in a clause.
fn summary(report: &SinkReport, now: Moment) -> String {
    let what = if report.what.is_empty() { &report.kind } else { &report.what };
    let ago = |at_ms: i64| human::duration_ms(now.wall_ms.saturating_sub(at_ms).max(0));
    let mut words = vec![format!("to {what}")];
    words.extend(report.acknowledged_ms.map(|at_ms| format!("acknowledged up to {} ago", ago(at_ms))));
    words.extend(report.safe_ms.map(|at_ms| format!("safe up to {} ago", ago(at_ms))));
    words.extend(report.proven_ms.map(|at_ms| format!("proven up to {} ago", ago(at_ms))));
    if report.behind_runs > 0 {
        words.push(format!("{} older runs to go", report.behind_runs));
    }
    words.extend(report.noticed.as_ref().map(|(at_ms, what)| format!("{} ago: {what}", ago(*at_ms))));
    words.extend(report.waits.as_ref().map(|why| format!("waits: {why}")));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_names_the_sink() {
        let report = SinkReport {
            name: "vm".to_owned(),
            trouble: Some("failed to read the store".to_owned()),
            warnings: vec!["it forgets".to_owned()],
            set_aside: 1,
            set_aside_why: Some("bad".to_owned()),
            not_proven: Some("nothing".to_owned()),
            lag_ms: 7000,
            lag_limits_ms: (5000, 10_000),
            noticed: Some((1000, "the store was restored".to_owned())),
            ..SinkReport::default()
        };
        let part = part(&report, Moment { mono_us: 0, wall_ms: 3000 });
        let texts: Vec<&str> = part.findings.iter().map(crate::part::Finding::text).collect();
        assert_eq!(
            texts,
            [
                "sink vm: failed to read the store",
                "sink vm: 7s behind",
                "sink vm: 1 sample is set aside, the last since: bad",
                "sink vm: nothing",
                "sink vm: the store was restored",
                "sink vm: it forgets",
            ]
        );
        assert!(part.summary.unwrap().contains("2s ago: the store was restored"));
    }
}
