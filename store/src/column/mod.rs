//! Columns: how many numbers or texts of one kind become few bytes.
//!
//! Every column decodes without context but for the number of its rows.

mod ints;
mod narrow;
mod packed;
mod stat;
mod summary;
mod templates;
mod texts;
mod times;
mod unpack;
mod values;

pub(crate) use ints::{Ints, put_ints};
pub(crate) use narrow::{Narrow, NarrowValues};
pub(crate) use packed::Effort;
pub(crate) use stat::Stat;
pub(crate) use summary::{Summary, Summing};
pub(crate) use texts::{Texts, TextsBuilder, get_texts, put_texts};
pub(crate) use times::{TimeLookup, Times, put_times};
pub(crate) use values::{Values, ValuesIn, put_values};
