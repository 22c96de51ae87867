//! Outputs that processes left behind by plugins still hold: what comes of them is dropped, up to a bound, as a process
//! that writes to a pipe without a reader is killed.

use std::collections::BTreeMap;
use std::io::{ErrorKind, PipeReader, Read};

use crate::limits::{LEFT_OPEN_MAX, LEFT_STDOUT_MAX_BYTES};

/// The reading ends, which do not block, by the number under which they are waited on; later ones have higher numbers.
#[derive(Debug, Default)]
pub(crate) struct LeftOpen {
    outputs: BTreeMap<u64, Output>,
}

#[derive(Debug)]
struct Output {
    pipe: PipeReader,
    /// Bytes that may still come before it is closed.
    room: u64,
}

impl LeftOpen {
    /// Takes in the stdout of what was left behind, which is waited on under this number. It cannot be meant to be
    /// written to for ever, so there is an end to it.
    pub(crate) fn add(&mut self, number: u64, pipe: PipeReader) {
        if self.outputs.len() >= LEFT_OPEN_MAX {
            self.outputs.pop_first();
        }
        self.outputs.insert(number, Output { pipe, room: LEFT_STDOUT_MAX_BYTES });
    }

    /// Outputs that are still open.
    pub(crate) fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Drops some of what has come, and the pipe when nobody can write to it any more or too much came.
    pub(crate) fn drain(&mut self, number: u64, buffer: &mut [u8]) {
        let Some(output) = self.outputs.get_mut(&number) else { return };
        match output.pipe.read(buffer) {
            Ok(len) if len > 0 && (len as u64) < output.room => output.room -= len as u64,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Ok(_) | Err(_) => drop(self.outputs.remove(&number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeWriter, Write};

    use super::*;

    fn pipe() -> (PipeReader, PipeWriter) {
        std::io::pipe().unwrap()
    }

    #[test]
    fn a_pipe_is_read_until_its_writer_is_gone() {
        let mut left_open = LeftOpen::default();
        let (reader, mut writer) = pipe();
        left_open.add(7, reader);
        writer.write_all(b"dropped").unwrap();
        left_open.drain(7, &mut [0; 16]);
        left_open.drain(8, &mut [0; 16]);
        assert_eq!(left_open.len(), 1);
        drop(writer);
        left_open.drain(7, &mut [0; 16]);
        assert_eq!(left_open.len(), 0);
    }

    #[test]
    fn the_oldest_makes_way() {
        let mut left_open = LeftOpen::default();
        let mut writers = Vec::new();
        for number in 0..=LEFT_OPEN_MAX as u64 {
            let (reader, writer) = pipe();
            left_open.add(number, reader);
            writers.push(writer);
        }
        assert_eq!(left_open.len(), LEFT_OPEN_MAX);
        assert!(writers[0].write_all(b"x").is_err());
        assert!(writers[1].write_all(b"x").is_ok());
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut left_open = LeftOpen::default();
        let (reader, mut writer) = pipe();
        left_open.add(2, reader);
        let mut block = [0; 1024];
        for _ in 0..=LEFT_STDOUT_MAX_BYTES / block.len() as u64 {
            // Fails when it is closed.
            let _ = writer.write_all(&block);
            left_open.drain(2, &mut block);
        }
        assert!(writer.write_all(b"x").is_err());
    }
}
