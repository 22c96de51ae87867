//! What a query's answer is accompanied by: warnings and infos.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::limits::ANNOTATIONS_MAX;
use crate::span::Span;

/// Warnings and infos, each once.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    seen: RefCell<BTreeSet<(bool, u32, String)>>,
}

impl Annotations {
    /// Something that is probably not what was meant.
    pub(super) fn warn(&self, span: Span, text: String) {
        self.seen.borrow_mut().insert((false, span.start, text));
    }

    /// Something worth knowing.
    pub(super) fn inform(&self, span: Span, text: String) {
        self.seen.borrow_mut().insert((true, span.start, text));
    }

    /// Warnings and infos as Prometheus words them, each with line and column, no more than it would send.
    pub(super) fn into_lines(self, query: &str) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for (is_info, start, text) in self.seen.into_inner() {
            let (line, column) = Span { start, end: start }.line_column(query);
            match is_info {
                false => warnings.push(format!("PromQL warning: {text} ({line}:{column})")),
                true => infos.push(format!("PromQL info: {text} ({line}:{column})")),
            }
        }
        (bounded(warnings, "warning"), bounded(infos, "info"))
    }
}

fn bounded(mut lines: Vec<String>, kind: &str) -> Vec<String> {
    let omitted = lines.len().saturating_sub(ANNOTATIONS_MAX);
    if omitted > 0 {
        lines.truncate(ANNOTATIONS_MAX);
        lines.push(format!("{omitted} more {kind} annotations omitted"));
    }
    lines
}
