//! What the load says: a payload that names its sender and its place in the sender's sequence.

use std::fmt::Write as _;

use memchr::memmem;

use super::line::split_tags;

/// The shortest payload, in bytes: sender, sequence and the spaces after them.
pub(super) const MIN_PAYLOAD: usize = SENDER_DIGITS + 1 + SEQUENCE_DIGITS + 1;

/// The longest payload, in bytes, that fits a 512 byte line beside any server's idea of a source.
pub(super) const MAX_PAYLOAD: usize = 350;

/// The most senders that a payload can tell apart.
pub(super) const MAX_SENDERS: usize = 1 << (4 * SENDER_DIGITS);

/// Writes and reads the messages of a load: `PRIVMSG #channel :SSSS QQQQQQQQ xxxx…`, in hexadecimal.
#[derive(Debug)]
pub(super) struct Format {
    payload: usize,
    filler: Vec<u8>,
    senders: Vec<Sender>,
    tagged: bool,
}

#[derive(Debug)]
struct Sender {
    nick: Vec<u8>,
    /// What stands between the source and the payload: ` PRIVMSG #channel :`.
    command: Vec<u8>,
}

impl Format {
    /// A format of `payload` bytes for senders of these nicks, each with the channel that it sends to, in
    /// order of their number.
    pub(super) fn new(payload: usize, senders: impl IntoIterator<Item = (String, String)>) -> Self {
        debug_assert!((MIN_PAYLOAD..=MAX_PAYLOAD).contains(&payload));
        let sender = |(nick, channel): (String, String)| Sender {
            nick: nick.into_bytes(),
            command: format!(" PRIVMSG {channel} :").into_bytes(),
        };
        Self {
            payload,
            filler: vec![b'x'; payload.saturating_sub(MIN_PAYLOAD)],
            senders: senders.into_iter().map(sender).collect(),
            tagged: false,
        }
    }

    /// The same, of which each delivery carries the time and a message id in its tags.
    pub(super) fn tagged(mut self) -> Self {
        self.tagged = true;
        self
    }

    /// Appends the command that sends message `sequence` of `sender`.
    pub(super) fn write(&self, sender: usize, sequence: u32, out: &mut Vec<u8>) {
        let Some(Sender { command, .. }) = self.senders.get(sender) else { return };
        out.extend_from_slice(command.strip_prefix(b" ").unwrap_or(command));
        write_hex(sender as u32, SENDER_DIGITS, out);
        out.push(b' ');
        write_hex(sequence, SEQUENCE_DIGITS, out);
        out.push(b' ');
        out.extend_from_slice(&self.filler);
        out.extend_from_slice(b"\r\n");
    }

    /// The sender and sequence of a delivered line (without its CR LF), if it is one of ours and whole.
    pub(super) fn read(&self, line: &[u8]) -> Option<Delivery> {
        let (tags, line) = split_tags(line);
        if self.tagged != has_time_and_id(tags) {
            return None;
        }
        let (head, payload) = line.split_at_checked(line.len().checked_sub(self.payload)?)?;
        let (numbers, filler) = payload.split_at_checked(MIN_PAYLOAD)?;
        let (number, sequence) = numbers.split_at_checked(SENDER_DIGITS + 1)?;
        let number = read_hex(number)? as usize;
        let Sender { nick, command } = self.senders.get(number)?;
        let source = head.strip_suffix(command.as_slice())?.strip_prefix(b":")?;
        let from_nick = source.strip_prefix(nick.as_slice())?.first() == Some(&b'!');
        (from_nick && filler == self.filler)
            .then_some(Delivery { sender: number, sequence: read_hex(sequence)? })
    }
}

/// One message as one receiver got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The number of the sender, from 0.
    pub(super) sender: usize,
    /// The place of the message among those of its sender, from 0.
    pub(super) sequence: u32,
}

/// The nick of client `index` of a run: at most 8 characters, so that any server takes it.
///
/// `run` keeps two loads apart that meet on one server.
pub(super) fn nick(run: u32, index: usize) -> String {
    let mut nick = String::from("b");
    for (value, digits) in [(run as usize, 3), (index, 4)] {
        for place in (0..digits).rev() {
            let digit = value / 36_usize.pow(place) % 36;
            // Below 36 by the remainder, so it is a digit of base 36.
            let _ = nick.write_char(char::from_digit(digit as u32, 36).unwrap_or('z'));
        }
    }
    nick
}

