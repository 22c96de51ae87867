//! The block format of snappy (<https://github.com/google/snappy/blob/main/format_description.txt>), in which remote write
//! is sent.

use std::fmt;

/// Why bytes cannot be compressed or decompressed. The text continues "failed to compress: …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnappyError(String);

impl fmt::Display for SnappyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for SnappyError {}

impl From<snap::Error> for SnappyError {
    fn from(error: snap::Error) -> SnappyError {
        SnappyError(error.to_string())
    }
}

/// Compresses one request after the other in the same memory.
#[derive(Debug)]
pub struct Compressor {
    encoder: snap::raw::Encoder,
    out: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor { encoder: snap::raw::Encoder::new(), out: Vec::new() }
    }
}

impl Compressor {
    /// The compressed bytes of a request.
    ///
    /// # Errors
    /// If the request has more than 2^32 - 1 bytes.
    pub fn compress(&mut self, request: &[u8]) -> Result<&[u8], SnappyError> {
        let most = snap::raw::max_compress_len(request.len());
        if self.out.len() < most {
            self.out.resize(most, 0);
        }
        let len = self.encoder.compress(request, &mut self.out)?;
        Ok(&self.out[..len])
    }
}

/// What was compressed, if it has at most so many bytes.
///
/// # Errors
/// If the bytes are not compressed, or say that they are more than the limit.
pub fn decompress(bytes: &[u8], limit_bytes: usize) -> Result<Vec<u8>, SnappyError> {
    let len = snap::raw::decompress_len(bytes)?;
    if len > limit_bytes {
        return Err(SnappyError(format!("{len} bytes are more than {limit_bytes}")));
    }
    Ok(snap::raw::Decoder::new().decompress_vec(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_claims_to_be_large_is_refused_before_it_takes_memory() {
        let fault = decompress(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1 << 20).unwrap_err();
        assert_eq!(fault.to_string(), "4294967295 bytes are more than 1048576");
        assert!(decompress(&[], 10).is_err() && decompress(&[5, 0], 10).is_err());
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            bytes in prop::collection::vec(0_u8..4, 0..4000),
            second in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut compressor = Compressor::default();
            for bytes in [&bytes, &second] {
                let compressed = compressor.compress(bytes).unwrap().to_vec();
                prop_assert_eq!(&decompress(&compressed, bytes.len()).unwrap(), bytes);
            }
        }
    }
}
