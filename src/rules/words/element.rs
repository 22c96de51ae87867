//! What an alert is of, in a few words.

use custos_promql::Label;

use crate::rules::active::ActiveAlert;
use crate::rules::definition::RuleCheck;
use crate::rules::evaluate::ALERT_NAME;
use crate::text::human::{Prefixes, quantity};

/// Label of a series of a check: its name.
const CHECK: &str = "check";
/// Label of a series of a check: which of its metrics it is.
const METRIC: &str = "metric";

/// What an alert is of, such as `disk:/var`, or `device=sda1`; empty where it is the only one that the rule can have. Labels
/// that the rule itself gives are the same for all, and are left out.
pub(super) fn name(rule: &RuleCheck, alert: &ActiveAlert) -> String {
    let fixed =
        |label: &Label| rule.labels.iter().any(|(name, text)| *name == *label.name && text.is_fixed());
    let own: Vec<&Label> =
        alert.labels.iter().filter(|label| *label.name != *ALERT_NAME && !fixed(label)).collect();
    let of = |name: &str| own.iter().find(|label| *label.name == *name).map(|label| &*label.value);
    let (check, metric) = (of(CHECK), of(METRIC));
    let short = check.zip(metric).map(|(check, metric)| format!("{check}:{metric}"));
    let has_short = short.is_some();
    let rest = own.iter().filter(|label| !has_short || ![CHECK, METRIC].contains(&&*label.name));
    let rest = rest.map(|label| format!("{}={}", label.name, label.value));
    short.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

/// Its value, as people write it.
pub(super) fn value(alert: &ActiveAlert) -> String {
    quantity(alert.value, "", Prefixes::Si)
}
