//! What happened in a run, as structured events in order of time: timelines are made of it.

use std::{collections::BTreeMap, fmt};

use crate::script::Action;

/// All that happened in a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Log {
    /// In order of time.
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// Microseconds since the start.
    pub at_us: u64,
    /// What.
    pub what: What,
}

/// What happened. A life is one connection of a client, counted over all clients.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the fields of each are its words")]
pub enum What {
    /// A step of the script: what a client does, or a fault.
    Step { client: u32, action: Action },
    /// A connection begins.
    Opened { life: usize, client: u32 },
    /// The client put bytes on their way to the server.
    Sent { life: usize, bytes: Vec<u8> },
    /// The server's host took them from the network.
    ReachedServer { life: usize, bytes: Vec<u8> },
    /// The server's host put bytes on their way to the client.
    Wrote { life: usize, bytes: Vec<u8> },
    /// The client took them from the network.
    ReachedClient { life: usize, bytes: Vec<u8> },
    /// The core asks its host to read from a connection, or not to.
    Reading { life: usize, on: bool },
    /// The core asks its host to close a connection: now, or when all has left.
    Closing { life: usize, now: bool },
    /// The server's end is gone.
    ServerClosed { life: usize, why: String },
    /// The client's end is gone.
    ClientClosed { life: usize, why: String },
    /// The host called on the core because time had passed.
    Timeout,
    /// The server carries out this line.
    Carried { life: usize, line: Vec<u8> },
    /// All troubles end.
    Healing,
    /// The server was started again.
    Restart,
    /// A property does not hold.
    Broken { life: Option<usize>, property: &'static str, detail: String },
}

/// A line for each event that a reader follows, with the time in ms: `3 < …` is what the client of
/// the fourth connection received, line by line, and `3 > …` what the server took from it.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut received: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for Event { at_us, what } in &self.events {
            let mut say =
                |what: fmt::Arguments<'_>| writeln!(f, "{:>10.3} {what}", *at_us as f64 / 1_000.0);
            match what {
                What::Step { client, action } => say(format_args!("c{client}: {action}"))?,
                What::Opened { life, client } => say(format_args!("{life} is of c{client}"))?,
                What::Sent { .. } | What::Wrote { .. } => {}
                What::ReachedServer { life, bytes } => {
                    say(format_args!("{life} > {}", bytes.escape_ascii()))?;
                }
                What::ReachedClient { life, bytes } => {
                    let whole = received.entry(*life).or_default();
                    whole.extend(bytes);
                    let end = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    for line in whole.drain(..end).as_slice().split_inclusive(|b| *b == b'\n') {
                        say(format_args!("{life} < {}", line.escape_ascii()))?;
                    }
                }
                What::Reading { life, on } => say(format_args!("{life} reading: {on}"))?,
                What::Closing { life, now: true } => say(format_args!("{life} close now"))?,
                What::Closing { life, now: false } => {
                    say(format_args!("{life} close when all has left"))?;
                }
                What::ServerClosed { life, why } => say(format_args!("{life} > ({why})"))?,
                What::ClientClosed { life, why } => say(format_args!("{life} < ({why})"))?,
                What::Timeout => say(format_args!("timeout"))?,
                What::Carried { life, line } => {
                    say(format_args!("{life} * {}", line.escape_ascii()))?;
                }
                What::Healing => say(format_args!("healing begins"))?,
                What::Restart => say(format_args!("the server starts again"))?,
                What::Broken { life, property, detail } => {
                    let of = life.map_or_else(String::new, |life| format!("{life} "));
                    say(format_args!("{of}! {property}: {detail}"))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_in_pieces_is_told_once_and_whole() {
        let came = |at_us, bytes: &[u8]| Event {
            at_us,
            what: What::ReachedClient { life: 3, bytes: bytes.to_vec() },
        };
        let log = Log { events: vec![came(1_000, b"PI"), came(2_500, b"NG\r\nPO")] };
        assert_eq!(log.to_string(), "     2.500 3 < PING\\r\\n\n");
    }
}
