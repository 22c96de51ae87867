//! The command: judges over the past, and shows what that comes to.

use std::collections::BTreeSet;
use std::io::Write;

use custos_query::{ReadContext, check_names};
use custos_store::{Reader, Snapshot};
use jiff::Zoned;

use super::about::About;
use super::args::BacktestArgs;
use super::found::Found;
use super::plan::{self, Subject, Variant};
use super::{curve, drawn, json, show};
use crate::backtest::{
    AlertInterval, Backtest, FailIf, Incident, Incidents, Met, NormalPast, Span, backtest_check,
    backtest_rule_check, backtest_rules, difference, met, says_more, totals, within_stored,
};
use crate::cli::read::{Damage, Failure, finish, now};
use crate::cli::style::Style;
use crate::config::{Check, Config};
use crate::exit_code::ExitCode;
use crate::rules::{External, RuleGroup};

/// Runs the command.
pub(in crate::cli) fn run(args: &BacktestArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

/// The command at a time.
pub(super) fn answer(
    args: &BacktestArgs,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (asked, fail_if) = (plan::span(args, now)?, plan::fail_if(args)?);
    let mut opened = args.read.open()?;
    let subject = plan::subject(args, &opened, &check_names(&opened.reader))?;
    let variants = plan::variants(args, &subject)?;
    let incidents = Incidents::read(&opened.store)?;
    let snapshot = opened.reader.snapshot();
    // Nothing was observed yet of what is still to come.
    let asked = asked.map(|asked| within_stored(&snapshot, asked));
    let mut judging = Judging {
        subject: &subject,
        snapshot,
        reader: &opened.reader,
        asked,
        config: opened.config.as_ref(),
        external: opened.config.as_ref().map(|config| config.external()).unwrap_or_default(),
        damage: &mut opened.damage,
    };
    let as_is = judging.backtest(&Variant::default())?;
    let mut found = Vec::new();
    for variant in &variants {
        let is_changed = !variant.words.is_empty();
        let backtest = if is_changed { judging.backtest(variant)? } else { as_is.clone() };
        found.push(Found {
            words: variant.words.clone(),
            totals: totals(&backtest, now.time_zone()),
            difference: is_changed.then(|| difference(&as_is, &backtest)),
            met: judging.met(&backtest, &incidents),
            backtest,
        });
    }
    let curve =
        if args.curve { Some(curve::of(&subject, &variants[0], &judging.snapshot, asked)?) } else { None };
    if args.json {
        found.iter().try_for_each(|one| json::write(one, curve.as_ref(), out))?;
    } else {
        let values = match args.graph && found.len() == 1 {
            true => drawn::of(&subject, &variants[0], &judging.snapshot, asked)?,
            false => None,
        };
        let shown = show::Shown { args, now, style, reader: judging.reader, values: values.as_ref() };
        shown.all(&found, out)?;
        if let Some(curve) = &curve {
            curve::draw(curve, style, out)?;
        }
    }
    fail(&args.fail_if, &fail_if, &found, &mut *out)?;
    opened.damage.finish(out)
}

/// Fails if a condition holds of any way of judging, or cannot be told of one. `written` has the conditions as they were given.
fn fail(
    written: &[String],
    conditions: &[FailIf],
    found: &[Found],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let of_each = |one| written.iter().zip(conditions).map(move |(text, condition)| (one, text, condition));
    for (one, text, condition) in found.iter().flat_map(of_each) {
        let Some((holds, number)) = condition.holds(&one.backtest, &one.totals) else {
            out.flush()?;
            return Err(Failure::new("--fail-if: nothing was observed: the condition cannot be told"));
        };
        if holds {
            out.flush()?;
            let which = if conditions.len() > 1 { format!(" '{text}'") } else { String::new() };
            let with = if one.words.is_empty() { String::new() } else { format!(" with {}", one.words) };
            return Err(Failure::new(format!("--fail-if{which} holds{with}: {}", rounded(number))));
        }
    }
    Ok(())
}

/// A number in a message.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// What judging shares.
struct Judging<'a> {
    subject: &'a Subject,
    snapshot: Snapshot,
    reader: &'a Reader,
    asked: Option<Span>,
    config: Option<&'a Config>,
    external: External,
    damage: &'a mut Damage,
}

impl Judging<'_> {
    fn backtest(&mut self, variant: &Variant) -> Result<Backtest, Failure> {
        match self.subject {
            Subject::Check(check, _) => {
                let check = plan::changed_check(check, &variant.changed)?;
                let range = self.asked.map_or(i64::MIN..i64::MAX, |asked| asked.since_ms..asked.until_ms);
                let damage = &mut *self.damage;
                let mut on_damage = |error: &custos_store::Error| damage.note(error);
                let normal = NormalPast::read(&self.snapshot, &check, &mut ReadContext::new(&mut on_damage))?;
                let runs = self.reader.runs(&check.name, range.clone()).filter_map(|run| match run {
                    Ok(run) => Some(run),
                    Err(error) => {
                        damage.note(&error);
                        None
                    }
                });
                let until_ms = (range.end != i64::MAX).then_some(range.end);
                Ok(backtest_check(&check, runs, until_ms, normal))
            }
            Subject::Limited(check, _, group) => {
                let check = plan::changed_check(check, &variant.changed)?;
                backtest_rule_check(&check, group, &self.snapshot, self.asked, &self.external)
                    .map_err(Failure::usage)
            }
            Subject::Rules(groups, wanted) => self.rules(groups, wanted, variant),
        }
    }

    /// All rules together.
    fn rules(
        &self,
        groups: &[RuleGroup],
        wanted: &BTreeSet<String>,
        variant: &Variant,
    ) -> Result<Backtest, Failure> {
        let mut all = Backtest::default();
        for group in groups {
            let group = plan::changed_group(group, &variant.changed);
            if let Some(check) = self.check_that_is(&group).filter(|check| says_more(check)) {
                let one = backtest_rule_check(check, &group, &self.snapshot, self.asked, &self.external);
                all = all.and(one.map_err(Failure::usage)?);
                continue;
            }
            let found =
                backtest_rules(&group, &self.snapshot, self.asked, &self.external).map_err(Failure::usage)?;
            for one in found.into_iter().filter(|one| wanted.contains(&*one.rule.check)) {
                all = all.and(one.backtest);
            }
        }
        all.intervals.sort_by_key(|interval| interval.since_ms);
        Ok(all)
    }

    /// The check of the configuration that a group is.
    fn check_that_is(&self, group: &RuleGroup) -> Option<&'_ Check> {
        let [rule] = &group.rules[..] else { return None };
        let check = self.config?.checks.get(&*rule.check)?;
        (group.name == rule.check).then_some(&**check)
    }

    fn met(&self, backtest: &Backtest, incidents: &Incidents) -> Option<Met> {
        let about = About::of(self.subject);
        let is_about = |alert: &AlertInterval, check: &str| about.is_about(alert, check);
        let concerns = |check: &String| {
            about.concerns(check) || backtest.intervals.iter().any(|alert| is_about(alert, check))
        };
        let is_concerned = |incident: &&Incident| incident.check.as_ref().is_none_or(concerns);
        let concerned: Vec<Incident> = incidents.all.iter().filter(is_concerned).cloned().collect();
        (!concerned.is_empty()).then(|| met(backtest, &concerned, &is_about))
    }
}
