//! What a query read.

use std::io::Write;

use custos_promql::{Answer, AnswerValue, Expr};

use crate::cli::read::Failure;
use crate::text::human::counted;

/// The query as it was understood, what each of its selectors read, how long its parts took, and how much came of it.
pub(super) fn explain(query: &str, expr: &Expr, answer: &Answer, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{expr}")?;
    for read in &answer.reads {
        let selector = query.get(read.span.start as usize..read.span.end as usize).unwrap_or("");
        let mut parts =
            vec![format!("{} series", read.series), format!("{} read", counted(read.samples, "sample"))];
        if read.summed_up > 0 {
            parts.push(format!(
                "{} summed up by the statistics of the store",
                counted(read.summed_up, "sample")
            ));
        }
        writeln!(out, "  {selector}: {}", parts.join(", "))?;
    }
    for part in &answer.taken {
        let text = query.get(part.span.start as usize..part.span.end as usize).unwrap_or("");
        writeln!(out, "  {:.3} ms: {text}", part.us as f64 / 1e3)?;
    }
    let (series, values) = match &answer.value {
        AnswerValue::Scalar(_) | AnswerValue::Text(..) => (1, 1),
        AnswerValue::Vector(values) => (values.len(), values.len()),
        AnswerValue::Matrix(series) => (series.len(), series.iter().map(|series| series.points.len()).sum()),
    };
    writeln!(out, "  answer: {}, {}", format_args!("{series} series"), counted(values as u64, "value"))?;
    Ok(())
}
