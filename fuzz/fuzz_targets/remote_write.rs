//! Any bytes are a request of remote write or an error, and of snappy or an error.
#![no_main]

use custos_compat::remote_write::{Compressor, decode, decode_symbols, decompress};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode(data);
    let _ = decode_symbols(data);
    let _ = decompress(data, 1 << 20);
    let compressed = Compressor::default().compress(data).expect("so few bytes can be compressed").to_vec();
    assert_eq!(decompress(&compressed, data.len()).as_deref(), Ok(data));
});
