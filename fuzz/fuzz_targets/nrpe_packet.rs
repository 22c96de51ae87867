//! Any bytes, in any pieces, are a packet or a fault; what a packet asks is judged, and can be answered.
#![no_main]

use custos_compat::nrpe::{
    Assembler, FIELD_MAX_LEN, Kind, Packet, Policy, Query, TEXT_MAX_BYTES, Version, expand,
};
use libfuzzer_sys::fuzz_target;

/// Bytes of a packet of versions 3 and 4 before its text.
const HEAD_LEN: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Some((&pieces, bytes)) = data.split_first() else { return };
    let mut bytes = bytes.to_vec();
    // Few inputs would get past the CRC by themselves.
    if pieces & 1 == 1 && bytes.len() >= HEAD_LEN {
        reseal(&mut bytes);
    }
    let mut assembler = Assembler::default();
    for piece in bytes.chunks(usize::from(pieces >> 1) + 1) {
        match assembler.push(piece) {
            Ok(taken) => assert!(taken <= piece.len()),
            Err(_) => return,
        }
        assert!(assembler.len() <= HEAD_LEN + FIELD_MAX_LEN);
    }
    let whole = assembler.missing() == Ok(0);
    let Ok(packet) = assembler.finish(Kind::Query) else { return };
    assert!(whole && packet.text.len() <= TEXT_MAX_BYTES + 1 && !packet.text.contains(&0));
    let policy = Policy { arguments: true, ..Policy::default() };
    if let Ok(query) = Query::parse(&packet.text, &policy) {
        assert!(!query.command.is_empty() && query.arguments.len() <= 16);
        let line = expand(query.command, &query.arguments);
        let answer = Packet::encode_response(packet.version, 0, &line);
        let mut assembler = Assembler::default();
        assert!(assembler.push(&answer).is_ok());
        let answer = assembler.finish(Kind::Response).expect("what was encoded decodes");
        assert!(line.starts_with(&answer.text));
    }
});

/// Puts the right CRC on a query of the version that the bytes claim.
fn reseal(bytes: &mut Vec<u8>) {
    bytes[2..4].copy_from_slice(&[0, 1]);
    bytes[4..8].fill(0);
    let mut hasher = crc32fast::Hasher::new();
    match bytes[1] {
        2 => bytes.resize(1036, 0),
        _ => {
            bytes[10..12].fill(0);
            let field_len = (bytes.len() - HEAD_LEN) as u32;
            bytes[12..16].copy_from_slice(&field_len.to_be_bytes());
        }
    }
    hasher.update(bytes);
    if Version::from_number(i16::from(bytes[1])) == Some(Version::V3) {
        hasher.update(&[0; 3]);
    }
    bytes[4..8].copy_from_slice(&hasher.finalize().to_be_bytes());
}
