//! The same server on a poller that is played to it, told to the byte and to the turn.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    net::IpAddr,
    rc::Rc,
    task::Waker,
    time::Duration,
};

use chat_core::{Config, Report};
use runtime_mio::{Handle, Listen, Ready, Stream, Sys, Token, bind_on};
use support::{ManualClock, Witness, options, talkative};

const EMFILE: i32 = 24;
const PLENTY: usize = usize::MAX;

/// What happens while the server sleeps. One that says that it is over makes way for the next.
type Scene = Box<dyn FnMut(&mut World) -> bool>;

/// Everything outside the server.
#[derive(Default)]
struct World {
    /// What happens at the door, in order.
    door: VecDeque<io::Result<usize>>,
    wires: Vec<Wire>,
    edges: Vec<Ready>,
    /// Each time that the server sleeps, the first scene is played.
    scenes: VecDeque<Scene>,
    /// How long it was about to sleep, each time.
    sleeps: Vec<Option<Duration>>,
    turn: usize,
    /// Who was accepted in which turn.
    accepted: Vec<usize>,
    handle: Option<Handle>,
}

/// One connection, as the network sees it.
#[derive(Default)]
struct Wire {
    number: Option<usize>,
    /// Bytes on their way to the server, and whether the end follows them.
    coming: VecDeque<u8>,
    ended: bool,
    /// How many more bytes the network takes from the server.
    room: usize,
    broken: bool,
    /// What the server has sent: in which turn, and what.
    writes: Vec<(usize, Vec<u8>)>,
    reads: Vec<usize>,
    closed: bool,
}

impl World {
    /// Somebody knocks. `room` is how much the network takes from the server.
    fn knock(&mut self, room: usize) -> usize {
        let wire = self.wires.len();
        self.wires.push(Wire { room, ..Wire::default() });
        self.at_door(Ok(wire));
        wire
    }

    fn at_door(&mut self, what: io::Result<usize>) {
        self.door.push_back(what);
        let token = Token::Listener(0);
        self.edges.push(Ready { token, readable: true, ending: false, writable: false });
    }

    /// A guest sends lines.
    fn says(&mut self, wire: usize, lines: &str) {
        self.wires[wire].coming.extend(lines.replace('\n', "\r\n").into_bytes());
        self.edge(wire, true, false);
    }

    fn hangs_up(&mut self, wire: usize) {
        self.wires[wire].ended = true;
        self.edge(wire, true, false);
    }

    /// The network takes so many bytes more.
    fn takes(&mut self, wire: usize, room: usize) {
        self.wires[wire].room += room;
        self.edge(wire, false, true);
    }

    fn edge(&mut self, wire: usize, readable: bool, writable: bool) {
        // Before it is accepted, the server starts with both.
        if let Some(number) = self.wires[wire].number {
            let (token, ending) = (Token::Stream(number), self.wires[wire].ended);
            self.edges.push(Ready { token, readable, ending, writable });
        }
    }

    fn heard(&self, wire: usize) -> String {
        let bytes: Vec<u8> = self.wires[wire].writes.iter().flat_map(|(_, w)| w.clone()).collect();
        String::from_utf8(bytes).unwrap()
    }
}

#[derive(Clone)]
struct Stage(Rc<RefCell<World>>);

impl Stage {
    fn new() -> Self {
        Self(Rc::default())
    }

    /// The next scene, played once.
    fn scene(&self, mut play: impl FnMut(&mut World) + 'static) {
        self.until(move |world| {
            play(world);
            true
        });
    }

    /// The next scene, played until it says that it is over.
    fn until(&self, play: impl FnMut(&mut World) -> bool + 'static) {
        self.0.borrow_mut().scenes.push_back(Box::new(play));
    }

    /// Plays all scenes to a server, stops it and sends everybody home.
    fn play(&self, config: Config, clock: &ManualClock, witness: &Witness) {
        self.scene(|world| {
            world.handle.as_ref().unwrap().stop();
            for wire in 0..world.wires.len() {
                world.takes(wire, 1 << 20);
                world.hangs_up(wire);
            }
        });
        let mut options = options(config, &["127.0.0.1:1"], clock.clone());
        options.host = Box::new(witness.clone());
        let server = bind_on(Script(self.clone()), options).unwrap();
        self.0.borrow_mut().handle = Some(server.handle());
        server.run().unwrap();
        assert!(self.0.borrow().scenes.is_empty(), "the server ended before the script");
    }

