//! Asking the running agent about notifications.

use std::time::Duration;

use nix::unistd::{Uid, User};

use crate::cli::denied::by_owner;
use crate::cli::read::{Failure, ReadArgs};
use crate::config::Matchers;
use crate::control::{self, AskError, NotifyRequest, Request, Response};

/// The agent's answer to a request. `command` is what was typed behind `custos`, for advice on who may.
pub(super) fn ask(
    read: &ReadArgs,
    request: NotifyRequest,
    command: &str,
    patience: Duration,
) -> Result<Response, Failure> {
    let (store, _) = read.locate()?;
    match control::ask(&store, &Request::Notify(request), patience) {
        Ok(answered) => match answered.response {
            Response::Refused(why) => Err(Failure::new(why)),
            response => Ok(response),
        },
        Err(error @ AskError::Denied) => Err(Failure::new(format!(
            "{error}{}",
            by_owner(&store, &format!("{command}{}", read.repeated()))
        ))),
        Err(AskError::NoAgent) => Err(Failure::new("no agent is running, and it alone sends notifications")),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

/// What was done, if that is what the agent answered.
pub(super) fn done(response: Response) -> Result<String, Failure> {
    match response {
        Response::Done(done) => Ok(done),
        _ => Err(Failure::new("the agent answered another question")),
    }
}

/// Who gives the command, unless `named` says otherwise.
pub(super) fn author(named: Option<&str>) -> String {
    let own = || {
        let user = User::from_uid(Uid::current()).ok().flatten();
        user.map_or_else(|| format!("uid {}", Uid::current()), |user| user.name)
    };
    named.map_or_else(own, str::to_owned)
}

/// Words that are names of checks or conditions on labels, as lists of conditions: one for each name, with all the conditions.
pub(super) fn chosen(words: &[String]) -> Result<Vec<Vec<String>>, Failure> {
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
