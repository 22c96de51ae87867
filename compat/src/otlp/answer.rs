//! What is answered: `Export{Metrics,Logs}ServiceResponse`, which are alike, and `google.rpc.Status` of a failure.

use crate::protobuf::{Error, Reader};

/// Fields of the responses, and of `Export…PartialSuccess`.
const PARTIAL_SUCCESS: u32 = 1;
const REJECTED: u32 = 1;
const ERROR_MESSAGE: u32 = 2;
/// Field of `Status`.
const MESSAGE: u32 = 2;

/// What of a request was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// How many data points or log records were rejected. Which is not said.
    pub rejected: u64,
    /// Why, or what else the receiver has to say.
    pub message: String,
}

/// What a response says that was not accepted. Fields that are not known are passed over, as later versions may have them.
///
/// # Errors
/// If it is none.
pub fn partial(response: &[u8]) -> Result<Partial, Error> {
    let mut partial = Partial::default();
    let mut reader = Reader::new(response);
    while let Some(field) = reader.field()? {
        if field.number != PARTIAL_SUCCESS {
            continue;
        }
        let mut inside = field.inside()?;
        while let Some(field) = inside.field()? {
            match field.number {
                // An int64, of which less than none is none.
                REJECTED => partial.rejected = u64::try_from(field.uint()? as i64).unwrap_or(0),
                ERROR_MESSAGE => partial.message = field.text()?.to_owned(),
                _ => {}
            }
        }
    }
    Ok(partial)
}

/// The words of a failure.
///
/// # Errors
/// If it is no `Status`.
pub fn status_message(status: &[u8]) -> Result<String, Error> {
    let mut message = String::new();
    let mut reader = Reader::new(status);
    while let Some(field) = reader.field()? {
        if field.number == MESSAGE {
            message = field.text()?.to_owned();
        }
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protobuf::{put_message, put_text, put_uint};

    #[test]
    fn what_was_rejected_is_counted_with_the_reason() {
        let mut response = Vec::new();
        put_message(&mut response, PARTIAL_SUCCESS, |out| {
            put_uint(out, REJECTED, 7);
            put_text(out, ERROR_MESSAGE, "too old");
        });
        put_uint(&mut response, 9, 1);
        assert_eq!(partial(&response), Ok(Partial { rejected: 7, message: "too old".to_owned() }));
        assert_eq!(partial(b""), Ok(Partial::default()));
        let mut status = Vec::new();
        put_uint(&mut status, 1, 3);
        put_text(&mut status, MESSAGE, "no such thing");
        assert_eq!(status_message(&status), Ok("no such thing".to_owned()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = partial(&bytes);
            let _ = status_message(&bytes);
        }
    }
}
