//! Which page is shown.

use std::ffi::OsStr;
use std::io::Write;

use clap_complete::engine::CompletionCandidate;

use crate::cli::read::{Failure, finish};
use crate::exit_code::ExitCode;

/// What is no command and yet has a page: its name, what it is about, and the page.
const TOPICS: [(&str, &str, &str); 3] = [
    ("times", "how times are written, as behind --since", include_str!("times.txt")),
    ("ranges", "how thresholds are written", include_str!("ranges.txt")),
    ("selectors", "how checks and metrics are named", include_str!("selectors.txt")),
];

/// Shows the help of a command, or a page on `times`, `ranges` or `selectors`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct HelpArgs {
    /// A command and its subcommand, or times, ranges or selectors
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &HelpArgs, program: clap::Command) -> ExitCode {
    finish(|out| show(&args.words, program, out))
}

fn show(words: &[String], mut program: clap::Command, out: &mut dyn Write) -> Result<(), Failure> {
    if let [topic] = words
        && let Some((_, _, page)) = TOPICS.iter().find(|(name, ..)| name == topic)
    {
        return Ok(out.write_all(page.as_bytes())?);
    }
    // Gives the subcommands their full names.
    program.build();
    let mut command = &mut program;
    for word in words {
        let parent = command.get_name().to_owned();
        command = command.find_subcommand_mut(word).ok_or_else(|| unknown(&parent, word))?;
    }
    Ok(write!(out, "{}", command.render_long_help())?)
}

/// What completes a word behind `custos help`: a shell hands the words of the line behind `--`.
pub(in crate::cli) fn complete(typed: &OsStr, program: &clap::Command) -> Vec<CompletionCandidate> {
    let words: Vec<_> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let before = words.iter().skip_while(|word| *word != "help").skip(1).filter_map(|word| word.to_str());
    let before: Vec<&str> = before.filter(|word| OsStr::new(word) != typed).collect();
    let names = following(&before, program);
    let typed = typed.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The names that may follow these words of `custos help`.
fn following(before: &[&str], program: &clap::Command) -> Vec<String> {
    let Some(command) = before.iter().try_fold(program, |command, word| command.find_subcommand(word)) else {
        return Vec::new();
    };
    let commands = command.get_subcommands().map(|command| command.get_name().to_owned());
    let topics = TOPICS.iter().filter(|_| before.is_empty()).map(|(name, ..)| (*name).to_owned());
    commands.chain(topics).collect()
}

fn unknown(parent: &str, word: &str) -> Failure {
    let topics: Vec<String> = TOPICS.iter().map(|(name, about, _)| format!("  {name:<10} {about}")).collect();
    Failure::usage(format!(
        "{parent} has no command {word}; custos --help lists the commands. Beside them there are\n{}",
        topics.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::time_spec;

    fn page(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut out = Vec::new();
        let shown = show(&words, crate::cli::command(), &mut out);
        shown.map_err(|failure| failure.message)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn topics_and_commands_have_pages_and_others_are_named() {
        assert!(page(&[]).unwrap().contains("Where to begin"));
        assert!(page(&["store", "verify"]).unwrap().contains("checksum"));
        assert!(page(&["ranges"]).unwrap().contains("@10:20"));
        let message = page(&["tmies"]).unwrap_err();
        assert!(message.contains("no command tmies") && message.contains("  times "), "{message}");
    }

    #[test]
    fn commands_and_topics_may_follow() {
        let program = crate::cli::command();
        let first = following(&[], &program);
        assert!(first.contains(&"store".to_owned()) && first.contains(&"times".to_owned()), "{first:?}");
        let second = following(&["store"], &program);
        assert!(second.contains(&"verify".to_owned()) && !second.contains(&"times".to_owned()), "{second:?}");
        assert_eq!(following(&["times"], &program), Vec::<String>::new());
    }

    #[test]
    fn every_series_that_each_check_has_is_on_the_page() {
        let page = page(&["selectors"]).unwrap();
        for series in custos_query::BuiltIn::ALL {
            assert!(page.contains(series.name()), "{}", series.name());
        }
    }

    #[test]
    fn every_time_on_the_page_is_a_time() {
        let now: jiff::Zoned = "2026-03-05T03:00:00[UTC]".parse().unwrap();
        let forms = page(&["times"]).unwrap();
        let forms = forms.lines().filter_map(|line| line.strip_prefix("  "));
        let forms = forms.flat_map(|line| line.split("   ").next().unwrap().split(", "));
        let forms: Vec<&str> = forms.filter(|form| !form.is_empty()).collect();
        assert!(forms.len() > 12);
        for form in forms {
            let form = form.trim().trim_matches('\'');
            assert!(time_spec::parse(form, &now).is_ok(), "{form:?}");
        }
    }
}
