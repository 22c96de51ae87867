//! `custos help`: the help of commands, and of what several commands have in common.

mod page;

pub(super) use page::{HelpArgs, complete, run};
