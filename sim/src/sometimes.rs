//! What must happen sometimes: a count for every interesting thing, so that a campaign in which one
//! never happened is known to have tested less than it seems.

use chat_core::Report;

use crate::layer::Layer;

const CROWD: &[Layer] = &[Layer::Memory, Layer::Mio];
/// Whatever the layer.
const ALL: &[Layer] = &[];
const MEMORY: &[Layer] = &[Layer::Memory];
const MIO: &[Layer] = &[Layer::Mio];

/// Declares what is counted, where it can be seen, and what it is.
macro_rules! sometimes {
    ($($name:ident, $layers:expr, $doc:literal;)*) => {
        /// Something that must happen sometimes.
        #[derive(Copy, Clone, Debug, Eq, PartialEq)]
        pub(crate) enum Seen {
            $(#[doc = $doc] $name,)*
        }

        const ROWS: &[Row] = &[$(Row { name: stringify!($name), layers: $layers, doc: $doc },)*];
    };
}

sometimes! {
    // Faults of the script, by kind.
    Reset, CROWD, "a client resets its connection";
    Replace, CROWD, "a client is reset and back at once with its nick";
    Vanish, CROWD, "a client goes away without a word";
    HalfClose, CROWD, "a client ends its sending side";
    HalfLine, CROWD, "a client ends its sending side in the middle of a line";
    StallUp, CROWD, "what a client sends stands still";
    StallDown, CROWD, "what a client is sent stands still";
    ReadSlowly, CROWD, "a client reads a few bytes at a time";
    WallJump, CROWD, "the wall clock jumps";
    LateTimers, CROWD, "timers fire late for a while";
    LateAnswers, CROWD, "the host answers late for a while";
    LostAnswers, CROWD, "the host does not answer for a while";
    RefusedAnswers, CROWD, "the host can't find out for a while";
    NoDescriptors, CROWD, "the host has no descriptors for a while";
    AddressFlood, CROWD, "many come from one address";
    Hostile, CROWD, "a stranger comes who sends anything";
    // What the network does.
    OneByteRead, CROWD, "one byte reaches the server, and more are on their way";
    OneByteWrite, CROWD, "a socket takes one byte of more";
    FullWindow, CROWD, "a socket takes nothing";
    FullEarly, CROWD, "a socket takes less than it has room for";
    HostsOwnBound, MEMORY, "the host stops a write of its own accord";
    LateTimer, CROWD, "a timer fires late";
    // What the server does, as its host sees it.
    ReadingStopped, MEMORY, "the core lets a connection's lines wait";
    EndWithLinesUnread, MEMORY, "a connection has ended and lines of it still wait";
    BudgetSpent, MEMORY, "a turn ends with work left over";
    ClosedByForce, MEMORY, "a closing connection does not flush in time and is cut off";
    Refused, CROWD, "a connection is refused at the door";
    TimedOutRegistering, CROWD, "somebody does not register in time";
    PingTimeout, CROWD, "somebody does not answer PING";
    NothingRead, CROWD, "somebody reads nothing for too long";
    SendqExceeded, CROWD, "more waits for somebody than may";
    UnreadInAll, CROWD, "somebody is ended for what all have sent and nobody carried out";
    SendqExceededInCascade, CROWD, "a turn ends somebody, and then somebody else for too much that waits";
    NickRetaken, CROWD, "a nick is given up and taken by another in one turn";
    WrongPassword, CROWD, "somebody has not the password";
    NoAnswer, CROWD, "the host does not answer in time";
    AnsweredTooLate, MEMORY, "the host answers what nobody waits for any more";
    BecameOper, CROWD, "somebody becomes an operator";
    SelfEnded, CROWD, "a connection ends because its client does";
    // What clients meet, as the judge's model sees it.
    GivenUp, ALL, "lines are given up because somebody does not read them";
    NamesInPieces, ALL, "a list of names changes while it is being told";
    AnswerInPieces, ALL, "what WHO, WHOIS or LIST tells changes while it is being told";
    SecretUnseen, ALL, "a secret channel is kept from somebody who asks";
    InvisibleUnseen, ALL, "an invisible user is kept from somebody who asks";
    HistoryRefused, ALL, "what was said in a channel is kept from somebody outside";
    Kicked, ALL, "somebody is put out of a channel";
    KickTooLate, ALL, "a kick is for somebody who has just left the channel";
    KickOfNobody, ALL, "a kick is for a nick that has just been given up";
    JoinBanned, ALL, "a ban keeps somebody out";
    JoinUninvited, ALL, "somebody joins without the invitation that is needed";
    JoinInvited, ALL, "somebody joins with the invitation that is needed";
    JoinWithoutKey, ALL, "somebody joins with a wrong key";
    JoinOfFull, ALL, "somebody joins a full channel";
    ChannelAgain, ALL, "a channel that ended with its last member begins again";
    MessageRefused, ALL, "a channel does not take a message";
    MessageToNobody, ALL, "a message is for a nick that nobody has any more";
    NotPermitted, ALL, "somebody tries what is for operators alone";
    LabelBatch, ALL, "a labeled answer is a batch";
    LabelAck, ALL, "a labeled answer has no line";
    LabelOfEnd, ALL, "a labeled command ends its connection";
    // What the system does to the adapter.
    EdgeForNothing, MIO, "an edge is told for nothing";
    EdgeHeldBack, MIO, "an edge is told later than another that came after it";
    EdgeSplit, MIO, "reading and writing are told one by one";
    Interrupted, MIO, "a call is interrupted";
    NobodyAccepted, MIO, "there are no descriptors for a newcomer";
    Aborted, MIO, "a newcomer is gone before it is accepted";
    NotRegistered, MIO, "the poller does not take a newcomer";
    DroppedUnread, MIO, "a connection is closed with something unread, which resets it";
    StreamBroken, MIO, "a call on a connection fails because the client has reset it";
}

struct Row {
    name: &'static str,
    /// Where it can be seen; none named: everywhere.
    layers: &'static [Layer],
    doc: &'static str,
}

/// How often each happened, in a run or in many.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Sometimes([u64; ROWS.len()]);

impl Default for Sometimes {
    fn default() -> Self {
        Self([0; ROWS.len()])
    }
}

impl Sometimes {
    pub(crate) fn see(&mut self, what: Seen) {
        self.0[what as usize] += 1;
    }

    /// Takes another run's into these.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// All that a layer can show: name, what it is, and how often it happened.
    pub fn rows(
        &self,
        layer: Layer,
    ) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
        let counts = self.0;
        let is_on = move |row: &Row| row.layers.is_empty() || row.layers.contains(&layer);
        let rows = ROWS.iter().zip(counts).filter(move |(row, _)| is_on(row));
        rows.map(|(row, count)| (row.name, row.doc, count))
    }

    /// The names of those that a layer can show and that never happened.
    #[must_use]
    pub fn missing(&self, layer: Layer) -> Vec<&'static str> {
        let never = self.rows(layer).filter(|(.., count)| *count == 0);
        never.map(|(name, ..)| name).collect()
    }
}

