//! The framing of a recording, from its description in `chat-core/src/record/frame.rs`: for making
//! recordings that are wrong behind checksums that are right.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

/// What a recording starts with.
pub(super) const MAGIC: &[u8] = b"parlance recording 1\n";

/// The payloads of a whole recording.
pub(super) fn payloads(recording: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = recording.strip_prefix(MAGIC).expect("a recording starts with what it is");
    let mut payloads = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        payloads.push(after[4..4 + length].to_vec());
        rest = &after[4 + length + 8..];
    }
    payloads
}

/// The recording with these payloads.
pub(super) fn recording(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for (number, payload) in (0..).zip(payloads) {
        let length = u32::try_from(payload.len()).expect("a payload is short").to_le_bytes();
        out.extend_from_slice(&length);
        out.extend_from_slice(&sum(number, 0, &length)[..4]);
        out.extend_from_slice(payload);
        out.extend_from_slice(&sum(number, 1, payload));
    }
    out
}

fn sum(number: u64, part: u64, bytes: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher13::new_with_keys(number, part);
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}
