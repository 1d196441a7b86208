//! The honest clients: they chat at a steady rate whatever happens, and note when each message arrives.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::ledger::{Delivery, Faults, Ledger};
use crate::bench::{
    BenchError,
    line::{command, parameters},
    order::Fault,
    swarm::{Listener, Swarm},
};

/// What is going on while messages are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Nothing is measured.
    Warm,
    /// Nobody attacks.
    Quiet,
    /// Somebody attacks.
    Attack,
    /// It is over.
    After,
    /// Nothing more is sent.
    End,
}

/// Clients who chat on a thread of their own.
#[derive(Debug)]
pub(super) struct Chat {
    /// What is going on.
    pub(super) stage: Stage,
    thread: JoinHandle<Record>,
}

/// Where it is said what is going on.
#[derive(Clone, Debug)]
pub(super) struct Stage(Arc<AtomicU8>);

impl Stage {
    /// Says what begins.
    pub(super) fn begin(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }
}

/// What the honest clients have seen.
#[derive(Debug)]
pub(super) struct Record {
    /// Messages that were to reach somebody, each counted for each receiver.
    pub(super) deliveries: u64,
    /// What was lost, repeated, or overtaken.
    pub(super) faults: Faults,
    /// Latencies in ns of what was sent while nobody attacked.
    pub(super) quiet: Histogram<u64>,
    /// Latencies in ns of what was sent during the attack.
    pub(super) attack: Histogram<u64>,
    /// Why the chat ended early, if it did.
    pub(super) ended: Option<String>,
}

impl Chat {
    /// Connects `clients`, brings them into channels, and lets them chat.
    ///
    /// # Errors
    /// If the server does not take them.
    pub(super) fn start(server: SocketAddr, clients: usize) -> Result<Self, BenchError> {
        let mut swarm = Swarm::new(server, WAVE, PATIENCE)?.with_addresses(address);
        swarm.register(clients)?;
        let ledger = Ledger::new(clients, CHANNEL_SIZE);
        swarm.join_each(|_, client| channel(ledger.channel_of(client)))?;
        let phase = Arc::new(AtomicU8::new(Phase::Warm as u8));
        let began = Instant::now();
        let chatter = Chatter {
            phase: Arc::clone(&phase),
            sent: vec![0; clients],
            // Spread over the interval, so that not all speak at once.
            due: (0..clients).map(|n| began + EVERY * n as u32 / clients as u32).collect(),
            notes: Notes { began, now: began, ledger, quiet: histogram(), attack: histogram() },
        };
        let thread = thread::spawn(move || chatter.run(swarm));
        Ok(Self { stage: Stage(phase), thread })
    }

    /// Sends nothing more, waits for what is under way, and tells everything.
    pub(super) fn end(self) -> Record {
        self.stage.begin(Phase::End);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The address of an honest client: each has its own, none of them an attacker's.
fn address(client: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1 + (client / 250) as u8, 1 + (client % 250) as u8)
}

fn channel(number: usize) -> String {
    format!("#honest-{number}")
}

/// The thread's side of a chat.
struct Chatter {
    phase: Arc<AtomicU8>,
    /// How many messages each client has sent.
    sent: Vec<u32>,
    /// When each client speaks next.
    due: Vec<Instant>,
    notes: Notes,
}

impl Chatter {
    fn run(mut self, mut swarm: Swarm) -> Record {
        swarm.begin("chatting", 0, LONGEST);
        let ended = self.chat(&mut swarm).err().map(|error| error.to_string());
        let size = |client: &usize| {
            let others = |&other: &usize| {
                other != *client
                    && self.notes.ledger.channel_of(other) == self.notes.ledger.channel_of(*client)
            };
            (0..self.sent.len()).filter(others).count() as u64
        };
        let sent = self.sent.iter().enumerate();
        Record {
            deliveries: sent.map(|(client, &sent)| u64::from(sent) * size(&client)).sum(),
            faults: self.notes.ledger.faults(&self.sent),
            quiet: self.notes.quiet,
            attack: self.notes.attack,
            ended,
        }
    }

    fn chat(&mut self, swarm: &mut Swarm) -> Result<(), BenchError> {
        loop {
            let phase = self.phase.load(Ordering::Relaxed);
            if phase == Phase::End as u8 {
                break;
            }
            let now = Instant::now();
            for client in 0..self.due.len() {
                if self.due[client] <= now {
                    self.speak(swarm, client, phase);
                    self.due[client] = now.max(self.due[client] + EVERY);
                }
            }
            swarm.turn(Some(TURN), 0, &mut self.notes)?;
        }
        let until = Instant::now() + LAST_WAIT;
        while Instant::now() < until && !self.notes.ledger.is_complete(&self.sent) {
            swarm.turn(Some(TURN), 0, &mut self.notes)?;
        }
        // What comes twice comes soon after.
        let until = Instant::now() + TURN;
        while Instant::now() < until {
            swarm.turn(Some(TURN), 0, &mut self.notes)?;
        }
        Ok(())
    }

