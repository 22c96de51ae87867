//! Plugins that forks of warm interpreters run: which they are, and how many runs were.

use custos_shim::{Report, Script, Spec};

use crate::part::Part;

/// Whether a fork of a warm interpreter runs a plugin, and why not where it is wanted; none if it is not wanted. Reads the file of the plugin.
pub fn why_cold(spec: &Spec) -> Option<Result<(), String>> {
    spec.warm.any().then(|| {
        let script = Script::of(spec)?;
        let name = script.language.name();
        if spec.warm.has(script.language) { Ok(()) } else { Err(format!("`warm` has no {name}")) }
    })
}

/// Runs for which a warm interpreter was wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WarmRuns {
    warm: u64,
    cold: u64,
}

impl WarmRuns {
    /// Counts one that has ended.
    pub(super) fn count(&mut self, report: &Report) {
        let count = if report.warm { &mut self.warm } else { &mut self.cold };
        *count += 1;
    }

    /// Adds the counts, if there was any such run.
    pub(super) fn add_to(self, part: Part) -> Part {
        if self.warm + self.cold == 0 {
            return part;
        }
        part.with_totals("plugins", [("warm", self.warm), ("cold", self.cold)])
    }
}
