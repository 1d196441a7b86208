//! Tests a host of one's own with the simulator's judge.
//!
//! The host here is the least that there can be: everything arrives at once, one line after the other.
//! Yours has sockets, threads, a network of its own; or it is another server that speaks IRC, and says
//! in which order it carries lines out. What it takes is the same:
//!
//! - [`Judge::begin`] for each connection, whose number goes into its `USER`,
//! - [`Judge::sends`] for each line that a client sends,
//! - [`Judge::report`] for each report of the server, in their order,
//! - [`Judge::receives`] for each line that a client receives,
//! - [`Judge::settled`] and [`Judge::finish`] at the end.
//!
//! `cargo run -p sim --example own_host` judges it as it is, and then with a bug: a write that is
//! forgotten. What happened is left behind as a page for a browser.

use chat_core::{ConnId, Input, Instant, Now, Output, Pause, PeerInfo, Server, UnixMillis};
use sim::{Bounds, Broken, Concern, Event, Judge, LifeId, Log, Rng, Script, What, timeline};

const CLIENTS: usize = 3;

fn main() -> std::io::Result<()> {
    println!("as it is: {:?}", run(1, false).0);
    let (verdict, log) = run(1, true);
    println!("with a bug: {verdict:?}");

    let page = std::env::temp_dir().join("own-host.html");
    let script: Script = format!("clients {CLIENTS}").parse().expect("it is a script's head");
    std::fs::write(&page, timeline::html(&log, &script, "cargo run -p sim --example own_host"))?;
    println!("what happened: {}", page.display());
    Ok(())
}

/// A host with its clients, and the judge of both.
struct Host {
    server: Server,
    judge: Judge,
    log: Log,
    now_us: u64,
    /// The connection of each client: its number for the judge is its place.
    conns: Vec<ConnId>,
    writes: u32,
    forgetful: bool,
}

/// One run: a few clients who talk at random. What came of it, and what happened.
fn run(seed: u64, forgetful: bool) -> (Result<u64, Broken>, Log) {
    // The judge can follow a server with such a configuration.
    let config = Bounds::default().config();
    let judge = Judge::new(&config.name);
    let start = Now { mono: Instant::ZERO, wall: UnixMillis(0) };
    let server = Server::new(config, [1; 32], start).expect("the configuration is within bounds");
    let conns = Vec::new();
    let log = Log::default();
    let mut host = Host { server, judge, log, now_us: 0, conns, writes: 0, forgetful };
    let verdict = host.talk(seed);
    if let Err((property, detail)) = &verdict {
        host.tell(What::Broken { life: None, property, detail: detail.clone() });
    }
    (verdict, host.log)
}

impl Host {
    fn talk(&mut self, seed: u64) -> Result<u64, Broken> {
        for client in 0..CLIENTS {
            let life = self.judge.begin();
            self.tell(What::Opened { life, client: client as u32 });
            let conn = self.server.open(self.now(), PeerInfo { address: None, exempt: true });
            self.conns.push(conn.expect("there is room"));
            self.send(life, &format!("USER u{life} 0 * :Client {client}"))?;
            self.send(life, &format!("NICK c{client}_0"))?;
            self.send(life, "JOIN #ch0")?;
        }
        let mut rng = Rng::new(seed, Concern::Steps);
        for message in 0..20 {
            let life = rng.below(CLIENTS as u64) as LifeId;
            // No text is said twice.
            self.send(life, &format!("PRIVMSG #ch0 :m{message}-hello"))?;
        }
        for life in 0..CLIENTS {
            self.send(life, "NAMES #ch0")?;
            self.send(life, "PING 1")?;
        }
        let live: Vec<_> = (0..CLIENTS).map(|life| (life, vec![0])).collect();
        self.judge.settled(&live)?;
        Ok(self.judge.finish()?.predicted)
    }

    /// A client sends a line; all that follows happens at once.
    fn send(&mut self, life: LifeId, line: &str) -> Result<(), Broken> {
        self.now_us += 1_000;
        self.judge.sends(life, line, self.now_us);
        let bytes = format!("{line}\r\n").into_bytes();
        self.tell(What::Sent { life, bytes: bytes.clone() });
        self.tell(What::ReachedServer { life, bytes: bytes.clone() });
        self.server.handle(self.now(), Input::Data(self.conns[life], &bytes));
        loop {
            // What is written may follow from reports that come later: all of those first.
            let mut flushes = Vec::new();
            while let Some(output) = self.server.poll_output() {
                match output {
                    Output::Flush(conn) => flushes.push(conn),
                    Output::Report(report) => self.judge.report(&report)?,
                    // The others don't come in so calm a run. Yours must do what they say.
                    _ => {}
                }
            }
            if flushes.is_empty() {
                return Ok(());
            }
            flushes.into_iter().try_for_each(|conn| self.flush(conn))?;
        }
    }

    fn flush(&mut self, conn: ConnId) -> Result<(), Broken> {
        let bytes: Vec<u8> = self.server.outbox(conn).flat_map(|chunk| chunk.to_vec()).collect();
        self.server.handle(self.now(), Input::Sent(conn, bytes.len(), Pause::Full));
        self.writes += 1;
        if self.forgetful && self.writes == 40 {
            return Ok(());
        }
        let Some(life) = self.conns.iter().position(|known| *known == conn) else { return Ok(()) };
        self.tell(What::Wrote { life, bytes: bytes.clone() });
        self.tell(What::ReachedClient { life, bytes: bytes.clone() });
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.judge.receives(life, line, self.now_us)?;
        }
        Ok(())
    }

    fn now(&self) -> Now {
        let wall = UnixMillis(self.now_us / 1_000);
        Now { mono: Instant::from_micros(self.now_us), wall }
    }

    fn tell(&mut self, what: What) {
        self.log.events.push(Event { at_us: self.now_us, what });
    }
}

#[test]
fn the_judge_is_silent_until_something_is_forgotten() {
    for seed in 0..20 {
        let (verdict, _) = run(seed, false);
        assert!(verdict.as_ref().is_ok_and(|predicted| *predicted > 50), "{verdict:?}");
        let (verdict, _) = run(seed, true);
        assert!(verdict.is_err_and(|(property, _)| property == "predicted"));
    }
}
