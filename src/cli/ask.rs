//! Asking the running agent for what it alone can do.

use std::path::Path;
use std::time::Duration;

use super::denied::by_owner;
use super::read::{Failure, ReadArgs};
use crate::control::{self, AskError, Request, Response};

/// The agent's answer to a request; none if no agent runs. `command` is what was typed behind `custos`, for advice on who may.
///
/// # Errors
/// The agent refuses, does not answer, or may not be asked by this user.
pub(super) fn ask_agent(
    store: &Path,
    read: &ReadArgs,
    request: &Request,
    command: &str,
    patience: Duration,
) -> Result<Option<Response>, Failure> {
    match control::ask(store, request, patience) {
        Ok(answered) => match answered.response {
            Response::Refused(why) => Err(Failure::new(why)),
            response => Ok(Some(response)),
        },
        Err(error @ AskError::Denied) => {
            Err(Failure::new(format!("{error}{}", by_owner(store, &format!("{command}{}", read.repeated())))))
        }
        Err(AskError::NoAgent) => Ok(None),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
