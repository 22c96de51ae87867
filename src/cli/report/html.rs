//! A report as one HTML file that loads nothing: neither scripts nor pictures of elsewhere, and its policy forbids them.

use std::fmt::Write;

use super::block::{Block, Report};
use crate::graph::svg;
use crate::text::markup::escaped;
use crate::text::printable;

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width\">
";

const STYLE: &str = "<style>
  :root { color-scheme: light dark; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: 0.2em 0.8em 0.2em 0; border-bottom: 1px solid #8884; }
  td { overflow-wrap: anywhere; } td:first-child { white-space: nowrap; }
  body > svg { display: block; max-width: 100%; height: auto; margin: 1em 0; }
</style>
";

/// The file.
pub(super) fn html(report: &Report) -> String {
    let title = safe(&report.title);
    let mut out = format!("{HEAD}<title>{title}</title>\n{STYLE}</head>\n<body>\n<h1>{title}</h1>\n");
    for block in &report.blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Heading(text) => writeln!(out, "<h2>{}</h2>", safe(text)),
            Block::Paragraph(text) => writeln!(out, "<p>{}</p>", safe(text)),
            Block::Table { head, rows } => {
                let cells = |name: &str, texts: &mut dyn Iterator<Item = &str>| {
                    let cells: String =
                        texts.map(|text| format!("<{name}>{}</{name}>", safe(text))).collect();
                    format!("<tr>{cells}</tr>\n")
                };
                let head = cells("th", &mut head.iter().copied());
                let rows: String =
                    rows.iter().map(|row| cells("td", &mut row.iter().map(String::as_str))).collect();
                writeln!(out, "<table>\n<thead>\n{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>")
            }
            Block::Graph(picture) => out.write_str(&svg(picture)),
        };
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// Text that is no markup. Characters that control a terminal are named.
fn safe(text: &str) -> String {
    escaped(&printable(text))
}