/// Sees in a server's reports what it does to its connections.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    turn: u64,
    /// Nicks that were given up in this turn.
    freed: Vec<Vec<u8>>,
    /// Connections that were ended in this turn.
    ended: u32,
}

impl Witness {
    /// A report of this turn.
    pub(crate) fn hear(&mut self, report: &Report, turn: u64, seen: &mut Sometimes) {
        if self.turn != turn {
            *self = Self { turn, ..Self::default() };
        }
        match report {
            Report::Refused { .. } => seen.see(Seen::Refused),
            Report::BadPassword { .. } => seen.see(Seen::WrongPassword),
            Report::NoAnswer { .. } => seen.see(Seen::NoAnswer),
            Report::Oper { .. } => seen.see(Seen::BecameOper),
            Report::Registered { nick, .. } if self.freed.contains(nick) => {
                seen.see(Seen::NickRetaken);
            }
            Report::Ended { nick, why, .. } => {
                if let Some(what) = ended(why) {
                    seen.see(what);
                }
                if self.ended > 0 && why == b"SendQ exceeded" {
                    seen.see(Seen::SendqExceededInCascade);
                }
                self.ended += 1;
                self.freed.push(nick.clone());
            }
            _ => {}
        }
    }
}

/// What the end of a connection shows, by its reason.
fn ended(why: &[u8]) -> Option<Seen> {
    Some(match why {
        b"Registration timed out" => Seen::TimedOutRegistering,
        b"Nothing was read for too long" => Seen::NothingRead,
        b"SendQ exceeded" => Seen::SendqExceeded,
        b"Too much is waiting to be carried out" => Seen::UnreadInAll,
        b"Connection closed" => Seen::SelfEnded,
        _ if why.starts_with(b"Ping timeout") => Seen::PingTimeout,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named_where_it_could_have() {
        let mut sum = Sometimes::default();
        let mut run = Sometimes::default();
        run.see(Seen::Reset);
        sum.add(&run);
        sum.add(&run);
        let missing = sum.missing(Layer::Memory);
        assert!(!missing.contains(&"Reset") && missing.contains(&"Vanish"));
        assert!(!missing.contains(&"Interrupted"), "memory has no calls to interrupt");
        let (.., count) = sum.rows(Layer::Mio).next().expect("there are rows");
        assert_eq!(count, 2);
    }

    #[test]
    fn a_nick_is_retaken_only_within_one_turn() {
        let mut server = chat_core::Server::new(
            crate::bounds::Bounds::default().config(),
            [1; 32],
            chat_core::Now { mono: chat_core::Instant::ZERO, wall: chat_core::UnixMillis(0) },
        )
        .expect("the bounds are sound");
        let now = chat_core::Now { mono: chat_core::Instant::ZERO, wall: chat_core::UnixMillis(0) };
        let conn = server
            .open(now, chat_core::PeerInfo { address: None, exempt: true })
            .expect("there is room");
        let nick = b"alice".to_vec();
        let ended = Report::Ended { conn, nick: nick.clone(), why: b"Quit".to_vec() };
        let taken = Report::Registered { conn, nick, user: Vec::new(), host: Vec::new() };
        for (turns, expected) in [([1, 2], 0), ([3, 3], 1)] {
            let (mut witness, mut seen) = (Witness::default(), Sometimes::default());
            witness.hear(&ended, turns[0], &mut seen);
            witness.hear(&taken, turns[1], &mut seen);
            assert_eq!(seen.0[Seen::NickRetaken as usize], expected);
        }
    }
}
