//! Asking at the terminal.

use std::io::{self, BufRead, Write};

use crate::cli::failure::Failure;

/// Asks a question that is answered with `y`, or with anything else for no.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    ask_of(question, &mut io::stdin().lock(), &mut io::stderr().lock())
}

fn ask_of(question: &str, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<bool, Failure> {
    write!(out, "{question} (y/N) ")?;
    out.flush()?;
    let mut answer = String::new();
    input
        .read_line(&mut answer)
        .map_err(|error| Failure::new(format!("failed to read the answer: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in
            [("y\n", true), ("YES\n", true), ("\n", false), ("", false), ("n\n", false), ("yeah\n", false)]
        {
            let mut out = Vec::new();
            let asked = ask_of("Write x?", &mut answer.as_bytes(), &mut out).unwrap();
            assert_eq!((asked, out.as_slice()), (expected, &b"Write x? (y/N) "[..]), "{answer}");
        }
    }
}
