//! What is backtested: a check or rules, as they are and in each way that they are changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use custos_promql::parse_duration;
use jiff::Zoned;

use super::args::BacktestArgs;
use crate::backtest::{Changed, FailIf, Span, written_range};
use crate::cli::read::{Failure, Opened};
use crate::cli::rules::refused;
use crate::cli::unknown::{offer, selector};
use crate::config::{ByteUnits, Check, UnitRange, implicit_check, label_matcher};
use crate::limits::BACKTEST_VARIANTS_MAX;
use crate::rules::{AlertState, Rule, RuleCheck, RuleGroup, RuleKind, read_files};

/// What is backtested.
pub(super) enum Subject {
    /// A check, and which of its metrics is meant.
    Check(Box<Check>, Option<String>),
    /// A check that is a rule and has thresholds, which of its metrics is meant, and the group that it is.
    Limited(Box<Check>, Option<String>, Box<RuleGroup>),
    /// Groups of rules, and the checks of those that are wanted.
    Rules(Vec<RuleGroup>, BTreeSet<String>),
}

/// A way in which it is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Variant {
    /// As it was typed; empty if nothing is changed.
    pub(super) words: String,
    /// What is otherwise.
    pub(super) changed: Changed,
}

/// The time that is asked for; none for all.
pub(super) fn span(args: &BacktestArgs, now: &Zoned) -> Result<Option<Span>, Failure> {
    let range = args.span.range(now)?;
    Ok((range != (i64::MIN..i64::MAX)).then_some(Span { since_ms: range.start, until_ms: range.end }))
}

/// The condition under which the command fails.
pub(super) fn fail_if(args: &BacktestArgs) -> Result<Vec<FailIf>, Failure> {
    let read = |text: &String| text.parse().map_err(|error| Failure::usage(format!("--fail-if: {error}")));
    args.fail_if.iter().map(read).collect()
}

