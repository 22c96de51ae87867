//! Sequences over samples: cases from text files, and random ones beside a reference.

mod case;
mod random;
mod reference;
mod table;
