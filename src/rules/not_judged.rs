//! Why a rule could not be judged.

/// Why a rule could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJudged {
    /// Why.
    pub why: String,
    /// Whether its alerts are as before. If not, all are gone.
    pub keeps_alerts: bool,
}
