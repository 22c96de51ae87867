//! Protocol Buffers as bytes (<https://protobuf.dev/programming-guides/encoding/>): fields with their numbers, varints,
//! fixed numbers of 64 and 32 bits, and what has a length. Groups, which proto3 does not have, are refused.
//!
//! What a field means is known to whoever reads and writes it. Invariants: any bytes are fields or an [`Error`], never a
//! panic; nothing is allocated by a length that the bytes claim.

mod error;
mod reader;
mod writer;

pub use error::{Error, Fault};
pub use reader::{Field, Reader};
pub use writer::{
    bytes_len, put_bytes, put_double, put_fixed64, put_key, put_message, put_sfixed64, put_text, put_uint,
    put_varint, varint_len,
};

/// How the content of a field is written: the lowest three bits of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A varint.
    Varint = 0,
    /// Eight bytes.
    Fixed64 = 1,
    /// A length, and so many bytes.
    Bytes = 2,
    /// Four bytes.
    Fixed32 = 5,
}
