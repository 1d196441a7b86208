//! Tells what is said now from what is told again.
//!
//! Specifications: IRCv3 `batch`, `message-ids`, `chathistory`.

use alloc::{collections::VecDeque, vec::Vec};
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::Text;
use crate::wire;

/// The open batches, and the names of the messages that were seen last.
#[derive(Debug)]
pub(super) struct Replay {
    seed: u64,
    /// Reference and whether it replays history, itself or by a batch around it.
    batches: Vec<(Text, bool)>,
    /// Hashes of message names, the newest last.
    seen: VecDeque<u64>,
}

impl Replay {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, batches: Vec::new(), seen: VecDeque::new() }
    }

    /// A new connection: no batch is open. What was seen stays seen.
    pub(super) fn reconnect(&mut self) {
        self.batches.clear();
    }

    /// Takes a `BATCH` message. A batch past the bound is taken for none.
    pub(super) fn batch(&mut self, message: &wire::Message<'_>) {
        match message.param(0) {
            Some([b'+', name @ ..]) if !name.is_empty() && name.len() <= NAME_MAX => {
                let kind = message.param(1).unwrap_or_default();
                let is_history = self.is_history(message) || HISTORY_KINDS.contains(&kind);
                if self.batches.len() < BATCHES_MAX {
                    self.batches.push((name.into(), is_history));
                }
            }
            Some([b'-', name @ ..]) => self.batches.retain(|(open, _)| **open != *name),
            _ => {}
        }
    }

    /// Whether a message comes in a batch that replays history.
    pub(super) fn is_history(&self, message: &wire::Message<'_>) -> bool {
        let Some(name) = message.tags.get(b"batch") else { return false };
        self.batches.iter().any(|(open, history)| *history && **open == *name.as_bytes())
    }

    /// Whether a message to this target was not seen before, as far back as is remembered.
    pub(super) fn is_new(&mut self, msgid: &[u8], target: &[u8]) -> bool {
        let mut hasher = SipHasher13::new_with_keys(self.seed, 0);
        hasher.write(msgid);
        hasher.write_u8(0);
        hasher.write(target);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            return false;
        }
        if self.seen.len() >= SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(hash);
        true
    }
}

/// Kinds of batches that replay history.
const HISTORY_KINDS: &[&[u8]] = &[b"chathistory", b"draft/chathistory", b"znc.in/playback"];

/// The most batches that are open at once.
const BATCHES_MAX: usize = 32;

/// The longest reference of a batch, in bytes.
const NAME_MAX: usize = 64;

/// How many messages are remembered.
const SEEN_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn take(replay: &mut Replay, line: &str) {
        replay.batch(&wire::Message::parse(line.as_bytes()).unwrap());
    }

    fn is_history(replay: &Replay, line: &str) -> bool {
        replay.is_history(&wire::Message::parse(line.as_bytes()).unwrap())
    }

    #[test]
    fn history_is_what_comes_in_its_batch_or_in_one_inside() {
        let mut replay = Replay::new(0);
        take(&mut replay, "BATCH +h chathistory #a");
        take(&mut replay, "@batch=h BATCH +inner draft/multiline #a");
        take(&mut replay, "BATCH +n netsplit a b");
        assert!(is_history(&replay, "@batch=h PRIVMSG #a :x"));
        assert!(is_history(&replay, "@batch=inner PRIVMSG #a :x"));
        assert!(!is_history(&replay, "@batch=n QUIT :x"));
        assert!(!is_history(&replay, "PRIVMSG #a :x"));
        take(&mut replay, "BATCH -h");
        assert!(!is_history(&replay, "@batch=h PRIVMSG #a :x"));
    }

    #[test]
    fn batches_and_memory_are_bounded() {
        let mut replay = Replay::new(0);
        for i in 0..10_000 {
            take(&mut replay, &format!("BATCH +{i} chathistory #a"));
            assert!(replay.is_new(format!("{i}").as_bytes(), b"#a"));
        }
        assert_eq!(replay.batches.len(), BATCHES_MAX);
        assert_eq!(replay.seen.len(), SEEN_MAX);
    }

    #[test]
    fn a_message_to_two_targets_is_two() {
        let mut replay = Replay::new(0);
        assert!(replay.is_new(b"1", b"#a"));
        assert!(replay.is_new(b"1", b"#b"));
        assert!(!replay.is_new(b"1", b"#a"));
    }
}
