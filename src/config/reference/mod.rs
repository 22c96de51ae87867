//! What is written from the tables of keys: the schema for editors, `custos.yaml(5)`, and the tables of `docs/`.

mod manual;
mod schema;
#[cfg(test)]
mod tables;
mod words;

pub use manual::manual;
pub use schema::schema;