/// What is meant by the target.
pub(super) fn subject(args: &BacktestArgs, opened: &Opened, known: &[String]) -> Result<Subject, Failure> {
    let is_file = Path::new(&args.target).extension().is_some_and(|end| end == "yml" || end == "yaml")
        || args.target.contains('/') && Path::new(&args.target).is_file();
    if is_file {
        return rules(args, opened);
    }
    let defined = opened.config.iter().flat_map(|config| config.checks.values());
    let named = defined.filter(|check| {
        args.target.strip_prefix(&check.name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    let longest = named.max_by_key(|check| check.name.len());
    let groups = || opened.config.iter().flat_map(|config| &config.groups);
    if let Some(rule) = longest.filter(|check| check.command.is_rule()) {
        let has_rule = |group: &&Arc<RuleGroup>| group.rules.iter().any(|one| *one.check == *rule.name);
        let mut groups: Vec<RuleGroup> =
            groups().filter(has_rule).map(|group| RuleGroup::clone(group)).collect();
        if !rule.thresholds.is_empty()
            && let Some(group) = groups.pop()
        {
            let metric = args.target[rule.name.len()..].strip_prefix(':').map(str::to_owned);
            refuse_unknown(rule, metric.as_deref(), opened)?;
            return Ok(Subject::Limited(Box::new(Check::clone(rule)), metric, Box::new(group)));
        }
        refuse_ranges(args)?;
        return Ok(Subject::Rules(groups, BTreeSet::from([rule.name.clone()])));
    }
    let (check, metric) = match longest {
        Some(check) => (Check::clone(check), args.target[check.name.len()..].strip_prefix(':')),
        None => {
            let selected = selector(&args.target, known)?;
            let check = implicit_check(selected.check());
            let rest = args.target.strip_prefix(selected.check()).and_then(|rest| rest.strip_prefix(':'));
            (check, rest)
        }
    };
    refuse_unknown(&check, metric, opened)?;
    Ok(Subject::Check(Box::new(check), metric.map(str::to_owned)))
}

/// A metric that the check never had and that has no threshold is mistyped.
fn refuse_unknown(check: &Check, metric: Option<&str>, opened: &Opened) -> Result<(), Failure> {
    let Some(metric) = metric else { return Ok(()) };
    let mut labels: Vec<String> =
        opened.reader.series(&check.name)?.into_iter().map(|series| series.key.label).collect();
    labels.dedup();
    let matcher = label_matcher(metric).map_err(Failure::usage)?;
    let is_known = |label: &String| label == metric || matcher.is_match(label);
    let has_threshold = check.thresholds.iter().any(|threshold| threshold.metric == metric);
    if labels.is_empty() || has_threshold || labels.iter().any(is_known) {
        return Ok(());
    }
    let offer = offer(metric, &labels);
    let (check, metric) = (check.name.clone(), metric.to_owned());
    Err(custos_query::Error::UnknownMetric { check, metric, offer }.into())
}

/// A rule has no ranges that could be other ones.
fn refuse_ranges(args: &BacktestArgs) -> Result<(), Failure> {
    if args.warning.is_empty() && args.critical.is_empty() {
        return Ok(());
    }
    Err(Failure::usage("--warning and --critical are for checks; a rule has its threshold in its expression"))
}

fn rules(args: &BacktestArgs, opened: &Opened) -> Result<Subject, Failure> {
    refuse_ranges(args)?;
    let groups = match configured(Path::new(&args.target), opened) {
        Some(groups) => groups,
        None => groups_of(Path::new(&args.target))?,
    };
    let rules = || groups.iter().flat_map(|group| &group.rules);
    if let Some(unknown) = args.rule.iter().find(|name| rules().all(|rule| rule.name() != *name)) {
        return Err(Failure::usage(format!("failed to find the rule {unknown:?} in {}", args.target)));
    }
    let is_wanted =
        |rule: &&Arc<RuleCheck>| args.rule.is_empty() || args.rule.iter().any(|name| name == rule.name());
    let wanted = rules().filter(is_wanted).map(|rule| rule.check.to_string()).collect();
    Ok(Subject::Rules(groups, wanted))
}

/// The groups of a rule file that the configuration names, by whatever path it was typed: as the agent has them.
fn configured(typed: &Path, opened: &Opened) -> Option<Vec<RuleGroup>> {
    let config = opened.config.as_ref()?;
    let real = typed.canonicalize().ok()?;
    let path = config.rule_files.iter().find(|path| path.canonicalize().is_ok_and(|path| path == real))?;
    let names = RuleGroup::names_of(path);
    let groups = config.groups.iter().filter(|group| group.name.starts_with(&names));
    Some(groups.map(|group| RuleGroup::clone(group)).collect())
}

/// The groups of a rule file that the configuration does not name, by its path without links. Their checks are called as their
/// rules.
fn groups_of(typed: &Path) -> Result<Vec<RuleGroup>, Failure> {
    let (files, _) = read_files(&[typed.to_owned()]).map_err(|mistakes| refused(&mistakes))?;
    let path = typed.canonicalize().unwrap_or_else(|_| typed.to_owned());
    let state = AlertState::BySeverity(Arc::default());
    let groups = files.iter().flat_map(|file| &file.groups);
    Ok(groups
        .map(|group| RuleGroup::of_file(&path, group, group.rules.iter().map(Rule::name), &state))
        .collect())
}

/// All ways in which it is changed: every choice of one value of each option that is given.
pub(super) fn variants(args: &BacktestArgs, subject: &Subject) -> Result<Vec<Variant>, Failure> {
    let mut all = vec![Variant::default()];
    let (metric, units) = match subject {
        Subject::Check(check, metric) | Subject::Limited(check, metric, _) => {
            (metric.clone(), check.byte_units)
        }
        Subject::Rules(..) => (None, ByteUnits::Si),
    };
    for variant in &mut all {
        variant.changed.metric.clone_from(&metric);
    }
    let mut choose =
        |option: &str, texts: &[String], set: &dyn Fn(&mut Changed, &str) -> Result<(), Failure>| {
            if texts.is_empty() {
                return Ok(());
            }
            let mut chosen = Vec::new();
            for variant in &all {
                for text in texts {
                    let mut next = variant.clone();
                    set(&mut next.changed, text)?;
                    next.words = format!("{} {option} {text}", next.words).trim().to_owned();
                    chosen.push(next);
                }
            }
            all = chosen;
            Ok::<(), Failure>(())
        };
    choose("--for", &args.pending_for, &|changed, text| {
        // A number by itself is no length of time here, other than in a query: it could be minutes.
        let has_unit = text == "0" || text.parse::<f64>().is_err();
        let seconds = parse_duration(text).filter(|seconds| *seconds >= 0.0 && has_unit);
        let message =
            || Failure::usage(format!("--for: {text:?} is no length of time, such as 30s, 5m or 1h30m"));
        changed.pending_for = Some(Duration::from_millis((seconds.ok_or_else(message)? * 1e3) as u64));
        Ok(())
    })?;
    choose("--warning", &args.warning, &|changed, text| {
        changed.warning = Some(range("--warning", text, units)?);
        Ok(())
    })?;
    choose("--critical", &args.critical, &|changed, text| {
        changed.critical = Some(range("--critical", text, units)?);
        Ok(())
    })?;
    if all.len() > BACKTEST_VARIANTS_MAX {
        let message = format!("{} choices are to be tried, of at most {BACKTEST_VARIANTS_MAX}", all.len());
        return Err(Failure::usage(message));
    }
    Ok(all)
}

fn range(option: &str, text: &str, units: ByteUnits) -> Result<UnitRange, Failure> {
    written_range(text, units).map_err(|why| Failure::usage(format!("{option}: {why}")))
}

/// The check as a variant has it. A metric without a threshold gets one.
pub(super) fn changed_check(check: &Check, changed: &Changed) -> Result<Check, Failure> {
    changed.made(check).map_err(Failure::usage)
}

/// The group as a variant has it.
pub(super) fn changed_group(group: &RuleGroup, changed: &Changed) -> RuleGroup {
    let Some(pending_for) = changed.pending_for else { return group.clone() };
    let rule = |rule: &Arc<RuleCheck>| {
        let mut rule = RuleCheck::clone(rule);
        if let RuleKind::Alert(alert) = &mut rule.kind {
            alert.for_ms = i64::try_from(pending_for.as_millis()).unwrap_or(i64::MAX);
        }
        Arc::new(rule)
    };
    RuleGroup { rules: group.rules.iter().map(rule).collect(), ..group.clone() }
}
