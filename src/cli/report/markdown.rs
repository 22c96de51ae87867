//! A report as Markdown.

use std::fmt::Write;

use super::block::{Block, Report, graph_lines};
use crate::text::printable;

/// The file.
pub(super) fn markdown(report: &Report) -> String {
    let mut out = format!("# {}\n", safe(&report.title));
    for block in &report.blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Heading(text) => writeln!(out, "\n## {}", safe(text)),
            Block::Paragraph(text) => writeln!(out, "\n{}", safe(text)),
            Block::Table { head, rows } => {
                let row = |cells: &mut dyn Iterator<Item = &str>| {
                    let cells: Vec<String> = cells.map(safe).collect();
                    format!("| {} |\n", cells.join(" | "))
                };
                let head_row = row(&mut head.iter().copied());
                let rows: String =
                    rows.iter().map(|cells| row(&mut cells.iter().map(String::as_str))).collect();
                write!(out, "\n{head_row}{}|\n{rows}", "| --- ".repeat(head.len()))
            }
            Block::Graph(picture) => {
                let lines = graph_lines(picture).join("\n");
                let fence = fence(&lines);
                writeln!(out, "\n{fence}text\n{lines}\n{fence}")
            }
        };
    }
    out
}

/// A fence that nothing within can end.
fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    "`".repeat((longest + 1).max(3))
}

/// Text in one line that is no markup.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in printable(text).chars() {
        if character.is_ascii_punctuation()
            && !matches!(
                character,
                '.' | ',' | ':' | ';' | '%' | '/' | '(' | ')' | '-' | '+' | '=' | '?' | '"' | '\''
            )
        {
            safe.push('\\');
        }
        safe.push(character);
    }
    // What would begin a list or a line beneath a heading.
    match safe.chars().next() {
        Some(first @ ('-' | '+' | '=')) => format!("\\{first}{}", &safe[1..]),
        _ => safe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(safe("load5 is 8.1, above 6"), "load5 is 8.1, above 6");
        assert_eq!(safe("<b>|*x*|`y`[z](u)"), r"\<b\>\|\*x\*\|\`y\`\[z\](u)");
        assert_eq!(safe("- a\nb"), "\\- a\\\\nb");
        assert_eq!((fence("a"), fence("a ```` b")), ("```".to_owned(), "`````".to_owned()));
    }
}