    /// The next message of a client: sender, sequence, phase and the time.
    fn speak(&mut self, swarm: &mut Swarm, client: usize, phase: u8) {
        let sequence = self.sent[client];
        self.sent[client] += 1;
        let to = channel(self.notes.ledger.channel_of(client));
        let at = self.notes.began.elapsed().as_nanos();
        let line = format!("PRIVMSG {to} :{MARK} {client} {sequence} {phase} {at}\r\n");
        swarm.say(client, |out| out.extend_from_slice(line.as_bytes()));
    }
}

/// What is noted of all that arrives.
struct Notes {
    began: Instant,
    now: Instant,
    ledger: Ledger,
    quiet: Histogram<u64>,
    attack: Histogram<u64>,
}

impl Listener for Notes {
    fn arrived(&mut self) {
        self.now = Instant::now();
    }

    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        if command(line) != b"PRIVMSG" {
            // What answers to others' doings is none of ours, but PING and ERROR are.
            return Ok(!matches!(command(line), b"PING" | b"ERROR"));
        }
        // Others may say what they like.
        let Some(message) = read(parameters(line)) else { return Ok(true) };
        let Message { sender, sequence, phase, at_ns } = message;
        self.ledger.delivered(Delivery { receiver: client, sender, sequence });
        let histogram = match phase {
            phase if phase == Phase::Quiet as u8 => &mut self.quiet,
            phase if phase == Phase::Attack as u8 => &mut self.attack,
            _ => return Ok(true),
        };
        let now_ns = self.now.saturating_duration_since(self.began).as_nanos();
        // It grows as needed: fails only without memory.
        let _ = histogram.record(u64::try_from(now_ns).unwrap_or(u64::MAX).saturating_sub(at_ns));
        Ok(true)
    }
}

/// What a message says of itself.
struct Message {
    sender: usize,
    sequence: u32,
    phase: u8,
    at_ns: u64,
}

/// Reads the parameters of a PRIVMSG: a channel and one of our texts.
fn read(parameters: &[u8]) -> Option<Message> {
    let mut words = str::from_utf8(parameters).ok()?.strip_prefix("#honest-")?.split(' ').skip(1);
    if words.next()?.strip_prefix(':')? != MARK {
        return None;
    }
    let message = Message {
        sender: words.next()?.parse().ok()?,
        sequence: words.next()?.parse().ok()?,
        phase: words.next()?.parse().ok()?,
        at_ns: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(message)
}

fn histogram() -> Histogram<u64> {
    Histogram::new(SIGNIFICANT_DIGITS).unwrap_or_else(|_| unreachable!("3 is within 0 to 5"))
}

/// What our texts begin with.
const MARK: &str = "honest";

/// Members of each channel.
const CHANNEL_SIZE: usize = 20;

/// The time from one message of a client to its next.
const EVERY: Duration = Duration::from_millis(500);

/// How long one wait for readiness is at most.
const TURN: Duration = Duration::from_millis(1);

/// How long the last messages may take.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Clients that register or join at the same time.
const WAVE: usize = 16;

/// How long registering and joining may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a chat may take, beyond that.
const LONGEST: Duration = Duration::from_secs(600);

/// A latency is known to one part in a thousand.
const SIGNIFICANT_DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_none_of_ours() {
        let ours = read(b"#honest-3 :honest 61 7 1 123456").expect("ours");
        assert_eq!((ours.sender, ours.sequence, ours.phase, ours.at_ns), (61, 7, 1, 123_456));
        for others in [
            &b"#lobby :honest 61 7 1 123456"[..],
            b"#honest-3 :honest 61 7 1",
            b"#honest-3 :honest 61 7 1 123456 8",
            b"#honest-3 :hello 61 7 1 123456",
            b"#honest-3",
            b"\xff",
        ] {
            assert!(read(others).is_none());
        }
    }

    #[test]
    fn honest_clients_have_addresses_of_their_own() {
        assert_eq!(address(0), Ipv4Addr::new(127, 0, 1, 1));
        assert_eq!(address(250), Ipv4Addr::new(127, 0, 2, 1));
    }
}
