//! A server and a handful of peers: whatever they do and however their sockets behave, the server
//! keeps its side of the contract with its host, its bounds, and its word when it stops.

use arbitrary::Arbitrary;

use crate::{
    case,
    setup::Setup,
    stage::{PEERS, Stage},
    words::{NICKS, TAGS, arrival, line},
};

/// The most steps of a case that are taken.
const STEPS_MAX: usize = 300;

#[derive(Arbitrary, Debug)]
struct Case {
    setup: Setup,
    /// Plays it a second time: the same must happen.
    twice: bool,
    steps: Vec<Step>,
}

/// One thing that happens. A peer is a number, taken modulo how many there are.
#[derive(Arbitrary, Debug)]
enum Step {
    /// Connects and registers, with these capabilities.
    Enter {
        peer: u8,
        caps: u64,
    },
    Open {
        peer: u8,
    },
    /// A command made of words that mean something.
    Say {
        peer: u8,
        command: u8,
        words: [u8; 3],
        tags: u8,
    },
    /// The same command many times over, in one piece.
    Repeat {
        peer: u8,
        command: u8,
        words: [u8; 3],
        times: u8,
    },
    Bytes {
        peer: u8,
        bytes: Vec<u8>,
    },
    Eof {
        peer: u8,
    },
    Reset {
        peer: u8,
    },
    /// The peer's socket takes so many bytes more, then blocks.
    Stall {
        peer: u8,
        room: u16,
    },
    Unstall {
        peer: u8,
    },
    /// The next flush of this peer stops early, by the host's own bound.
    Yield {
        peer: u8,
        after: u8,
    },
    /// A closing peer closes its side too.
    Linger {
        peer: u8,
    },
    Answer {
        right: Option<bool>,
    },
    Wait {
        millis: u16,
    },
    /// Carries out all outputs. What comes between two drains comes in one turn.
    Drain,
    Reload(Setup),
    Shutdown,
}

/// Takes what differs between servers, and a list of steps.
pub fn run(data: &[u8]) {
    let Some(case) = case::<Case>(data) else { return };
    let first = play(&case);
    if case.twice {
        assert_eq!(first, play(&case), "the same inputs lead to the same outputs");
    }
}

/// Plays a case; all that the peers were sent.
fn play(case: &Case) -> Vec<u8> {
    let mut stage = Stage::new(case.setup.config());
    for step in case.steps.iter().take(STEPS_MAX) {
        take(&mut stage, step);
        stage.check();
    }
    stage.finish()
}

fn take(stage: &mut Stage, step: &Step) {
    match *step {
        Step::Enter { peer, caps } => {
            stage.open(peer);
            let nick = NICKS[usize::from(peer) % PEERS];
            stage.receive(peer, arrival(nick, caps).as_bytes());
        }
        Step::Open { peer } => stage.open(peer),
        Step::Say { peer, command, words, tags } => {
            let tag = TAGS[usize::from(tags) % TAGS.len()];
            stage.receive(peer, format!("{tag}{}", line(command, words)).as_bytes());
        }
        Step::Repeat { peer, command, words, times } => {
            stage.receive(peer, line(command, words).repeat(times.into()).as_bytes());
        }
        Step::Bytes { peer, ref bytes } => stage.receive(peer, bytes),
        Step::Eof { peer } => stage.eof(peer),
        Step::Reset { peer } => stage.reset(peer),
        Step::Stall { peer, room } => stage.stall(peer, room.into()),
        Step::Unstall { peer } => stage.unstall(peer),
        Step::Yield { peer, after } => stage.yield_after(peer, usize::from(after) * 16),
        Step::Linger { peer } => stage.end_lingering(peer),
        Step::Answer { right } => {
            stage.answer(right);
        }
        Step::Wait { millis } => stage.wait(millis.into()),
        Step::Drain => stage.drain(),
        Step::Reload(setup) => stage.reload(setup.config()),
        Step::Shutdown => stage.shutdown(),
    }
}
