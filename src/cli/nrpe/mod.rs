//! `custos nrpe`, also as a link named `nrpe`: that program's options and exit statuses. What runs then is the same agent
//! as `custos run`.

mod call;
mod launch;
mod run;

pub(super) use run::run;
