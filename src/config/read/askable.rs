//! Names of checks that no client of NRPE can ask for.

use custos_compat::nrpe::{METACHARS_DEFAULT, SEPARATOR};

use crate::document::diagnostic::Findings;
use crate::document::yaml::Entry;

/// Warns of a name with characters that NRPE refuses in a query, or takes for the end of the name.
pub(crate) fn warn(check: &Entry, findings: &mut Findings) {
    let refused = |character: &char| {
        u8::try_from(*character).is_ok_and(|byte| byte == SEPARATOR || METACHARS_DEFAULT.contains(&byte))
    };
    let Some(character) = check.key.chars().find(refused) else { return };
    let why = if character == '!' {
        "in a request arguments begin with it"
    } else {
        "the agent refuses requests with it, unless `nasty_metachars` in nrpe.cfg says otherwise"
    };
    findings.warning(
        &check.key_place,
        format!("nobody can ask for the check `{}` over NRPE: it has a `{character}`, and {why}", check.key),
    );
}