    fn play_to(&self, config: Config) {
        self.play(config, &ManualClock::default(), &Witness::default());
    }
}

struct Script(Stage);

impl Sys for Script {
    type Listener = ();
    type Stream = Guest;

    fn bind(&mut self, address: &Listen, _: Token) -> io::Result<((), Listen)> {
        Ok(((), address.clone()))
    }

    fn accept(&mut self, (): &mut ()) -> io::Result<(Guest, Option<IpAddr>)> {
        let mut world = self.0.0.borrow_mut();
        let wire = world.door.pop_front().unwrap_or(Err(io::ErrorKind::WouldBlock.into()))?;
        let turn = world.turn;
        world.accepted.push(turn);
        Ok((Guest { wire, stage: self.0.clone() }, None))
    }

    fn register(&mut self, guest: &mut Guest, token: Token) -> io::Result<()> {
        let Token::Stream(number) = token else { panic!("a guest is no listener") };
        self.0.0.borrow_mut().wires[guest.wire].number = Some(number);
        Ok(())
    }

    fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let mut world = self.0.0.borrow_mut();
        world.turn += 1;
        assert!(world.turn < 100_000, "the server spins");
        if timeout == Some(Duration::ZERO) {
            return Ok(());
        }
        world.sleeps.push(timeout);
        let mut scene = world.scenes.pop_front().expect("the script is over");
        if !scene(&mut world) {
            world.scenes.push_front(scene);
        }
        ready.append(&mut world.edges);
        Ok(())
    }

    fn waker(&self) -> Waker {
        Waker::noop().clone()
    }
}

struct Guest {
    wire: usize,
    stage: Stage,
}

impl Guest {
    fn wire<T>(&self, on: impl FnOnce(&mut Wire, usize) -> T) -> T {
        let mut world = self.stage.0.borrow_mut();
        let turn = world.turn;
        on(&mut world.wires[self.wire], turn)
    }
}

impl Read for Guest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire(|wire, turn| {
            assert_ne!(wire.reads.last(), Some(&turn), "one read a turn");
            wire.reads.push(turn);
            match wire.coming.read(buffer)? {
                0 if !wire.ended => Err(io::ErrorKind::WouldBlock.into()),
                read => Ok(read),
            }
        })
    }
}

