//! The framing of a recording: each record has its length, and checksums that know its number.
//!
//! ```text
//! length of the payload    4 bytes, little end first
//! checksum of the length   4 bytes
//! payload                  at most MAX_RECORD bytes
//! checksum of the payload  8 bytes
//! ```
//!
//! The length has a checksum of its own, so that a damaged length is never taken for a file that ends
//! early.

use alloc::vec::Vec;
use core::hash::Hasher as _;

use siphasher::sip::SipHasher13;

/// What a recording starts with: what it is, and the version of all that follows.
pub(super) const MAGIC: &[u8] = b"parlance recording 1\n";

/// Most bytes of a payload: twice the largest `recvq`.
pub(super) const MAX_RECORD: usize = 32 << 20;

/// Bytes before a payload.
pub(super) const HEAD: usize = 8;

/// Bytes after a payload.
const TAIL: usize = 8;

/// Makes a record of a payload that stands in `frame` behind [`HEAD`] bytes of room.
///
/// `false`, and nothing done, if the payload is longer than [`MAX_RECORD`].
pub(super) fn seal(number: u64, frame: &mut Vec<u8>) -> bool {
    let Some((head, payload)) = frame.split_first_chunk_mut::<HEAD>() else { return false };
    if payload.len() > MAX_RECORD {
        return false;
    }
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    head[..4].copy_from_slice(&length);
    head[4..].copy_from_slice(&length_sum(number, length));
    let sum = payload_sum(number, payload);
    frame.extend_from_slice(&sum);
    true
}

/// What [`open`] finds.
pub(super) enum Opened<'a> {
    /// A whole record: its payload, and the bytes that it takes in all.
    Record(&'a [u8], usize),
    /// Nothing wrong so far, but more bytes are needed.
    Partial,
    /// A checksum does not match.
    Damaged,
}

/// The record with this number at the start of `bytes`.
pub(super) fn open(number: u64, bytes: &[u8]) -> Opened<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Opened::Partial };
    let [a, b, c, d, sum @ ..] = *head;
    let length = [a, b, c, d];
    if sum != length_sum(number, length) {
        return Opened::Damaged;
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_RECORD {
        return Opened::Damaged;
    }
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Opened::Partial };
    let Some(sum) = rest.first_chunk::<TAIL>() else { return Opened::Partial };
    if *sum != payload_sum(number, payload) {
        return Opened::Damaged;
    }
    Opened::Record(payload, HEAD + length + TAIL)
}

fn length_sum(number: u64, length: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d, ..] = sum(number, 0, &length);
    [a, b, c, d]
}

fn payload_sum(number: u64, payload: &[u8]) -> [u8; 8] {
    sum(number, 1, payload)
}

/// The number is part of the key, so that a record moved elsewhere is damaged too.
fn sum(number: u64, part: u64, bytes: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher13::new_with_keys(number, part);
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(number: u64, payload: &[u8]) -> Vec<u8> {
        let mut frame = alloc::vec![0; HEAD];
        frame.extend_from_slice(payload);
        assert!(seal(number, &mut frame));
        frame
    }

    #[test]
    fn a_record_opens_again_under_its_own_number_only() {
        let frame = sealed(7, b"payload");
        assert!(matches!(open(7, &frame), Opened::Record(b"payload", n) if n == frame.len()));
        assert!(matches!(open(8, &frame), Opened::Damaged));
    }

    #[test]
    fn a_damaged_length_is_not_a_short_file() {
        let mut frame = sealed(0, b"payload");
        frame[1] ^= 1;
        assert!(matches!(open(0, &frame), Opened::Damaged));
    }

    #[test]
    fn a_part_of_a_record_asks_for_more() {
        let frame = sealed(0, b"payload");
        for end in 0..frame.len() {
            assert!(matches!(open(0, &frame[..end]), Opened::Partial), "cut at {end}");
        }
    }
}