/// A channel of a run.
pub(super) fn channel(run: u32, index: usize) -> String {
    format!("#{}", nick(run, index))
}

/// The index of the client of a run that has this nick.
pub(super) fn number_of(run: u32, text: &[u8]) -> Option<usize> {
    let index = usize::from_str_radix(str::from_utf8(text.get(4..)?).ok()?, 36).ok()?;
    (nick(run, index).as_bytes() == text).then_some(index)
}

const SENDER_DIGITS: usize = 4;
const SEQUENCE_DIGITS: usize = 8;

/// True if a message was tagged as one is that was asked for with all capabilities.
fn has_time_and_id(tags: &[u8]) -> bool {
    memmem::find(tags, b"time=").is_some() && memmem::find(tags, b"msgid=").is_some()
}

fn write_hex(value: u32, digits: usize, out: &mut Vec<u8>) {
    for place in (0..digits).rev() {
        let digit = (value >> (4 * place)) as u8 & 0xf;
        out.push(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
    }
}

/// Reads lower case hexadecimal up to one closing space.
fn read_hex(field: &[u8]) -> Option<u32> {
    let digits = field.strip_suffix(b" ")?;
    digits.iter().try_fold(0_u32, |value, &digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Format {
        Format::new(64, [0, 1].map(|client| (nick(1, client), channel(1, client))))
    }

    /// The line as a server hands it on.
    fn relayed(sender: usize, sequence: u32) -> Vec<u8> {
        let mut line = format!(":{}!~u@127.0.0.1 ", nick(1, sender)).into_bytes();
        format().write(sender, sequence, &mut line);
        line.truncate(line.len() - 2);
        line
    }

    #[test]
    fn a_relayed_message_reads_back() {
        for (sender, sequence) in [(0, 0), (1, 1), (1, u32::MAX)] {
            let read = format().read(&relayed(sender, sequence));
            assert_eq!(read, Some(Delivery { sender, sequence }));
        }
    }

    #[test]
    fn the_payload_has_the_length_asked_for() {
        for payload in [MIN_PAYLOAD, 64, MAX_PAYLOAD] {
            let mut line = Vec::new();
            Format::new(payload, [("nick".into(), "#bench".into())]).write(0, 7, &mut line);
            assert_eq!(line.len(), "PRIVMSG #bench :".len() + payload + 2);
        }
    }

    #[test]
    fn damage_is_not_read_as_a_message() {
        let whole = relayed(1, 5);
        let mut changed = whole.clone();
        changed.pop();
        changed.push(b'y');
        assert_eq!(format().read(&changed), None, "a changed byte");
        assert_eq!(format().read(&whole[..whole.len() - 1]), None, "a byte cut off");
        assert_eq!(format().read(b""), None, "nothing");
        let other = String::from_utf8_lossy(&whole).replace(&nick(1, 1), &nick(1, 0));
        assert_eq!(format().read(other.as_bytes()), None, "the wrong source");
        let other = String::from_utf8_lossy(&whole).replace(&channel(1, 1), &channel(1, 0));
        assert_eq!(format().read(other.as_bytes()), None, "the wrong channel");
    }

    #[test]
    fn tags_are_there_where_they_were_asked_for_and_nowhere_else() {
        let tagged = |tags: &str| [tags.as_bytes(), &relayed(1, 5)].concat();
        let both = tagged("@time=2026-01-01T00:00:00.000Z;msgid=x ");
        assert_eq!(format().tagged().read(&both), Some(Delivery { sender: 1, sequence: 5 }));
        assert_eq!(format().tagged().read(&tagged("@msgid=x ")), None, "no time");
        assert_eq!(format().tagged().read(&tagged("")), None, "no tags");
        assert_eq!(format().read(&both), None, "nobody asked");
    }

    #[test]
    fn nicks_differ_and_have_one_length() {
        assert_eq!(nick(0, 0), "b0000000");
        assert_eq!(nick(46_655, 36), "bzzz0010");
    }

    #[test]
    fn a_nick_tells_whose_it_is() {
        assert_eq!(number_of(7, nick(7, 1234).as_bytes()), Some(1234));
        assert_eq!(number_of(8, nick(7, 1234).as_bytes()), None, "of another run");
        assert_eq!(number_of(7, b"irc.test"), None);
        assert_eq!(number_of(7, b"b"), None);
    }
}