impl Write for Guest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wire(|wire, turn| {
            if wire.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if wire.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            assert!(wire.writes.last().is_none_or(|(last, _)| *last < turn), "one write a turn");
            let sent = bytes.len().min(wire.room);
            wire.room -= sent;
            wire.writes.push((turn, bytes[..sent].to_vec()));
            Ok(sent)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Guest {
    fn shut_down_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.wire(|wire, _| wire.closed = true);
    }
}

const HELLO: &str = "NICK alice\nUSER alice 0 * :alice\n";

/// Answers of 400 kB to lines that come at once, as heard by somebody whose network takes `room`
/// bytes at a time.
fn greeting(room: usize) -> Vec<(usize, Vec<u8>)> {
    let mut config = Config { description: "x".repeat(386), ..talkative() };
    (config.limits.sendq_soft, config.limits.sendq_hard) = (1 << 20, 1 << 20);
    let stage = Stage::new();
    stage.scene(move |world| {
        world.knock(room);
    });
    stage.scene(|world| {
        world.says(0, &(HELLO.to_owned() + &"VERSION\n".repeat(500) + "PING end\n"));
    });
    stage.until(move |world| {
        world.takes(0, room.min(1 << 20));
        world.heard(0).contains(" PONG ")
    });
    stage.play_to(config);
    std::mem::take(&mut stage.0.borrow_mut().wires[0].writes)
}

#[test]
fn a_long_answer_leaves_in_bounded_pieces_one_a_turn() {
    let writes = greeting(PLENTY / 2);
    assert_eq!(writes.iter().map(|(_, bytes)| bytes.len()).max(), Some(64 << 10));
    assert!(writes.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn everything_arrives_whole_however_small_the_pieces() {
    let whole = |room| greeting(room).into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>();
    let expected = whole(PLENTY / 2);
    assert!(expected.len() > 400_000);
    for room in [1000, 4096, 70_000] {
        assert!(whole(room) == expected, "{room} bytes at a time");
    }
}

#[test]
fn those_who_are_told_all_leave_4_a_turn_and_others_go_on() {
    let stage = Stage::new();
    stage.scene(|world| {
        for _ in 0..13 {
            world.knock(PLENTY / 2);
        }
    });
    stage.scene(|world| {
        (1..13).for_each(|wire| world.says(wire, "QUIT\n"));
        world.says(0, HELLO);
    });
    stage.scene(|world| {
        (1..13).for_each(|wire| world.hangs_up(wire));
        world.says(0, "PING x\n");
    });
    stage.play_to(talkative());
    let world = stage.0.borrow();
    let (answered, pong) = world.wires[0].writes.iter().rev().nth(1).unwrap();
    assert!(pong.ends_with(b" :x\r\n"), "{}", pong.escape_ascii());
    let left =
        |turn| world.wires[1..].iter().filter(|wire| wire.reads.last() == Some(&turn)).count();
    assert_eq!([0, 1, 2].map(|later| left(answered + later)), [4, 4, 4]);
}

#[test]
fn a_crowd_is_let_in_4_a_turn_by_one_edge() {
    let stage = Stage::new();
    stage.scene(|world| {
        for _ in 0..14 {
            world.knock(PLENTY / 2);
        }
        world.edges.truncate(1);
    });
    stage.play_to(talkative());
    let world = stage.0.borrow();
    assert_eq!(world.accepted.len(), 14);
    let in_turn = |turn| world.accepted.iter().filter(|at| **at == turn).count();
    assert_eq!((2..=5).map(in_turn).collect::<Vec<_>>(), [4, 4, 4, 2]);
}

#[test]
fn after_a_turn_that_wrote_to_very_many_more_are_heard() {
    let stage = Stage::new();
    stage.scene(|world| {
        for _ in 0..400 {
            world.knock(PLENTY / 2);
        }
        world.edges.truncate(1);
    });
    stage.scene(|world| {
        for wire in 0..400 {
            world.says(wire, &format!("NICK guest{wire}\nUSER guest 0 * :guest\n"));
        }
    });
    stage.scene(|world| world.says(0, "PRIVMSG #lobby :hello\n"));
    stage.scene(|world| (1..400).for_each(|wire| world.says(wire, "PING x\n")));
    stage.play_to(talkative());
    let world = stage.0.borrow();
    let said = world.wires[1].writes.iter().find(|(_, bytes)| bytes.ends_with(b":hello\r\n"));
    let said = said.unwrap().0;
    let reads = |turn| world.wires.iter().filter(|wire| wire.reads.contains(&turn)).count();
    assert_eq!([1, 2, 3].map(|later| reads(said + later)), [99, 64, 64]);
}

#[test]
fn one_who_says_much_is_heard_in_turns_by_one_edge() {
    let stage = Stage::new();
    stage.scene(|world| {
        world.knock(PLENTY / 2);
        world.knock(PLENTY / 2);
    });
    stage.scene(|world| world.says(0, HELLO));
    stage.scene(|world| {
        world.says(0, &"PING :much\n".repeat(10_000));
        world.says(1, "NICK bob\nUSER bob 0 * :bob\n");
    });
    stage.play_to(talkative());
    let world = stage.0.borrow();
    assert_eq!(world.heard(0).matches(":much").count(), 10_000);
    let first_of_bob = world.wires[1].writes[0].0;
    let late = world.wires[0].reads.iter().filter(|turn| **turn > first_of_bob);
    assert!(late.count() > 2, "the other was answered long before");
}

#[test]
fn what_waits_for_one_who_hung_up_still_goes_out() {
    let stage = Stage::new();
    stage.scene(|world| {
        world.knock(0);
    });
    stage.scene(|world| {
        world.says(0, HELLO);
        world.says(0, "QUIT\n");
        world.hangs_up(0);
    });
    stage.until(|world| {
        world.takes(0, 100);
        world.wires[0].closed
    });
    stage.play_to(talkative());
    let heard = stage.0.borrow().heard(0);
    assert!(heard.contains(" 001 ") && heard.lines().last().unwrap().starts_with("ERROR"));
}

#[test]
fn a_wire_that_breaks_while_it_is_written_is_a_quit() {
    let stage = Stage::new();
    stage.scene(|world| {
        world.knock(PLENTY / 2);
        world.knock(PLENTY / 2);
    });
    stage.scene(|world| {
        world.says(0, HELLO);
        world.says(1, "NICK bob\nUSER bob 0 * :bob\n");
    });
    stage.scene(|world| world.says(0, "JOIN #rust\n"));
    stage.scene(|world| world.says(1, "JOIN #rust\n"));
    stage.scene(|world| {
        world.wires[1].broken = true;
        world.says(0, "PRIVMSG #rust :are you there?\n");
    });
    stage.scene(|world| {
        assert!(world.wires[1].closed);
        assert!(world.heard(0).contains("QUIT :Connection reset by peer"), "{}", world.heard(0));
    });
    stage.play_to(talkative());
}

#[test]
fn a_sleeping_server_is_not_woken_with_nothing_due() {
    let stage = Stage::new();
    stage.scene(|world| {
        world.knock(PLENTY / 2);
    });
    stage.scene(|world| world.says(0, HELLO));
    stage.scene(|_| {});
    stage.play_to(talkative());
    let limits = talkative().limits;
    let sleeps = &stage.0.borrow().sleeps;
    let (registration, ping) = (Some(limits.registration), Some(limits.ping_interval));
    assert_eq!(sleeps[..4], [None, registration, ping, ping]);
}

#[test]
fn a_door_without_descriptors_turns_away_and_opens_later() {
    let (stage, clock, witness) = (Stage::new(), ManualClock::default(), Witness::default());
    stage.scene(|world| {
        world.knock(PLENTY / 2);
    });
    stage.scene(|world| world.says(0, HELLO));
    stage.scene(|world| {
        world.at_door(Err(io::Error::from_raw_os_error(EMFILE)));
        for _ in 0..2 {
            world.knock(PLENTY / 2);
        }
        // There they are turned away.
        world.at_door(Err(io::ErrorKind::WouldBlock.into()));
    });
    stage.scene(|world| {
        for wire in [1, 2] {
            assert!(world.wires[wire].closed);
            assert!(world.heard(wire).starts_with("ERROR :"), "{}", world.heard(wire));
        }
        world.says(0, "PING :inside\n");
        world.knock(PLENTY / 2);
    });
    let moved = clock.clone();
    stage.scene(move |world| {
        assert!(world.heard(0).contains(":inside\r\n"), "those inside go on");
        assert!(world.wires[3].number.is_none(), "not yet");
        moved.advance(Duration::from_millis(10));
    });
    stage.scene(|world| assert!(world.wires[3].number.is_some()));
    stage.play(talkative(), &clock, &witness);
}

#[test]
fn without_descriptors_the_waits_grow_and_the_log_stays_short() {
    let (stage, clock, witness) = (Stage::new(), ManualClock::default(), Witness::default());
    let waits = [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map(Duration::from_millis);
    for wait in [Duration::ZERO].into_iter().chain(waits) {
        let clock = clock.clone();
        stage.scene(move |world| {
            clock.advance(wait);
            for _ in 0..2 {
                world.at_door(Err(io::Error::from_raw_os_error(EMFILE)));
            }
        });
    }
    stage.play(talkative(), &clock, &witness);
    let sleeps = &stage.0.borrow().sleeps;
    assert_eq!(sleeps[1..10], waits.map(Some));
    let refusals = witness.reports().into_iter();
    let refusals = refusals.filter(|report| matches!(report, Report::Refused { .. })).count();
    // 3.27 seconds have passed.
    assert!((2..=4).contains(&refusals), "{refusals} lines in the log");
}
