//! Asking the running agent about notifications.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use nix::unistd::{Uid, User};

use crate::cli::ask::ask_agent;
use crate::cli::read::{Failure, ReadArgs, tell};
use crate::cli::style::printable;
use crate::cli::unknown::remark;
use crate::clock;
use crate::config::Matchers;
use crate::control::{NotifyRequest, Request, Response};
use crate::notify::{Noted, Notifier, NotifyReport, receiver_names};

/// How long the agent may take for what it has at hand.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The agent's answer to a request. `command` is what was typed behind `custos`, for advice on who may.
pub(super) fn ask(
    read: &ReadArgs,
    request: NotifyRequest,
    command: &str,
    patience: Duration,
) -> Result<Response, Failure> {
    let (store, _) = read.locate()?;
    let response = ask_agent(&store, read, &Request::Notify(request), command, patience)?;
    response.ok_or_else(|| Failure::new("no agent is running, and it alone sends notifications"))
}

/// How notifications stand: as the agent says, and where none runs, by what the last one noted in the store, which is then said.
/// `command` is what was typed behind `custos`.
pub(super) fn standing(read: &ReadArgs, command: &str) -> Result<Box<NotifyReport>, Failure> {
    let (store, config) = read.locate()?;
    match ask_agent(&store, read, &Request::Notify(NotifyRequest::Report), command, PATIENCE)? {
        Some(Response::Notify(report)) => Ok(report),
        Some(_) => Err(Failure::new("the agent answered another question")),
        None => {
            tell("no agent is running; this is what the last one noted in the store");
            let receivers = config.as_ref().map(receiver_names).unwrap_or_default();
            let noted = Noted::read(&store, &receivers);
            Ok(Box::new(Notifier::report_of(&noted, config, clock::now())))
        }
    }
}

/// Makes a request of each list of conditions that words come to, and writes what was done. `command` is what was typed behind
/// `custos` before them.
pub(super) fn ask_each(
    read: &ReadArgs,
    command: &str,
    words: &[String],
    request: impl Fn(Vec<String>) -> NotifyRequest,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let quoted: Vec<_> = words.iter().map(|word| shell_words::quote(word)).collect();
    let typed = format!("{command} {}", quoted.join(" "));
    for matchers in chosen(words)? {
        write_done(read, request(matchers), &typed, PATIENCE, out)?;
    }
    Ok(())
}

/// Makes a request, and writes what was done.
pub(super) fn write_done(
    read: &ReadArgs,
    request: NotifyRequest,
    typed: &str,
    patience: Duration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Response::Done(said) = ask(read, request, typed, patience)? else {
        return Err(Failure::new("the agent answered another question"));
    };
    writeln!(out, "{}", printable(&said))?;
    Ok(())
}

/// Why, and who.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RemarkArgs {
    /// Why, at most 256 bytes
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    pub(super) comment: String,
    /// Who, at most 64 bytes; without it the user who gives the command
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
}

impl RemarkArgs {
    /// Who gives the command, unless it says otherwise.
    pub(super) fn author(&self) -> String {
        author(self.author.as_deref())
    }
}

/// Who gives the command, unless `named` says otherwise.
pub(in crate::cli) fn author(named: Option<&str>) -> String {
    let own = || {
        let user = User::from_uid(Uid::current()).ok().flatten();
        user.map_or_else(|| format!("uid {}", Uid::current()), |user| user.name)
    };
    named.map_or_else(own, str::to_owned)
}

/// Says on stderr which of the checks that words name there are not; what is asked is done nevertheless, as they may come.
pub(super) fn remark_unknown(read: &ReadArgs, words: &[String]) {
    let lists = chosen(words).unwrap_or_default();
    let known = read.all_checks();
    let names = words.iter().filter(|word| !word.contains(['=', '!']));
    names.filter_map(|name| remark(name, &known)).for_each(|remark| tell(&remark));
    let none = BTreeMap::new();
    for list in lists.into_iter().filter(|list| list.iter().all(|one| one.starts_with("check"))) {
        let Ok(matchers) = Matchers::parse(list.iter().map(String::as_str)) else { continue };
        if !list.is_empty() && !known.iter().any(|check| matchers.matches(check, &none)) {
            tell(&format!("warning: no check is meant by {}", list.join(" ")));
        }
    }
}

/// Words that are names of checks or conditions on labels, as lists of conditions: one for each name, with all the conditions.
fn chosen(words: &[String]) -> Result<Vec<Vec<String>>, Failure> {
    let is_condition = |word: &&String| word.contains(['=', '!']) && Matchers::parse([word.as_str()]).is_ok();
    let odd = |why: String| Failure::usage(why);
    let conditions: Vec<&str> = words.iter().filter(is_condition).map(String::as_str).collect();
    let names: Vec<&String> = words.iter().filter(|word| !is_condition(word)).collect();
    // A name that looks like a condition with a mistake is one.
    if let Some(wrong) = names.iter().find(|name| name.contains('=')) {
        return Err(odd(Matchers::parse([wrong.as_str()]).err().unwrap_or_default()));
    }
    let conditions = Matchers::parse(conditions).map_err(odd)?.written();
    if names.is_empty() {
        return Ok(vec![conditions]);
    }
    let of_name =
        |name: &&String| Matchers::of_check(name).written().into_iter().chain(conditions.clone()).collect();
    Ok(names.iter().map(of_name).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_names_or_conditions() {
        let chosen =
            |words: &[&str]| super::chosen(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let lists = |words: &[&str]| chosen(words).unwrap_or_else(|failure| panic!("{}", failure.message));
        assert_eq!(lists(&["disk: /"]), [["\"disk: /\""]]);
        assert_eq!(lists(&["a", "b"]), [["\"a\""], ["\"b\""]]);
        assert_eq!(lists(&["severity=warning", "path=~/v.*"]), [["severity=\"warning\"", "path=~\"/v.*\""]]);
        assert_eq!(lists(&["a", "x=1"]), [["\"a\"", "x=\"1\""]]);
        assert!(chosen(&["a=~("]).is_err());
    }
}
