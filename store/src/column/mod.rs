//! Columns: how many numbers or texts of one kind become few bytes.
//!
//! Every column decodes without context but for the number of its rows.

mod ints;
mod packed;
mod texts;
mod times;
mod values;

pub(crate) use ints::{Ints, put_ints};
pub(crate) use packed::{Effort, PAGE_ROWS};
pub(crate) use texts::{Texts, TextsBuilder, get_texts, put_texts};
pub(crate) use times::{Times, put_times};
pub(crate) use values::{PageStat, Paged, Values, ValuesIn, put_values};
