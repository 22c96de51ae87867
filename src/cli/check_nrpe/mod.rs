//! `custos check_nrpe`, also as a link named `check_nrpe`: that program's options, output and exit statuses.

mod draft;
mod help;
mod run;
mod words;

pub(super) use run::run;
