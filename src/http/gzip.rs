//! Answers in gzip, for clients that ask for it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{ACCEPT_ENCODING, HeaderMap};

use crate::limits::HTTP_GZIP_MIN_BYTES;

/// Whether a client takes gzip.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut any) = (None, None);
    for item in values.flat_map(|value| value.split(',')) {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        let is_taken = weight.unwrap_or(1.0) > 0.0;
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                gzip = Some(is_taken);
            }
            "*" => any = Some(is_taken),
            _ => {}
        }
    }
    gzip.or(any).unwrap_or(false)
}

/// A body in gzip; none if it is so short that nothing is gained.
pub(super) fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < HTTP_GZIP_MIN_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    // Writing to memory does not fail.
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn it_is_wanted_if_a_client_says_so() {
        for (value, wanted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5, br", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("gzipped", false),
            ("", false),
        ] {
            let headers: HeaderMap = [(ACCEPT_ENCODING, value.parse().unwrap())].into_iter().collect();
            assert_eq!(is_wanted(&headers), wanted, "{value}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_the_body_and_short_ones_are_left() {
        let body = "{\"status\":\"success\"}".repeat(1000);
        let packed = compressed(body.as_bytes()).unwrap();
        assert!(packed.len() < body.len() / 50);
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, body);
        assert_eq!(compressed(&body.as_bytes()[..HTTP_GZIP_MIN_BYTES - 1]), None);
    }
}
